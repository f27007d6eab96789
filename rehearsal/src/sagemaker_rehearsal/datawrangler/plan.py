"""Step 4: the nodes that a destination needs. Pure: a flow is validated before any data is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .errors import FlowError, shown
from .graph import Flow
from .node import Node
from .operators import build
from .parameters import Transform

SOURCE_OPERATOR = "sagemaker.s3_source_0.1"
DESTINATION_OPERATOR = "sagemaker.spark.s3_destination_0.1"


@dataclass(frozen=True)
class Plan:
    """The plan of a run.

    Attributes:
        steps: the sources and transforms that the result needs, in topological order.
        transforms: the transforms by node id.
        result: the node and the name of its output that is written.
    """

    steps: tuple[Node, ...]
    transforms: Mapping[str, Transform]
    result: tuple[str, str]

    @property
    def sources(self) -> tuple[Node, ...]:
        """The SOURCE nodes that are read."""
        return tuple(node for node in self.steps if node.type == "SOURCE")


def plan(flow: Flow, destination: str | None = None, *, allow_custom_code: bool = False) -> Plan:
    """Return the plan that writes `destination`, without nodes that it does not need.

    Args:
        flow: a validated graph.
        destination: a destination's name (with or without `S3: `) or id, or any node's id, or
            `<id>.<output>`; None for the only destination.
        allow_custom_code: whether custom_pandas nodes may run.

    Raises:
        FlowError: the destination does not exist or is not unique, or a node that it needs is not supported.
    """
    end, output = _find(flow, destination)
    if end.type == "DESTINATION":
        if end.operator != DESTINATION_OPERATOR:
            raise end.problem(f"operator: unknown destination; must be {DESTINATION_OPERATOR}; export to S3 instead")
        end, output = flow.node(end.inputs[0].node_id), end.inputs[0].output_name
    needed = _ancestors(flow, end)
    steps = tuple(node for node in flow.nodes if node.node_id in needed)
    for node in steps:
        if node.type == "SOURCE" and node.operator != SOURCE_OPERATOR:
            raise node.problem(
                f"operator: unknown source; must be {SOURCE_OPERATOR}; export the data to S3 and import it from there"
            )
    transforms = {n.node_id: build(n, allow_custom_code=allow_custom_code) for n in steps if n.type == "TRANSFORM"}
    return Plan(steps, transforms, (end.node_id, output))


def _find(flow: Flow, destination: str | None) -> tuple[Node, str]:
    ends = flow.of_type("DESTINATION")
    if destination is None:
        return _only(ends), "default"
    named = [node for node in ends if destination in (node.node_id, node.name, node.name.removeprefix("S3:").strip())]
    if len(named) == 1:
        return named[0], "default"
    by_id = {node.node_id: node for node in flow.nodes if node.type != "VISUALIZATION"}
    node_id, _, output = destination.rpartition(".")
    if node_id in by_id:
        return _with_output(by_id[node_id], output)
    if destination in by_id:
        return by_id[destination], "default"
    raise FlowError(
        f"destination: got {shown(destination)}; {'several nodes have' if named else 'no node has'} that name or id; "
        f"destinations: {_names(ends) or 'none'}; name one of them in settings.yaml, flow.destination"
    )


def _with_output(node: Node, output: str) -> tuple[Node, str]:
    if output not in (node.outputs or ("default",)):
        raise node.problem(f"outputs: no output {shown(output)}; it has {', '.join(node.outputs)}; name one of these")
    return node, output


def _only(ends: tuple[Node, ...]) -> Node:
    if len(ends) == 1:
        return ends[0]
    if not ends:
        raise FlowError(
            "nodes: no DESTINATION node; a run writes one table; add one or give a node's id as destination"
        )
    raise ends[1].problem(
        f"destination: the flow has {len(ends)}: {_names(ends)}; a run writes one; name it in settings.yaml, "
        "flow.destination"
    )


def _names(ends: tuple[Node, ...]) -> str:
    return ", ".join(f"{shown(node.name or '(no name)')} [{shown(node.node_id)}]" for node in ends)


def _ancestors(flow: Flow, end: Node) -> set[str]:
    needed = {end.node_id}
    for node in reversed(flow.nodes):
        if node.node_id in needed:
            needed.update(edge.node_id for edge in node.inputs)
    return needed
