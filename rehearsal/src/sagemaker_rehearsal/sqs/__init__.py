"""Amazon SQS: validation that moto lacks."""

from sagemaker_rehearsal.server.service import Service, collect
from sagemaker_rehearsal.sqs import checks

SERVICE = Service("sqs", operations=collect(checks), validators={"sqs": checks.require_valid})
