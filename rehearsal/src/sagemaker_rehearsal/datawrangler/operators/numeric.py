"""Step 4: process_numeric, the scalers; as in Spark ML, fitted on the values that are not missing."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from ..parameters import Parameters, Transform
from .missing import lower_quantile, numeric
from .multi import each

Scaler = Callable[[pd.Series], "tuple[float, float, float]"]


def process_numeric(p: Parameters) -> Transform:
    """Scale values."""
    return p.dispatch("operator", {"Scale values": (_scale_values, "scale_values_parameters")})


def _scale_values(p: Parameters) -> Transform:
    return p.dispatch(
        "scaler",
        {
            "Standard scaler": (_standard, "standard_scaler_parameters"),
            "Robust scaler": (_robust, "robust_scaler_parameters"),
            "Min-max scaler": (_min_max, "min_max_scaler_parameters"),
            "Max absolute scaler": (_max_absolute, "max_absolute_scaler_parameters"),
        },
    )


def _scaled(p: Parameters, fit: Scaler) -> Transform:
    """Return (value - shift) * factor + base for each column, the three numbers fitted by `fit`."""

    def scale(series: pd.Series) -> pd.Series:
        values = pd.Series(numeric(p, series).to_numpy(float, na_value=float("nan")), index=series.index)
        shift, factor, base = fit(values.dropna())
        return (values - shift) * factor + base

    return each(p, scale)


def _standard(p: Parameters) -> Transform:
    center, scale = p.flag("center", False), p.flag("scale", True)

    def fit(known: pd.Series) -> tuple[float, float, float]:
        deviation = float(known.std()) if len(known) > 1 else 0.0
        return known.mean() if center else 0.0, _inverse(deviation) if scale else 1.0, 0.0

    return _scaled(p, fit)


def _inverse(width: float) -> float:
    return 1 / width if width else 0.0  # Spark scales a constant column to 0


def _robust(p: Parameters) -> Transform:
    low, high = p.number("lower_quantile", 0.25, 0, 1), p.number("upper_quantile", 0.75, 0, 1)
    center, scale = p.flag("center", False), p.flag("scale", True)

    def fit(known: pd.Series) -> tuple[float, float, float]:
        width = lower_quantile(known, high) - lower_quantile(known, low)
        return lower_quantile(known, 0.5) if center else 0.0, _inverse(width) if scale else 1.0, 0.0

    return _scaled(p, fit)


def _min_max(p: Parameters) -> Transform:
    low, high = p.number("min", 0.0), p.number("max", 1.0)
    if low >= high:
        raise p.problem("min", f"got {low:g}, max {high:g}; min must be below max; correct them in the flow editor")

    def fit(known: pd.Series) -> tuple[float, float, float]:
        first, last = known.min(), known.max()
        if first == last:
            return first, 0.0, (low + high) / 2
        return first, (high - low) / (last - first), low

    return _scaled(p, fit)


def _max_absolute(p: Parameters) -> Transform:
    return _scaled(p, lambda known: (0.0, 1 / (known.abs().max() or 1.0), 0.0))
