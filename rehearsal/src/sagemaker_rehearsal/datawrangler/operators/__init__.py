"""Step 4: the operators of Data Wrangler that run here. README.md in the folder above lists their forms and sources."""

from __future__ import annotations

from collections.abc import Callable

from ..errors import shown
from ..node import Node
from ..parameters import Parameters, Transform
from . import (
    balance,
    casting,
    categorical,
    columns,
    custom,
    dates,
    join,
    missing,
    numeric,
    outliers,
    rows,
    search,
    strings,
)

VERSION = "0.1"
_PREFIX = "sagemaker.spark."

# Name without prefix and version -> (the builder of the transform, the number of input tables).
OPERATORS: dict[str, tuple[Callable[[Parameters], Transform], int]] = {
    "infer_and_cast_type": (casting.infer_and_cast_type, 1),
    "cast_single_data_type": (casting.cast_single_data_type, 1),
    "manage_columns": (columns.manage_columns, 1),
    "identity": (columns.identity, 1),
    "format_string": (strings.format_string, 1),
    "search_and_edit": (search.search_and_edit, 1),
    "handle_missing": (missing.handle_missing, 1),
    "handle_outliers": (outliers.handle_outliers, 1),
    "process_numeric": (numeric.process_numeric, 1),
    "encode_categorical": (categorical.encode_categorical, 1),
    "manage_rows": (rows.manage_rows, 1),
    "split": (rows.split, 1),
    "balance_data": (balance.balance_data, 1),
    "join_tables": (join.join_tables, 2),
    "concatenate_datasets": (join.concatenate_datasets, 2),
    "time_series": (dates.time_series, 1),
    "featurize_date_time": (dates.featurize_date_time, 1),
    "custom_formula": (custom.custom_formula, 1),
    "custom_pandas": (custom.custom_pandas, 1),
    "custom_code": (custom.custom_code, 1),
    "custom_pyspark": (custom.custom_pyspark, 1),
}


def supported() -> str:
    """Return the names of all operators that run here, for a message."""
    return ", ".join(sorted(set(OPERATORS) - {"custom_pyspark"}))


def build(node: Node, *, allow_custom_code: bool = False) -> Transform:
    """Return the transform of a TRANSFORM node; its parameters are validated, no data is read.

    Args:
        node: a node of type TRANSFORM.
        allow_custom_code: whether custom_pandas may run.

    Raises:
        FlowError: the operator or its version is not supported, or a parameter is invalid.
    """
    name, _, version = node.operator.removeprefix(_PREFIX).rpartition("_")
    if not node.operator.startswith(_PREFIX) or name not in OPERATORS:
        raise node.problem(
            f"operator: {shown(node.operator)} is unknown or not supported on this machine; supported: {supported()} "
            f"(each {_PREFIX}<name>_{VERSION}); use one of these or run the flow on AWS"
        )
    if version != VERSION:
        raise node.problem(f"operator: version {shown(version)}; this runner has {VERSION} of {name}; use that version")
    make, tables = OPERATORS[name]
    if len(node.inputs) != tables:
        raise node.problem(f"inputs: got {len(node.inputs)}; {name} takes {tables}; connect as many")
    return make(Parameters(node, node.parameters, allow_custom_code=allow_custom_code))
