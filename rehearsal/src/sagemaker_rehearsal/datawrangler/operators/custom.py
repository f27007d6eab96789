"""Step 4: custom code and formulas. Code runs only where the settings allow it."""

from __future__ import annotations

import ast
from typing import Any

import pandas as pd

from ..errors import FlowError, shown
from ..parameters import Parameters, Transform
from ..table import kind, typed
from .formula import FormulaError, compile_formula
from .functions import plain


def custom_pandas(p: Parameters) -> Transform:
    """Run the node's pandas code on `df`.

    The code runs with all permissions of the process, so settings.yaml must have `flow.allow_custom_code: true`.
    """
    code = p.text("code", empty=True)
    if not p.allow_custom_code:
        raise p.problem(
            "code",
            "custom code runs only with an explicit setting; read the code, then set flow.allow_custom_code: true in "
            "settings.yaml, or use a built-in transform",
        )
    try:
        program = compile(ast.parse(code), f"<node {p.node.node_id}>", "exec")
    except (SyntaxError, ValueError, RecursionError) as error:
        raise p.problem("code", f"is no Python: {error}; correct it") from None

    def run(table: pd.DataFrame) -> pd.DataFrame:
        scope: dict[str, object] = {"df": to_plain(table)}
        try:
            exec(program, scope)  # noqa: S102 (allowed by the settings, checked above)
        except (Exception, SystemExit) as error:  # exit(0) in custom code must not end the job as a success
            raise p.problem("code", f"failed: {type(error).__name__}: {shown(str(error), 300)}; correct it") from error
        result = scope.get("df")
        if not isinstance(result, pd.DataFrame):
            raise p.problem("code", f"leaves a {type(result).__name__} in df; it must be a DataFrame; correct it")
        return from_plain(result)

    return run


def custom_pyspark(p: Parameters) -> Transform:
    """Reject the node: there is no Spark here."""
    raise _no_spark(p)


def _no_spark(p: Parameters) -> FlowError:
    return p.node.problem(
        "PySpark and SQL code need a Spark cluster and are not run on this machine; use a built-in transform, a custom "
        "formula or custom pandas code (with flow.allow_custom_code: true), or run this flow on AWS only"
    )


def custom_code(p: Parameters) -> Transform:
    """Run the newer form of the custom code node."""
    if "pandas" not in p.text("operator").lower():
        raise _no_spark(p)
    return custom_pandas(p.section("pandas_parameters"))


def custom_formula(p: Parameters) -> Transform:
    """Compute a column with a Spark SQL expression."""
    output = p.text("output_column")
    try:
        expression = compile_formula(p.text("formula"))
    except FormulaError as error:
        raise p.problem("formula", f"{error}; correct it or use another transform") from None

    def run(table: pd.DataFrame) -> pd.DataFrame:
        try:
            return table.assign(**{output: plain(expression(table))})
        except FormulaError as error:
            raise p.problem("formula", f"{error}; correct it") from None

    return run


def to_plain(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with the types that Spark's toPandas gives: object texts, and floats where longs have nulls."""
    plain_columns: dict[Any, Any] = {}
    for name in table.columns:
        series = table[name]
        if kind(series) == "long":
            plain_columns[name] = series.astype("float64" if series.isna().any() else "int64")
        elif kind(series) in ("string", "date", "bool"):
            whole = kind(series) == "bool" and not series.isna().any()
            texts = series.astype(object)
            plain_columns[name] = series.astype(bool) if whole else texts.where(series.notna(), None)
        else:
            plain_columns[name] = series
    return pd.DataFrame(plain_columns)


def from_plain(table: pd.DataFrame) -> pd.DataFrame:
    """Return the result of custom code with the types of a flow; a column of nulls becomes empty text, as on AWS."""
    names = [str(name) for name in table.columns]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise FlowError(f"custom code leaves two columns named {shown(twice)}; names are unique; rename one")
    return pd.DataFrame({name: _typed(table.iloc[:, i].reset_index(drop=True)) for i, name in enumerate(names)})


def _typed(series: pd.Series) -> pd.Series:
    if series.isna().all():
        return typed(series.astype(object).map(lambda _: ""), "string")
    if pd.api.types.is_bool_dtype(series.dtype):
        return typed(series, "bool")
    if pd.api.types.is_integer_dtype(series.dtype):
        return typed(series, "long")
    if pd.api.types.is_float_dtype(series.dtype):
        return typed(series, "float")
    if pd.api.types.is_datetime64_any_dtype(series.dtype):
        return typed(series, "datetime")
    return typed(pd.Series(series.map(str, na_action="ignore"), dtype=object), "string")
