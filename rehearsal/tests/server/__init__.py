"""Steps 4 to 10: tests of the embedded AWS."""
