"""Plumbing: load settings.yaml into frozen, checked values; each mistake is a sentence with its line."""
