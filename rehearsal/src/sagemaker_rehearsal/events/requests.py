"""Steps 3, 4 and 6: EventBridge's operations that moto lacks or validates less; `bus` matches and delivers events."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sagemaker_rehearsal.events import bus, delivery, input_transformer, patterns, schedule_expressions
from sagemaker_rehearsal.server.errors import AwsError
from sagemaker_rehearsal.server.service import Call, operation

# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html#eb-event-size
MOST_BYTES = 256 * 1024
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
MOST_PATTERN = 2048
MOST_TARGETS = 5


@operation("events", "PutEvents")
def put_events(call: Call) -> dict[str, Any]:
    """Publish events of applications; each entry is accepted or rejected on its own."""
    entries = call.params["Entries"]
    size = sum(_size(entry) for entry in entries)
    if size > MOST_BYTES:
        raise AwsError("ValidationException", "Total size of the entries in the request is over the limit.")
    results = [_put(call, entry) for entry in entries]
    return {"FailedEntryCount": sum("ErrorCode" in result for result in results), "Entries": results}


def _size(entry: Mapping[str, Any]) -> int:
    """Return an entry's size in bytes as the service counts it; a time counts as 14."""
    texts = [entry.get(name) or "" for name in ("Source", "DetailType", "Detail")]
    return sum(len(text.encode()) for text in [*texts, *(entry.get("Resources") or [])]) + 14 * bool(entry.get("Time"))


def _put(call: Call, entry: Mapping[str, Any]) -> dict[str, str]:
    for name in ("Source", "DetailType", "Detail"):
        if not entry.get(name):
            return _refused("InvalidArgument", f"Parameter {name} is not valid. Reason: {name} is a required argument.")
    if entry["Source"].startswith("aws."):
        return _refused("NotAuthorizedForSourceException", "Not authorized for the source.")
    if (entry.get("EventBusName") or "default").rpartition("/")[2] != "default":
        raise AwsError("NotImplemented", "The rehearsal has the default event bus only; see docs/parity.md", 501)
    try:
        detail = json.loads(entry["Detail"])
    except ValueError:
        detail = None
    if not isinstance(detail, dict):
        return _refused("MalformedDetail", "Detail is malformed.")
    timestamp = entry.get("Time")
    time = datetime.fromtimestamp(timestamp, UTC) if isinstance(timestamp, (int, float)) else timestamp
    resources = entry.get("Resources") or []
    event = bus.envelope(call.region, entry["Source"], entry["DetailType"], detail, resources, time)
    bus.of(call.cloud).put(event)
    return {"EventId": event["id"]}


def _refused(code: str, message: str) -> dict[str, str]:
    return {"ErrorCode": code, "ErrorMessage": message}


@operation("events", "PutRule")
def put_rule(call: Call) -> dict[str, Any]:
    """Store a rule in moto, after validating its pattern and schedule."""
    text = call.params.get("EventPattern")
    if text:
        _checked(text)
        if len(text) > MOST_PATTERN:
            raise AwsError("LimitExceededException", f"EventPattern has {len(text)} signs; at most {MOST_PATTERN}")
    schedule = call.params.get("ScheduleExpression")
    if schedule and (call.params.get("EventBusName") or "default").rpartition("/")[2] != "default":
        raise AwsError("ValidationException", "ScheduleExpression is supported only on the default event bus.")
    if schedule and not schedule_expressions.of_rule(schedule):
        raise AwsError("ValidationException", "Parameter ScheduleExpression is not valid.")
    return call.to_moto()


def _checked(text: str) -> patterns.Pattern:
    try:
        return patterns.parse(text)
    except patterns.PatternError as error:
        raise AwsError("InvalidEventPatternException", f"Event pattern is not valid. Reason: {error}") from None


@operation("events", "PutTargets")
def put_targets(call: Call) -> dict[str, Any]:
    """Store targets in moto; a target without a sender here is rejected now, not when an event arrives."""
    rule = call.params["Rule"]
    for target in call.params["Targets"]:
        service = delivery.service_of(target["Arn"])
        if service not in delivery.SENDERS:
            message = f"The rehearsal does not deliver events to {service or target['Arn']}; see docs/parity.md"
            raise AwsError("NotImplemented", message, 501)
        if service == "codepipeline" and not target.get("RoleArn"):
            raise AwsError("ValidationException", f"RoleArn is required for target {target['Arn']}.")
    events = call.cloud.client("events")
    bus_name = {"EventBusName": call.params["EventBusName"]} if call.params.get("EventBusName") else {}
    before = {target["Id"] for target in events.list_targets_by_rule(Rule=rule, **bus_name)["Targets"]}
    if len(before | {target["Id"] for target in call.params["Targets"]}) > MOST_TARGETS:
        raise AwsError("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
    for target in call.params["Targets"]:
        _require_one_input(target)
    return call.to_moto()


def _require_one_input(target: Mapping[str, Any]) -> None:
    """Reject more than one kind of input, and a template with an undeclared placeholder.

    LocalStack recorded both messages of AWS (tests/aws/services/events/test_events_inputs.py, 2025-03-12).
    """
    if sum(name in target for name in ("Input", "InputPath", "InputTransformer")) > 1:
        message = f"Only one of Input, InputPath, or InputTransformer must be provided for target {target['Id']}."
        raise AwsError("ValidationException", message)
    transformer = target.get("InputTransformer") or {}
    known = {*(transformer.get("InputPathsMap") or {}), *input_transformer.PREDEFINED}
    for name in input_transformer.VARIABLE.findall(transformer.get("InputTemplate") or ""):
        if name not in known:
            message = f"InputTemplate for target {target['Id']} contains invalid placeholder {name}."
            raise AwsError("ValidationException", message)


@operation("events", "DescribeRule")
def describe_rule(call: Call) -> dict[str, Any]:
    """Describe a rule; the error of an absent rule names the bus, which moto's message lacks."""
    try:
        return call.to_moto()
    except AwsError as error:
        if error.code != "ResourceNotFoundException" or not error.message.startswith("Rule "):
            raise
        name = (call.params.get("EventBusName") or "default").rpartition("/")[2]
        message = f"Rule {call.params['Name']} does not exist on EventBus {name}."
        raise AwsError(error.code, message) from error


@operation("events", "TestEventPattern")
def test_event_pattern(call: Call) -> dict[str, Any]:
    """Return whether a pattern matches an event."""
    try:
        event = patterns.read(call.params["Event"])
    except patterns.PatternError:
        event = None
    # The documentation lists `resources` as mandatory too; AWS was recorded to accept events without it
    needed = ("id", "account", "source", "time", "region", "detail-type")
    if not isinstance(event, dict) or any(name not in event for name in needed):
        raise AwsError("ValidationException", "Parameter Event is not valid.")
    return {"Result": patterns.matches(_checked(call.params["EventPattern"]), event)}


test_event_pattern.__test__ = False  # type: ignore[attr-defined] # pytest must not collect it
