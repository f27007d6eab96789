"""Step 4: handle_outliers, limits for numbers and a common label for rare ones."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from ..parameters import Parameters, Transform
from ..table import as_text, kind
from .missing import lower_quantile, numeric
from .multi import each, output_names

Limits = Callable[[pd.Series], "tuple[float, float]"]
_FIXES = ("Clip", "Remove", "Invalidate")
MAX_COMMON = 100


def handle_outliers(p: Parameters) -> Transform:
    """Clip, remove or invalidate outliers, or replace rare labels."""
    return p.dispatch(
        "operator",
        {
            "Standard deviation numeric outliers": (_deviation, "standard_deviation_numeric_outliers_parameters"),
            "Robust standard deviation numeric outliers": (
                _robust_deviation,
                "robust_standard_deviation_numeric_outliers_parameters",
            ),
            "Quantile numeric outliers": (_quantile, "quantile_numeric_outliers_parameters"),
            "Min-max numeric outliers": (_min_max, "min_max_numeric_outliers_parameters"),
            "Replace rare values": (_rare, "replace_rare_values_parameters"),
        },
    )


def _limited(p: Parameters, limits: Limits) -> Transform:
    outputs, fix = output_names(p), p.choice("fix_method", _FIXES, "Clip")

    def run(table: pd.DataFrame) -> pd.DataFrame:
        p.require(table, *outputs)
        for name, output in outputs.items():
            table = _fix(table, numeric(p, table[name]), output, fix, limits)
        return table

    return run


def _fix(table: pd.DataFrame, series: pd.Series, output: str, fix: str, limits: Limits) -> pd.DataFrame:
    values = pd.Series(series.to_numpy(float, na_value=float("nan")), index=series.index)
    low, high = limits(values.dropna())
    if fix == "Clip":
        return table.assign(**{output: values.clip(low, high)})
    if fix == "Invalidate":
        return table.assign(**{output: series.where(values.isna() | values.between(low, high))})
    # Rows with nulls are removed too
    return table.assign(**{output: series})[values.between(low, high)].reset_index(drop=True)


def _around_mean(known: pd.Series, deviations: float) -> tuple[float, float]:
    if len(known) < 2:
        return 0.0, 0.0
    reach = deviations * float(known.std())
    return float(known.mean()) - reach, float(known.mean()) + reach


def _deviation(p: Parameters) -> Transform:
    deviations = p.number("standard_deviations", 4.0, low=0)
    return _limited(p, lambda known: _around_mean(known, deviations))


def _between(known: pd.Series, low: float, high: float) -> tuple[float, float]:
    return (lower_quantile(known, low), lower_quantile(known, high)) if len(known) else (0.0, 0.0)


def _robust_deviation(p: Parameters) -> Transform:
    low, high = p.number("lower_quantile", 0.25, 0, 1), p.number("upper_quantile", 0.75, 0, 1)
    deviations = p.number("standard_deviations", 4.0, low=0)
    return _limited(p, lambda known: _around_mean(known[known.between(*_between(known, low, high))], deviations))


def _quantile(p: Parameters) -> Transform:
    low, high = p.number("lower_quantile", 0.01, 0, 1), p.number("upper_quantile", 0.99, 0, 1)
    return _limited(p, lambda known: _between(known, low, high))


def _min_max(p: Parameters) -> Transform:
    low, high = p.number("lower_threshold"), p.number("upper_threshold")
    return _limited(p, lambda known: (low, high))


def _rare(p: Parameters) -> Transform:
    label = p.text("replacement_string")
    absolute, share = p.integer("absolute_threshold", 10, low=0), p.number("fraction_threshold", 0.005, 0, 1)
    most = p.integer("max_common_categories", 0, 0, MAX_COMMON)

    def replace(series: pd.Series) -> pd.Series:
        counts = series.value_counts()
        common = counts[counts > max(share * len(series), absolute)]
        categories = common.index[: most or None]
        text = series if kind(series) == "string" else as_text(series)
        return text.where(series.isin(categories), label)  # null counts as a rare label too

    return each(p, replace)
