"""Steps 6 to 10: tests of what deploys, checks and documents a model."""
