"""Steps 3, 4 and 6: EventBridge's event patterns: parsing and matching. Pure.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern.html
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
What those pages leave open (arrays of objects, keys with dots, error messages) follows AWS's own matcher,
https://github.com/aws/event-ruler.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sagemaker_rehearsal.events.operators import RESERVED, PatternError, Test, Written, as_text, operator
from sagemaker_rehearsal.events.wildcards import MOST_COMPLEX, complexity

__all__ = ["Pattern", "PatternError", "matches", "parse", "read"]

OR = "$or"
# An alternative of a pattern: the tests by a field's path, joined by dots; one test of each field must pass
Branch = Mapping[str, tuple[Test, ...]]
# The position of a value: the index in each array around it, by the array's path
Place = Mapping[tuple[str | int, ...], int]


@dataclass(frozen=True)
class Pattern:
    """A pattern, as alternatives without any `$or`."""

    branches: tuple[Branch, ...]


def read(text: str) -> Any:  # noqa: ANN401 (JSON)
    """Parse JSON, with numbers that keep their literals.

    Raises:
        PatternError: it is not valid JSON.
    """
    try:
        return json.loads(text, parse_float=Written, parse_int=Written)
    except ValueError as error:
        raise PatternError(f"Unrecognized token: {error}") from None


def parse(text: str) -> Pattern:
    """Parse a pattern.

    Raises:
        PatternError: EventBridge would reject it; the message gives the reason.
    """
    pattern = read(text)
    if not isinstance(pattern, dict):
        raise PatternError("Filter is not an object")
    branches = tuple(_object(pattern, ""))
    for tests in (tests for branch in branches for tests in branch.values()):
        _simple_enough(tests)
    return Pattern(branches)


def _simple_enough(tests: Sequence[Test]) -> None:
    wildcards = [wildcard for test in tests for wildcard in test.wildcards]
    if wildcards and complexity(wildcards) > MOST_COMPLEX:
        raise PatternError(
            "Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences "
            "after a wildcard character"
        )


def matches(pattern: Pattern, event: Mapping[str, Any]) -> bool:
    """Return whether an event matches a pattern."""
    fields: dict[str, list[tuple[Any, Place]]] = {}
    for path, value, place in _leaves(event, "", (), {}):
        fields.setdefault(path, []).append((value, place))
    return any(_holds(list(branch.items()), fields, {}) for branch in pattern.branches)


def _object(node: Mapping[str, Any], path: str, inside_or: bool = False) -> list[Branch]:
    """Return the alternatives of an object in a pattern, with every `$or` expanded."""
    if not node:
        raise PatternError("Empty objects are not allowed")
    groups = [_field(name, value, path, inside_or) for name, value in node.items()]
    return [
        {key: tests for part in parts for key, tests in part.items()}
        for parts in itertools.product(*groups)
    ]  # fmt: skip


def _field(name: str, value: object, path: str, inside_or: bool) -> list[Branch]:
    if name == OR and _is_or(value):
        assert isinstance(value, list)  # noqa: S101 (_is_or has seen it)
        return [branch for part in value for branch in _object(part, path, inside_or=True)]
    if inside_or and name in RESERVED:
        raise PatternError(f"{name} is Ruler reserved fieldName which cannot be used inside {OR}.")
    below = f"{path}.{name}" if path else name
    if isinstance(value, dict):
        return _object(value, below, inside_or)
    if isinstance(value, list):
        return [{below: _tests(value)}]
    raise PatternError(f'"{name}" must be an object or an array')


def _is_or(value: object) -> bool:
    """Return whether `$or` is the operator, not a field's name: objects, two or more, without operators as keys."""
    if not isinstance(value, list) or len(value) < 2 or not all(isinstance(alternative, dict) for alternative in value):
        return False
    return not any(name in RESERVED for alternative in value for name in alternative)


def _tests(values: Sequence[object]) -> tuple[Test, ...]:
    if not values:
        raise PatternError("Empty arrays are not allowed")
    return tuple(_test(value) for value in values)


def _test(value: object) -> Test:
    if isinstance(value, dict):
        return operator(value)
    if isinstance(value, list):
        raise PatternError("Match value must be String, number, true, false, or null")
    expected = as_text(value)
    return Test(lambda seen: as_text(seen) == expected)


def _leaves(
    node: object, path: str, position: tuple[str | int, ...], place: dict[tuple[str | int, ...], int]
) -> Iterator[tuple[str, Any, Place]]:
    """Yield each scalar with its path, in which arrays do not appear, and its position in the arrays."""
    if isinstance(node, Mapping):
        for name, value in node.items():
            yield from _leaves(value, f"{path}.{name}" if path else name, (*position, name), place)
    elif isinstance(node, (list, tuple)):
        for number, value in enumerate(node):
            yield from _leaves(value, path, (*position, number), {**place, position: number})
    else:
        yield path, node, place


def _holds(
    conditions: Sequence[tuple[str, tuple[Test, ...]]], fields: Mapping[str, list[tuple[Any, Place]]], so_far: Place
) -> bool:
    """Return whether each field has a value that passes, all in the same elements of the arrays that they share."""
    if not conditions:
        return True
    (path, tests), *rest = conditions
    values = fields.get(path, [])
    if not values:
        return any(test.absent for test in tests) and _holds(rest, fields, so_far)
    for value, place in values:
        together = all(so_far.get(array, number) == number for array, number in place.items())
        passes = any(not test.absent and test.accepts(value) for test in tests)
        if together and passes and _holds(rest, fields, {**so_far, **place}):
            return True
    return False
