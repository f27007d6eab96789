"""Tests of the template: what it renders, what it refuses, and that every way of rendering gives the same bytes."""
