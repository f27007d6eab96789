"""Steps 1, 2, 7 and 10: work out CloudFormation's functions and conditions in a template. Pure.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
"""

import base64
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol

NO_VALUE = object()  # what `Ref: AWS::NoValue` gives: the property, or the item of a list, is left out
SIGN = re.compile(r"\$\{(!?)([^}]*)\}")


class FunctionError(Exception):
    """A function that cannot be worked out; the message is CloudFormation's."""


class Scope(Protocol):
    """What a template's functions refer to."""

    def reference(self, name: str) -> Any:  # noqa: ANN401 (a text or a list)
        """Return what Ref gives."""

    def attribute(self, name: str, attribute: str) -> Any:  # noqa: ANN401 (a text or a list)
        """Return what Fn::GetAtt gives."""

    def condition(self, name: str) -> bool:
        """Decide a condition."""

    def mapping(self, name: str) -> Mapping[str, Any]:
        """Return a part of Mappings."""

    def imported(self, name: str) -> str:
        """Return another stack's export."""


def resolve(node: Any, scope: Scope) -> Any:  # noqa: ANN401 (JSON)
    """Replace every function in a part of a template.

    Raises:
        FunctionError: one cannot be worked out.
    """
    if isinstance(node, list):
        return [value for item in node if (value := resolve(item, scope)) is not NO_VALUE]
    if not isinstance(node, Mapping):
        return node
    if len(node) == 1:
        (name, argument), *_ = node.items()
        if name == "Ref":
            return scope.reference(argument)
        if name in FUNCTIONS:
            return FUNCTIONS[name](argument, scope)
        if name.startswith("Fn::"):
            raise FunctionError(f"Template error: the rehearsal does not know the function {name}; see docs/parity.md")
    resolved = {key: resolve(value, scope) for key, value in node.items()}
    return {key: value for key, value in resolved.items() if value is not NO_VALUE}


def decide(node: Any, scope: Scope) -> bool:  # noqa: ANN401 (JSON)
    """Decide a condition's expression.

    Raises:
        FunctionError: it is none.
    """
    if not isinstance(node, Mapping) or len(node) != 1:
        raise FunctionError("Template format error: every Conditions member must be a condition function.")
    (name, argument), *_ = node.items()
    if name == "Condition":
        return scope.condition(argument)
    if name == "Fn::Equals":
        left, right = (resolve(operand, scope) for operand in argument)
        return bool(left == right)
    if name == "Fn::Not":
        return not decide(argument[0], scope)
    if name in ("Fn::And", "Fn::Or"):
        return (all if name == "Fn::And" else any)([decide(operand, scope) for operand in argument])
    raise FunctionError(f"Template format error: {name} is no condition function.")


def _text(value: Any) -> str:  # noqa: ANN401 (JSON)
    if isinstance(value, list | dict) or value is NO_VALUE:
        raise FunctionError(f"Template error: a text is wanted where {json.dumps(value, default=str)} stands")
    return str(value)


def _sub(argument: Any, scope: Scope) -> str:  # noqa: ANN401 (JSON)
    template, variables = argument if isinstance(argument, list) else (argument, {})
    values = {name: resolve(value, scope) for name, value in variables.items()}

    def value(match: re.Match[str]) -> str:
        literal, name = match[1], match[2].strip()
        if literal:
            return f"${{{match[2]}}}"
        if name in values:
            return _text(values[name])
        logical, dot, attribute = name.partition(".")
        return _text(scope.attribute(logical, attribute) if dot else scope.reference(name))

    return SIGN.sub(value, template)


def _get_att(argument: Any, scope: Scope) -> Any:  # noqa: ANN401 (JSON)
    logical, attribute = argument if isinstance(argument, list) else str(argument).split(".", 1)
    return scope.attribute(logical, _text(resolve(attribute, scope)))


def _find_in_map(argument: Any, scope: Scope) -> Any:  # noqa: ANN401 (JSON)
    name, *keys = (_text(resolve(key, scope)) for key in argument[:3])
    mapping: Any = scope.mapping(name)
    for key in keys:
        if not isinstance(mapping, Mapping) or key not in mapping:
            raise FunctionError(f"Template error: Unable to get mapping for {'::'.join([name, *keys])}")
        mapping = mapping[key]
    return mapping


def _join(argument: Any, scope: Scope) -> str:  # noqa: ANN401 (JSON)
    items = resolve(argument[1], scope)
    return str(argument[0]).join(_text(item) for item in items)


def _select(argument: Any, scope: Scope) -> Any:  # noqa: ANN401 (JSON)
    index, items = int(_text(resolve(argument[0], scope))), resolve(argument[1], scope)
    if not 0 <= index < len(items):
        raise FunctionError("Template error: Fn::Select cannot select nonexistent value at index " + str(index))
    return items[index]


def _if(argument: Any, scope: Scope) -> Any:  # noqa: ANN401 (JSON)
    return resolve(argument[1 if scope.condition(argument[0]) else 2], scope)


FUNCTIONS: dict[str, Callable[[Any, Scope], Any]] = {
    "Fn::Sub": _sub,
    "Fn::GetAtt": _get_att,
    "Fn::FindInMap": _find_in_map,
    "Fn::Join": _join,
    "Fn::Split": lambda argument, scope: _text(resolve(argument[1], scope)).split(argument[0]),
    "Fn::Select": _select,
    "Fn::If": _if,
    "Fn::Base64": lambda argument, scope: base64.b64encode(_text(resolve(argument, scope)).encode()).decode(),
    "Fn::ImportValue": lambda argument, scope: scope.imported(_text(resolve(argument, scope))),
}
