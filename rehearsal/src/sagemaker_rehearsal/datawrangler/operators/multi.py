"""Step 4: one operation on several columns, with Data Wrangler's rule for the output columns' names."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from ..parameters import Parameters, Transform


def output_names(p: Parameters) -> dict[str, str]:
    """Return each input column's output column: the same, `output_column`, or that as a prefix for several columns."""
    names, output = p.columns(), p.values.get("output_column")
    if not output:
        return {name: name for name in names}
    prefix = p.text("output_column")
    return {name: prefix if len(names) == 1 else f"{prefix}_{name}" for name in names}


def each(p: Parameters, function: Callable[[pd.Series], pd.Series]) -> Transform:
    """Return the transform that applies `function` to each input column."""
    outputs = output_names(p)

    def run(table: pd.DataFrame) -> pd.DataFrame:
        p.require(table, *outputs)
        for name, output in outputs.items():
            table = table.assign(**{output: function(table[name])})
        return table

    return run
