"""Steps 4 and 6: tests of the router."""
