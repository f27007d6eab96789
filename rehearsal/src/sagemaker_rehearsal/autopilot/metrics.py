"""Step 4: the objective metrics of CreateAutoMLJob, and the scores of predictions on each. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn import metrics as sk

Array = npt.NDArray[np.float64]
BINARY, MULTICLASS, REGRESSION = "BinaryClassification", "MulticlassClassification", "Regression"


class AutoMLError(Exception):
    """An AutoML job cannot run; the message names the field, the value, the rule and the remedy."""


@dataclass(frozen=True)
class Objective:
    """A value of AutoMLJobObjective.MetricName: its name in AutoGluon, and whether a higher score is better."""

    name: str
    autogluon: str
    maximize: bool = True

    def better(self, value: float, than: float) -> bool:
        """Return whether `value` is better than `than`."""
        return value > than if self.maximize else value < than


_CLASSES = (Objective("Accuracy", "accuracy"), Objective("BalancedAccuracy", "balanced_accuracy"))

# ENSEMBLING mode: https://docs.aws.amazon.com/sagemaker/latest/dg/autopilot-metrics-validation.html
# The first of each tuple is the default that DescribeAutoMLJob returns when the request has no objective.
OBJECTIVES: Mapping[str, tuple[Objective, ...]] = {
    BINARY: (
        Objective("F1", "f1"),
        Objective("AUC", "roc_auc"),
        Objective("Precision", "precision"),
        Objective("Recall", "recall"),
        *_CLASSES,
    ),
    MULTICLASS: (
        *_CLASSES,
        Objective("F1macro", "f1_macro"),
        Objective("PrecisionMacro", "precision_macro"),
        Objective("RecallMacro", "recall_macro"),
    ),
    REGRESSION: (
        Objective("MSE", "mean_squared_error", maximize=False),
        Objective("RMSE", "root_mean_squared_error", maximize=False),
        Objective("MAE", "mean_absolute_error", maximize=False),
        Objective("R2", "r2"),
    ),
}


def objective(problem_type: str, name: str | None) -> Objective:
    """Return the objective of a request.

    Args:
        problem_type: ProblemType of CreateAutoMLJob.
        name: AutoMLJobObjective.MetricName, or None for Autopilot's default.

    Raises:
        AutoMLError: ENSEMBLING mode does not have the problem type or the metric.
    """
    if problem_type not in OBJECTIVES:
        known = ", ".join(OBJECTIVES)
        raise AutoMLError(f"ProblemType: got {problem_type!r}; it must be one of {known}; correct problem_type")
    offered = OBJECTIVES[problem_type]
    matching = [entry for entry in offered if name in (None, entry.name)]
    if not matching:
        names = ", ".join(entry.name for entry in offered)
        raise AutoMLError(
            f"AutoMLJobObjective.MetricName: got {name!r}; {problem_type} takes one of {names}; "
            "correct objective_metric"
        )
    return matching[0]


@dataclass(frozen=True)
class Prediction:
    """A model's predictions: `values` of a regression, or `probabilities` (rows x classes) of `classes`."""

    values: Array | None = None
    probabilities: Array | None = None
    classes: tuple[str, ...] = ()

    @property
    def labels(self) -> list[str]:
        """The most probable class of each row; empty for a regression."""
        if self.probabilities is None:
            return []
        return [self.classes[index] for index in self.probabilities.argmax(axis=1)]


def rarer_class(labels: Sequence[str]) -> str:
    """Return the positive class of a binary target: the rarer one, or of two equally frequent ones the last by name."""
    names, counts = np.unique(np.asarray(labels, dtype=object).astype(str), return_counts=True)
    return str(names[::-1][counts[::-1].argmin()])


def score(problem_type: str, truth: Sequence[str] | Array, answer: Prediction, positive: str = "") -> dict[str, float]:
    """Score predictions on every metric of the problem type, and LogLoss for classes.

    Args:
        problem_type: ProblemType of CreateAutoMLJob.
        truth: labels as text, or numbers for a regression.
        answer: predictions for the same rows.
        positive: the positive class of a binary target.
    """
    if problem_type == REGRESSION:
        return _numbers(np.asarray(truth, dtype=float), answer)
    labels = [str(label) for label in truth]
    if problem_type == BINARY:
        return _shared(labels, answer) | _binary(labels, answer, positive)
    return _shared(labels, answer) | _macro(labels, answer)


def _numbers(truth: Array, answer: Prediction) -> dict[str, float]:
    mse = float(sk.mean_squared_error(truth, answer.values))
    mae = float(sk.mean_absolute_error(truth, answer.values))
    return {"MSE": mse, "RMSE": mse**0.5, "MAE": mae, "R2": float(sk.r2_score(truth, answer.values))}


def _shared(truth: list[str], answer: Prediction) -> dict[str, float]:
    recalls = sk.recall_score(truth, answer.labels, labels=sorted(set(truth)), average="macro", zero_division=0)
    hits = float(sk.accuracy_score(truth, answer.labels))
    return {"Accuracy": hits, "BalancedAccuracy": float(recalls), "LogLoss": log_loss(truth, answer)}


def log_loss(truth: Sequence[str], answer: Prediction) -> float:
    """Return the mean of -ln(probability of the true class); for a class unknown to the model it is 1e-15."""
    assert answer.probabilities is not None  # noqa: S101 - a classifier's answer always has them
    place = {name: index for index, name in enumerate(answer.classes)}
    chosen = [
        row[place[label]] if label in place else 0.0 for label, row in zip(truth, answer.probabilities, strict=True)
    ]
    return float(-np.log(np.clip(chosen, 1e-15, 1.0)).mean())


def _binary(truth: list[str], answer: Prediction, positive: str) -> dict[str, float]:
    assert answer.probabilities is not None  # noqa: S101 - a classifier's answer always has them
    options = {"pos_label": positive, "zero_division": 0.0}
    scores = {
        "F1": float(sk.f1_score(truth, answer.labels, **options)),
        "Precision": float(sk.precision_score(truth, answer.labels, **options)),
        "Recall": float(sk.recall_score(truth, answer.labels, **options)),
    }
    hits = [label == positive for label in truth]
    if len(set(hits)) == 2:
        scores["AUC"] = float(sk.roc_auc_score(hits, answer.probabilities[:, answer.classes.index(positive)]))
    return scores


def _macro(truth: list[str], answer: Prediction) -> dict[str, float]:
    options = {"average": "macro", "zero_division": 0.0}
    return {
        "F1macro": float(sk.f1_score(truth, answer.labels, **options)),
        "PrecisionMacro": float(sk.precision_score(truth, answer.labels, **options)),
        "RecallMacro": float(sk.recall_score(truth, answer.labels, **options)),
    }
