"""Steps 3, 4 and 6: what a rule's target gets: the event, a part of it, a constant, or a template filled in. Pure.

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


class TransformError(ValueError):
    """A target's input that EventBridge could not make."""


def message(target: Mapping[str, Any], event: Mapping[str, Any], rule: str, rule_arn: str) -> str:
    """Give the text that is sent to a target.

    Args:
        target: as PutTargets takes it.
        event: the event.
        rule: the rule's name.
        rule_arn: its ARN.

    Raises:
        TransformError: the filled-in template is no JSON.
    """
    if "Input" in target:
        return str(target["Input"])
    if "InputPath" in target:
        return json.dumps(value_at(event, target["InputPath"]))
    if "InputTransformer" not in target:
        return json.dumps(event)
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
        "aws.events.event": {key: value for key, value in event.items() if key != "detail"},
        "aws.events.event.json": dict(event),
    }


def value_at(event: Mapping[str, Any], path: str) -> Any:  # noqa: ANN401 (JSON)
    """Follow a path such as `$.detail.state`; None where it leads nowhere.

    Raises:
        TransformError: it is no path.
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
    """Put values into a template: as text between quotation marks, else as JSON; one that is absent leaves nothing.

    Raises:
        TransformError: the result is no JSON ("the template must be valid JSON").
    """
    parts, inside, position = [], False, 0
    for found in VARIABLE.finditer(template):
        before = template[position : found.start()]
        inside ^= _quotes(before) % 2 == 1
        parts += [before, _written(values.get(found.group(1), ABSENT), inside, found.group(0))]
        position = found.end()
    text = "".join([*parts, template[position:]])
    try:
        json.loads(text)
    except ValueError as error:
        raise TransformError(f"the input template does not give JSON: {error}: {text[:200]}") from None
    return text


def _quotes(text: str) -> int:
    return len(re.findall(r'(?<!\\)"', text))


def _written(value: object, inside: bool, sign: str) -> str:
    if value is ABSENT:
        return sign
    if inside:
        return "" if value is None else value if isinstance(value, str) else json.dumps(value)
    return '""' if value is None else json.dumps(value)
