"""CloudWatch Logs: validation that moto lacks."""

from sagemaker_rehearsal.logs import checks
from sagemaker_rehearsal.server.service import Service, collect

SERVICE = Service("logs", operations=collect(checks))
