"""Amazon S3: validation that moto lacks, and CloudFormation's resource types of buckets."""

from sagemaker_rehearsal.s3 import bucket_checks, object_checks
from sagemaker_rehearsal.s3.types import RESOURCE_TYPES
from sagemaker_rehearsal.server.service import Service

SERVICE = Service("s3", checks=(bucket_checks.check, object_checks.check), resource_types=RESOURCE_TYPES)
