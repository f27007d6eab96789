"""Tests of the control plane; they run where the generated repository's development packages are installed."""
