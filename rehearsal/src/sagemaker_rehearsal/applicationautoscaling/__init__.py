"""Application Auto Scaling: scalable targets and scaling policies of endpoints."""

from sagemaker_rehearsal.applicationautoscaling import operations
from sagemaker_rehearsal.applicationautoscaling.types import RESOURCE_TYPES
from sagemaker_rehearsal.server.service import Service, collect

SERVICE = Service("applicationautoscaling", operations=collect(operations), resource_types=RESOURCE_TYPES)
