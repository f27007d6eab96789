"""Steps 7 and 10: CloudFormation: moto keeps stacks and resolves intrinsics, our engine makes the resources."""

from rehearsal.cloud.cloudformation import operations
from rehearsal.cloud.cloudformation.resources import ResourceType, register

__all__ = ["ResourceType", "operations", "register"]
