"""Steps 1 to 10 on a laptop: the control plane, on the embedded AWS of the generated repository."""
