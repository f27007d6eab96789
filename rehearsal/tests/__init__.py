"""Tests of the engine alone; those of the product on the engine are in tests/rehearsed/ of the template."""
