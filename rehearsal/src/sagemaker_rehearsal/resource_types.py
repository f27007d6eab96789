"""Steps 1 and 3: buckets and IAM as CloudFormation makes them; importing this registers the types."""

from sagemaker_rehearsal.iam import policy_types, role_types
from sagemaker_rehearsal.s3 import types

__all__ = ["policy_types", "role_types", "types"]
