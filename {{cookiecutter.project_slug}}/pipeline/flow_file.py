"""Step 4: what the pipeline must know of a Data Wrangler flow: data set, destination, what it may not hold. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.errors import PipelineError

_CUSTOM = ("custom_pandas", "custom_pyspark", "custom_sql", "custom_python")
_BALANCE = ("balance_data", "smote", "oversample")


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
    if len(sources) != 1:
        problems.append(
            f"has {len(sources)} SOURCE nodes; must have one, which gets the input CSV; join the data before"
        )
    if destination is not None and destination not in destinations:
        known = ", ".join(destinations) or "none"
        problems.append(
            f"has no DESTINATION node {destination!r} (flow.destination); known: {known}; name one of them, or null"
        )
    if destination is None and len(destinations) != 1:
        known = ", ".join(destinations) or "none"
        problems.append(
            f"has {len(destinations)} DESTINATION nodes ({known}); must have one; name it in flow.destination"
        )
    dataset = _dataset(sources[0]) if sources else ""
    if sources and (not dataset or "/" in dataset or dataset in (".", "..", "flow", "output")):
        problems.append(
            f"data set name {dataset!r} of the SOURCE node must be a folder's name; rename it in Data Wrangler"
        )
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
