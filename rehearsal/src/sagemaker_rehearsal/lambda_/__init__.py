"""Steps 3, 4 and 6: Lambda: functions whose real code runs in a process of its own, with its role's session only."""

from sagemaker_rehearsal.lambda_ import requests
from sagemaker_rehearsal.lambda_.function import Function, Invocation
from sagemaker_rehearsal.lambda_.invoke import invoke, invoke_async
from sagemaker_rehearsal.lambda_.names import arn_of, name_of
from sagemaker_rehearsal.lambda_.store import Functions, of
from sagemaker_rehearsal.lambda_.types import RESOURCE_TYPES
from sagemaker_rehearsal.server.service import Service, collect

__all__ = ["SERVICE", "Function", "Functions", "Invocation", "arn_of", "invoke", "invoke_async", "name_of", "of"]

SERVICE = Service(
    "lambda",
    operations={**requests.others(), **collect(requests)},
    validators={"lambda": requests.require_valid},
    resource_types=RESOURCE_TYPES,
)
