"""Step 3: what CloudFormation sends to a custom resource's function, and what it makes of the answer. Pure.

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
    """CloudFormation does not take an answer; the text is the event's reason."""


@dataclass(frozen=True)
class Answer:
    """What a function answered.

    Attributes:
        status: SUCCESS or FAILED.
        reason: why it failed.
        physical: the resource's id.
        data: what Fn::GetAtt can ask for.
    """

    status: str
    reason: str
    physical: str
    data: Mapping[str, Any] = field(default_factory=dict)


def texts(value: Any) -> Any:  # noqa: ANN401 (JSON)
    """Return properties as CloudFormation sends them: numbers and booleans are texts."""
    if isinstance(value, Mapping):
        return {str(key): texts(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [texts(item) for item in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


def timeout(properties: Mapping[str, Any]) -> int:
    """Return the seconds that CloudFormation waits.

    Raises:
        AnswerError: the property is no such number.
    """
    given = properties.get("ServiceTimeout", MOST_TIMEOUT)
    try:
        seconds = int(str(given))
    except ValueError:
        seconds = 0
    if not LEAST_TIMEOUT <= seconds <= MOST_TIMEOUT:
        raise AnswerError(f"ServiceTimeout must be an integer from {LEAST_TIMEOUT} to {MOST_TIMEOUT}, got {given}")
    return seconds


def parse(body: bytes, request: Mapping[str, Any]) -> Answer:
    """Read an answer to a request.

    Raises:
        AnswerError: it breaks a rule.
    """
    where = f"in object {request['StackId']}|{request['LogicalResourceId']}|{request['RequestId']}"
    if len(body) > MOST_ANSWER:
        raise AnswerError("Response object is too long.")
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise AnswerError(f"Invalid response object: no JSON object {where}")
    for name in ("Status", "PhysicalResourceId", "StackId", "RequestId", "LogicalResourceId"):
        if not found.get(name):
            raise AnswerError(f"Vendor response doesn't contain {name} key {where}")
        if name in request and name != "PhysicalResourceId" and found[name] != request[name]:
            raise AnswerError(f"Vendor response has another {name} than the request {where}")
    return _checked(found, where)


def _checked(found: Mapping[str, Any], where: str) -> Answer:
    physical, data = found["PhysicalResourceId"], found.get("Data") or {}
    if not isinstance(physical, str) or len(physical.encode()) > MOST_ID:
        raise AnswerError("Invalid PhysicalResourceId")
    if found["Status"] not in ("SUCCESS", "FAILED"):
        raise AnswerError(f"Vendor response has an invalid Status {where}")
    if found["Status"] == "FAILED" and not found.get("Reason"):
        raise AnswerError(f"Vendor response doesn't contain Reason key {where}")
    if not isinstance(data, Mapping):
        raise AnswerError(f"Vendor response has Data that is no object {where}")
    return Answer(found["Status"], str(found.get("Reason", "")), physical, texts(data))
