"""Step 4: scores are those of the objective metrics of CreateAutoMLJob."""

from __future__ import annotations

import botocore.session
import numpy as np
import pytest

from sagemaker_rehearsal.autopilot.metrics import OBJECTIVES, AutoMLError, Prediction, objective, rarer_class, score

SHARES = np.array([[0.9, 0.1], [0.4, 0.6], [0.3, 0.7], [0.8, 0.2]])


def test_every_objective_is_one_of_the_api() -> None:
    """The names are a part of botocore's AutoMLMetricEnum."""
    known = botocore.session.get_session().get_service_model("sagemaker").shape_for("AutoMLMetricEnum").enum
    assert [entry.name for entries in OBJECTIVES.values() for entry in entries if entry.name not in known] == []


def test_binary_scores_of_a_small_table() -> None:
    """Three of four rows are right; the positive class is `yes`."""
    scores = score("BinaryClassification", ["no", "no", "yes", "no"], Prediction(None, SHARES, ("no", "yes")), "yes")
    assert {name: round(value, 4) for name, value in scores.items()} == {
        "Accuracy": 0.75,
        "BalancedAccuracy": 0.8333,
        "LogLoss": 0.4004,
        "F1": 0.6667,
        "Precision": 0.5,
        "Recall": 1.0,
        "AUC": 1.0,
    }


def test_every_objective_of_a_problem_type_is_scored() -> None:
    """A candidate can be ranked by each metric that the request may name."""
    for problem_type, entries in OBJECTIVES.items():
        numbers = problem_type == "Regression"
        answer = Prediction(np.arange(4.0)) if numbers else Prediction(None, SHARES, ("no", "yes"))
        truth = np.arange(4.0) if numbers else ["no", "yes", "yes", "no"]
        assert {entry.name for entry in entries} <= set(score(problem_type, truth, answer, "yes"))


def test_the_default_objective_is_autopilots() -> None:
    """DescribeAutoMLJob returns these when the request has no objective."""
    assert [objective(name, None).name for name in OBJECTIVES] == ["F1", "Accuracy", "MSE"]
    with pytest.raises(AutoMLError, match="Regression takes one of MSE, RMSE, MAE, R2"):
        objective("Regression", "AUC")


def test_the_rarer_class_is_the_positive_one() -> None:
    """Of two equally frequent classes, it is the last by name."""
    assert rarer_class(["a", "b", "b"]) == "a"
    assert rarer_class(["a", "b"]) == "b"
