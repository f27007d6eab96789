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
    """A condition that IAM would not accept; the message says which part."""


def _numbers(holds: Callable[[float, float], bool]) -> Compare:
    def compare(wanted: Pieces, given: str) -> bool:
        try:
            return holds(float(given), float(plain(wanted)))
        except ValueError:
            return False

    return compare


def _dates(holds: Callable[[datetime, datetime], bool]) -> Compare:
    def compare(wanted: Pieces, given: str) -> bool:
        try:
            return holds(_date(given), _date(plain(wanted)))
        except ValueError:
            return False

    return compare


def _date(text: str) -> datetime:
    if text.replace(".", "", 1).isdigit() and "-" not in text and len(text) > 4:
        return datetime.fromtimestamp(float(text), UTC)
    read = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def _address(wanted: Pieces, given: str) -> bool:
    try:
        return ipaddress.ip_address(given) in ipaddress.ip_network(plain(wanted), strict=False)
    except ValueError:
        return False


# Each with its negation, if there is one
_OPERATORS: dict[str, Compare] = {
    "StringEquals": lambda wanted, given: plain(wanted) == given,
    "StringEqualsIgnoreCase": lambda wanted, given: plain(wanted).lower() == given.lower(),
    "StringLike": like,
    "NumericEquals": _numbers(lambda given, wanted: given == wanted),
    "NumericLessThan": _numbers(lambda given, wanted: given < wanted),
    "NumericLessThanEquals": _numbers(lambda given, wanted: given <= wanted),
    "NumericGreaterThan": _numbers(lambda given, wanted: given > wanted),
    "NumericGreaterThanEquals": _numbers(lambda given, wanted: given >= wanted),
    "DateEquals": _dates(lambda given, wanted: given == wanted),
    "DateLessThan": _dates(lambda given, wanted: given < wanted),
    "DateLessThanEquals": _dates(lambda given, wanted: given <= wanted),
    "DateGreaterThan": _dates(lambda given, wanted: given > wanted),
    "DateGreaterThanEquals": _dates(lambda given, wanted: given >= wanted),
    "Bool": lambda wanted, given: plain(wanted).lower() == given.lower() in ("true", "false"),
    "BinaryEquals": lambda wanted, given: plain(wanted) == given,
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
        wanted: the policy's values.
        negated: of StringNotLike and its kind.
        each: `all`, `any`, or empty for keys of one value.
        if_exists: holds where the request has no such key.
        variables: whether the values may hold policy variables.
    """

    operator: str
    key: str
    wanted: tuple[str, ...]
    negated: bool = False
    each: str = ""
    if_exists: bool = False
    variables: bool = True

    def holds(self, context: Context) -> bool:
        """Tell whether a request with these keys meets the condition."""
        given = context.get(self.key, ())
        if self.operator == "Null":
            return any((value.lower() == "true") == (not given) for value in self.wanted)
        if not given:
            # Without the key: only the negated hold, and ForAllValues; ForAnyValue never does
            return self.if_exists or self.each == "all" or (self.negated and self.each != "any")
        met = [self._one(value, context) for value in given]
        return all(met) if self.each == "all" or (self.negated and not self.each) else any(met)

    def _one(self, given: str, context: Context) -> bool:
        compare = _OPERATORS[self.operator]
        resolved = (resolve(value, context, self.variables) for value in self.wanted)
        return any(compare(value, given) for value in resolved if value is not None) != self.negated


def read(block: Mapping[str, Mapping[str, object]], variables: bool) -> tuple[Condition, ...]:
    """Read a statement's Condition; all of the result must hold.

    Raises:
        ConditionError: for an operator that IAM does not have.
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
    return tuple(str(one).lower() if isinstance(one, bool) else str(one) for one in several)
