"""Steps 1, 2, 7 and 10: CloudFormation: moto keeps stacks, our engine resolves templates and makes the resources."""

from sagemaker_rehearsal.cloudformation import changesets, operations
from sagemaker_rehearsal.cloudformation.cdk_metadata import CdkMetadata
from sagemaker_rehearsal.server.service import Service, collect

SERVICE = Service("cloudformation", operations=collect(changesets, operations), resource_types=(CdkMetadata(),))
