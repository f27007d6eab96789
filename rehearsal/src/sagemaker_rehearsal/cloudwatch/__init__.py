"""CloudWatch: what moto lets pass and AWS refuses."""
