"""Step 4: run a flow on a job's files, as the Data Wrangler container does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from .errors import FlowError, shown
from .files import new_folder, read_source, write_parts
from .graph import Flow
from .node import Node
from .parameters import Tables
from .plan import Plan, plan


@dataclass(frozen=True)
class Written:
    """The result of a run: its number of rows and column names."""

    rows: int
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Output:
    """The format of the result, as in a job's `--output-config`."""

    content_type: str = "CSV"
    delimiter: str = ","
    parts: int = 1


def run_flow(
    flow: Flow,
    sources: Mapping[str, Path],
    destination: str | None,
    out: Path,
    allow_custom_code: bool = False,
    output: Output = Output(),
) -> Written:
    """Run the flow and write one destination's table into `out` (part files with a header).

    Args:
        flow: from `graph.parse`.
        sources: each data set's name -> its folder or file.
        destination: a destination's name or id (see `plan.plan`); None for the only one.
        out: the folder to create; it must not exist or must be empty, and a failed run leaves it unchanged.
        allow_custom_code: whether custom_pandas nodes may run.
        output: CSV or PARQUET, the delimiter and the number of part files.

    Raises:
        FlowError: the flow, its data or the folder is invalid; nothing is written then.
    """
    planned = plan(flow, destination, allow_custom_code=allow_custom_code)
    _check_sources(planned, sources)
    with new_folder(out) as folder:
        table = compute(planned, sources)
        write_parts(table, folder, output.content_type, output.delimiter, output.parts)
    return Written(len(table), tuple(map(str, table.columns)))


def compute(planned: Plan, sources: Mapping[str, Path]) -> pd.DataFrame:
    """Return the planned table; each intermediate table is released after its last use."""
    tables: dict[str, Tables] = {}
    uses = Counter(edge.node_id for node in planned.steps for edge in node.inputs)
    uses[planned.result[0]] += 1
    for node in planned.steps:
        inputs = [_take(tables, uses, edge.node_id, edge.output_name) for edge in node.inputs]
        if node.type == "SOURCE":
            tables[node.node_id] = {"default": read_source(node, sources[node.dataset_name])}
        else:
            tables[node.node_id] = _apply(planned, node, inputs)
        del inputs
    table = _take(tables, uses, *planned.result)
    if not len(table.columns):
        raise FlowError("the result has no columns; a destination writes at least one; keep a column")
    return table


def _take(tables: dict[str, Tables], uses: Counter[str], node_id: str, output: str) -> pd.DataFrame:
    uses[node_id] -= 1
    outputs = tables[node_id] if uses[node_id] else tables.pop(node_id)
    if output not in outputs:
        raise FlowError(f"node {shown(node_id)}: no output {shown(output)}; it has {', '.join(outputs)}")
    return outputs[output]


def _apply(planned: Plan, node: Node, inputs: list[pd.DataFrame]) -> Tables:
    try:
        result = planned.transforms[node.node_id](*inputs)
    except FlowError:
        raise
    except (ArithmeticError, LookupError, TypeError, ValueError, NotImplementedError) as error:
        raise node.problem(
            f"failed on the data: {type(error).__name__}: {shown(str(error), 300)}; check the column's type and values"
        ) from error
    return {"default": result} if isinstance(result, pd.DataFrame) else result


def _check_sources(planned: Plan, sources: Mapping[str, Path]) -> None:
    for node in planned.sources:
        if node.dataset_name not in sources or not sources[node.dataset_name].exists():
            inputs = shown(", ".join(sources) or "none", 200)
            raise node.problem(
                f"no input named {shown(node.dataset_name)}; inputs: {inputs}; name the input as the dataset"
            )
