"""CloudWatch: what moto lets pass and AWS refuses, and alarms as CloudFormation makes them."""

from sagemaker_rehearsal.cloudwatch import checks
from sagemaker_rehearsal.cloudwatch.types import RESOURCE_TYPES
from sagemaker_rehearsal.server.service import Service, collect

SERVICE = Service("cloudwatch", operations=collect(checks), resource_types=RESOURCE_TYPES)
