"""Step 4: convert Spark's date patterns (yyyy-MM-dd) to Python's (%Y-%m-%d)."""

from __future__ import annotations

import re

from ..errors import shown
from ..parameters import Parameters

# https://spark.apache.org/docs/latest/sql-ref-datetime-pattern.html
_TOKENS = {
    "yyyy": "%Y", "yy": "%y", "y": "%Y", "MMMM": "%B", "MMM": "%b", "MM": "%m", "M": "%m", "dd": "%d", "d": "%d",
    "HH": "%H", "H": "%H", "hh": "%I", "h": "%I", "mm": "%M", "m": "%M", "ss": "%S", "s": "%S", "SSSSSS": "%f",
    "SSS": "%f", "a": "%p", "EEEE": "%A", "EEE": "%a", "E": "%a", "XXX": "%z", "XX": "%z", "X": "%z", "DDD": "%j",
}  # fmt: skip
_PART = re.compile(r"'([^']*)'|([A-Za-z])\2*|[^A-Za-z']")


def to_strptime(p: Parameters, key: str, default: str | None) -> str | None:
    """Return the pattern under `key` for strptime; None where the flow leaves the format open."""
    pattern = p.values.get(key) or default
    if pattern is None:
        return None
    if not isinstance(pattern, str):
        raise p.problem(key, f"got {shown(pattern)}; must be a date pattern such as yyyy-MM-dd; correct it")
    return "".join(_translate(p, key, part) for part in _PART.finditer(pattern))


def _translate(p: Parameters, key: str, part: re.Match[str]) -> str:
    if part.group(1) is not None:
        return part.group(1).replace("%", "%%")
    if part.group(2) is None:
        return part.group().replace("%", "%%")
    if part.group() not in _TOKENS:
        known = ", ".join(_TOKENS)
        raise p.problem(key, f"got {shown(part.group())} in the pattern; known here: {known}; use one of these")
    return _TOKENS[part.group()]
