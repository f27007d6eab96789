"""All steps: matching of wildcards, ARNs and variables in IAM policies. Pure."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

# A request's condition keys with their values; in lower case, since IAM's keys are case-insensitive
Context = Mapping[str, Sequence[str]]
# A policy's text as pieces, each with whether it is literal: values of variables and `${*}` are, wildcards are not
Pieces = tuple[tuple[str, bool], ...]
_VARIABLE = re.compile(r"\$\{([^}]*)\}")
# The five separators before an ARN's resource
_SEPARATORS = 5


def resolve(text: str, context: Context, variables: bool = True) -> Pieces | None:
    """Substitute `${key}` and `${key, 'default'}` with the request's values; None when a variable has no value.

    Only policies of Version 2012-10-17 have variables, and a statement whose variable has no value matches nothing:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
    """
    if not variables or "${" not in text:
        return ((text, False),)
    pieces: list[tuple[str, bool]] = []
    for position, piece in enumerate(_VARIABLE.split(text)):
        value = piece if position % 2 == 0 else _value(piece, context)
        if value is None:
            return None
        pieces.append((value, position % 2 == 1))
    return tuple(pieces)


def _value(variable: str, context: Context) -> str | None:
    if variable in ("*", "?", "$"):
        return variable
    key, _, default = variable.partition(",")
    values = context.get(key.strip().lower(), ())
    if len(values) == 1:
        return values[0]
    quoted = default.strip()
    return quoted[1:-1] if len(quoted) >= 2 and quoted[0] == quoted[-1] == "'" else None


def plain(pieces: Pieces) -> str:
    """Return the text, for operators without wildcards."""
    return "".join(text for text, _ in pieces)


def like(pieces: Pieces, value: str, ignore_case: bool = False) -> bool:
    """Match a value with `*` (any number of characters) and `?` (exactly one)."""
    return _expression(pieces, bounded=False, ignore_case=ignore_case).fullmatch(value) is not None


def resource_like(pieces: Pieces, arn: str) -> bool:
    """Match an ARN with a policy's Resource.

    A wildcard in one of the first five parts of an ARN matches no colon, unless it is the part's last character:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
    """
    return _expression(pieces, bounded=True, ignore_case=False).fullmatch(arn) is not None


def arn_like(pieces: Pieces, arn: str) -> bool:
    """Match as ArnLike and ArnEquals do: each of the six parts by itself.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
    """
    patterns, values = _parts(pieces), arn.split(":", _SEPARATORS)
    return len(patterns) == len(values) and all(
        like(pattern, part) for pattern, part in zip(patterns, values, strict=True)
    )


@lru_cache(maxsize=4096)
def _parts(pieces: Pieces) -> tuple[Pieces, ...]:
    parts: list[list[tuple[str, bool]]] = [[]]
    for text, literal in pieces:
        first, *others = text.split(":", _SEPARATORS + 1 - len(parts))
        parts[-1].append((first, literal))
        parts.extend([(other, literal)] for other in others)
    return tuple(tuple(part) for part in parts)


@lru_cache(maxsize=8192)
def _expression(pieces: Pieces, bounded: bool, ignore_case: bool) -> re.Pattern[str]:
    signs = [(sign, literal) for text, literal in pieces for sign in text]
    written, separators = [], 0
    for (sign, literal), (following, _) in zip(signs, [*signs[1:], ("", True)], strict=False):
        separators += sign == ":"
        inside = bounded and separators < _SEPARATORS
        if literal or sign not in "*?":
            written.append(re.escape(sign))
        elif sign == "?":
            written.append("[^:]" if inside else ".")
        else:
            written.append("[^:]*" if inside and following not in (":", "") else ".*")
    return re.compile("".join(written), re.DOTALL | (re.IGNORECASE if ignore_case else 0))
