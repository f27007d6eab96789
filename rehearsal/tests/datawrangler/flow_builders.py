"""Step 4: builders of flows and tables for tests."""
# ruff: noqa: ANN401 (documents and tables hold values of any type)

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from sagemaker_rehearsal.datawrangler.node import Input, Node
from sagemaker_rehearsal.datawrangler.operators import build
from sagemaker_rehearsal.datawrangler.table import Kind, typed

IDS = ("source", "types", "trim", "distinct", "end")


def node(
    node_id: str, kind: str, operator: str, parameters: Mapping[str, Any], *inputs: str, **more: Any
) -> dict[str, Any]:
    """Return a node of a flow document; `inputs` are ids."""
    edges = [{"name": "df", "node_id": i, "output_name": "default"} for i in inputs]
    return {
        "node_id": node_id, "type": kind, "operator": operator, "parameters": dict(parameters), "inputs": edges,
        "outputs": [{"name": "default"}], **more,
    }  # fmt: skip


def source(
    node_id: str = "source", name: str = "data.csv", uri: str = "s3://bucket/data.csv", **context: Any
) -> dict[str, Any]:
    """Return a SOURCE node."""
    settings = {"s3Uri": uri, "s3ContentType": "csv", "s3HasHeader": True, "s3FieldDelimiter": ",", **context}
    return node(
        node_id, "SOURCE", "sagemaker.s3_source_0.1",
        {"dataset_definition": {"name": name, "s3ExecutionContext": settings}},
    )  # fmt: skip


def transform(node_id: str, operator: str, parameters: Mapping[str, Any], *inputs: str, **more: Any) -> dict[str, Any]:
    """Return a TRANSFORM node."""
    return node(node_id, "TRANSFORM", f"sagemaker.spark.{operator}_0.1", parameters, *inputs, **more)


def destination(node_id: str, name: str, after: str) -> dict[str, Any]:
    """Return a DESTINATION node."""
    config = {"output_config": {"output_path": "s3://bucket/out/", "output_content_type": "CSV"}}
    return node(node_id, "DESTINATION", "sagemaker.spark.s3_destination_0.1", config, after, name=name)


def strip(column: str) -> dict[str, Any]:
    """Return the parameters that trim one column."""
    return {"operator": "Strip left and right", "strip_left_and_right_parameters": {"input_column": column}}


def linear() -> dict[str, Any]:
    """Return a flow of five nodes in a row: source, types, trim, distinct, end."""
    schema = {"age": "long", "job": "string"}
    return {
        "metadata": {"version": 1, "disable_limits": False},
        "nodes": [
            source(),
            transform("types", "infer_and_cast_type", {}, "source", trained_parameters={"schema": schema}),
            transform("trim", "format_string", strip("job"), "types"),
            transform(
                "distinct", "manage_rows", {"operator": "Drop duplicates", "drop_duplicates_parameters": {}}, "trim"
            ),
            destination("end", "S3: clean", "distinct"),
        ],
    }


def text(document: object) -> str:
    """Return the document as a file's text."""
    return json.dumps(document)


def table(**columns: tuple[Kind, list[Any]]) -> pd.DataFrame:
    """Return a table from name=(type, values)."""
    return pd.DataFrame({n: typed(pd.Series(values, dtype=object), kind) for n, (kind, values) in columns.items()})


def apply(
    operator: str, parameters: Mapping[str, Any], *tables: pd.DataFrame, code: bool = False, **trained: Any
) -> Any:
    """Return the result of an operator on tables."""
    return make(operator, parameters, inputs=len(tables), code=code, **trained)(*tables)


def make(operator: str, parameters: Mapping[str, Any], inputs: int = 1, code: bool = False, **trained: Any) -> Any:
    """Build an operator from its parameters."""
    edges = tuple(Input("df", f"in{i}", "default") for i in range(inputs))
    node = Node("n1", "TRANSFORM", f"sagemaker.spark.{operator}_0.1", "", parameters, trained, edges, ("default",))
    return build(node, allow_custom_code=code)


def plain(frame: pd.DataFrame) -> dict[str, list[Any]]:
    """Return a table as name -> values, with None for null."""
    return {
        str(name): [None if pd.isna(value) else value for value in frame[name].astype(object)] for name in frame.columns
    }


def job(root: Path, flow: object, **data: str) -> Path:
    """Create a job's folder: flow/x.flow, and a folder with one file for each data set."""
    (root / "flow").mkdir(parents=True)
    (root / "flow" / "x.flow").write_text(flow if isinstance(flow, str) else text(flow), encoding="utf-8")
    for name, content in data.items():
        folder = root / name.replace("_csv", ".csv")
        folder.mkdir()
        (folder / "rows.csv").write_text(content, encoding="utf-8", newline="")
    return root
