"""Step 4: a Data Wrangler flow as a validated graph. Pure: reads no files and no data."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

from .document import decode
from .errors import FlowError, at, shown
from .names import check_dataset_name, check_destination_name
from .node import Input, Node

VERSION = 1
TYPES = ("SOURCE", "TRANSFORM", "VISUALIZATION", "DESTINATION")
# Names in the Studio editor; both are charts, without a table of their own.
DRAWN_ONLY = frozenset({"VISUALIZATION"})


@dataclass(frozen=True)
class Flow:
    """A validated flow: nodes in topological order, and the document that they were parsed from.

    Attributes:
        nodes: each node after its inputs.
        document: the whole file with unknown keys, so that nothing is lost when it is written again.
    """

    nodes: tuple[Node, ...]
    document: Mapping[str, Any]

    def node(self, node_id: str) -> Node:
        """Return the node with that id (the graph is validated, so edges always resolve)."""
        return next(node for node in self.nodes if node.node_id == node_id)

    def of_type(self, kind: str) -> tuple[Node, ...]:
        """Return the nodes of one type, in topological order."""
        return tuple(node for node in self.nodes if node.type == kind)

    def text(self) -> str:
        """Return the flow as the text of a file; parsing it returns the same flow."""
        return json.dumps(self.document, indent=2) + "\n"


def parse(text: str) -> Flow:
    """Return the validated flow in `text`.

    Args:
        text: a .flow file, JSON.

    Raises:
        FlowError: not JSON, not a flow, a version other than 1, no source, a duplicate id, an edge without a node,
            a cycle, a source that is not in S3 or a name that is no safe folder name.
    """
    document = decode(text)
    _check_version(document)
    nodes = tuple(_read_node(position, item) for position, item in enumerate(_items(document)))
    by_id = _index(nodes)
    for node in nodes:
        _check_inputs(node, by_id)
    _check_sources(nodes)
    for node in nodes:
        if node.type == "DESTINATION":
            check_destination_name(node)
    return Flow(tuple(by_id[node_id] for node_id in _order(nodes, by_id)), document)


def _items(document: Mapping[str, Any]) -> list[Any]:
    nodes = document.get("nodes")
    if not isinstance(nodes, list):
        raise FlowError(f"nodes: got {shown(nodes)}; a flow's 'nodes' must be a list; export the flow again")
    if not nodes:
        raise FlowError(
            "nodes: got an empty list; a flow has at least a SOURCE node; import a dataset and save the flow"
        )
    return nodes


def _check_version(document: Mapping[str, Any]) -> None:
    metadata = document.get("metadata")
    if not isinstance(metadata, Mapping) or "version" not in metadata:
        raise FlowError(f"metadata.version: missing; this runner reads flow version {VERSION}; export the flow again")
    version = metadata["version"]
    if isinstance(version, bool) or version != VERSION:
        raise FlowError(
            f"metadata.version: got {shown(version)}; this runner reads flow version {VERSION}; "
            "export the flow from a Data Wrangler that writes it"
        )


def _read_node(position: int, item: object) -> Node:
    if not isinstance(item, Mapping):
        raise FlowError(f"nodes[{position}]: got {shown(item)}; a node is an object; remove or repair it")
    node_id, operator, kind = (_text(item, key, position) for key in ("node_id", "operator", "type"))
    if kind not in TYPES:
        raise at(node_id, operator, f"type: got {shown(kind)}; must be one of {', '.join(TYPES)}; correct the type")
    return Node(
        node_id=node_id,
        type=kind,
        operator=operator,
        name=_optional_text(item, "name", node_id, operator),
        parameters=_mapping(item, "parameters", node_id, operator),
        trained_parameters=_mapping(item, "trained_parameters", node_id, operator),
        inputs=tuple(_read_inputs(item, node_id, operator)),
        outputs=tuple(_read_outputs(item, node_id, operator)),
    )


def _text(item: Mapping[str, Any], key: str, position: int) -> str:
    value = item.get(key)
    if not isinstance(value, str) or not value.strip():
        where = f"node {shown(item['node_id'])}" if isinstance(item.get("node_id"), str) else f"nodes[{position}]"
        raise FlowError(f"{where}: {key}: got {shown(value)}; every node has a text '{key}'; export the flow again")
    return value


def _optional_text(item: Mapping[str, Any], key: str, node_id: str, operator: str) -> str:
    value = item.get(key)
    if value is not None and not isinstance(value, str):
        raise at(node_id, operator, f"{key}: got {shown(value)}; must be text; correct or remove it")
    return value or ""


def _mapping(item: Mapping[str, Any], key: str, node_id: str, operator: str) -> Mapping[str, Any]:
    value = item.get(key)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise at(node_id, operator, f"{key}: got {shown(value)}; must be an object; export the flow again")
    return value


def _entries(item: Mapping[str, Any], key: str, node_id: str, operator: str) -> Iterator[Mapping[str, Any]]:
    entries = item.get(key) or []
    if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
        raise at(node_id, operator, f"{key}: got {shown(entries)}; must be a list of objects; export the flow again")
    yield from entries


def _read_inputs(item: Mapping[str, Any], node_id: str, operator: str) -> Iterator[Input]:
    for entry in _entries(item, "inputs", node_id, operator):
        source, output = entry.get("node_id"), entry.get("output_name", "default")
        if not isinstance(source, str) or not isinstance(output, str):
            raise at(node_id, operator, f"inputs: got {shown(entry)}; an input has text 'node_id' and 'output_name'")
        yield Input(str(entry.get("name", "df")), source, output)


def _read_outputs(item: Mapping[str, Any], node_id: str, operator: str) -> Iterator[str]:
    for entry in _entries(item, "outputs", node_id, operator):
        yield str(entry.get("name", "default"))


def _index(nodes: tuple[Node, ...]) -> dict[str, Node]:
    by_id: dict[str, Node] = {}
    for node in nodes:
        if node.node_id in by_id:
            raise node.problem("node_id: used twice; every node has its own id; give one of the two nodes a new id")
        by_id[node.node_id] = node
    return by_id


def _check_inputs(node: Node, by_id: Mapping[str, Node]) -> None:
    if node.type == "SOURCE" and node.inputs:
        raise node.problem("inputs: a SOURCE node reads data and has no inputs; remove them")
    if node.type != "SOURCE" and not node.inputs:
        raise node.problem("inputs: empty; every node but a SOURCE reads another node; connect it or remove it")
    if node.type == "DESTINATION" and len(node.inputs) > 1:
        raise node.problem(f"inputs: got {len(node.inputs)}; a DESTINATION writes one table; keep one input")
    for edge in node.inputs:
        _check_edge(node, edge, by_id.get(edge.node_id))


def _check_edge(node: Node, edge: Input, origin: Node | None) -> None:
    if origin is None:
        raise node.problem(f"inputs: node {shown(edge.node_id)} does not exist; connect this node to one that does")
    outputs = origin.outputs or ("default",)
    if edge.output_name not in outputs or origin.type in DRAWN_ONLY | {"DESTINATION"}:
        raise node.problem(
            f"inputs: node {shown(edge.node_id)} has no table {shown(edge.output_name)}; "
            f"its outputs: {shown(', '.join(outputs))}; connect this node to one of them"
        )


def _check_sources(nodes: tuple[Node, ...]) -> None:
    sources = [node for node in nodes if node.type == "SOURCE"]
    if not sources:
        raise FlowError("nodes: no SOURCE node; a flow starts with data; import a dataset and save the flow")
    seen: dict[str, Node] = {}
    for node in sources:
        check_dataset_name(node)
        if node.dataset_name in seen:
            raise node.problem(
                f"dataset_definition.name: {shown(node.dataset_name)} is also the name of node "
                f"{shown(seen[node.dataset_name].node_id)}; the job has one folder a name; rename one dataset"
            )
        seen[node.dataset_name] = node


def _order(nodes: tuple[Node, ...], by_id: Mapping[str, Node]) -> tuple[str, ...]:
    sorter = TopologicalSorter({node.node_id: [edge.node_id for edge in node.inputs] for node in nodes})
    try:
        return tuple(sorter.static_order())
    except CycleError as error:
        loop = list(error.args[1])
        first = by_id[loop[0]]
        raise first.problem(
            f"inputs: the nodes {' -> '.join(shown(i) for i in loop)} form a loop; a flow has no loops; remove one edge"
        ) from None
