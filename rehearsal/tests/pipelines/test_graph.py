"""Step 4: a definition is validated before any step runs."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sagemaker_rehearsal.pipelines import graph
from sagemaker_rehearsal.pipelines.cache import Cache, Entry, duration, key
from sagemaker_rehearsal.pipelines.errors import ExecutorError
from sagemaker_rehearsal.pipelines.execution import values


def step(name: str, arguments: object = None, kind: str = "Processing", **more: object) -> dict[str, Any]:
    return {"Name": name, "Type": kind, "Arguments": arguments or {}, **more}


def test_edges_are_references_and_depends_on() -> None:
    steps = graph.dependencies(step("C", {"x": [{"Get": "Steps.A.Y"}, {"Get": "Parameters.P"}]}, DependsOn=["B"]))
    assert steps == {"A", "B"}


def test_a_condition_waits_for_its_conditions_and_not_for_its_branches() -> None:
    gate = step(
        "Gate",
        {
            "Conditions": [{"Type": "Equals", "LeftValue": {"Get": "Steps.A.X"}, "RightValue": 1}],
            "IfSteps": [step("B", {"x": {"Get": "Steps.C.Y"}})],
            "ElseSteps": [],
        },
        "Condition",
    )
    assert graph.dependencies(gate) == {"A"}


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([step("A"), step("A")], "step [A]: step names must be given and unique"),
        ([step("A", kind="Training")], "got Training"),
        ([step("A", DependsOn=["B"])], "step [A]: depends on [B], which is no step of this pipeline"),
        ([step("A", {"x": {"Get": "Parameters.Q"}})], "step [A]: gets parameter 'Q', which is not declared"),
        ([step("A", {"x": {"Get": "Nothing.Q"}})], "a path starts with Parameters, Steps or Execution"),
        ([step("A", DependsOn=["B"]), step("B", DependsOn=["A"])], "steps depend on each other in a circle: A, B"),
    ],
)
def test_a_definition_that_cannot_run_is_refused(steps: list[Any], message: str) -> None:
    with pytest.raises(ExecutorError, match=r"^Invalid pipeline definition") as caught:
        graph.read(json.dumps({"Parameters": [], "Steps": steps}))
    assert message in str(caught.value)


DECLARED = {
    "Parameters": [
        {"Name": "Threshold", "Type": "Float", "DefaultValue": 0.8},
        {"Name": "Status", "Type": "String", "DefaultValue": "Pending", "EnumValues": ["Pending", "Approved"]},
        {"Name": "Uri", "Type": "String"},
    ]
}


def test_parameters_take_their_declared_types() -> None:
    overrides = {"Uri": "s3://b", "Threshold": "0.5"}
    assert values(DECLARED, overrides) == {"Threshold": 0.5, "Status": "Pending", "Uri": "s3://b"}


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({}, "Parameter [Uri] has no default value; give one"),
        ({"Uri": "u", "Other": "1"}, "Parameter [Other] is not defined in the pipeline's definition"),
        ({"Uri": "u", "Threshold": "high"}, "Parameter [Threshold]: got 'high', which is no Float"),
        ({"Uri": "u", "Status": "Maybe"}, "Parameter [Status]: got 'Maybe'; must be one of Pending, Approved"),
    ],
)
def test_wrong_parameters_are_refused(overrides: dict[str, str], message: str) -> None:
    with pytest.raises(ExecutorError) as caught:
        values(DECLARED, overrides)
    assert str(caught.value) == message


ARGUMENTS = {"AppSpecification": {"ImageUri": "i"}, "Environment": {}, "ProcessingInputs": [{"InputName": "a"}]}


def test_the_cache_compares_what_the_service_compares() -> None:
    """Output locations are not compared, since they differ between executions."""
    elsewhere = {**ARGUMENTS, "ProcessingOutputConfig": {"Outputs": ["elsewhere"]}}
    other_input = {**ARGUMENTS, "ProcessingInputs": [{"InputName": "b"}]}
    assert key("Processing", ARGUMENTS) == key("Processing", elsewhere)
    assert key("Processing", ARGUMENTS) != key("Processing", other_input)


@pytest.mark.parametrize(
    ("age", "config", "is_used"),
    [
        (timedelta(minutes=59), {"Enabled": True, "ExpireAfter": "PT1H"}, True),
        (timedelta(minutes=61), {"Enabled": True, "ExpireAfter": "PT1H"}, False),
        (timedelta(0), {"Enabled": False, "ExpireAfter": "PT1H"}, False),
        (timedelta(0), None, False),
    ],
)
def test_a_cached_step_is_used_until_it_expires(age: timedelta, config: dict[str, Any] | None, is_used: bool) -> None:
    cache, cached = Cache(), step("A", CacheConfig=config)
    cache.keep("pipeline", cached, ARGUMENTS, Entry({}, "execution", datetime.now(UTC) - age))
    assert (cache.find("pipeline", cached, ARGUMENTS) is not None) is is_used


@pytest.mark.parametrize(
    ("text", "expected"), [("P30D", timedelta(days=30)), ("PT90M", timedelta(minutes=90)), ("P1W", timedelta(7))]
)
def test_durations_are_read(text: str, expected: timedelta) -> None:
    assert duration(text) == expected


@pytest.mark.parametrize("text", ["30 days", "P", "PT", ""])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ExecutorError, match="no ISO 8601 duration"):
        duration(text)
