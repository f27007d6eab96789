"""Amazon SQS: what moto lets pass and AWS refuses."""
