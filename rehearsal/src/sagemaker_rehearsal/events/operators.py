"""Steps 3, 4 and 6: the comparison operators of EventBridge's event patterns. Pure.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sagemaker_rehearsal.events import wildcards

ANYTHING_BUT, CIDR, EQUALS, EXACTLY, EXISTS = "anything-but", "cidr", "equals-ignore-case", "exactly", "exists"
NUMERIC, PREFIX, SUFFIX, WILDCARD = "numeric", "prefix", "suffix", "wildcard"
COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "=": lambda seen, bound: seen == bound,
    "<": lambda seen, bound: seen < bound,
    "<=": lambda seen, bound: seen <= bound,
    ">": lambda seen, bound: seen > bound,
    ">=": lambda seen, bound: seen >= bound,
}
RESERVED = {ANYTHING_BUT, CIDR, EQUALS, EXACTLY, EXISTS, NUMERIC, PREFIX, SUFFIX, WILDCARD, *COMPARISONS}
# "Numeric matching is limited to values between -5.0e9 and +5.0e9 inclusive" (event-ruler)
NUMERIC_LIMIT = 5e9
# The form of an address that AWS's matcher parses
IP_ADDRESS = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+|[0-9a-fA-F:]*:[0-9a-fA-F:]*")


# AWS's messages for an operand within anything-but that is no string (LocalStack's recordings content_anything_*_EXC)
NO_TEXTS = {
    PREFIX: "prefix/suffix match pattern must be a string",
    SUFFIX: "prefix/suffix match pattern must be a string",
    WILDCARD: "wildcard match pattern must be a string",
    EQUALS: "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported.",
}


class PatternError(ValueError):
    """EventBridge would reject the pattern."""


class Written(float):
    """A number with its literal, by which numbers beyond the numeric limit are compared."""

    text: str

    def __new__(cls, text: str) -> Written:
        """Parse the number."""
        number = super().__new__(cls, text)
        number.text = text
        return number


@dataclass(frozen=True)
class Test:
    """One element of a field's array in a pattern.

    Attributes:
        accepts: whether a value passes.
        absent: whether it passes when there is no value.
        wildcards: the wildcards that it matches, whose complexity is limited per field.
    """

    accepts: Callable[[Any], bool]
    absent: bool = False
    wildcards: tuple[wildcards.Tokens, ...] = ()
    __test__ = False  # pytest must not collect it


def as_text(value: object) -> str:
    """Return a scalar as JSON; matching compares characters, "without any string normalization".

    Numbers within the numeric limit are written alike when they are equal. The documentation says that 300 and 300.0
    differ; AWS was recorded to match them (LocalStack, number_comparison_float, 2025-10-15), and its matcher adds
    `numericEquals` to every number that is comparable (event-ruler, JsonRuleCompiler.writeRules).
    """
    if is_number(value) and abs(float(value)) <= NUMERIC_LIMIT:  # type: ignore[arg-type]
        return repr(float(value) + 0.0)  # type: ignore[arg-type] # -0.0 is 0.0
    return value.text if isinstance(value, Written) else json.dumps(value, ensure_ascii=False)


def is_number(value: object) -> bool:
    """Return whether a value is a JSON number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def operator(node: Mapping[str, Any]) -> Test:
    """Parse an operator, e.g. `{"prefix": "a"}`.

    Raises:
        PatternError: the operator is unknown, or its operand is invalid.
    """
    if not node:
        raise PatternError("Match expression name not found")
    name, operand = next(iter(node.items()))
    if name not in OPERATORS:
        raise PatternError(f"Unrecognized match type {name}")
    test = OPERATORS[name](operand)
    if len(node) > 1:
        raise PatternError("Only one key allowed in match expression")
    return test


def _of_text(accepts: Callable[[str], bool]) -> Test:
    return Test(lambda seen: isinstance(seen, str) and accepts(seen))


def _text(name: str, operand: object) -> str:
    if not isinstance(operand, str):
        raise PatternError(f"{name} match pattern must be a string")
    return operand


def _exactly(operand: object) -> Test:
    expected = _text("exact", operand)
    return _of_text(lambda seen: seen == expected)


def _equals_ignore_case(operand: object) -> Test:
    expected = _text(EQUALS, operand).lower()
    return _of_text(lambda seen: seen.lower() == expected)


def _edge(name: str, of: Callable[[str, str], bool]) -> Callable[[object], Test]:
    """Return the parser of `prefix` or `suffix`, whose operand is a text or `{"equals-ignore-case": text}`."""

    def read(operand: object) -> Test:
        if isinstance(operand, dict):
            if not operand:
                raise PatternError(f"{name.capitalize()} expression name not found")
            if list(operand) != [EQUALS]:
                raise PatternError(f"Unsupported {name} pattern: {next(iter(operand))}")
            folded = _text(EQUALS, operand[EQUALS]).lower()
            return _of_text(lambda seen: of(seen.lower(), folded))
        edge = _text(name, operand)
        return _of_text(lambda seen: of(seen, edge))

    return read


def _wildcard(operand: object) -> Test:
    text = _text(WILDCARD, operand)
    try:
        # EventBridge counts positions from the quotation mark on
        read = wildcards.tokens(f'"{text}"')
    except wildcards.WildcardError as error:
        raise PatternError(str(error)) from None
    expression = wildcards.expression(read[1:-1])

    def accepts(seen: str) -> bool:
        return expression.fullmatch(seen.encode("utf-8", "surrogatepass")) is not None

    return Test(_of_text(accepts).accepts, wildcards=(read,))


def _exists(operand: object) -> Test:
    if not isinstance(operand, bool):
        raise PatternError("exists match pattern must be either true or false.")
    return Test(lambda seen: operand, absent=not operand)


def _cidr(operand: object) -> Test:
    network = _network(_text(PREFIX, operand))  # AWS says "prefix" here too

    def inside(seen: str) -> bool:
        try:
            return ipaddress.ip_address(seen) in network
        except ValueError:
            return False

    return _of_text(inside)


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """Parse a CIDR block, with the rules and messages of AWS's matcher.

    https://github.com/aws/event-ruler/blob/main/src/main/software/amazon/event/ruler/CIDR.java
    """
    address, slash, bits = text.partition("/")
    if not slash or not bits or "/" in bits:
        raise PatternError("Malformed CIDR, one '/' required")
    if not re.fullmatch(r"[+-]?[0-9]+", bits):
        raise PatternError("Malformed CIDR, mask bits must be an integer")
    if int(bits) < 0:
        raise PatternError("Malformed CIDR, mask bits must not be negative")
    if not IP_ADDRESS.fullmatch(address):
        raise PatternError(f"Nonstandard IP address: {address}")
    try:
        version = ipaddress.ip_address(address).version
    except ValueError:
        raise PatternError(f"Invalid IP address: {address}") from None
    most = 32 if version == 4 else 128
    if int(bits) >= most:
        raise PatternError(f"IPv{version} mask bits must be < {most}")
    return ipaddress.ip_network(f"{address}/{int(bits)}", strict=False)


def _numeric(operand: object) -> Test:
    if not isinstance(operand, list):
        raise PatternError("Value of numeric must be an array.")
    parts = [(operand[at], _bound(operand, at)) for at in range(0, len(operand), 2)]
    if not parts:
        raise PatternError("Invalid member in numeric match: ]")
    _check_range(parts)

    def accepts(seen: object) -> bool:
        if not is_number(seen):
            return False
        value = float(seen)  # type: ignore[arg-type]
        return abs(value) <= NUMERIC_LIMIT and all(COMPARISONS[sign](value, bound) for sign, bound in parts)

    return Test(accepts)


def _bound(operand: Sequence[Any], at: int) -> float:
    sign = operand[at]
    if not isinstance(sign, str):
        raise PatternError(f"Invalid member in numeric match: {sign}")
    if sign not in COMPARISONS:
        raise PatternError(f"Unrecognized numeric range operator: {sign}")
    value = operand[at + 1] if at + 1 < len(operand) else None
    if not is_number(value):
        raise PatternError(f"Value of {'equals' if sign == '=' else sign} must be numeric")
    if abs(float(value)) > NUMERIC_LIMIT:  # type: ignore[arg-type]
        raise PatternError("Value must be between -5.0E9 and 5.0E9, inclusive")
    return float(value)  # type: ignore[arg-type]


def _check_range(parts: Sequence[tuple[str, float]]) -> None:
    """Raise PatternError unless the parts are one comparison, or a lower and then an upper bound."""
    signs = [sign for sign, _ in parts]
    if len(parts) > 2:
        raise PatternError("Too many terms in numeric range expression")
    if len(parts) == 2 and signs[0] not in (">", ">="):
        raise PatternError("Too many elements in numeric expression")
    if len(parts) == 2 and signs[1] not in ("<", "<="):
        raise PatternError(f"Bad numeric range operator: {signs[1]}")
    if len(parts) == 2 and parts[0][1] >= parts[1][1]:
        raise PatternError("Bottom must be less than top")


def _anything_but(operand: object) -> Test:
    """Parse `anything-but`: a string, a number, a list of either, or an operator with one or more strings."""
    if isinstance(operand, dict):
        return _anything_but_operator(operand)
    if not isinstance(operand, list):
        _one_or_array(operand)
    values = operand if isinstance(operand, list) else [operand]
    if not all(isinstance(value, str) or is_number(value) for value in values):
        raise PatternError("Inside anything but list, start|null|boolean is not supported.")
    if not values or len({isinstance(value, str) for value in values}) > 1:
        raise PatternError(
            "Inside anything but list, either all values are number or string, mixed type is not supported"
        )
    if isinstance(values[0], str):
        return Test(lambda seen: seen not in values)
    numbers = {float(value) for value in values}  # type: ignore[arg-type]
    return Test(lambda seen: not is_number(seen) or float(seen) not in numbers)


def _one_or_array(operand: object) -> None:
    """Reject null, booleans and objects (LocalStack's recording of AWS, content_anything_but_string_null_type_EXC)."""
    if not isinstance(operand, (str, list)) and not is_number(operand):
        raise PatternError("Value of anything-but must be an array or single string/number value.")


def _anything_but_operator(node: Mapping[str, Any]) -> Test:
    if not node:
        raise PatternError("Anything-But expression name not found")
    name, operand = next(iter(node.items()))
    if name not in (PREFIX, SUFFIX, EQUALS, WILDCARD):
        raise PatternError(f"Unsupported anything-but pattern: {name}")
    _one_or_array(operand)
    values = operand if isinstance(operand, list) else [operand]
    if not values or not all(isinstance(value, str) for value in values):
        raise PatternError(NO_TEXTS[name])
    if name in (PREFIX, SUFFIX) and "" in values:
        raise PatternError("Null prefix/suffix not allowed")
    if len(node) > 1:
        raise PatternError("Too many elements in numeric expression")  # the message of AWS's matcher, for any operator
    tests = [OPERATORS[name](value) for value in values]
    tokens = tuple(wildcard for test in tests for wildcard in test.wildcards)
    return Test(lambda seen: not any(test.accepts(seen) for test in tests), wildcards=tokens)


OPERATORS: dict[str, Callable[[object], Test]] = {
    ANYTHING_BUT: _anything_but,
    CIDR: _cidr,
    EQUALS: _equals_ignore_case,
    EXACTLY: _exactly,
    EXISTS: _exists,
    NUMERIC: _numeric,
    PREFIX: _edge(PREFIX, str.startswith),
    SUFFIX: _edge(SUFFIX, str.endswith),
    WILDCARD: _wildcard,
}
