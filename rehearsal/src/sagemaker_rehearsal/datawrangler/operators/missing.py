"""Step 4: handle_missing, the operators on nulls. A blank text counts as missing, as in Data Wrangler."""

from __future__ import annotations

import pandas as pd

from ..errors import shown
from ..parameters import Parameters, Transform
from ..table import cast, kind, missing, typed
from .multi import each, output_names

_STRATEGIES = ("Mean", "Approximate Median")


def handle_missing(p: Parameters) -> Transform:
    """Impute, fill, mark or drop missing values."""
    return p.dispatch(
        "operator",
        {
            "Impute": (_impute, "impute_parameters"),
            "Fill missing": (_fill, "fill_missing_parameters"),
            "Add indicator for missing": (_indicator, "add_indicator_for_missing_parameters"),
            "Drop missing": (_drop, "drop_missing_parameters"),
        },
    )


def _impute(p: Parameters) -> Transform:
    return p.dispatch(
        "column_type",
        {"Numeric": (_impute_number, "numeric_parameters"), "Categorical": (_impute_label, "categorical_parameters")},
    )


def numeric(p: Parameters, series: pd.Series) -> pd.Series:
    """Return a column, which must be numeric.

    Raises:
        FlowError: it has another type.
    """
    if kind(series) not in ("long", "float"):
        raise p.problem(
            "input_column",
            f"column {shown(series.name)} has the type {kind(series)}; this operator needs numbers; cast the column "
            "to long or float first",
        )
    return series


def _impute_number(p: Parameters) -> Transform:
    strategy = p.choice("strategy", _STRATEGIES)

    def impute(series: pd.Series) -> pd.Series:
        known = numeric(p, series).dropna()
        if known.empty:
            raise p.problem("input_column", f"column {shown(series.name)} has no value to impute from; drop the column")
        value = float(known.astype(float).mean() if strategy == "Mean" else lower_quantile(known, 0.5))
        return series.fillna(
            int(value) if kind(series) == "long" else value
        )  # Spark keeps the type: imputed longs are truncated

    return each(p, impute)


def lower_quantile(values: pd.Series, share: float) -> float:
    """Return the column's value at a quantile, without interpolation, as Spark's approxQuantile does."""
    return float(values.astype(float).quantile(share, interpolation="lower"))


def _impute_label(p: Parameters) -> Transform:
    def impute(series: pd.Series) -> pd.Series:
        gaps = missing(series)
        counts = series[~gaps].value_counts()
        if counts.empty:
            raise p.problem("input_column", f"column {shown(series.name)} has no value to impute from; drop the column")
        return series.where(~gaps, min(counts[counts == counts.max()].index))

    return each(p, impute)


def _fill(p: Parameters) -> Transform:
    fill = p.values.get("fill_value")
    if isinstance(fill, bool) or not isinstance(fill, str | int | float):
        got = "missing" if fill is None else f"got {shown(fill)}"
        raise p.problem("fill_value", f"{got}; must be a text or a number; fill it in in the flow editor")

    def apply(series: pd.Series) -> pd.Series:
        value = cast(typed(pd.Series([str(fill)], dtype=object), "string"), kind(series))
        if value.isna().any():
            raise p.problem(
                "fill_value",
                f"got {shown(fill)}; column {shown(series.name)} has the type {kind(series)}; give such a value",
            )
        return series.where(~missing(series), value.iloc[0])

    return each(p, apply)


def _indicator(p: Parameters) -> Transform:
    outputs = {name: f"{name}_indicator" if output == name else output for name, output in output_names(p).items()}

    def run(table: pd.DataFrame) -> pd.DataFrame:
        p.require(table, *outputs)
        return table.assign(**{out: typed(missing(table[name]), "bool") for name, out in outputs.items()})

    return run


def _drop(p: Parameters) -> Transform:
    if p.values.get("dimension") is not None:  # the form of older flows
        p.choice("dimension", ("Drop Rows",))
        p = p.section("drop_rows_parameters")
    names = p.columns(optional=True)

    def run(table: pd.DataFrame) -> pd.DataFrame:
        p.require(table, *names)
        gaps = pd.Series(False, index=table.index)
        for name in names or table.columns:
            gaps |= missing(table[name])
        return table[~gaps].reset_index(drop=True)

    return run
