"""Evaluate measures as scikit-learn does, and decides the gate by threshold, minimums, constant answer and champion."""

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from botocore.exceptions import ClientError
from sklearn import metrics as sk

from pipeline.steps import champion, evaluate, gate, metrics, model_quality, predictions
from pipeline.steps.metric_table import BINARY, MULTICLASS, REGRESSION
from pipeline.steps.predictions import Answers
from pipeline.steps.tables import StepError

CLASSES = ("a", "b", "c")


def lines(shares: np.ndarray, classes: Sequence[str] = CLASSES) -> list[list[str]]:
    """Answers as the container writes them, with its classes in another order than ours."""
    order = list(reversed(range(len(classes))))
    names = str([classes[at] for at in order])
    return [
        [classes[int(np.argmax(row))], str(max(row)), json.dumps([float(row[at]) for at in order]), names]
        for row in shares
    ]


def random_answers(classes: Sequence[str], count: int = 400) -> tuple[list[str], Any]:
    random = np.random.default_rng(7)
    shares = random.dirichlet(np.ones(len(classes)), count).round(2)
    shares = shares / shares.sum(axis=1, keepdims=True)
    actual = [
        classes[int(np.argmax(row)) if random.random() < 0.6 else int(random.integers(len(classes)))] for row in shares
    ]
    return actual, shares


def test_binary_metrics_are_those_of_scikit_learn() -> None:
    actual, shares = random_answers(("no", "yes"))
    found = metrics.measure(BINARY, predictions.classified(actual, lines(shares, ("no", "yes")), ()), "yes")
    said = [("no", "yes")[int(np.argmax(row))] for row in shares]
    calibration = found.pop("calibration_error")
    assert found == pytest.approx(
        {
            "auc": sk.roc_auc_score(np.array(actual) == "yes", shares[:, 1]),
            "weighted_f1": sk.f1_score(actual, said, average="weighted"),
            "accuracy": sk.accuracy_score(actual, said),
            "balanced_accuracy": sk.balanced_accuracy_score(actual, said),
            "log_loss": sk.log_loss(actual, shares, labels=["no", "yes"]),
            "f1": sk.f1_score(actual, said, pos_label="yes"),
            "precision": sk.precision_score(actual, said, pos_label="yes"),
            "recall": sk.recall_score(actual, said, pos_label="yes"),
        },
        rel=1e-9,
    )
    assert calibration == pytest.approx(0.17, abs=0.1)


def test_multiclass_metrics_are_those_of_scikit_learn() -> None:
    actual, shares = random_answers(CLASSES)
    found = metrics.measure(MULTICLASS, predictions.classified(actual, lines(shares), ()))
    said = [CLASSES[int(np.argmax(row))] for row in shares]
    assert found == pytest.approx(
        {
            "auc": sk.roc_auc_score(actual, shares, multi_class="ovr", average="weighted"),
            "weighted_f1": sk.f1_score(actual, said, average="weighted"),
            "accuracy": sk.accuracy_score(actual, said),
            "balanced_accuracy": sk.balanced_accuracy_score(actual, said),
            "log_loss": sk.log_loss(actual, shares),
            "macro_f1": sk.f1_score(actual, said, average="macro"),
        },
        rel=1e-9,
    )


def test_regression_metrics_are_those_of_scikit_learn() -> None:
    actual, answered = ["1", "2", "4"], [["1.5"], ["2"], ["3"]]
    found = metrics.measure(REGRESSION, predictions.regressed(actual, answered))
    truth, said = [1.0, 2.0, 4.0], [1.5, 2.0, 3.0]
    expected = {
        "rmse": sk.mean_squared_error(truth, said) ** 0.5,
        "mae": sk.mean_absolute_error(truth, said),
        "r2": sk.r2_score(truth, said),
    }
    assert found == pytest.approx(expected)


def test_a_perfectly_calibrated_answer_has_no_calibration_error() -> None:
    assert metrics.calibration_error(np.array([True, False, False, False]), np.full(4, 0.25)) == 0


def test_an_area_is_undefined_with_one_class() -> None:
    assert metrics.area(np.array([True, True]), np.array([0.1, 0.2])) is None


@pytest.mark.parametrize(
    ("answered", "sentence"),
    [
        (
            [["a", "1", "[1.0]", "['z']"]],
            r"line 1: got unknown class 'z'; known are \['a', 'b'\]",
        ),
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
    content = model_quality.report(BINARY, answers, values, values, "y")["binary_classification_metrics"]
    curve = content["receiver_operating_characteristic_curve"]
    ends = [(curve[key][0], curve[key][-1]) for key in ("false_positive_rates", "true_positive_rates")]
    assert (len(curve["true_positive_rates"]), ends) == (200, [(0.0, 1.0), (0.0, 1.0)])
    assert content["confusion_matrix"]["n"] == {"n": 1666, "y": 1667}


class Registry:
    """A registry and its bucket with one group."""

    def __init__(
        self, approved: list[str], evaluation: bytes | None = b'{"metrics": {"auc": 0.9}, "held_out_sha256": "x"}'
    ) -> None:
        self.approved, self.evaluation = approved, evaluation

    def list_model_packages(self, **request: str) -> dict[str, Any]:
        if request["ModelPackageGroupName"] != "g":
            message = {"Code": "ValidationException", "Message": "Model Package Group does not exist."}
            raise ClientError({"Error": message}, "ListModelPackages")  # type: ignore[typeddict-item]
        newest = self.approved[::-1] if request["SortOrder"] == "Descending" else self.approved
        return {"ModelPackageSummaryList": [{"ModelPackageArn": arn} for arn in newest[:1]]}

    def describe_model_package(self, **request: str) -> dict[str, Any]:
        return {
            "CustomerMetadataProperties": {"EvaluationUri": f"s3://b/{request['ModelPackageName']}/evaluation.json"}
        }

    def get_object(self, **request: str) -> dict[str, Any]:
        if self.evaluation is None:
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": request["Key"]}}, "GetObject")
        return {"Body": io.BytesIO(self.evaluation)}


def test_the_champion_is_the_newest_approved_package() -> None:
    registry = Registry(["old", "new"])
    expected = {"model_package_arn": "new", "metrics": {"auc": 0.9}, "held_out_sha256": "x"}
    assert champion.find(registry, registry, "g") == expected


@pytest.mark.parametrize("group", ["g", "none"])
def test_there_is_no_champion_before_the_first_approval(group: str) -> None:
    registry = Registry([])
    assert champion.find(registry, registry, group) is None


def test_a_champion_whose_evaluation_is_gone_is_a_sentence() -> None:
    registry = Registry(["one"], None)
    with pytest.raises(
        StepError, match=r"approved model one: its evaluation s3://b/one/evaluation\.json cannot be read"
    ):
        champion.find(registry, registry, "g")


def test_the_job_writes_its_files(tmp_path: Path) -> None:
    actual, shares = random_answers(("no", "yes"), 60)
    for name in ("predictions", "test", "report"):
        (tmp_path / name).mkdir()
    (tmp_path / "test" / "test.csv").write_text("x,y\n" + "".join(f"1,{label}\n" for label in actual))
    text = "".join(f'{a},{b},"{c}","{d}"\n' for a, b, c, d in lines(shares, ("no", "yes")))
    (tmp_path / "predictions" / "features.csv.out").write_text(text + text.splitlines(keepends=True)[3])
    counts = {"train": {"no": 80, "yes": 20}, "validation": {}, "test": {}}
    report = {"rows": {}, "classes": counts, "duplicates_removed": {}, "missing_target_removed": 0}
    report |= {"positive_class": "yes", "target_mean": None, "held_out_sha256": "abc"}
    report |= {"features": ["x"], "explained_rows": [3]}
    (tmp_path / "report" / "report.json").write_text(json.dumps(report))
    folders = [f"--{name}={tmp_path / name}" for name in ("predictions", "test", "report", "output")]
    options = ["--target=y", f"--problem-type={BINARY}", "--gate-metric=auc", "--gate-threshold=0.99"]
    assert evaluate.main([*folders, *options]) == 0
    evaluation = json.loads((tmp_path / "output" / "evaluation.json").read_text())
    facts = {
        key: evaluation[key]
        for key in ("problem_type", "rows", "held_out_sha256", "champion", "positive_class", "classes")
    }
    assert facts == {
        "problem_type": BINARY,
        "rows": 60,
        "held_out_sha256": "abc",
        "champion": None,
        "positive_class": "yes",
        "classes": ["no", "yes"],
    }
    assert (evaluation["gate"]["passed"], evaluation["baseline"]["auc"], evaluation["baseline"]["recall"]) == (
        0,
        0.5,
        0.0,
    )
    assert list(json.loads((tmp_path / "output" / "model_quality.json").read_text())) == [
        "version",
        "dataset",
        "binary_classification_metrics",
    ]
