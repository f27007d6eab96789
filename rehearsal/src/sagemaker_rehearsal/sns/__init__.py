"""Amazon SNS: what moto lets pass and AWS refuses, and its resource types."""

from sagemaker_rehearsal.server.service import Service, collect
from sagemaker_rehearsal.sns import checks
from sagemaker_rehearsal.sns.types import RESOURCE_TYPES

SERVICE = Service("sns", operations=collect(checks), resource_types=RESOURCE_TYPES)
