"""Step 3: tests of the hook that seeds repositories."""
