"""Step 4: the column types of a flow and the casts between them, by Spark's rules.

A table is a pandas DataFrame whose columns have one of six types. A value that cannot be cast becomes null, as in Spark
without ANSI mode (https://spark.apache.org/docs/latest/sql-ref-ansi-compliance.html). Null and NaN are the same here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute

pc: Any = pyarrow.compute  # pyarrow has no types

Kind = Literal["string", "long", "float", "bool", "date", "datetime"]

TEXT = pd.StringDtype("pyarrow")
LONG = pd.Int64Dtype()
FLOAT = np.dtype("float64")
BOOL = pd.BooleanDtype()
DATE = pd.ArrowDtype(pa.date32())
DATETIME = np.dtype("datetime64[us]")
DTYPES: dict[Kind, Any] = {
    "string": TEXT, "long": LONG, "float": FLOAT, "bool": BOOL, "date": DATE, "datetime": DATETIME,
}  # fmt: skip

_WHOLE = r"^[+-]?(\d+\.?\d*|\.\d+)$"
_TRUE = frozenset({"t", "true", "y", "yes", "1"})
_FALSE = frozenset({"f", "false", "n", "no", "0"})
_DAY = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2})(?:[ T].*)?)?)?")


def kind(series: pd.Series) -> Kind:
    """Return a column's type by its name in a flow."""
    dtype = series.dtype
    for name, known in DTYPES.items():
        if dtype == known:
            return name
    if pd.api.types.is_datetime64_any_dtype(dtype):
        return "datetime"
    raise TypeError(f"column {series.name!r} has the type {dtype}, which no flow column has")


def map_text(series: pd.Series, function: Callable[[str], object], to: Kind = "string") -> pd.Series:
    """Apply `function` once to each distinct value of a column; null stays null.

    Args:
        series: any column; other types than text are converted to text first.
        function: from a text to a value of the type `to`, or to None.
        to: the type of the result.
    """
    codes, values = pd.factorize(as_text(series))
    mapped = pd.Series([function(value) for value in values] + [None], dtype=object)
    return pd.Series(typed(mapped, to).array.take(codes), index=series.index, name=series.name)


def typed(values: pd.Series, to: Kind) -> pd.Series:
    """Return Python values as a column of the type `to`; None and NaN are null."""
    if to == "float":
        return pd.to_numeric(values, errors="coerce").astype(FLOAT)
    if to == "datetime":
        return pd.to_datetime(values, errors="coerce").astype(DATETIME)
    return values.astype(DTYPES[to])


def cast(series: pd.Series, to: Kind) -> pd.Series:
    """Cast a column to the type `to`; values that cannot be cast become null."""
    origin = kind(series)
    if origin == to:
        return series
    if to == "string":
        return as_text(series)
    if origin == "string":
        return _FROM_TEXT[to](series)
    return _between(series, origin, to)


def as_text(series: pd.Series) -> pd.Series:
    """Return the column as text, each value as Spark writes it."""
    origin = kind(series)
    if origin == "string":
        return series
    if origin == "float":
        return _map_values(series, java_double)
    if origin == "bool":
        return series.map({True: "true", False: "false"}).astype(TEXT)
    if origin == "datetime":
        return pd.Series(series.dt.strftime("%Y-%m-%d %H:%M:%S"), dtype=TEXT)
    return series.astype(TEXT)


def java_double(value: float) -> str:
    """Return a double as Java prints it: 5.0, 0.001, 1.0E7."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return np.format_float_positional(value, trim="0")
    mantissa, exponent = np.format_float_scientific(value, trim="0").split("e")
    return f"{mantissa}E{int(exponent)}"


def missing(series: pd.Series) -> pd.Series:
    """Return a mask of missing values: null, NaN and blank texts (as in Data Wrangler's Handle missing)."""
    if kind(series) != "string":
        return series.isna().astype(bool)
    return map_text(series, lambda text: not text.strip(" "), "bool").fillna(True).astype(bool)


def _map_values(series: pd.Series, function: Callable[[float], str]) -> pd.Series:
    codes, values = pd.factorize(series)
    texts = pd.array([*map(function, values), None], dtype=TEXT)
    return pd.Series(texts.take(codes), index=series.index, name=series.name)


def _arrow(series: pd.Series) -> Any:  # noqa: ANN401 (pyarrow has no types)
    return pc.utf8_trim_whitespace(pa.array(series))


def _text_to_long(series: pd.Series) -> pd.Series:
    values = _arrow(series)
    try:
        whole = values.cast(pa.int64())
    except pa.ArrowInvalid:
        return map_text(series, _long, "long")
    numbers = pd.arrays.IntegerArray(np.array(whole.fill_null(0)), np.array(whole.is_null()))
    return pd.Series(numbers, index=series.index, name=series.name)


def _long(text: str) -> int | None:
    text = text.strip()
    if not re.match(_WHOLE, text, re.ASCII):
        return None
    number = int(text.partition(".")[0].strip("+-") or 0) * (-1 if text.startswith("-") else 1)
    return number if -(2**63) <= number < 2**63 else None


def _text_to_float(series: pd.Series) -> pd.Series:
    try:
        values = _arrow(series).cast(pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        return map_text(series, _float, "float")
    return pd.Series(values, index=series.index, name=series.name, dtype=FLOAT)


def _float(text: str) -> float | None:
    try:
        return None if "_" in text else float(text.strip())
    except ValueError:
        return None


def _bool(text: str) -> bool | None:
    text = text.strip().lower()
    return True if text in _TRUE else False if text in _FALSE else None


def _day(text: str) -> Any:  # noqa: ANN401 (a date or None)
    match = _DAY.fullmatch(text.strip())
    if not match:
        return None
    year, month, day = (int(part or 1) for part in match.groups())
    try:
        return pd.Timestamp(year, month, day).date()
    except ValueError:
        return None


def text_to_datetime(series: pd.Series) -> pd.Series:
    """Return a text column as datetimes, with each value's format inferred; in UTC where a value has a time zone."""
    return map_text(series, _moment, "datetime")


def _moment(text: str) -> Any:  # noqa: ANN401 (a timestamp or None)
    moment = pd.to_datetime(text, errors="coerce", utc=True)
    return None if moment is pd.NaT else moment.tz_localize(None)


_FROM_TEXT: dict[Kind, Callable[[pd.Series], pd.Series]] = {
    "long": _text_to_long,
    "float": _text_to_float,
    "bool": lambda series: map_text(series, _bool, "bool"),
    "date": lambda series: map_text(series, _day, "date"),
    "datetime": text_to_datetime,
}


def _between(series: pd.Series, origin: Kind, to: Kind) -> pd.Series:
    """Cast between types other than text; null where Spark has no cast."""
    if {origin, to} == {"date", "datetime"}:
        return series.dt.date.astype(DATE) if to == "date" else pd.to_datetime(series).astype(DATETIME)
    if origin in ("date", "datetime") or to in ("date", "datetime"):
        return typed(pd.Series([None] * len(series), index=series.index, name=series.name, dtype=object), to)
    numbers = series.astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    if to == "float":
        return pd.Series(numbers, index=series.index, name=series.name)
    if to == "bool":
        return series.astype("Float64").ne(0).astype(BOOL)
    whole = np.clip(np.trunc(numbers), -(2.0**63), 2.0**63 - 1024)  # Spark clamps to the range of a long
    return pd.Series(whole, index=series.index, name=series.name).astype(LONG)
