"""All steps: the Condition element of IAM policies.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sagemaker_rehearsal.iam.matching import Context, Pieces, arn_like, like, plain, resolve

Compare = Callable[[Pieces, str], bool]


class ConditionError(ValueError):
    """A condition that IAM would reject; the message names the part."""


def _numbers(holds: Callable[[float, float], bool]) -> Compare:
    def compare(expected: Pieces, value: str) -> bool:
        try:
            return holds(float(value), float(plain(expected)))
        except ValueError:
            return False

    return compare


def _dates(holds: Callable[[datetime, datetime], bool]) -> Compare:
    def compare(expected: Pieces, value: str) -> bool:
        try:
            return holds(_date(value), _date(plain(expected)))
        except ValueError:
            return False

    return compare


def _date(text: str) -> datetime:
    if text.replace(".", "", 1).isdigit() and "-" not in text and len(text) > 4:
        return datetime.fromtimestamp(float(text), UTC)
    read = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def _address(expected: Pieces, value: str) -> bool:
    try:
        return ipaddress.ip_address(value) in ipaddress.ip_network(plain(expected), strict=False)
    except ValueError:
        return False


# The operators that are not negated; `_NEGATED` maps the others to them
_OPERATORS: dict[str, Compare] = {
    "StringEquals": lambda expected, value: plain(expected) == value,
    "StringEqualsIgnoreCase": lambda expected, value: plain(expected).lower() == value.lower(),
    "StringLike": like,
    "NumericEquals": _numbers(lambda value, expected: value == expected),
    "NumericLessThan": _numbers(lambda value, expected: value < expected),
    "NumericLessThanEquals": _numbers(lambda value, expected: value <= expected),
    "NumericGreaterThan": _numbers(lambda value, expected: value > expected),
    "NumericGreaterThanEquals": _numbers(lambda value, expected: value >= expected),
    "DateEquals": _dates(lambda value, expected: value == expected),
    "DateLessThan": _dates(lambda value, expected: value < expected),
    "DateLessThanEquals": _dates(lambda value, expected: value <= expected),
    "DateGreaterThan": _dates(lambda value, expected: value > expected),
    "DateGreaterThanEquals": _dates(lambda value, expected: value >= expected),
    "Bool": lambda expected, value: plain(expected).lower() == value.lower() in ("true", "false"),
    "BinaryEquals": lambda expected, value: plain(expected) == value,
    "IpAddress": _address,
    "ArnEquals": arn_like,
    "ArnLike": arn_like,
}
_NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
    "NotIpAddress": "IpAddress",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
}
_LOWER = {name.lower(): name for name in (*_OPERATORS, *_NEGATED, "Null")}


@dataclass(frozen=True)
class Condition:
    """One operator for one key.

    Attributes:
        operator: without prefix, suffix and negation, e.g. `StringLike`, or `Null`.
        key: in lower case.
        expected: the policy's values.
        negated: for StringNotLike and the other negated operators.
        each: `all` (ForAllValues), `any` (ForAnyValue), or empty for single-valued keys.
        if_exists: whether the condition holds where the request has no such key.
        variables: whether the values may contain policy variables.
    """

    operator: str
    key: str
    expected: tuple[str, ...]
    negated: bool = False
    each: str = ""
    if_exists: bool = False
    variables: bool = True

    def holds(self, context: Context) -> bool:
        """Return whether a request with these keys meets the condition."""
        values = context.get(self.key, ())
        if self.operator == "Null":
            return any((text.lower() == "true") == (not values) for text in self.expected)
        if not values:
            # Without the key, only negated operators and ForAllValues hold; ForAnyValue never does
            return self.if_exists or self.each == "all" or (self.negated and self.each != "any")
        met = [self._matches(value, context) for value in values]
        return all(met) if self.each == "all" or (self.negated and not self.each) else any(met)

    def _matches(self, value: str, context: Context) -> bool:
        compare = _OPERATORS[self.operator]
        resolved = (resolve(text, context, self.variables) for text in self.expected)
        return any(compare(pattern, value) for pattern in resolved if pattern is not None) != self.negated


def read(block: Mapping[str, Mapping[str, object]], variables: bool) -> tuple[Condition, ...]:
    """Parse a statement's Condition; all conditions of the result must hold.

    Raises:
        ConditionError: for an unknown operator.
    """
    return tuple(
        _read_one(operator, key, values, variables) for operator, keys in block.items() for key, values in keys.items()
    )


def _read_one(written: str, key: str, values: object, variables: bool) -> Condition:
    prefix, _, name = written.rpartition(":")
    if_exists = name.lower().endswith("ifexists")
    known = _LOWER.get(name[:-8].lower() if if_exists else name.lower())
    each = {"": "", "forallvalues": "all", "foranyvalue": "any"}.get(prefix.lower())
    if known is None or each is None or (known == "Null" and if_exists):
        raise ConditionError(f"Invalid condition operator: {written}")
    operator = _NEGATED.get(known, known)
    return Condition(operator, key.lower(), _texts(values), known in _NEGATED, each, if_exists, variables)


def _texts(values: object) -> tuple[str, ...]:
    several: Sequence[object] = values if isinstance(values, list) else [values]
    return tuple(str(value).lower() if isinstance(value, bool) else str(value) for value in several)
