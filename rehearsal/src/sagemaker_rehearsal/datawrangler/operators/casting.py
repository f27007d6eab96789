"""Step 4: the operators that cast columns."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from ..errors import shown
from ..inference import infer
from ..parameters import Parameters, Transform
from ..table import Kind, cast, kind, map_text, text_to_datetime, typed
from .javadates import to_strptime

TYPES: dict[str, Kind] = {
    "bool": "bool", "date": "date", "datetime": "datetime", "float": "float", "long": "long", "string": "string",
}  # fmt: skip
_DROP = "drop"
_HANDLING = ("replace_null", "replace_null_with_new_col", "replace_value", "replace_value_with_new_col", _DROP)


def infer_and_cast_type(p: Parameters) -> Transform:
    """Cast every column by the trained schema; without one, infer the types from the first 5,000 rows."""
    trained = Parameters(p.node, p.node.trained_parameters, "trained_parameters.").section("schema")
    schema: dict[str, Kind] = {}
    for name, type_name in trained.values.items():
        schema[name] = TYPES[trained.choice(name, TYPES)] if type_name != "object" else "string"
    return lambda table: _cast_all(table, schema or infer(table), trained)


def _cast_all(table: pd.DataFrame, schema: Mapping[str, Kind], p: Parameters) -> pd.DataFrame:
    unknown = [name for name in schema if name not in table.columns]
    unnamed = [name for name in table.columns if name not in schema]
    if unknown or unnamed:
        raise p.node.problem(
            f"trained_parameters.schema: not in the data: {shown(', '.join(unknown) or 'none', 200)}; not in the "
            f"schema: {shown(', '.join(unnamed) or 'none', 200)}; the schema names exactly the "
            "data's columns (case counts); infer the types again in the flow editor or correct the data"
        )
    return pd.DataFrame({name: cast(table[name], to) for name, to in schema.items()})


def cast_single_data_type(p: Parameters) -> Transform:
    """Cast one column; `non_castable_data_handling_method` decides on values that cannot be cast."""
    column, to = p.column("column"), TYPES[p.choice("data_type", TYPES)]
    handling = p.choice("non_castable_data_handling_method", _HANDLING, "replace_null")
    replacement = _replacement(p, to) if "replace_value" in handling else None
    date_format = to_strptime(p, "date_formatting", "dd-MM-yyyy")
    moment_format = to_strptime(p, "datetime_formatting", None)

    def run(table: pd.DataFrame) -> pd.DataFrame:
        p.require(table, column, key="column")
        before = table[column]
        if kind(before) == to:
            return table
        after = _cast_one(before, to, date_format, moment_format)
        failed = after.isna()
        if handling == _DROP:
            return table.assign(**{column: after})[~failed].reset_index(drop=True)
        if replacement is not None:
            after = after.where(~failed, replacement.iloc[0])
        table = table.assign(**{column: after})
        if handling.endswith("_with_new_col"):
            errors = cast(before, "string").where(failed, "")
            table.insert(list(table.columns).index(column) + 1, f"{column}_typecast_error", errors, True)
        return table

    return run


def _cast_one(series: pd.Series, to: Kind, date_format: str | None, moment_format: str | None) -> pd.Series:
    if kind(series) != "string" or to not in ("date", "datetime"):
        return cast(series, to)
    pattern = date_format if to == "date" else moment_format
    if pattern is None:
        return text_to_datetime(series)

    def parse(text: str) -> object:
        moment = pd.to_datetime(text, format=pattern, errors="coerce")
        return None if moment is pd.NaT else moment.date() if to == "date" else moment

    return map_text(series, parse, to)


def _replacement(p: Parameters, to: Kind) -> pd.Series:
    """Return the replacement value as a series of length 1, with the column's new type."""
    replacement = p.values.get("replace_value")
    value = cast(typed(pd.Series([None if replacement is None else str(replacement)], dtype=object), "string"), to)
    if value.isna().any():
        got = "missing" if replacement is None else f"got {shown(replacement)}"
        raise p.problem("replace_value", f"{got}; must be a {to}, the type that the column gets; correct it")
    return value
