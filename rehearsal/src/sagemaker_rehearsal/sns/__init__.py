"""Amazon SNS: what moto lets pass and AWS refuses."""
