"""Step 4: tests of the executor of pipeline definitions."""
