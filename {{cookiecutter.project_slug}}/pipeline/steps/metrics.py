"""Step 4, Evaluate: the metrics of a gate, on numpy alone, and the Model Quality JSON made of them. No I/O.

Definitions are scikit-learn's (tests/pipeline/test_metrics.py compares both), with 0 where it would warn of a
division by zero and None where a metric is undefined on these rows. The calibration error has ten bins of equal width.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline.steps.gate import BINARY, REGRESSION, Metrics, metrics_for
from pipeline.steps.predictions import Answers

Array = Any
BINS = 10
CURVE_POINTS = 199  # and the origin
QUALITY_OF_TWO = ("auc", "accuracy", "precision", "recall", "f1", "balanced_accuracy", "log_loss")
EPSILON = float(np.finfo(np.float64).eps)


def measure(problem_type: str, answers: Answers, positive: str | None = None) -> dict[str, float | None]:
    """Compute every metric of the problem type; `positive` is the positive class of a binary problem."""
    if problem_type == REGRESSION:
        values = _regression(answers)
    elif problem_type == BINARY:
        values = {**_classification(answers), **_binary(answers, answers.classes.index(str(positive)))}
    else:
        values = {**_classification(answers), "auc": _one_against_rest(answers)}
    return {name: _known(values[name]) for name in metrics_for(problem_type)}


def confusion(answers: Answers) -> Array:
    """Count rows by true class (row) and answered class (column)."""
    size = len(answers.classes)
    return np.bincount(answers.actual * size + answers.predicted, minlength=size * size).reshape(size, size)


def area(truth: Array, score: Array) -> float | None:
    """Compute the area under the ROC curve: the share of pairs in the right order, ties counted half."""
    positives = int(np.sum(truth))
    negatives = len(truth) - positives
    if not positives or not negatives:
        return None
    _, group, counts = np.unique(score, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[group]
    return float((np.sum(ranks[truth]) - positives * (positives + 1) / 2) / (positives * negatives))


def losses(answers: Answers) -> Array:
    """Return each row's loss: the log loss of a class, the squared error of a number."""
    if not answers.classes:
        return (answers.actual - answers.predicted) ** 2
    share = answers.shares[np.arange(len(answers.actual)), answers.actual]
    return -np.log(np.clip(share, EPSILON, 1 - EPSILON))


def calibration_error(truth: Array, score: Array) -> float:
    """Compute the mean distance of stated and true share over the bins, weighted by their rows."""
    at = np.minimum((score * BINS).astype(int), BINS - 1)
    stated, true = np.bincount(at, score, BINS), np.bincount(at, truth, BINS)
    return float(np.sum(np.abs(stated - true)) / len(truth))


def _regression(answers: Answers) -> dict[str, float | None]:
    errors = answers.actual - answers.predicted
    spread = float(np.sum((answers.actual - answers.actual.mean()) ** 2))
    return {
        "rmse": float(np.sqrt(np.mean(errors**2))),
        "mae": float(np.mean(np.abs(errors))),
        "r2": 1 - float(np.sum(errors**2)) / spread if spread else None,
    }


def _classification(answers: Answers) -> dict[str, float | None]:
    matrix = confusion(answers)
    hits, actual, predicted = np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)
    scores = _divided(2 * hits, actual + predicted)
    total, seen = int(matrix.sum()), (actual + predicted) > 0
    return {
        "accuracy": float(hits.sum() / total),
        "weighted_f1": float(np.sum(scores * actual) / total),
        "macro_f1": float(np.mean(scores[seen])),
        "balanced_accuracy": float(np.mean((hits[actual > 0]) / actual[actual > 0])),
        "log_loss": float(np.mean(losses(answers))),
    }


def _binary(answers: Answers, positive: int) -> dict[str, float | None]:
    truth, predicted = answers.actual == positive, answers.predicted == positive
    hits, score = int(np.sum(truth & predicted)), answers.shares[:, positive]
    return {
        "f1": float(_divided(2 * hits, int(np.sum(truth)) + int(np.sum(predicted)))),
        "precision": float(_divided(hits, int(np.sum(predicted)))),
        "recall": float(_divided(hits, int(np.sum(truth)))),
        "auc": area(truth, score),
        "calibration_error": calibration_error(truth, score),
    }


def _one_against_rest(answers: Answers) -> float | None:
    """Average the area of each class that occurs against the others, weighted by the classes' rows."""
    counts = np.bincount(answers.actual, minlength=len(answers.classes))
    areas = [
        (area(answers.actual == at, answers.shares[:, at]), int(count)) for at, count in enumerate(counts) if count
    ]
    if any(value is None for value, _ in areas):
        return None
    return float(np.average([value for value, _ in areas], weights=[count for _, count in areas]))


def _divided(above: Array, below: Array) -> Array:
    above, below = np.asarray(above, dtype=float), np.asarray(below, dtype=float)
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)


def _known(value: float | None) -> float | None:
    return value if value is not None and np.isfinite(value) else None


def quality_report(
    problem_type: str, answers: Answers, metrics: Metrics, baseline: Metrics, positive: str | None
) -> dict[str, Any]:
    """Build SageMaker's Model Quality JSON, which Studio draws, from the metrics of model and constant answer.

    https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-model-quality-metrics.html
    """
    names = list(metrics)
    content: dict[str, Any] = {} if problem_type == REGRESSION else {"confusion_matrix": _matrix(answers)}
    if problem_type == REGRESSION:
        name, rmse = "regression_metrics", metrics["rmse"]
        scalars = {**metrics, "mse": None if rmse is None else rmse**2}
    else:
        name = "multiclass_classification_metrics"
        if problem_type == BINARY:
            name, names = "binary_classification_metrics", list(QUALITY_OF_TWO)
        constant = {f"{key}_best_constant_classifier": baseline[key] for key in names}
        scalars = {key: metrics[key] for key in names} | constant
    content |= {
        key: {"value": value, "standard_deviation": "NaN"} for key, value in scalars.items() if value is not None
    }
    content |= _curves(answers, str(positive)) if problem_type == BINARY else {}
    return {"version": 0.0, "dataset": {"item_count": len(answers.actual)}, name: content}


def thinned(size: int, points: int = CURVE_POINTS) -> Array:
    """Choose at most `points` of `size` positions, evenly, with both ends."""
    return np.unique(np.linspace(0, size - 1, min(size, points)).round().astype(int))


def _matrix(answers: Answers) -> dict[str, dict[str, int]]:
    counts, classes = confusion(answers), answers.classes
    return {
        actual: {predicted: int(counts[i, j]) for j, predicted in enumerate(classes)}
        for i, actual in enumerate(classes)
    }


def _curves(answers: Answers, positive: str) -> dict[str, Any]:
    at = answers.classes.index(positive)
    truth, score = answers.actual == at, answers.shares[:, at]
    order = np.argsort(-score, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(score[order])), len(score) - 1)
    hits, selected = np.cumsum(truth[order])[ends], ends + 1
    positives, negatives = int(truth.sum()), int(len(truth) - truth.sum())
    keep = thinned(len(ends))
    hits, selected = hits[keep], selected[keep]
    if not positives or not negatives:
        return {}
    return {
        "receiver_operating_characteristic_curve": {
            "false_positive_rates": [0.0, *((selected - hits) / negatives).tolist()],
            "true_positive_rates": [0.0, *(hits / positives).tolist()],
        },
        "precision_recall_curve": {
            "precisions": [1.0, *(hits / selected).tolist()],
            "recalls": [0.0, *(hits / positives).tolist()],
        },
    }
