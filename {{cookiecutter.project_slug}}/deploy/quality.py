"""Step 8: the endpoint's quality on numpy alone, for the deploy project installs no scikit-learn.

The same function measures the registered predictions and the endpoint's answers, so a drop compares like with like.
Definitions are scikit-learn's (a test holds them to it); the calibration error has ten bins of equal width.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deploy.rows import Answer, Row
from pipeline.steps.metric_table import BINARY, REGRESSION, metrics_for

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]
Measured = dict[str, float | None]
BINS = 10


def measure(evaluation: Mapping[str, Any], rows: Sequence[Row], answers: Sequence[Answer]) -> Measured:
    """Compute the metrics of the problem type for some answers to some rows.

    Args:
        evaluation: evaluation.json: gives problem type, classes and positive class.
        rows: held-out rows with their true values.
        answers: the answers to them, in the same order.

    Returns:
        The metrics by name; None where one has no value on these rows; empty without rows.
    """
    if not rows:
        return {}
    problem_type = evaluation["problem_type"]
    if problem_type == REGRESSION:
        found = regression(_floats(row.actual for row in rows), _floats(answer.label for answer in answers))
    else:
        known = [str(name) for name in evaluation["classes"]]
        classes = [*known, *sorted({row.actual for row in rows} - set(known))]
        actual, labels = np.array([row.actual for row in rows]), np.array([answer.label for answer in answers])
        shares = np.array([_by_class(answer, classes) for answer in answers])
        found = classification(actual, labels, shares, classes)
        if problem_type == BINARY:
            found |= binary(actual, labels, shares, classes.index(str(evaluation["positive_class"])), classes)
        else:
            found["auc"] = one_against_rest(actual, shares, classes)
    return {name: _known(found.get(name)) for name in metrics_for(problem_type)}


def regression(actual: Floats, predicted: Floats) -> Measured:
    """Errors in the target's unit, and the share of variance explained."""
    errors = actual - predicted
    spread = float(np.sum((actual - actual.mean()) ** 2))
    return {
        "rmse": float(np.sqrt(np.mean(errors**2))),
        "mae": float(np.mean(np.abs(errors))),
        "r2": 1 - float(np.sum(errors**2)) / spread if spread else None,
    }


def classification(actual: NDArray[Any], labels: NDArray[Any], shares: Floats, classes: Sequence[str]) -> Measured:
    """What is computed for two classes and for more."""
    present = [name for name in classes if np.any(actual == name) or np.any(labels == name)]
    scores = np.array([_f1(actual == name, labels == name) for name in present])
    counts = np.array([np.sum(actual == name) for name in present])
    recalls = [float(np.mean(labels[actual == name] == name)) for name in present if np.any(actual == name)]
    true_share = shares[np.arange(len(actual)), [classes.index(name) for name in actual]]
    return {
        "accuracy": float(np.mean(actual == labels)),
        "weighted_f1": float(np.sum(scores * counts) / np.sum(counts)),
        "macro_f1": float(np.mean(scores)),
        "balanced_accuracy": float(np.mean(recalls)),
        "log_loss": float(-np.mean(np.log(np.clip(true_share, np.finfo(np.float64).eps, 1)))),
    }


def binary(
    actual: NDArray[Any], labels: NDArray[Any], shares: Floats, positive: int, classes: Sequence[str]
) -> Measured:
    """What needs a positive class."""
    truth, said, score = actual == classes[positive], labels == classes[positive], shares[:, positive]
    hits = int(np.sum(truth & said))
    return {
        "f1": _f1(truth, said),
        "precision": hits / int(np.sum(said)) if np.any(said) else 0.0,
        "recall": hits / int(np.sum(truth)) if np.any(truth) else 0.0,
        "auc": area(truth, score),
        "calibration_error": calibration_error(truth, score),
    }


def one_against_rest(actual: NDArray[Any], shares: Floats, classes: Sequence[str]) -> float | None:
    """The mean area of each class against the others, weighted by the classes' counts; None when a class is absent."""
    areas = [area(actual == name, shares[:, at]) for at, name in enumerate(classes)]
    counts = [int(np.sum(actual == name)) for name in classes]
    if any(one is None for one in areas):
        return None
    return float(np.average([one for one in areas if one is not None], weights=counts))


def area(truth: Booleans, score: Floats) -> float | None:
    """Area under the ROC curve: the share of pairs in the right order, ties counted half; None with one class only."""
    positives = int(np.sum(truth))
    negatives = len(truth) - positives
    if not positives or not negatives:
        return None
    _, group, counts = np.unique(score, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[group]
    return float((np.sum(ranks[truth]) - positives * (positives + 1) / 2) / (positives * negatives))


def calibration_error(truth: Booleans, score: Floats) -> float:
    """Mean distance of stated and true share of the positive class over bins, weighted by their rows."""
    at = np.minimum((score * BINS).astype(int), BINS - 1)
    gaps = [abs(float(np.sum(score[at == one]) - np.sum(truth[at == one]))) for one in range(BINS)]
    return sum(gaps) / len(truth)


def _f1(truth: Booleans, said: Booleans) -> float:
    total = int(np.sum(truth)) + int(np.sum(said))
    return 2 * int(np.sum(truth & said)) / total if total else 0.0


def _by_class(answer: Answer, classes: Sequence[str]) -> list[float]:
    given = dict(zip(answer.classes, answer.probabilities, strict=True))
    return [given.get(name, 0.0) for name in classes]


def _floats(values: Any) -> Floats:  # noqa: ANN401 (any iterable of number texts)
    return np.array([float(value) for value in values], dtype=np.float64)


def _known(value: float | None) -> float | None:
    return value if value is not None and np.isfinite(value) else None
