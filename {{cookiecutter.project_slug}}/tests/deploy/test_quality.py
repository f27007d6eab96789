"""Step 8: the metrics on numpy are scikit-learn's."""

from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sk

from deploy import verdict
from deploy.rows import Answer, Row
from pipeline.errors import DeployError
from pipeline.steps import metrics


def sample(classes: list[str], seed: int, rows: int = 300) -> tuple[list[Row], list[Answer], Any]:
    """Random truths and coarse probabilities, so that there are ties."""
    rng = np.random.default_rng(seed)
    actual = rng.choice(classes, rows, p=np.arange(1, len(classes) + 1) / sum(range(1, len(classes) + 1)))
    shares = rng.integers(1, 9, (rows, len(classes))).astype(float)
    shares[np.arange(rows), [classes.index(name) for name in actual]] += 3
    shares /= shares.sum(axis=1, keepdims=True)
    truths = [Row(i, (), str(name)) for i, name in enumerate(actual)]
    return truths, [Answer(classes[int(p.argmax())], tuple(p), tuple(classes)) for p in shares], shares


@pytest.mark.parametrize("seed", range(3))
def test_binary_metrics_are_those_of_scikit_learn(seed: int) -> None:
    classes = ["<=50K", ">50K"]
    rows, answers, shares = sample(classes, seed)
    y, p = [row.actual for row in rows], [answer.label for answer in answers]
    found = verdict.measure(
        {"problem_type": "BinaryClassification", "classes": classes, "positive_class": ">50K"}, rows, answers
    )
    found.pop("calibration_error")
    truth = [name == ">50K" for name in y]
    assert found == pytest.approx(
        {
            "auc": sk.roc_auc_score(truth, shares[:, 1]),
            "weighted_f1": sk.f1_score(y, p, average="weighted"),
            "accuracy": sk.accuracy_score(y, p),
            "balanced_accuracy": sk.balanced_accuracy_score(y, p),
            "log_loss": sk.log_loss(y, shares, labels=classes),
            "f1": sk.f1_score(y, p, pos_label=">50K"),
            "precision": sk.precision_score(y, p, pos_label=">50K"),
            "recall": sk.recall_score(y, p, pos_label=">50K"),
        }
    )


@pytest.mark.parametrize("seed", range(3))
def test_multiclass_metrics_are_those_of_scikit_learn(seed: int) -> None:
    classes = ["a", "b", "c"]
    rows, answers, shares = sample(classes, seed)
    y, p = [row.actual for row in rows], [answer.label for answer in answers]
    found = verdict.measure({"problem_type": "MulticlassClassification", "classes": classes}, rows, answers)
    assert found == pytest.approx(
        {
            "auc": sk.roc_auc_score(y, shares, multi_class="ovr", average="weighted"),
            "weighted_f1": sk.f1_score(y, p, average="weighted"),
            "accuracy": sk.accuracy_score(y, p),
            "balanced_accuracy": sk.balanced_accuracy_score(y, p),
            "log_loss": sk.log_loss(y, shares, labels=classes),
            "macro_f1": sk.f1_score(y, p, average="macro"),
        }
    )


def test_regression_metrics_are_those_of_scikit_learn() -> None:
    y, p = [1.0, 2.0, 4.5, -3.0], [1.5, 1.0, 4.0, -2.0]
    rows = [Row(i, (), str(value)) for i, value in enumerate(y)]
    found = verdict.measure({"problem_type": "Regression"}, rows, [Answer(str(value)) for value in p])
    expected = {"rmse": sk.root_mean_squared_error(y, p), "mae": sk.mean_absolute_error(y, p), "r2": sk.r2_score(y, p)}
    assert found == pytest.approx(expected)


def test_calibration_error_is_the_gap_between_stated_and_true_shares() -> None:
    """Half of the certain answers are true; the impossible ones are false."""
    truth, score = np.array([True, False, False, False]), np.array([1.0, 1.0, 0.0, 0.0])
    assert metrics.calibration_error(truth, score) == 0.25


def test_an_answer_with_an_unknown_class_fails_the_stage() -> None:
    evaluation = {"problem_type": "MulticlassClassification", "classes": ["a", "b"]}
    with pytest.raises(DeployError, match=r"unknown class 'c'.*deploy the package that was evaluated"):
        verdict.measure(evaluation, [Row(0, (), "a")], [Answer("c", (1.0,), ("c",))])


def test_a_metric_without_a_value_on_these_rows_is_none() -> None:
    """With one class only there is no ROC curve; the check then fails with a sentence instead of a made-up number."""
    rows, answers = [Row(0, (), "a")], [Answer("a", (0.9, 0.1), ("a", "b"))]
    evaluation = {"problem_type": "BinaryClassification", "classes": ["a", "b"], "positive_class": "b"}
    assert verdict.measure(evaluation, rows, answers)["auc"] is None
    assert verdict.measure(evaluation, [], []) == {}


def test_a_true_value_that_the_evaluation_never_saw_counts_as_wrong() -> None:
    rows, answers = [Row(0, (), "a"), Row(1, (), "new")], [Answer("a", (0.9, 0.1), ("a", "b"))] * 2
    measured = verdict.measure({"problem_type": "MulticlassClassification", "classes": ["a", "b"]}, rows, answers)
    assert measured["accuracy"] == 0.5
