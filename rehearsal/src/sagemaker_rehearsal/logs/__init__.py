"""CloudWatch Logs: what moto lets pass and AWS refuses, and its resource types."""

from sagemaker_rehearsal.logs import checks
from sagemaker_rehearsal.logs.types import RESOURCE_TYPES
from sagemaker_rehearsal.server.service import Service, collect

SERVICE = Service("logs", operations=collect(checks), resource_types=RESOURCE_TYPES)
