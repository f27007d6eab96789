"""Steps 1, 2, 7 and 10: CloudFormation: moto keeps stacks, our engine resolves templates and makes the resources."""

from rehearsal.cloud.cloudformation import changesets, operations
from rehearsal.cloud.cloudformation.resources import ResourceType, register

__all__ = ["ResourceType", "changesets", "operations", "register"]
