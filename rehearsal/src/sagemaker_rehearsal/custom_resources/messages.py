"""Step 3: CloudFormation's requests to a custom resource's function, and the rules for the response. Pure.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/crpg-ref.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/crpg-ref-responses.html
MOST_ANSWER, MOST_ID = 4096, 1024
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-customresource.html
LEAST_TIMEOUT, MOST_TIMEOUT = 1, 3600


class AnswerError(ValueError):
    """CloudFormation rejects a response; the message is the stack event's reason."""


@dataclass(frozen=True)
class Answer:
    """The response of a function.

    Attributes:
        status: SUCCESS or FAILED.
        reason: why it failed.
        physical: the resource's id.
        data: the attributes for Fn::GetAtt.
    """

    status: str
    reason: str
    physical: str
    data: Mapping[str, Any] = field(default_factory=dict)


def texts(value: Any) -> Any:  # noqa: ANN401 (JSON)
    """Return properties as CloudFormation sends them, with numbers and booleans as strings."""
    if isinstance(value, Mapping):
        return {str(key): texts(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [texts(item) for item in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


def timeout(properties: Mapping[str, Any]) -> int:
    """Return the seconds that CloudFormation waits for the response.

    Raises:
        AnswerError: ServiceTimeout is no integer in its range.
    """
    value = properties.get("ServiceTimeout", MOST_TIMEOUT)
    try:
        seconds = int(str(value))
    except ValueError:
        seconds = 0
    if not LEAST_TIMEOUT <= seconds <= MOST_TIMEOUT:
        raise AnswerError(f"ServiceTimeout must be an integer from {LEAST_TIMEOUT} to {MOST_TIMEOUT}, got {value}")
    return seconds


def parse(body: bytes, request: Mapping[str, Any]) -> Answer:
    """Parse the response to a request.

    Raises:
        AnswerError: it violates a rule of CloudFormation.
    """
    where = f"in object {request['StackId']}|{request['LogicalResourceId']}|{request['RequestId']}"
    if len(body) > MOST_ANSWER:
        raise AnswerError("Response object is too long.")
    try:
        answer = json.loads(body)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise AnswerError(f"Invalid response object: no JSON object {where}")
    for name in ("Status", "PhysicalResourceId", "StackId", "RequestId", "LogicalResourceId"):
        if not answer.get(name):
            raise AnswerError(f"Vendor response doesn't contain {name} key {where}")
        if name in request and name != "PhysicalResourceId" and answer[name] != request[name]:
            raise AnswerError(f"Vendor response has another {name} than the request {where}")
    return _checked(answer, where)


def _checked(answer: Mapping[str, Any], where: str) -> Answer:
    physical, data = answer["PhysicalResourceId"], answer.get("Data") or {}
    if not isinstance(physical, str) or len(physical.encode()) > MOST_ID:
        raise AnswerError("Invalid PhysicalResourceId")
    if answer["Status"] not in ("SUCCESS", "FAILED"):
        raise AnswerError(f"Vendor response has an invalid Status {where}")
    if answer["Status"] == "FAILED" and not answer.get("Reason"):
        raise AnswerError(f"Vendor response doesn't contain Reason key {where}")
    if not isinstance(data, Mapping):
        raise AnswerError(f"Vendor response has Data that is no object {where}")
    return Answer(answer["Status"], str(answer.get("Reason", "")), physical, texts(data))
