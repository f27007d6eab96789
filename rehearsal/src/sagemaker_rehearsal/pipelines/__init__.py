"""Step 4: run the real pipeline definition on this machine."""
