"""Step 4: write a plain Data Wrangler flow for a CSV: source, types, duplicate rows dropped, destination."""

import csv
import json
import math
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

_NAMESPACE = uuid.UUID("5f3d1a52-3f6c-5f0a-9a55-5ce0c0b1a5d1")
_LOOKED_AT = 50_000
_MISSING = frozenset({"", "na", "nan", "n/a", "null", "none", "?"})


def flow_for(path: Path, columns: Sequence[str]) -> str:
    """Write a flow for a CSV with these columns; node ids depend on the columns alone."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file)
        next(rows, None)
        schema = types(columns, (row for row, _ in zip(rows, range(_LOOKED_AT), strict=False)))
    return text(columns, schema)


def types(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> dict[str, str]:
    """Choose a type for each column: long, float, or string where a value is no number."""
    found = dict.fromkeys(columns, "")
    for row in rows:
        for name, value in zip(columns, row, strict=False):
            if found[name] != "string" and value.strip().lower() not in _MISSING:
                found[name] = _wider(found[name], value.strip())
    return {name: kind or "string" for name, kind in found.items()}


def _wider(kind: str, value: str) -> str:
    try:
        int(value)
    except ValueError:
        pass
    else:
        return kind or "long"
    try:
        return "float" if math.isfinite(float(value)) else "string"
    except ValueError:
        return "string"


def text(columns: Sequence[str], schema: dict[str, str]) -> str:
    """Write the flow's JSON."""
    dataset = {
        "__typename": "S3CreateDatasetDefinitionOutput",
        "datasetSourceType": "S3",
        "name": "data.csv",
        "description": None,
        "s3ExecutionContext": {
            "__typename": "S3ExecutionContext",
            "s3Uri": "s3://project-bucket/input/data.csv",
            "s3ContentType": "csv",
            "s3HasHeader": True,
            "s3FieldDelimiter": ",",
            "s3DirIncludesNested": False,
            "s3AddsFilenameColumn": False,
        },
    }
    source = _node("SOURCE", "sagemaker.s3_source_0.1", columns, None, {"dataset_definition": dataset})
    source["outputs"][0]["sampling"] = {"sampling_method": "sample_by_limit", "limit_rows": _LOOKED_AT}
    cast = _node("TRANSFORM", "sagemaker.spark.infer_and_cast_type_0.1", columns, source, {})
    cast["trained_parameters"] = {"schema": schema}
    rows = {"operator": "Drop duplicates", "drop_duplicates_parameters": {}, "sort_parameters": {}}
    cast["name"] = "types"
    unique = _node("TRANSFORM", "sagemaker.spark.manage_rows_0.1", columns, cast, rows)
    unique["name"] = "drop duplicate rows"
    output = {
        "output_config": {
            "compression": "none",
            "output_path": "s3://project-bucket/preprocessed/",
            "output_content_type": "CSV",
            "delimiter": ",",
        }
    }
    last = _node("DESTINATION", "sagemaker.spark.s3_destination_0.1", columns, unique, output)
    last["name"] = "S3: clean"
    flow = {"metadata": {"version": 1, "disable_limits": False}, "nodes": [source, cast, unique, last]}
    return json.dumps(flow, indent=2, ensure_ascii=False) + "\n"


def _node(kind: str, operator: str, columns: Sequence[str], before: Any, parameters: dict[str, Any]) -> dict[str, Any]:  # noqa: ANN401
    name = "df" if before and kind == "TRANSFORM" and before["type"] != "SOURCE" else "default"
    inputs = [{"name": name, "node_id": before["node_id"], "output_name": "default"}] if before else []
    return {
        "node_id": str(uuid.uuid5(_NAMESPACE, json.dumps([operator, *columns]))),
        "type": kind,
        "operator": operator,
        "parameters": parameters,
        "inputs": inputs,
        "outputs": [{"name": "default"}],
    }
