"""Steps 1, 2, 7 and 10: CloudFormation: moto keeps stacks, our engine resolves templates and makes the resources."""

from sagemaker_rehearsal.cloudformation import changesets, operations
from sagemaker_rehearsal.cloudformation.resources import ResourceType, register

__all__ = ["ResourceType", "changesets", "operations", "register"]
