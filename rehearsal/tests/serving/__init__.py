"""Step 7: tests of the endpoint on this machine."""
