"""Tests of the steps as people walk them."""
