"""Plumbing: what SageMaker and S3 need: requests, names, environment, upload, and the pipeline in the account."""
