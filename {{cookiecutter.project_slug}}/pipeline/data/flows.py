"""Step 4: Data Wrangler flows: read what the pipeline must know of one, or write a plain one for a CSV."""

import csv
import json
import math
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import PipelineError

_CUSTOM = ("custom_pandas", "custom_pyspark", "custom_sql", "custom_python")
_BALANCE = ("balance_data", "smote", "oversample")
_NAMESPACE = uuid.UUID("5f3d1a52-3f6c-5f0a-9a55-5ce0c0b1a5d1")
_LOOKED_AT = 50_000
_MISSING = frozenset({"", "na", "nan", "n/a", "null", "none", "?"})


class FlowFileError(PipelineError):
    """Every mistake found in a flow file, one a line."""


@dataclass(frozen=True)
class FlowFile:
    """Attributes: the data set's name (a folder of the job's container) and the destination node's id."""

    dataset: str
    destination: str


def read(
    text: str, where: str, destination: str | None = None, *, balance: bool = False, custom_code: bool = False
) -> FlowFile:
    """Check a flow as far as that needs no data.

    Args:
        text: the flow file's text.
        where: its path, for messages.
        destination: the node to write, when there are several.
        balance: whether nodes that make or drop rows by class are right here (they are, for the training rows only).
        custom_code: settings.flow.allow_custom_code.

    Raises:
        FlowFileError: listing every mistake with node and remedy.
    """
    nodes = _nodes(text, where)
    problems = [
        *(_unbalanced(node) for node in nodes if not balance and _operator(node, _BALANCE)),
        *(_custom(node) for node in nodes if not custom_code and _operator(node, _CUSTOM)),
    ]
    sources = [node for node in nodes if node.get("type") == "SOURCE"]
    destinations = {str(node.get("node_id")): node for node in nodes if node.get("type") == "DESTINATION"}
    dataset = _dataset(sources[0]) if sources else ""
    folder = dataset and "/" not in dataset and dataset not in (".", "..", "flow", "output")
    known = ", ".join(destinations) or "none"
    if len(sources) != 1:
        rule = "must have one, which gets the input CSV; join the data before"
        problems.append(f"has {len(sources)} SOURCE nodes; {rule}")
    elif not folder:
        rule = "must be a folder's name; rename it in Data Wrangler"
        problems.append(f"data set name {dataset!r} of the SOURCE node {rule}")
    if destination is None and len(destinations) != 1:
        rule = "must have one; name it in flow.destination"
        problems.append(f"has {len(destinations)} DESTINATION nodes ({known}); {rule}")
    elif destination is not None and destination not in destinations:
        rule = "name one of them, or null"
        problems.append(f"has no DESTINATION node {destination!r} (flow.destination); known: {known}; {rule}")
    if problems:
        raise FlowFileError("\n".join(f"{where}: {problem}" for problem in problems))
    return FlowFile(dataset, destination or next(iter(destinations)))


def _nodes(text: str, where: str) -> list[Mapping[str, Any]]:
    try:
        flow = json.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise FlowFileError(f"{where}: is no JSON ({error}); export the flow again from Data Wrangler") from error
    nodes = flow.get("nodes") if isinstance(flow, dict) else None
    if not isinstance(nodes, list) or not all(isinstance(node, dict) for node in nodes):
        raise FlowFileError(f"{where}: must be an object with a list `nodes`; export the flow again from Data Wrangler")
    return nodes


def _operator(node: Mapping[str, Any], words: tuple[str, ...]) -> bool:
    return any(word in str(node.get("operator", "")) for word in words)


def _dataset(node: Mapping[str, Any]) -> str:
    parameters = node.get("parameters")
    definition = parameters.get("dataset_definition") if isinstance(parameters, dict) else None
    return str(definition.get("name") or "") if isinstance(definition, dict) else ""


def _title(node: Mapping[str, Any]) -> str:
    return f"node {node.get('node_id')} ({node.get('operator')})"


def _unbalanced(node: Mapping[str, Any]) -> str:
    return (
        f"{_title(node)}: balancing here would put synthetic rows into the held-out rows and make every metric too "
        "good; move the node to a flow of its own and name that in flow.balance: it gets the training rows only"
    )


def _custom(node: Mapping[str, Any]) -> str:
    return f"{_title(node)}: runs code; must be allowed; read it, then write `allow_custom_code: true` below `flow`"


def flow_for(path: Path, columns: Sequence[str]) -> str:
    """Write a flow for a CSV with these columns; node ids depend on the columns alone."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file)
        next(rows, None)
        schema = types(columns, (row for row, _ in zip(rows, range(_LOOKED_AT), strict=False)))
    return text(columns, schema)


def types(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> dict[str, str]:
    """Choose a type for each column: long, float, or string where a value is no number."""
    kinds = dict.fromkeys(columns, "")
    for row in rows:
        for name, value in zip(columns, row, strict=False):
            if kinds[name] != "string" and value.strip().lower() not in _MISSING:
                kinds[name] = _wider(kinds[name], value.strip())
    return {name: kind or "string" for name, kind in kinds.items()}


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
    form = {"compression": "none", "output_path": "s3://project-bucket/preprocessed/", "output_content_type": "CSV"}
    output = {"output_config": {**form, "delimiter": ","}}
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
