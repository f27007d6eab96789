"""CloudWatch Logs: what moto lets pass and AWS refuses."""
