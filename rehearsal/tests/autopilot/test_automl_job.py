"""Step 4: a job returns the responses of DescribeAutoMLJob and ListCandidatesForAutoMLJob."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from sagemaker_rehearsal.autopilot.__main__ import main
from sagemaker_rehearsal.autopilot.archive import unpack
from sagemaker_rehearsal.autopilot.engine import load
from tests.autopilot.conftest import arguments, write_channels

S3 = {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/train"}
DECIDED_BY_SERVICE = {
    "AutoMLJobName": "job",
    "AutoMLJobArn": "arn:aws:sagemaker:us-east-1:123456789012:automl-job/job",
    "InputDataConfig": [{"TargetAttributeName": "pay", "DataSource": {"S3DataSource": S3}}],
    "OutputDataConfig": {"S3OutputPath": "s3://bucket/prefix"},
    "RoleArn": "arn:aws:iam::123456789012:role/pipeline",
}
DEFAULTS = {"BinaryClassification": "F1", "MulticlassClassification": "Accuracy", "Regression": "MSE"}


def read(folder: Path, name: str) -> Any:  # noqa: ANN401 - JSON
    return json.loads((folder / name).read_text())


def problems(operation: str, answer: dict[str, Any]) -> list[str]:
    """List a response's violations of botocore's output shape: types, required members, enums, unknown members."""
    shape = botocore.session.get_session().get_service_model("sagemaker").operation_model(operation).output_shape
    report = ParamValidator().validate(answer, shape).generate_report()
    return ([report] if report else []) + list(strangers(answer, shape, operation))


def strangers(value: Any, shape: Any, path: str) -> list[str]:  # noqa: ANN401 - JSON and botocore's shapes
    if shape.type_name == "structure":
        unknown = [f"{path}.{name} is unknown" for name in value if name not in shape.members]
        known = [(name, member) for name, member in value.items() if name in shape.members]
        return unknown + [
            line for name, item in known for line in strangers(item, shape.members[name], f"{path}.{name}")
        ]
    if shape.type_name == "list":
        return [line for item in value for line in strangers(item, shape.member, path + "[]")]
    enum = getattr(shape, "enum", None)
    return [f"{path}: {value!r} is not in {enum}"] if enum and value not in enum else []


@pytest.mark.parametrize("problem_type", DEFAULTS)
def test_a_job_answers_in_the_shapes_of_the_api(finished: Callable[..., Path], problem_type: str) -> None:
    """The response has botocore's shape, except artifact paths, which the executor replaces by S3 URIs."""
    output = finished(problem_type)
    described = json.loads((output / "describe.json").read_text().replace('"file:', '"s3://bucket/run/'))
    properties = described.pop("BestCandidateProperties")
    assert problems("DescribeAutoMLJob", DECIDED_BY_SERVICE | described) == []
    listed = json.loads((output / "candidates.json").read_text().replace('"file:', '"s3://bucket/run/'))
    assert problems("ListCandidatesForAutoMLJob", {"Candidates": listed}) == []
    assert listed[0] == described["BestCandidate"]
    assert properties == {
        "ModelInsightsJsonReportPath": "s3://bucket/run/reports/insights/statistics.json",
        "ExplainabilityJsonReportPath": "s3://bucket/run/reports/explainability/analysis.json",
    }
    assert described["ResolvedAttributes"]["AutoMLJobObjective"] == {"MetricName": DEFAULTS[problem_type]}


def test_artifacts_stand_where_the_answer_says(finished: Callable[..., Path]) -> None:
    """Each `file:` path of the best candidate is a file of the output."""
    output = finished("BinaryClassification")
    described = read(output, "describe.json")
    [container] = described["BestCandidate"]["InferenceContainers"]
    paths = [container["ModelDataUrl"], *described["BestCandidateProperties"].values()]
    assert [(output / path.removeprefix("file:")).is_file() for path in paths] == [True, True, True]
    assert container["Environment"] == {
        "MODEL_NAME": described["BestCandidate"]["CandidateName"],
        "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "text/csv",
        "SAGEMAKER_INFERENCE_OUTPUT": "predicted_label",
        "SAGEMAKER_INFERENCE_SUPPORTED": "predicted_label,probability,probabilities,labels",
        "SAGEMAKER_PROGRAM": "sagemaker_serve",
        "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
    }


def test_an_account_without_clarify_gets_no_explainability(job: Callable[..., Path], tmp_path: Path) -> None:
    """The report, its path and the step's property are absent; the rest is unchanged."""
    output = job("BinaryClassification")
    assert main([*arguments(tmp_path, "BinaryClassification"), "--no-explainability"]) == 0
    described = read(output, "describe.json")
    assert list(described["BestCandidateProperties"]) == ["ModelInsightsJsonReportPath"]
    locations = described["BestCandidate"]["CandidateProperties"]["CandidateArtifactLocations"]
    assert list(locations) == ["ModelInsights"]


@pytest.mark.parametrize("problem_type", DEFAULTS)
def test_candidates_are_listed_best_first(finished: Callable[..., Path], problem_type: str) -> None:
    """The leaderboard is sorted by the objective: a loss ascending, a score descending."""
    listed = read(finished(problem_type), "candidates.json")
    metrics = [candidate["FinalAutoMLJobObjectiveMetric"] for candidate in listed]
    values = [metric["Value"] for metric in metrics]
    assert values == sorted(values, reverse=metrics[0]["Type"] == "Maximize")
    assert metrics[0]["Type"] == ("Minimize" if problem_type == "Regression" else "Maximize")


def test_a_column_without_meaning_is_less_important(finished: Callable[..., Path]) -> None:
    """The explainability file has Clarify's form, sorts the features, and states that it has no SHAP values."""
    analysis = read(finished("BinaryClassification"), "reports/explainability/analysis.json")
    [(label, explained)] = analysis["explanations"]["kernel_shap"].items()
    assert label == "rich"
    assert list(explained["global_shap_values"]) == ["age", "job", "hours"]
    assert "not SHAP" in analysis["note"]


def test_insights_count_the_validation_rows(finished: Callable[..., Path]) -> None:
    """Model Quality's confusion matrix adds up to the rows of the validation channel."""
    statistics = read(finished("MulticlassClassification"), "reports/insights/statistics.json")
    matrix = statistics["multiclass_classification_metrics"]["confusion_matrix"]
    assert sum(count for row in matrix.values() for count in row.values()) == statistics["dataset"]["item_count"] == 60


def test_the_model_card_names_columns_types_and_classes(finished: Callable[..., Path], tmp_path: Path) -> None:
    """model.json describes the columns for the endpoint."""
    unpack(finished("BinaryClassification") / "model.tar.gz", tmp_path / "model")
    _, card = load(tmp_path / "model")
    assert [(column.name, column.type) for column in card.columns] == [
        ("age", "number"),
        ("hours", "number"),
        ("job", "text"),
    ]
    assert (card.target, card.classes, card.engine) == ("pay", ("poor", "rich"), "sklearn")


def test_a_time_limit_and_a_count_are_obeyed(job: Callable[..., Path]) -> None:
    """MaxCandidates of 1 gives one candidate; the secondary status reports an elapsed time limit."""
    criteria = {"AutoMLJobConfig": {"CompletionCriteria": {"MaxCandidates": 1}}}
    assert len(read(job("Regression", **criteria), "candidates.json")) == 1
    short = {"AutoMLJobConfig": {"CompletionCriteria": {"MaxAutoMLJobRuntimeInSeconds": 0}}}
    assert read(job("Regression", **short), "describe.json")["AutoMLJobSecondaryStatus"] == "MaxAutoMLJobRuntimeReached"


def test_equal_jobs_give_equal_archives(job: Callable[..., Path]) -> None:
    """model.tar.gz contains no time, owner or mode of this machine."""
    first = (job("Regression") / "model.tar.gz").read_bytes()
    output = job("Regression")
    assert (output / "model.tar.gz").read_bytes() == first
    with tarfile.open(output / "model.tar.gz") as tar:
        assert {(entry.mtime, entry.uid, entry.mode) for entry in tar} == {(0, 0, 0o644)}


REFUSED = {
    "a target that is not there": (
        {"InputDataConfig": [{"TargetAttributeName": "wage"}]},
        "TargetAttributeName: got 'wage'",
    ),
    "no target": ({"InputDataConfig": []}, "TargetAttributeName: it is missing"),
    "a problem type that is none": ({"ProblemType": "Guess"}, "ProblemType: got 'Guess'"),
    "a metric of another problem type": ({"AutoMLJobObjective": {"MetricName": "RMSE"}}, "MetricName: got 'RMSE'"),
    "another mode": ({"AutoMLJobConfig": {"Mode": "AUTO"}}, "Mode: got 'AUTO'"),
}


@pytest.mark.parametrize(("request_part", "sentence"), REFUSED.values(), ids=REFUSED)
def test_a_request_that_cannot_run_fails_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], request_part: dict[str, Any], sentence: str
) -> None:
    """Exit code 1, one line on stderr, nothing written."""
    write_channels(tmp_path, "BinaryClassification", 40)
    assert main(arguments(tmp_path, **{"problem_type": "BinaryClassification", **request_part})) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert sentence in line
    assert not (tmp_path / "output").exists()


def test_a_request_that_is_no_json_is_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2 for a file that cannot be read."""
    command = arguments(tmp_path, "Regression")
    (tmp_path / "request.json").write_text("[1]")
    assert main(command) == 2
    assert "give the CreateAutoMLJob request" in capsys.readouterr().err


def test_an_unknown_engine_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """REHEARSAL_AUTOML_ENGINE accepts only the two engines."""
    monkeypatch.setenv("REHEARSAL_AUTOML_ENGINE", "h2o")
    write_channels(tmp_path, "Regression", 40)
    assert main(arguments(tmp_path, "Regression")) == 1
    assert "got 'h2o'; it must be one of autogluon, sklearn" in capsys.readouterr().err
