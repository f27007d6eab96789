"""Tests of the control plane; they need the generated repository's development packages."""
