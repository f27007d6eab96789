"""The definition is built without network or credentials, and equals the golden file."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline.aws.validate import every_step, problems
from pipeline.definition import Sources, build
from tests.pipeline.project import BALANCED, ENVIRONMENT, SOURCES, of

GOLDEN = Path(__file__).parent / "golden" / "definition.json"
ROOT = Path(__file__).parents[2]
REGRESSION = {"problem_type": "problem_type: Regression\n", "gate": "gate:\n  metric: rmse\n  threshold: 3.5\n"}
MULTICLASS = {"problem_type": "problem_type: MulticlassClassification\n"}
SECURE = (
    "security:\n  kms_key: alias/adult\n  subnets: [subnet-1]\n  security_groups: [sg-1]\ntags: {team: risk}\n"
    "automl: {max_candidates: 5}\nflow: {allow_custom_code: true}\ncache_days: 0\n"
)
# In a process of its own: what a person waits for, with every way to the network closed.
OFFLINE = """
import socket, sys
def refuse(*_, **__): raise OSError("no network in this test")
socket.socket.connect = socket.getaddrinfo = socket.create_connection = refuse
sys.argv[0] = "pipeline"
import runpy; runpy.run_module("pipeline", run_name="__main__", alter_sys=True)
"""


def steps(definition: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {step["Name"]: step for step in every_step(definition["Steps"])}


def test_the_definition_is_the_golden_file() -> None:
    """A change is seen in review; `UPDATE_GOLDEN=1 make test-fast` writes the file anew."""
    built = build(of("positive_class: '>50K'\n"), ENVIRONMENT, SOURCES)
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(json.dumps(built, indent=1) + "\n", encoding="utf-8")
    assert json.loads(GOLDEN.read_text(encoding="utf-8")) == built


def test_the_steps_have_the_names_and_types_that_everything_else_refers_to() -> None:
    types = {name: step["Type"] for name, step in steps(build(of(), ENVIRONMENT, BALANCED)).items()}
    assert types == {
        "Preprocess": "Processing",
        "Split": "Processing",
        "Balance": "Processing",
        "Autopilot": "AutoML",
        "CreateModel": "Model",
        "Predict": "Transform",
        "Evaluate": "Processing",
        "Gate": "Condition",
        "Register": "RegisterModel",
        "GateFailed": "Fail",
    }


@pytest.mark.parametrize("sources", [SOURCES, BALANCED], ids=["plain", "balanced"])
@pytest.mark.parametrize("changed", [{}, MULTICLASS, REGRESSION], ids=["binary", "multiclass", "regression"])
@pytest.mark.parametrize("extra", ["", SECURE], ids=["defaults", "key-vpc-tags"])
def test_every_request_is_one_that_the_service_takes(sources: Sources, changed: dict[str, str], extra: str) -> None:
    assert problems(build(of(extra, **changed), ENVIRONMENT, sources)) == []


def test_only_training_rows_are_balanced() -> None:
    by_name = steps(build(of(), ENVIRONMENT, BALANCED))
    channels = by_name["Autopilot"]["Arguments"]["InputDataConfig"]
    assert [channel["DataSource"]["S3DataSource"]["S3Uri"]["Get"] for channel in channels] == [
        "Steps.Balance.ProcessingOutputConfig.Outputs['even.default'].S3Output.S3Uri",
        "Steps.Split.ProcessingOutputConfig.Outputs['validation'].S3Output.S3Uri",
    ]


def test_a_loss_must_stay_below_its_threshold() -> None:
    by_name = steps(build(of(**REGRESSION), ENVIRONMENT, SOURCES))
    first = by_name["Gate"]["Arguments"]["Conditions"][0]
    words = by_name["GateFailed"]["Arguments"]["ErrorMessage"]["Std:Join"]["Values"][0]
    assert (first["Type"], words) == ("LessThanOrEqualTo", "The gate failed: rmse must be at most ")


AUTOPILOT = "Steps.Autopilot.BestCandidate.InferenceContainers[0]"


def test_the_model_and_the_package_keep_the_environment_of_autopilots_container() -> None:
    """All six variables of the SDK's get_best_auto_ml_model; without four of them the container finds no script."""
    by_name = steps(build(of(), ENVIRONMENT, SOURCES))
    variables = {
        name: {"Get": f"{AUTOPILOT}.Environment['{name}']"}
        for name in (
            "MODEL_NAME",
            "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT",
            "SAGEMAKER_PROGRAM",
            "SAGEMAKER_SUBMIT_DIRECTORY",
        )
    }
    answers = "predicted_label,probability,probabilities,labels"
    container = {
        "Image": {"Get": f"{AUTOPILOT}.Image"},
        "ModelDataUrl": {"Get": f"{AUTOPILOT}.ModelDataUrl"},
        "Environment": variables | {"SAGEMAKER_INFERENCE_SUPPORTED": answers, "SAGEMAKER_INFERENCE_OUTPUT": answers},
    }
    assert by_name["CreateModel"]["Arguments"]["PrimaryContainer"] == container
    assert by_name["Register"]["Arguments"]["InferenceSpecification"]["Containers"] == [container]


def test_no_step_refers_to_reports_that_autopilot_may_not_have_made() -> None:
    """Its explainability is a Clarify job; where there is none, such a reference would fail after a paid training."""
    definition = build(of(), ENVIRONMENT, SOURCES)
    report = steps(definition)["Register"]["Arguments"]["ModelMetrics"]["Explainability"]["Report"]["S3Uri"]
    assert "BestCandidateProperties" not in json.dumps(definition)
    assert report["Std:Join"]["Values"][1] == "explainability.json"


def test_no_retry_policy_names_an_exception_twice() -> None:
    by_name = steps(build(of(), ENVIRONMENT, BALANCED))
    policies = [policy["ExceptionType"] for step in by_name.values() for policy in step.get("RetryPolicies", [])]
    assert policies
    assert [names for names in policies if len(set(names)) != len(names)] == []


def test_retries_of_model_steps_name_only_step_exceptions() -> None:
    by_name = steps(build(of(), ENVIRONMENT, SOURCES))
    kinds = {
        name: {kind.split(".")[0] for policy in step["RetryPolicies"] for kind in policy["ExceptionType"]}
        for name, step in by_name.items()
        if step["Type"] in ("Model", "RegisterModel")
    }
    assert kinds == {"CreateModel": {"Step"}, "Register": {"Step"}}


def test_only_steps_that_give_the_same_for_the_same_input_are_cached() -> None:
    by_name = steps(build(of(), ENVIRONMENT, BALANCED))
    cached = [name for name, step in by_name.items() if "CacheConfig" in step]
    assert cached == ["Preprocess", "Split", "Balance", "Autopilot"]


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        ({"ProblemType": "Binary"}, "ProblemType: got 'Binary'; must be one of BinaryClassification"),
        ({"RoleArn": "me"}, "RoleArn: got 'me'; must be at least 20 long"),
        ({"AutoMLJobConfig": {"Mode": "FAST"}}, "AutoMLJobConfig.Mode: got 'FAST'; must be one of AUTO, ENSEMBLING"),
        ({"Speed": 1}, "Speed: is unknown to the service; remove it"),
        ({"InputDataConfig": []}, "InputDataConfig: got []; must be at least 1 long"),
        ({"OutputDataConfig": {}}, "OutputDataConfig.S3OutputPath: is missing; the service requires it"),
        ({"GenerateCandidateDefinitionsOnly": "no"}, "got 'no'; must be of type boolean"),
    ],
)
def test_what_the_service_would_refuse_is_named(spoil: dict[str, Any], sentence: str) -> None:
    definition = build(of(), ENVIRONMENT, SOURCES)
    steps(definition)["Autopilot"]["Arguments"].update(spoil)
    assert any(
        f"Autopilot: CreateAutoMLJob.{sentence}" in problem or sentence in problem for problem in problems(definition)
    ), problems(definition)


def test_references_that_lead_nowhere_are_named() -> None:
    definition = build(of(), ENVIRONMENT, SOURCES)
    definition["Parameters"][-1]["Name"] = "Comit"
    steps(definition)["Predict"]["Arguments"]["ModelName"] = {"Get": "Steps.Model.ModelName"}
    assert problems(definition) == [
        "Steps.Model.ModelName: there is no step 'Model'",
        "Parameters.Commit: no such parameter is declared",
        "Parameters.Comit: is used nowhere; remove it",
    ]


def test_the_command_needs_no_network_and_less_than_three_seconds() -> None:
    """Seconds of a processor, so that a busy machine makes no difference."""
    environ = {name: os.environ[name] for name in ("PATH", "HOME", "SYSTEMROOT") if name in os.environ}
    before, command = os.times(), [sys.executable, "-c", OFFLINE, "definition"]
    ran = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    after = os.times()
    seconds = after.children_user + after.children_system - before.children_user - before.children_system
    assert (ran.returncode, ran.stderr) == (0, "")
    assert (json.loads(ran.stdout)["Version"], seconds < 3) == ("2020-12-01", True), seconds
