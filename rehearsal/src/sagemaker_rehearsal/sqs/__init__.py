"""Amazon SQS: what moto lets pass and AWS refuses, and its resource types."""

from sagemaker_rehearsal.server.service import Service, collect
from sagemaker_rehearsal.sqs import checks
from sagemaker_rehearsal.sqs.types import RESOURCE_TYPES

SERVICE = Service(
    "sqs",
    operations=collect(checks),
    validators={"sqs": checks.require_valid},
    resource_types=RESOURCE_TYPES,
)
