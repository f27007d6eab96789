"""Step 4: evaluate the conditions of a condition step, of every type that the SDK has. Pure."""

import operator
from collections.abc import Callable, Mapping
from typing import Any

from sagemaker_rehearsal.pipelines.errors import ExecutorError

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "Equals": operator.eq,
    "GreaterThan": operator.gt,
    "GreaterThanOrEqualTo": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
}


def holds(condition: Mapping[str, Any]) -> bool:
    """Evaluate a condition whose references are resolved.

    Raises:
        ExecutorError: for an unknown type, or values that cannot be compared.
    """
    kind = condition.get("Type")
    if kind in COMPARISONS:
        return _compare(kind, condition["LeftValue"], condition["RightValue"])
    if kind == "In":
        return any(_compare("Equals", condition["QueryValue"], value) for value in condition["Values"])
    if kind == "Not":
        return not holds(condition["Expression"])
    if kind == "Or":
        return any(holds(inner) for inner in condition["Conditions"])
    raise ExecutorError(f"ClientError: condition of unknown type {kind!r}")


def _compare(kind: str, left: Any, right: Any) -> bool:  # noqa: ANN401 (JSON)
    numbers = [value for value in (left, right) if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) == 1:  # a text with a number is compared as a number, since job outputs are text
        left, right = _number(left), _number(right)
    if kind != "Equals" and type(left) is not type(right) and not (len(numbers) == 2 or isinstance(left, float)):
        raise ExecutorError(f"ClientError: {left!r} and {right!r} cannot be compared")
    try:
        return bool(COMPARISONS[kind](left, right))
    except TypeError as error:
        raise ExecutorError(f"ClientError: {left!r} and {right!r} cannot be compared") from error


def _number(value: Any) -> Any:  # noqa: ANN401 (JSON)
    try:
        return float(value)
    except (TypeError, ValueError):
        return value
