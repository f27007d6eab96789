"""Step 3: SQS: the attributes of queues.

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
    """Hold a request against the service model.

    Raises:
        AwsError: with SQS's code for the first thing that is wrong.
    """
    found = validation.violations(operation_model.input_shape, params)
    if not found:
        return
    if "must not be null" in found[0]:
        code = "MissingParameter"
    else:
        code = "InvalidAttributeName" if "at 'attributes." in found[0] else "InvalidParameterValue"
    raise AwsError(code, validation.message(found))


@operation("sqs", "CreateQueue", "SetQueueAttributes")
def set_attributes(call: Call) -> dict[str, Any]:
    """Take attributes that are in their range."""
    for name, value in (call.params.get("Attributes") or {}).items():
        least, most = RANGES.get(name, (None, None))
        if least is not None and most is not None and not (value.isdigit() and least <= int(value) <= most):
            raise AwsError("InvalidAttributeValue", f"Invalid value for the parameter {name}.")
    return call.to_moto()
