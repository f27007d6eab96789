"""Amazon SNS: validation that moto lacks."""

from sagemaker_rehearsal.server.service import Service, collect
from sagemaker_rehearsal.sns import checks

SERVICE = Service("sns", operations=collect(checks))
