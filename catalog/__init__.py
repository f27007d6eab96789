"""Steps 1 to 3 and 6: the product that Studio users provision, and what publishes and seeds it."""
