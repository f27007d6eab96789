"""Steps 3, 4 and 6: the input of a rule's target: the event, a part of it, a constant or a filled template. Pure.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

VARIABLE = re.compile(r"<([A-Za-z0-9_.-]+)>")
STEP = re.compile(r"\.([A-Za-z0-9_/-]+)|\[([0-9]+)\]|\['([^']+)'\]")
ABSENT = object()
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html#eb-transform-input-predefined
PREDEFINED = frozenset(
    f"aws.events.{name}" for name in ("rule-arn", "rule-name", "event.ingestion-time", "event", "event.json")
)


class TransformError(ValueError):
    """A target's input cannot be built from the event."""


def message(target: Mapping[str, Any], event: Mapping[str, Any], rule: str, rule_arn: str) -> str:
    """Return the text that is sent to a target.

    Args:
        target: as in PutTargets.
        event: the event.
        rule: the rule's name.
        rule_arn: its ARN.

    Raises:
        TransformError: the filled-in template is neither a text nor JSON.
    """
    if "Input" in target:
        return str(target["Input"])
    if "InputPath" in target:
        return json.dumps(value_at(event, target["InputPath"]), separators=(",", ":"))
    if "InputTransformer" not in target:
        return json.dumps(event, separators=(",", ":"))
    transformer = target["InputTransformer"]
    values = {
        name: value_at(event, path) for name, path in (transformer.get("InputPathsMap") or {}).items()
    } | _predefined(event, rule, rule_arn)
    return filled(transformer["InputTemplate"], values)


def _predefined(event: Mapping[str, Any], rule: str, rule_arn: str) -> dict[str, Any]:
    return {
        "aws.events.rule-arn": rule_arn,
        "aws.events.rule-name": rule,
        "aws.events.event.ingestion-time": event.get("time"),
        # AWS was recorded to write `detailType` here (LocalStack, test_input_transformer_predefined_variables)
        "aws.events.event": {
            "detailType" if key == "detail-type" else key: value for key, value in event.items() if key != "detail"
        },
        "aws.events.event.json": dict(event),
    }


def value_at(event: Mapping[str, Any], path: str) -> Any:  # noqa: ANN401 (JSON)
    """Follow a path such as `$.detail.state`; None where it leads nowhere.

    Raises:
        TransformError: the path is not valid.
    """
    if not path.startswith("$") or STEP.sub("", path[1:]):
        raise TransformError(f"InvalidEventPattern: {path} is no path that EventBridge takes")
    node: Any = event
    for name, number, quoted in STEP.findall(path[1:]):
        if number:
            node = node[int(number)] if isinstance(node, list) and int(number) < len(node) else None
        else:
            node = node.get(name or quoted) if isinstance(node, Mapping) else None
    return node


def filled(template: str, values: Mapping[str, Any]) -> str:
    """Fill a template: values between quotation marks as text, others as JSON; an absent value leaves its placeholder.

    A template of one or more quoted lines gives that text. Any other must give JSON, or EventBridge drops the event.

    Raises:
        TransformError: the filled template is neither quoted text nor JSON.
    """
    is_text = template.lstrip().startswith('"')
    parts, inside, position = [], False, 0
    for match in VARIABLE.finditer(template):
        before = template[position : match.start()]
        inside ^= _quotes(before) % 2 == 1
        parts += [before, _written(values.get(match.group(1), ABSENT), inside, is_text, match.group(0))]
        position = match.end()
    text = "".join([*parts, template[position:]])
    for line in text.splitlines() if is_text else [text]:
        _check(line)
    return text


def _check(text: str) -> None:
    try:
        json.loads(text or '""')
    except ValueError as error:
        raise TransformError(f"the input template does not give JSON: {error}: {text[:200]}") from None


def _quotes(text: str) -> int:
    return len(re.findall(r'(?<!\\)"', text))


def _written(value: object, inside: bool, is_text: bool, sign: str) -> str:
    if value is ABSENT:
        return sign
    if not inside:
        return '""' if value is None else json.dumps(value)
    if value is None or isinstance(value, str):
        return value or ""
    if is_text and isinstance(value, (list, Mapping)):
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False).replace('"', "")
    return json.dumps(value)
