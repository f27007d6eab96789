"""Step 4: references in a definition are resolved from parameters, steps and property files."""

from typing import Any

import pytest

from sagemaker_rehearsal.pipelines.errors import ExecutorError
from sagemaker_rehearsal.pipelines.references import Scope, parts

STEPS = {
    "Split": {"ProcessingOutputConfig": {"Outputs": [{"OutputName": "train", "S3Output": {"S3Uri": "s3://b/train"}}]}},
    "Autopilot": {"BestCandidate": {"InferenceContainers": [{"Image": "img", "ModelDataUrl": "s3://b/m.tar.gz"}]}},
}
EVALUATION = '{"gate": {"value": 0.9, "passed": 1}, "list": [{"a b": "x"}]}'


def scope() -> Scope:
    return Scope(
        {"Threshold": 0.8, "Uri": "s3://b/in", "On": True},
        {"PipelineExecutionId": "abc"},
        STEPS,
        lambda step, name: EVALUATION,
        lambda uri: EVALUATION,
    )


def json_get(path: object, file: str = "Evaluation") -> dict[str, Any]:
    return {"Std:JsonGet": {"PropertyFile": {"Get": f"Steps.Evaluate.PropertyFiles.{file}"}, "Path": path}}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Get": "Parameters.Uri"}, "s3://b/in"),
        ({"Get": "Execution.PipelineExecutionId"}, "abc"),
        ({"Get": "Steps.Autopilot.BestCandidate.InferenceContainers[0].Image"}, "img"),
        ({"Get": "Steps.Split.ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri"}, "s3://b/train"),
        ({"Std:Join": {"On": "/", "Values": ["s3:/", {"Get": "Execution.PipelineExecutionId"}, 3]}}, "s3://abc/3"),
        ({"Std:Join": {"On": " ", "Values": [{"Get": "Parameters.Threshold"}, {"Get": "Parameters.On"}]}}, "0.8 true"),
        (json_get("gate.value"), 0.9),
        (json_get("list[0]['a b']"), "x"),
        (json_get({"Std:Join": {"On": ".", "Values": ["gate", "passed"]}}), 1),
        ({"Std:JsonGet": {"S3Uri": {"Get": "Parameters.Uri"}, "Path": "gate.passed"}}, 1),
        ([{"a": {"Get": "Parameters.Threshold"}}, "plain"], [{"a": 0.8}, "plain"]),
        ({"Get": "Parameters.Uri", "Other": 1}, {"Get": "Parameters.Uri", "Other": 1}),
    ],
)
def test_a_reference_gives_what_it_names(value: object, expected: object) -> None:
    assert scope().resolve(value) == expected


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            {"Get": "Steps.Split.Nothing"},
            "ClientError: the reference 'Steps.Split.Nothing' cannot be resolved: there is no 'Nothing'",
        ),
        (
            {"Get": "Parameters.Missing"},
            "ClientError: the reference 'Parameters.Missing' cannot be resolved: there is no 'Missing'",
        ),
        (
            json_get("gate"),
            "ClientError: JsonGet of 'gate' in Steps.Evaluate.PropertyFiles.Evaluation gives dict, not a single value",
        ),
    ],
)
def test_a_reference_that_leads_nowhere_is_named(value: object, message: str) -> None:
    with pytest.raises(ExecutorError) as caught:
        scope().resolve(value)
    assert str(caught.value) == message


def test_a_path_may_quote_its_keys() -> None:
    assert parts("Steps.A['b c'][2].d[\"e\"]") == ["Steps", "A", "b c", 2, "d", "e"]
