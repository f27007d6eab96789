"""Step 3: SQS: validation of queues' attributes.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
"""

from collections.abc import Mapping
from typing import Any

from botocore.model import OperationModel

from sagemaker_rehearsal.server import validation
from sagemaker_rehearsal.server.errors import AwsError
from sagemaker_rehearsal.server.service import Call, operation

RANGES = {
    "DelaySeconds": (0, 900),
    "MaximumMessageSize": (1024, 1_048_576),
    "MessageRetentionPeriod": (60, 1_209_600),
    "ReceiveMessageWaitTimeSeconds": (0, 20),
    "VisibilityTimeout": (0, 43_200),
}


def require_valid(operation_model: OperationModel, params: Mapping[str, Any]) -> None:
    """Validate a request against the service model.

    Raises:
        AwsError: with SQS's error code for the first violation.
    """
    violations = validation.violations(operation_model.input_shape, params)
    if not violations:
        return
    if "must not be null" in violations[0]:
        code = "MissingParameter"
    else:
        code = "InvalidAttributeName" if "at 'attributes." in violations[0] else "InvalidParameterValue"
    raise AwsError(code, validation.message(violations))


@operation("sqs", "CreateQueue", "SetQueueAttributes")
def set_attributes(call: Call) -> dict[str, Any]:
    """Validate the ranges of numeric attributes."""
    for name, value in (call.params.get("Attributes") or {}).items():
        least, most = RANGES.get(name, (None, None))
        if least is not None and most is not None and not (value.isdigit() and least <= int(value) <= most):
            raise AwsError("InvalidAttributeValue", f"Invalid value for the parameter {name}.")
    return call.to_moto()
