"""Measurements of the template itself; the generated repository has its own in its bench/."""
