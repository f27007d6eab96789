"""Steps 3, 4 and 6: wildcards in EventBridge's event patterns: matching and complexity. Pure.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html#eb-filtering-wildcard-matching-complexity
The definition of complexity and the counting of positions are those of AWS's own matcher, https://github.com/aws/event-ruler
(MachineComplexityEvaluator, WildcardParser).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

# The bytes of a wildcard pattern; None is `*`
Tokens = tuple[int | None, ...]
# A prefix of a wildcard pattern: the pattern's number, and how many of its tokens
Beginning = tuple[int, int]
# AWS does not publish its limit. It rejected a pattern of complexity 11 and accepted one of 7 (LocalStack's recordings
# content_wildcard_complex_EXC and content_wildcard_repeating, 2025-10-15); 10 is the limit in event-ruler's README
MOST_COMPLEX = 10
STAR, BACKSLASH = ord("*"), ord("\\")


class WildcardError(ValueError):
    """A wildcard pattern that EventBridge rejects."""


def tokens(text: str) -> Tokens:
    """Parse a wildcard pattern: `*` is any text, `\\*` an asterisk, `\\\\` a backslash.

    Raises:
        WildcardError: for consecutive wildcards and other escapes, with the position in bytes.
    """
    return tuple(_tokens(text.encode("utf-8", "surrogatepass")))


def _tokens(written: bytes) -> Iterator[int | None]:
    position = 0
    while position < len(written):
        sign, following = written[position], written[position + 1 : position + 2]
        if sign == STAR and following == b"*":
            raise WildcardError(f"Consecutive wildcard characters at pos {position}")
        if sign == BACKSLASH:
            if following not in (b"*", b"\\"):
                raise WildcardError(f"Invalid escape character at pos {position}")
            position += 1
            yield following[0]
        else:
            yield None if sign == STAR else sign
        position += 1


def expression(wildcard: Tokens) -> re.Pattern[bytes]:
    """Return the regular expression of a wildcard pattern, over the bytes of a text."""
    return re.compile(b"".join(b".*" if token is None else re.escape(bytes([token])) for token in wildcard), re.DOTALL)


def complexity(wildcards: Sequence[Tokens], most: int = MOST_COMPLEX) -> int:
    """Return how many prefixes of the wildcard patterns a text can match at once, at worst.

    Args:
        wildcards: the wildcard patterns of one field.
        most: stop counting above this number.
    """
    alphabet = {None, *(sign for wildcard in wildcards for sign in wildcard)}
    start = _closed(wildcards, {(number, 0) for number in range(len(wildcards))})
    known, waiting, worst = {start}, [start], 0
    while waiting:
        reached = waiting.pop()
        worst = max(worst, sum(length > 0 for _, length in reached))
        if worst > most:
            return worst
        following = {_closed(wildcards, _after(wildcards, reached, sign)) for sign in alphabet} - known
        known |= following
        waiting += following
    return worst


def _after(wildcards: Sequence[Tokens], reached: frozenset[Beginning], sign: int | None) -> set[Beginning]:
    """Return the prefixes that match after one more byte; None stands for a byte that no pattern contains."""
    stayed = {(number, length) for number, length in reached if length and wildcards[number][length - 1] is None}
    grown = {
        (number, length + 1)
        for number, length in reached
        if sign is not None and length < len(wildcards[number]) and wildcards[number][length] == sign
    }
    return stayed | grown


def _closed(wildcards: Sequence[Tokens], reached: set[Beginning]) -> frozenset[Beginning]:
    """Add the prefixes whose last `*` matches the empty text."""
    more = {
        (number, length + 1)
        for number, length in reached
        if length < len(wildcards[number]) and wildcards[number][length] is None
    }
    return frozenset(reached | more)
