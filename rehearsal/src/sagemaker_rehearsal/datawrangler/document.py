"""Step 4: parse the JSON of a flow file, with limits so that no file can hang or crash the parser."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from .errors import FlowError, shown

MAX_DEPTH = 64  # public flows have at most 9 levels
# A string (closed or not: an open one must not be scanned twice), or a bracket.
_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[{\]}]', re.DOTALL)


def decode(text: str) -> Mapping[str, Any]:
    """Return the object in `text`.

    Raises:
        FlowError: not JSON (with line and column), nested deeper than 64, a key twice, NaN, or no object at the top.
    """
    _check_depth(text)
    try:
        document = json.loads(
            text.removeprefix("\ufeff"), object_pairs_hook=_unique, parse_constant=_finite, parse_int=_integer
        )
    except json.JSONDecodeError as error:
        raise FlowError(
            f"line {error.lineno} column {error.colno}: {error.msg}; a flow file is JSON; export the flow again"
        ) from None
    if not isinstance(document, Mapping):
        raise FlowError(
            f"got {shown(document)}; a flow is an object whose 'nodes' must be a list; export the flow again"
        )
    return document


def _check_depth(text: str) -> None:
    depth = 0
    for token in _TOKEN.finditer(text):
        mark = token.group()[0]
        depth += (mark in "[{") - (mark in "]}")
        if depth > MAX_DEPTH:
            raise FlowError(
                f"position {token.start()}: nested deeper than {MAX_DEPTH}; a flow has at most {MAX_DEPTH} levels; "
                "export the flow again"
            )


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise FlowError(f"key {shown(twice)}: written twice in one object; each key stands once; remove one")
    return members


def _finite(name: str) -> float:
    raise FlowError(f"got {name}; JSON has only finite numbers; replace the value")


def _integer(digits: str) -> int:
    if len(digits) > 400:
        raise FlowError(f"got a number of {len(digits)} digits; no setting of a flow is that large; replace the value")
    return int(digits)
