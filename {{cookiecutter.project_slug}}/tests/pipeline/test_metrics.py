"""The metrics on numpy are scikit-learn's, in the evaluation job and at the staging endpoint."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sk

from deploy import verdict
from deploy.rows import Answer, Row
from pipeline.errors import DeployError
from pipeline.steps import metrics, predictions
from pipeline.steps.gate import BINARY, MULTICLASS, REGRESSION

TWO, THREE = ("<=50K", ">50K"), ("a", "b", "c")
Sample = tuple[list[str], Any]
Draw = Callable[[Sequence[str]], Sample]
Measure = Callable[[str, Sample, Sequence[str], str | None], verdict.Metrics]


def lines(shares: np.ndarray, classes: Sequence[str] = THREE) -> list[list[str]]:
    """Answers as the container writes them, with its classes in another order than ours."""
    order = list(reversed(range(len(classes))))
    names = str([classes[at] for at in order])
    return [
        [classes[int(np.argmax(row))], str(max(row)), json.dumps([float(row[at]) for at in order]), names]
        for row in shares
    ]


def coarse(classes: Sequence[str], seed: int, count: int = 300) -> Sample:
    """Random truths and coarse probabilities, so that there are ties."""
    rng = np.random.default_rng(seed)
    actual = rng.choice(classes, count, p=np.arange(1, len(classes) + 1) / sum(range(1, len(classes) + 1)))
    shares = rng.integers(1, 9, (count, len(classes))).astype(float)
    shares[np.arange(count), [classes.index(name) for name in actual]] += 3
    return [str(name) for name in actual], shares / shares.sum(axis=1, keepdims=True)


def wrong_at_times(classes: Sequence[str], seed: int = 7, count: int = 400) -> Sample:
    """Probabilities in steps of a hundredth; about a third of the answers are wrong."""
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.ones(len(classes)), count).round(2)
    shares = shares / shares.sum(axis=1, keepdims=True)
    best = [int(np.argmax(row)) for row in shares]
    return [classes[at if rng.random() < 0.6 else int(rng.integers(len(classes)))] for at in best], shares


def of_job(problem_type: str, sample: Sample, classes: Sequence[str], positive: str | None) -> dict[str, float | None]:
    """Measure what the batch transform wrote."""
    actual, shares = sample
    return metrics.measure(problem_type, predictions.classified(actual, lines(shares, classes), ()), positive)


def at_endpoint(problem_type: str, sample: Sample, classes: Sequence[str], positive: str | None) -> verdict.Metrics:
    """Measure what the endpoint answered."""
    actual, shares = sample
    answers = [Answer(classes[int(row.argmax())], tuple(row), tuple(classes)) for row in shares]
    evaluation = {"problem_type": problem_type, "classes": list(classes), "positive_class": positive}
    return verdict.measure(evaluation, [Row(at, (), name) for at, name in enumerate(actual)], answers)


SAMPLES = [*(lambda classes, seed=seed: coarse(classes, seed) for seed in range(3)), wrong_at_times]


@pytest.mark.parametrize("measure", [of_job, at_endpoint])
@pytest.mark.parametrize("draw", SAMPLES, ids=["coarse 0", "coarse 1", "coarse 2", "wrong at times"])
@pytest.mark.parametrize(
    ("problem_type", "classes"), [(BINARY, TWO), (MULTICLASS, THREE)], ids=["binary", "multiclass"]
)
def test_metrics_of_classes_are_those_of_scikit_learn(
    measure: Any,  # noqa: ANN401
    draw: Any,  # noqa: ANN401
    problem_type: str,
    classes: Sequence[str],
) -> None:
    sample = actual, shares = draw(classes)
    answered = [classes[int(np.argmax(row))] for row in shares]
    expected = {
        "weighted_f1": sk.f1_score(actual, answered, average="weighted"),
        "accuracy": sk.accuracy_score(actual, answered),
        "balanced_accuracy": sk.balanced_accuracy_score(actual, answered),
        "log_loss": sk.log_loss(actual, shares, labels=classes),
    }
    if problem_type == BINARY:
        of_positive = {"pos_label": classes[1]}
        expected |= {
            "auc": sk.roc_auc_score(np.array(actual) == classes[1], shares[:, 1]),
            "f1": sk.f1_score(actual, answered, **of_positive),
            "precision": sk.precision_score(actual, answered, **of_positive),
            "recall": sk.recall_score(actual, answered, **of_positive),
        }
    else:
        expected["auc"] = sk.roc_auc_score(actual, shares, multi_class="ovr", average="weighted")
        expected["macro_f1"] = sk.f1_score(actual, answered, average="macro")
    measured = measure(problem_type, sample, classes, classes[1] if problem_type == BINARY else None)
    measured.pop("calibration_error", None)
    assert measured == pytest.approx(expected, rel=1e-9)


NUMBERS = [(["1", "2", "4"], ["1.5", "2", "3"]), (["1.0", "2.0", "4.5", "-3.0"], ["1.5", "1.0", "4.0", "-2.0"])]


@pytest.mark.parametrize(("actual", "answered"), NUMBERS)
def test_metrics_of_numbers_are_those_of_scikit_learn(actual: list[str], answered: list[str]) -> None:
    y, p = ([float(text) for text in texts] for texts in (actual, answered))
    expected = {"rmse": sk.root_mean_squared_error(y, p), "mae": sk.mean_absolute_error(y, p), "r2": sk.r2_score(y, p)}
    rows = [Row(at, (), text) for at, text in enumerate(actual)]
    at_endpoint = verdict.measure({"problem_type": REGRESSION}, rows, [Answer(text) for text in answered])
    assert metrics.measure(REGRESSION, predictions.regressed(actual, [[text] for text in answered])) == at_endpoint
    assert at_endpoint == pytest.approx(expected)


@pytest.mark.parametrize(
    ("truth", "score", "error"),
    [
        ([True, False, False, False], [1.0, 1.0, 0.0, 0.0], 0.25),  # half of the certain answers are true
        ([True, False, False, False], [0.25] * 4, 0),
    ],
)
def test_calibration_error_is_the_gap_between_stated_and_true_shares(
    truth: list[bool], score: list[float], error: float
) -> None:
    assert metrics.calibration_error(np.array(truth), np.array(score)) == error


def test_answers_that_are_wrong_at_times_are_badly_calibrated() -> None:
    measured = of_job(BINARY, wrong_at_times(TWO), TWO, TWO[1])
    assert measured["calibration_error"] == pytest.approx(0.17, abs=0.1)


def test_an_answer_with_an_unknown_class_fails_the_stage() -> None:
    evaluation = {"problem_type": MULTICLASS, "classes": ["a", "b"]}
    with pytest.raises(DeployError, match=r"unknown class 'c'.*deploy the package that was evaluated"):
        verdict.measure(evaluation, [Row(0, (), "a")], [Answer("c", (1.0,), ("c",))])


def test_a_metric_without_a_value_on_these_rows_is_none() -> None:
    """With one class only there is no ROC curve; the check then fails with a sentence instead of a made-up number."""
    rows, answers = [Row(0, (), "a")], [Answer("a", (0.9, 0.1), ("a", "b"))]
    evaluation = {"problem_type": BINARY, "classes": ["a", "b"], "positive_class": "b"}
    assert metrics.area(np.array([True, True]), np.array([0.1, 0.2])) is None
    assert verdict.measure(evaluation, rows, answers)["auc"] is None
    assert verdict.measure(evaluation, [], []) == {}


def test_a_true_value_that_the_evaluation_never_saw_counts_as_wrong() -> None:
    rows, answers = [Row(0, (), "a"), Row(1, (), "new")], [Answer("a", (0.9, 0.1), ("a", "b"))] * 2
    assert verdict.measure({"problem_type": MULTICLASS, "classes": ["a", "b"]}, rows, answers)["accuracy"] == 0.5
