"""Step 4: the operators of time_series on single rows: parts of a datetime, and validation of timestamps."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from ..errors import shown
from ..parameters import Parameters, Transform
from ..table import LONG, cast, kind
from .javadates import to_strptime

_PARTS: dict[str, Callable[[pd.Series], pd.Series]] = {
    "year": lambda s: s.dt.year,
    "month": lambda s: s.dt.month,
    "day": lambda s: s.dt.day,
    "hour": lambda s: s.dt.hour,
    "minute": lambda s: s.dt.minute,
    "second": lambda s: s.dt.second,
    "week_of_year": lambda s: s.dt.isocalendar().week,
    "day_of_year": lambda s: s.dt.dayofyear,
    "quarter": lambda s: s.dt.quarter,
}


def time_series(p: Parameters) -> Transform:
    """Featurize a datetime or validate timestamps; windows, lags and resampling are not supported."""
    return p.dispatch(
        "operator",
        {
            "Featurize datetime": (featurize_date_time, "Featurize datetime_parameters"),
            "Validate timestamps": (_validate, "Validate timestamps_parameters"),
        },
    )


def featurize_date_time(p: Parameters) -> Transform:
    """Write parts of a date into columns named <output_column>_<part>."""
    name, pattern = p.column(), to_strptime(p, "date_time_format", None)
    prefix = p.text("output_column", "") or name
    p.choice("output_mode", ("Ordinal",), "Ordinal")
    p.choice("output_format", ("Columns",), "Columns")
    parts = [part for part in _PARTS if p.flag(part, False)]
    if not parts:
        raise p.problem("year", f"no part is chosen; set one of {', '.join(_PARTS)} to true; correct the node")

    def run(table: pd.DataFrame) -> pd.DataFrame:
        p.require(table, name)
        moments = _moments(p, table[name], pattern)
        return table.assign(**{f"{prefix}_{part}": _PARTS[part](moments).astype(LONG) for part in parts})

    return run


def _moments(p: Parameters, series: pd.Series, pattern: str | None) -> pd.Series:
    if kind(series) == "string" and pattern:
        return pd.to_datetime(series.astype(object), format=pattern, errors="coerce")
    if kind(series) not in ("string", "date", "datetime"):
        raise p.problem(
            "input_column", f"column {shown(series.name)} has the type {kind(series)}; must be a date or a text"
        )
    return cast(series, "datetime")


def _validate(p: Parameters) -> Transform:
    name = p.column("timestamp_column")
    policy = p.choice("policy", ("drop", "error"), "drop")

    def run(table: pd.DataFrame) -> pd.DataFrame:
        p.require(table, name, key="timestamp_column")
        moments = _moments(p, table[name], None)
        if policy == "error" and moments.isna().any():
            raise p.problem(
                "policy", f"error, and column {shown(name)} has {int(moments.isna().sum())} invalid timestamps"
            )
        return table[moments.notna()].reset_index(drop=True)

    return run
