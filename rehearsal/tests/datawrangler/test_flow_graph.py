"""Step 4: an invalid flow is rejected with a message that names node, operator and rule, before any data is read."""
# ruff: noqa: ANN401 (parameters of operators hold values of any type)

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from typing import Any

import pytest
from flow_builders import destination, linear, source, strip, text, transform
from hypothesis import given
from hypothesis import strategies as st

from sagemaker_rehearsal.datawrangler.errors import FlowError
from sagemaker_rehearsal.datawrangler.graph import parse
from sagemaker_rehearsal.datawrangler.plan import plan

Change = Callable[[dict[str, Any]], object]


def changed(change: Change) -> str:
    """Return the linear flow's text after a change."""
    document = linear()
    change(document)
    return text(document)


def nodes(document: dict[str, Any], place: int) -> dict[str, Any]:
    """Return the node at an index."""
    return document["nodes"][place]


def put(place: int, **values: Any) -> Change:
    """Set keys of the node at an index."""
    return lambda document: nodes(document, place).update(values)


def context(document: dict[str, Any]) -> dict[str, Any]:
    """Return the address of the source's data."""
    return nodes(document, 0)["parameters"]["dataset_definition"]["s3ExecutionContext"]


PANDAS = {
    "operator": "sagemaker.spark.custom_pandas_0.1",
    "parameters": {"code": "import os; os.system('touch pwned')"},
}

REFUSED: dict[str, tuple[str, str]] = {
    "a loop": (
        changed(lambda d: nodes(d, 1)["inputs"][0].update(node_id="distinct")),
        r"node (types|trim|distinct) \(sagemaker\.spark\.\w+_0\.1\): inputs: the nodes "
        r"(?=.*types)(?=.*trim)(?=.*distinct).* form a loop",
    ),
    "a node that reads itself": (
        changed(lambda d: nodes(d, 1)["inputs"][0].update(node_id="types")),
        r"node types .*: the nodes types -> types form a loop",
    ),
    "no source": (
        changed(lambda d: d["nodes"].pop(0)),
        r"node types \(sagemaker\.spark\.infer_and_cast_type_0\.1\): inputs: node source does not exist",
    ),
    "an unknown operator": (
        changed(put(2, operator="sagemaker.spark.teleport_0.1")),
        r"node trim \(sagemaker\.spark\.teleport_0\.1\): operator: .* not supported .*; supported: balance_data, ",
    ),
    "an unknown version of an operator": (
        changed(put(2, operator="sagemaker.spark.format_string_0.2")),
        r"node trim \(sagemaker\.spark\.format_string_0\.2\): operator: version 0\.2; this runner has 0\.1",
    ),
    "two destinations": (
        changed(lambda d: d["nodes"].append(destination("d2", "S3: second", "distinct"))),
        r"node (d2|end) \(sagemaker\.spark\.s3_destination_0\.1\): destination: the flow has 2: "
        r"(?=.*S3: clean \[end\])(?=.*S3: second \[d2\])",
    ),
    "an edge to nowhere": (
        changed(lambda d: nodes(d, 3)["inputs"][0].update(node_id="missing-node")),
        r"node distinct \(sagemaker\.spark\.manage_rows_0\.1\): inputs: node missing-node does not exist",
    ),
    "an edge to an output that does not exist": (
        changed(lambda d: nodes(d, 3)["inputs"][0].update(output_name="Train")),
        r"node distinct .*: inputs: node trim has no table Train; its outputs: default",
    ),
    "an unknown trained type": (
        changed(put(1, trained_parameters={"schema": {"_c0": "quaternion"}})),
        r"node types \(sagemaker\.spark\.infer_and_cast_type_0\.1\): trained_parameters\.schema\._c0: got quaternion",
    ),
    "a transform without parameters": (
        changed(put(2, parameters={})),
        r"node trim \(sagemaker\.spark\.format_string_0\.1\): operator: missing; must be one of: Lower case",
    ),
    "text that is no JSON": ("{", r"line 1 column 2: .*JSON"),
    "a list at the top": ("[]", r"'nodes' must be a list"),
    "an id used twice": (
        changed(put(2, node_id="types")),
        r"node types \(sagemaker\.spark\.format_string_0\.1\): node_id: used twice",
    ),
    "a source on the disk": (
        changed(lambda d: context(d).update(s3Uri="file:///etc/passwd")),
        r"node source \(sagemaker\.s3_source_0\.1\): .*s3Uri: got file:///etc/passwd; a source must be s3://",
    ),
    "a destination that climbs": (
        changed(put(4, name="S3: ../../x")),
        r"node end \(sagemaker\.spark\.s3_destination_0\.1\): name: got S3: \.\./\.\./x; .*no separators",
    ),
    "a destination with a control character": (changed(put(4, name="S3: a\nb")), r"name: got S3: a\\nb; "),
    "a data set that climbs": (
        changed(lambda d: nodes(d, 0)["parameters"]["dataset_definition"].update(name="../flow")),
        r"node source .*: dataset_definition\.name: got \.\./flow; the name becomes a folder",
    ),
    "custom code": (
        changed(put(3, **PANDAS)),
        r"node distinct \(sagemaker\.spark\.custom_pandas_0\.1\): code: custom code runs only with an explicit setting",
    ),
    "an unknown version": (changed(lambda d: d["metadata"].update(version=99)), r"metadata\.version: got 99"),
    "a version that is true": (changed(lambda d: d["metadata"].update(version=True)), r"metadata\.version: got True"),
    "no version": (changed(lambda d: d["metadata"].clear()), r"metadata\.version: missing"),
    "no nodes": (changed(lambda d: d["nodes"].clear()), r"nodes: got an empty list"),
    "no destination": (changed(lambda d: d["nodes"].pop()), r"no DESTINATION node"),
    "a transform with no input": (changed(put(2, inputs=[])), r"node trim .*: inputs: empty"),
    "a source with an input": (
        changed(put(0, inputs=[{"name": "df", "node_id": "trim", "output_name": "default"}])),
        r"node source .*: a SOURCE node reads data",
    ),
    "a join with one input": (
        changed(put(2, operator="sagemaker.spark.join_tables_0.1")),
        r"node trim \(sagemaker\.spark\.join_tables_0\.1\): inputs: got 1; join_tables takes 2",
    ),
    "PySpark": (
        changed(put(2, operator="sagemaker.spark.custom_pyspark_0.1")),
        r"node trim \(sagemaker\.spark\.custom_pyspark_0\.1\): PySpark .* not run on this machine; use a built-in",
    ),
    "a key twice": ('{"metadata": {"version": 1}, "nodes": [], "nodes": []}', r"key nodes: written twice"),
    "a number that is none": ('{"metadata": {"version": NaN}}', r"got NaN; JSON has only finite numbers"),
    "an operator that is no text": (changed(put(2, operator=None)), r"node trim: operator: got None"),
    "an unknown type": (changed(put(2, type="MAGIC")), r"node trim .*: type: got MAGIC; must be one of SOURCE"),
    "a node that is no object": (changed(lambda d: d["nodes"].append(7)), r"nodes\[5\]: got 7; a node is an object"),
    "parameters that are no object": (changed(put(2, parameters=[1])), r"node trim .*: parameters: got \[1\]"),
    "two data sets of one name": (
        changed(lambda d: d["nodes"].append(source("again"))),
        r"node again .*: dataset_definition\.name: data\.csv is also the name of node source",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_is_refused(case: str) -> None:
    """An invalid flow is rejected when it is parsed and planned, without data."""
    given_text, message = REFUSED[case]
    with pytest.raises(FlowError, match=message):
        plan(parse(given_text))


@pytest.mark.parametrize("bomb", ["[" * 200_000, '{"a":' * 200_000, '"' + '\\"' * 500_000, "[" * 60 + "]" * 59])
def test_a_bomb_is_refused_quickly(bomb: str) -> None:
    """Deep nesting and open strings overflow no stack and take less than a second."""
    start = time.process_time()
    with pytest.raises(FlowError):
        parse(bomb)
    assert time.process_time() - start < 1


def test_unknown_metadata_is_kept() -> None:
    """Unknown keys stay in the document when it is written again."""
    document = linear()
    document["metadata"]["note"] = "hello"
    flow = parse(text(document))
    assert parse(flow.text()).document == document


def test_the_order_in_the_file_does_not_matter() -> None:
    """Nodes run after their inputs, in any order in the file."""
    document = linear()
    document["nodes"].reverse()
    assert [node.node_id for node in plan(parse(text(document))).steps] == ["source", "types", "trim", "distinct"]


@pytest.mark.parametrize("name", ["d2", "S3: second", "second", "d2.default"])
def test_a_destination_is_named(name: str) -> None:
    """The setting selects one of several destinations: by id, by name, or by the name of a job's output."""
    document = linear()
    document["nodes"].append(destination("d2", "S3: second", "trim"))
    assert plan(parse(text(document)), name).result == ("trim", "default")


def test_a_branch_that_is_not_written_need_not_be_supported() -> None:
    """Only nodes that the destination needs must be supported."""
    document = linear()
    document["nodes"].append(transform("elsewhere", "teleport", {}, "types"))
    assert [node.node_id for node in plan(parse(text(document))).steps] == ["source", "types", "trim", "distinct"]


def test_an_unknown_destination_is_refused() -> None:
    """The message lists the destinations."""
    with pytest.raises(FlowError, match=r"got other; no node has that name or id; destinations: S3: clean \[end\]"):
        plan(parse(text(linear())), "other")


@given(st.integers(0, 30), st.randoms(use_true_random=False))
def test_any_row_of_nodes_runs_in_order(count: int, random: Any) -> None:
    """A chain of any length, shuffled in the file, is planned from source to end."""
    ids = [f"n{i}" for i in range(count)]
    chain = [
        source(),
        *(transform(n, "format_string", strip("job"), p) for p, n in zip(["source", *ids], ids, strict=False)),
    ]
    chain.append(destination("end", "S3: x", ["source", *ids][-1]))
    shuffled = copy.copy(chain)
    random.shuffle(shuffled)
    flow = parse(text({"metadata": {"version": 1}, "nodes": shuffled}))
    assert [node.node_id for node in plan(flow).steps] == ["source", *ids]


KEYS = st.sampled_from(["metadata", "nodes", "version", "node_id", "inputs"])
LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
DOCUMENTS = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=20
)


@given(DOCUMENTS)
def test_any_json_gives_a_flow_or_a_sentence(document: object) -> None:
    """Any JSON document gives a flow or a FlowError."""
    with pytest.raises(FlowError):
        parse(text(document))
