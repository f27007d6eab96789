"""Steps 4, 7 and 10: the model behind HTTP on this machine, within the limits of a serverless endpoint."""
