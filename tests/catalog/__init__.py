"""Steps 1 to 3 and 6: tests of the catalogue."""
