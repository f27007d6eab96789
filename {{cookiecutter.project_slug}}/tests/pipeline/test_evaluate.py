"""Evaluate decides the gate, and explains the registered model by its answers: what does shuffling a column cost?"""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.steps import champion, evaluate, explanation, gate, metrics, predictions
from pipeline.steps.gate import BINARY, REGRESSION
from pipeline.steps.predictions import Answers
from pipeline.steps.tables import StepError
from tests.deploy.aws import ARN, BUCKET, GROUP, Bucket, Registry, package
from tests.pipeline.test_metrics import lines, wrong_at_times


@pytest.mark.parametrize(
    ("answered", "sentence"),
    [
        ([["a", "1", "[1.0]", "['z']"]], r"line 1: got unknown class 'z'; known are \['a', 'b'\]"),
        ([["a"]], "line 1"),
        ([["a", "1", "[oops]", "['a']"]], "line 1"),
        ([["a", "1", "[1.0]", "__import__('os')"]], "line 1"),
        ([], "0 answers for 1 held-out rows"),
    ],
)
def test_answers_of_another_form_are_a_sentence(answered: list[list[str]], sentence: str) -> None:
    with pytest.raises(StepError, match=sentence):
        predictions.classified(["a"], answered, ("a", "b"))


def test_a_label_may_be_written_as_another_number() -> None:
    answers = predictions.classified(["1", "0"], lines(np.array([[0.2, 0.8], [0.9, 0.1]]), ("0.0", "1.0")), ())
    assert answers.predicted.tolist() == answers.actual.tolist()


DEMAND = gate.Demand("weighted_f1", 0.8, {"auc": 0.9, "log_loss": 0.5})
REACHED = {"weighted_f1": 0.85, "auc": 0.92, "log_loss": 0.3}
BASELINE = {"weighted_f1": 0.66}


@pytest.mark.parametrize(
    ("reached", "approved", "expected"),
    [
        (REACHED, None, (1, 1, 1, 1)),
        ({**REACHED, "weighted_f1": 0.79}, None, (0, 1, 1, 1)),
        ({**REACHED, "auc": 0.89}, None, (0, 0, 1, 1)),
        ({**REACHED, "log_loss": 0.51}, None, (0, 0, 1, 1)),
        ({**REACHED, "auc": None}, None, (0, 0, 1, 1)),
        ({**REACHED, "weighted_f1": 0.66}, None, (0, 1, 0, 1)),
        (REACHED, {"weighted_f1": 0.85}, (1, 1, 1, 1)),
        (REACHED, {"weighted_f1": 0.86}, (0, 1, 1, 0)),
    ],
)
def test_a_model_passes_only_when_all_hold(reached: dict[str, Any], approved: Any, expected: tuple[int, ...]) -> None:  # noqa: ANN401
    decision = gate.decide(DEMAND, reached, BASELINE, approved)
    assert tuple(decision[name] for name in ("passed", "minimums_met", "beats_baseline", "beats_champion")) == expected


@pytest.mark.parametrize(("value", "expected"), [(3.0, (1, 1)), (3.04, (1, 1)), (3.1, (1, 0)), (5.0, (0, 0))])
def test_a_loss_passes_downwards_and_tolerance_reaches_upwards(value: float, expected: tuple[int, int]) -> None:
    decision = gate.decide(gate.Demand("rmse", 9.0, {}, 0.05), {"rmse": value}, {"rmse": 5.0}, {"rmse": 3.0})
    assert (decision["beats_baseline"], decision["beats_champion"]) == expected


def test_a_gate_without_a_value_is_a_sentence() -> None:
    with pytest.raises(StepError, match=r"gate\.metric: auc has no value on the held-out rows"):
        gate.decide(gate.Demand("auc", 0.9, {}), {"auc": None}, {}, None)


def test_curves_have_at_most_two_hundred_points_and_both_ends() -> None:
    truth = np.arange(5000) % 3 == 0
    shares = np.linspace(0, 1, 5000)
    answers = Answers(truth.astype(int), (shares > 0.5).astype(int), np.stack([1 - shares, shares], axis=1), ("n", "y"))
    values = metrics.measure(BINARY, answers, "y")
    content = metrics.quality_report(BINARY, answers, values, values, "y")["binary_classification_metrics"]
    curve = content["receiver_operating_characteristic_curve"]
    ends = [(curve[key][0], curve[key][-1]) for key in ("false_positive_rates", "true_positive_rates")]
    assert (len(curve["true_positive_rates"]), ends) == (200, [(0.0, 1.0), (0.0, 1.0)])
    assert content["confusion_matrix"]["n"] == {"n": 1666, "y": 1667}


def champion_of(
    versions: dict[int, str], evaluation: str = '{"metrics": {"auc": 0.9}, "held_out_sha256": "x"}'
) -> dict[str, Any] | None:
    """Find the champion among versions with their approval status; the newest one's evaluation may be gone."""
    notes = {version: {"EvaluationUri": f"s3://{BUCKET}/{version}/evaluation.json"} for version in versions}
    packages = [
        {**package(version, status, minutes=version), "CustomerMetadataProperties": notes[version]}
        for version, status in versions.items()
    ]
    bucket = Bucket({notes[max(versions)]["EvaluationUri"]: evaluation} if evaluation else {})
    return champion.find(Registry(packages).client(), bucket.client(), GROUP)


def test_the_champion_is_the_newest_approved_package() -> None:
    expected = {"model_package_arn": f"{ARN}/2", "metrics": {"auc": 0.9}, "held_out_sha256": "x"}
    assert champion_of({1: "Approved", 2: "Approved"}) == expected


def test_there_is_no_champion_before_the_first_approval() -> None:
    """Neither in a group without an approved package nor before there is a group."""
    assert champion_of({1: "PendingManualApproval"}) is None
    assert champion.find(Registry([]).client(), Bucket().client(), GROUP) is None


def test_a_champion_whose_evaluation_is_gone_is_a_sentence() -> None:
    uri = rf"s3://{BUCKET}/1/evaluation\.json"
    with pytest.raises(StepError, match=rf"approved model {ARN}/1: its evaluation {uri} cannot be read"):
        champion_of({1: "Approved"}, evaluation="")


@given(st.integers(0, 300), st.integers(1, 50))
def test_a_sample_is_that_many_rows_of_all_that_pass(count: int, size: int) -> None:
    sample = explanation.Sample(size)
    for number in range(count):
        sample.offer([str(number)])
    assert len(sample.rows) == min(count, size)
    assert all(row == [str(number)] for number, row in sample.rows.items())
    assert set(sample.rows) <= set(range(count))


def test_each_row_is_sampled_as_often_as_another() -> None:
    counts = np.zeros(40)
    for seed in range(400):
        sample = explanation.Sample(10, _random=random.Random(seed))
        for number in range(40):
            sample.offer([str(number)])
        counts[list(sample.rows)] += 1
    assert (counts.min() > 60, counts.max() < 140) == (True, True)  # 100 expected, 8.7 the standard deviation


@pytest.mark.parametrize(("columns", "size"), [(1, 1000), (14, 1000), (100, 400), (1000, 100)])
def test_more_columns_have_fewer_rows(columns: int, size: int) -> None:
    assert explanation.sample_of(columns).size == size


@given(st.lists(st.lists(st.text(max_size=3), min_size=3, max_size=3), min_size=1, max_size=30))
def test_shuffling_moves_values_of_one_column_only(rows: list[list[str]]) -> None:
    sample = explanation.Sample(1000)
    for row in rows:
        sample.offer(row)
    shuffled = list(explanation.shuffled(sample))
    for at in range(3):
        block = shuffled[at * len(rows) : (at + 1) * len(rows)]
        assert sorted(row[at] for row in block) == sorted(row[at] for row in rows)
        assert [row[:at] + row[at + 1 :] for row in block] == [row[:at] + row[at + 1 :] for row in rows]
    assert len(shuffled) == 3 * len(rows)


def test_a_loss_is_the_log_loss_of_a_class_and_the_squared_error_of_a_number() -> None:
    shares = np.array([[0.8, 0.2], [0.0, 1.0]])
    classes = Answers(np.array([0, 0]), np.array([0, 1]), shares, ("a", "b"))
    assert metrics.losses(classes) == pytest.approx([-np.log(0.8), -np.log(metrics.EPSILON)])
    numbers = predictions.regressed(["1", "3"], [["1.5"], ["1"]])
    assert metrics.losses(numbers).tolist() == [0.25, 4.0]


def job(folder: Path, problem_type: str, actual: list[str], lines: list[str], explained: list[int], gate: str) -> int:
    """Run the job on the held-out rows of two columns; `gate` is metric and threshold."""
    binary, (metric, threshold) = problem_type == BINARY, gate.split()
    for name in ("predictions", "test", "report"):
        (folder / name).mkdir()
    (folder / "test" / "test.csv").write_text("x,z,y\n" + "".join(f"1,2,{value}\n" for value in actual))
    (folder / "predictions" / "features.csv.out").write_text("".join(f"{line}\n" for line in lines))
    counts = {"train": {"no": 80, "yes": 20} if binary else {}, "validation": {}, "test": {}}
    report = {"rows": {}, "classes": counts, "duplicates_removed": {}, "missing_target_removed": 0}
    report |= {"features": ["x", "z"], "explained_rows": explained, "held_out_sha256": "abc"}
    report |= {"positive_class": "yes" if binary else None, "target_mean": None if binary else 2.0}
    (folder / "report" / "report.json").write_text(json.dumps(report))
    folders = [f"--{name}={folder / name}" for name in ("predictions", "test", "report", "output")]
    options = ["--target=y", f"--problem-type={problem_type}", f"--gate-metric={metric}"]
    return evaluate.main([*folders, *options, f"--gate-threshold={threshold}"])


def written(folder: Path, name: str) -> dict[str, Any]:
    """Return a file of the job's output."""
    content: dict[str, Any] = json.loads((folder / "output" / name).read_text())
    return content


def test_the_job_writes_its_files(tmp_path: Path) -> None:
    actual, shares = wrong_at_times(("no", "yes"), count=60)
    answers = [f'{a},{b},"{c}","{d}"' for a, b, c, d in lines(shares, ("no", "yes"))]
    assert job(tmp_path, BINARY, actual, [*answers, answers[3], answers[3]], [3], "auc 0.99") == 0
    evaluation = written(tmp_path, "evaluation.json")
    facts = {"problem_type": BINARY, "rows": 60, "held_out_sha256": "abc", "champion": None}
    facts |= {"positive_class": "yes", "classes": ["no", "yes"]}
    assert {key: evaluation[key] for key in facts} == facts
    baseline = evaluation["baseline"]
    assert (evaluation["gate"]["passed"], baseline["auc"], baseline["recall"]) == (0, 0.5, 0.0)
    assert list(written(tmp_path, "model_quality.json")) == ["version", "dataset", "binary_classification_metrics"]


def test_the_job_writes_the_explanation_of_a_regression(tmp_path: Path) -> None:
    """Rows 0 and 2 were shuffled: x costs 1 and 3 more, z nothing."""
    answers = ["1", "2", "3", "2", "5", "1", "3"]
    assert job(tmp_path, REGRESSION, ["1", "2", "3"], answers, [0, 2], "rmse 9") == 0
    explained = written(tmp_path, "explainability.json")
    assert (explained.pop("note"), explained.pop("version")) == (explanation.NOTE, "1.0")
    assert explained == {
        "method": "permutation importance",
        "rows": 2,
        "loss": 0.0,
        "features": [
            {"name": "x", "importance": 2.5, "standard_error": pytest.approx(1.5)},
            {"name": "z", "importance": 0.0, "standard_error": 0.0},
        ],
    }


def test_the_job_writes_the_explanation_of_classes(tmp_path: Path) -> None:
    yes, no = ("yes,0.9,\"[0.1, 0.9]\",\"['no', 'yes']\"", "no,0.9,\"[0.9, 0.1]\",\"['no', 'yes']\"")
    assert job(tmp_path, BINARY, ["yes", "no"], [yes, no, no, yes, yes, no], [0, 1], "auc 0.9") == 0
    first, second = written(tmp_path, "explainability.json")["features"]
    assert (first["name"], first["importance"]) == ("x", pytest.approx(np.log(9)))
    assert (second["name"], second["importance"]) == ("z", 0.0)


def test_missing_answers_are_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert job(tmp_path, REGRESSION, ["1", "2"], ["1", "2", "3"], [0, 1], "rmse 9") == 1
    expected = "error: predictions: 3 answers for 2 held-out rows and 4 shuffled ones"
    assert capsys.readouterr().err.startswith(expected)
