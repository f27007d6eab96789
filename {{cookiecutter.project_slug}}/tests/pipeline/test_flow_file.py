"""A flow is validated before anything is uploaded."""

import json
from pathlib import Path

import pytest

from pipeline.data.flows import FlowFile, FlowFileError, read, text, types
from pipeline.settings.load import load
from tests.pipeline.project import flow

BALANCE = {"node_id": "b", "type": "TRANSFORM", "operator": "sagemaker.spark.balance_data_0.1"}
CUSTOM = {"node_id": "c", "type": "TRANSFORM", "operator": "sagemaker.spark.custom_pandas_0.1"}
ROOT = Path(__file__).parents[2]


def test_data_set_and_destination_are_found() -> None:
    assert read(flow(), "f.flow") == FlowFile("data.csv", "clean")


def test_a_named_destination_is_taken_of_several() -> None:
    assert read(flow(destinations=("a", "b")), "f.flow", "b") == FlowFile("data.csv", "b")


def test_what_the_flow_may_hold_depends_on_where_it_runs() -> None:
    assert read(flow(BALANCE, CUSTOM), "f.flow", balance=True, custom_code=True) == FlowFile("data.csv", "clean")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (
            flow(BALANCE),
            r"f\.flow: node b .*: balancing here would put synthetic rows into the held-out .* flow\.balance",
        ),
        (flow(CUSTOM), r"f\.flow: node c .*: runs code; must be allowed; .*allow_custom_code: true"),
        (flow(destinations=()), r"has 0 DESTINATION nodes \(none\)"),
        (
            flow(destinations=("a", "b")),
            r"has 2 DESTINATION nodes \(a, b\); must have one; name it in flow\.destination",
        ),
        (flow(name="a/b"), r"data set name 'a/b' of the SOURCE node must be a folder's name"),
        (flow({"node_id": "s", "type": "SOURCE"}), r"has 2 SOURCE nodes"),
        ("{", r"f\.flow: is no JSON"),
        ("[]", r"f\.flow: must be an object with a list `nodes`"),
        ("[" * 100_000, r"f\.flow: is no JSON"),
    ],
)
def test_a_wrong_flow_is_a_sentence(content: str, sentence: str) -> None:
    with pytest.raises(FlowFileError, match=sentence):
        read(content, "f.flow")


def test_an_unknown_destination_is_a_sentence_that_lists_the_known() -> None:
    with pytest.raises(FlowFileError, match=r"no DESTINATION node 'x' \(flow\.destination\); known: clean"):
        read(flow(), "f.flow", "x")


def test_types_are_long_float_or_string() -> None:
    rows = [["1", "1", "x", "", "1e999"], ["?", "2.5", "3", "", "1"]]
    assert types(["a", "b", "c", "d", "e"], rows) == {
        "a": "long",
        "b": "float",
        "c": "string",
        "d": "string",
        "e": "string",
    }


def test_a_new_flow_is_one_that_the_pipeline_takes() -> None:
    columns = ["a", "y"]
    written = text(columns, {"a": "long", "y": "string"})
    operators = [node["operator"].rpartition(".")[2] for node in json.loads(written)["nodes"]]
    assert operators == ["1", "1", "1", "1"]
    assert read(written, "f.flow").dataset == "data.csv"


def test_the_flow_of_this_repository_is_one_that_the_pipeline_takes() -> None:
    configured = load(ROOT / "settings.yaml").flow
    flow_text = (ROOT / configured.file).read_text(encoding="utf-8")
    assert (
        read(flow_text, configured.file, configured.destination, custom_code=configured.allow_custom_code).dataset != ""
    )
