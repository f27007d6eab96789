"""KMS: CloudFormation's resource type of keys; moto answers the API."""

from sagemaker_rehearsal.kms.types import RESOURCE_TYPES
from sagemaker_rehearsal.server.service import Service

SERVICE = Service("kms", resource_types=RESOURCE_TYPES)
