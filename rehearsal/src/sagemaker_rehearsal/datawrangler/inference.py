"""Step 4: the types that Data Wrangler infers from the first rows when a flow has no trained schema."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import date

import pandas as pd

from .table import Kind, kind

SAMPLE = 5000
# A type is inferred when more than this share of the values that are not null-like has it.
SHARE = 0.8
MIN_FILLED = 0.3
_NULL_LIKE = re.compile(r"(?i)(null|none|nil|na|nan)|\s+$|$")


def infer(table: pd.DataFrame) -> dict[str, Kind]:
    """Return the type of each column; a column of another type than text keeps its type."""
    head = table.head(SAMPLE)
    return {str(name): _infer_text(head[name]) if kind(head[name]) == "string" else kind(head[name]) for name in head}


def _infer_text(series: pd.Series) -> Kind:
    texts = series.dropna().tolist()
    filled = len(texts) - sum(1 for text in texts if _NULL_LIKE.match(text))
    needed = MIN_FILLED * (SAMPLE if len(series) >= SAMPLE else len(series))
    if filled <= 0 or filled < needed:
        return "string"
    numbers = sum(map(_is_number, texts))
    if numbers / filled > SHARE:
        return "long" if sum(map(_is_whole, texts)) / numbers > SHARE else "float"
    for to, fits in _CHECKS.items():
        if sum(map(fits, texts)) / filled > SHARE:
            return to
    return "string"


def _is_number(text: str) -> bool:
    try:
        return "_" not in text and math.isfinite(float(text))
    except ValueError:
        return False


def _is_whole(text: str) -> bool:
    try:
        return _is_number(text) and float(text) == int(text)
    except ValueError:
        return False


def _is_date(text: str) -> bool:
    try:
        return bool(date.fromisoformat(text))
    except ValueError:
        return False


def _is_moment(text: str) -> bool:
    return pd.to_datetime(text, errors="coerce") is not pd.NaT


_CHECKS: dict[Kind, Callable[[str], bool]] = {
    "bool": lambda text: text.lower() in ("true", "false"),
    "date": _is_date,
    "datetime": _is_moment,
}
