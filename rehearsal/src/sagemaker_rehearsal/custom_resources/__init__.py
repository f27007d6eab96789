"""Step 3: custom resources of CloudFormation, which Lambda functions provision."""

from sagemaker_rehearsal.custom_resources.resource import RESOURCE_TYPES, ROUTE, answered
from sagemaker_rehearsal.server.service import Service

SERVICE = Service("custom_resources", resource_types=RESOURCE_TYPES, routes={ROUTE: answered})
