"""Amazon S3: what moto lets pass and AWS refuses, the bucket types of CloudFormation, and files by their URI."""
