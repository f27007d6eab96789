"""Step 4: tests of AutoML on this machine."""
