"""CloudWatch: validation that moto lacks, and CloudFormation's resource type of alarms."""

from sagemaker_rehearsal.cloudwatch import checks
from sagemaker_rehearsal.cloudwatch.types import RESOURCE_TYPES
from sagemaker_rehearsal.server.service import Service, collect

SERVICE = Service("cloudwatch", operations=collect(checks), resource_types=RESOURCE_TYPES)
