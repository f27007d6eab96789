"""Amazon SNS: what moto lets pass and AWS refuses."""

from sagemaker_rehearsal.server.service import Service, collect
from sagemaker_rehearsal.sns import checks

SERVICE = Service("sns", operations=collect(checks))
