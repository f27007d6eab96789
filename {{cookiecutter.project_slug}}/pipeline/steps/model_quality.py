"""Step 4, Evaluate: write metrics as SageMaker's Model Quality JSON, which Studio draws. No I/O.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-model-quality-metrics.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pipeline.steps.metric_table import BINARY, REGRESSION
from pipeline.steps.metrics import confusion
from pipeline.steps.predictions import Answers

CURVE_POINTS = 199  # and the origin
Metrics = Mapping[str, "float | None"]
_BINARY = ("auc", "accuracy", "precision", "recall", "f1", "balanced_accuracy", "log_loss")


def report(
    problem_type: str, answers: Answers, metrics: Metrics, baseline: Metrics, positive: str | None
) -> dict[str, Any]:
    """Write the report.

    Args:
        problem_type: as in settings.yaml.
        answers: the answers beside the true values.
        metrics: what the model reached.
        baseline: what the constant answer reached.
        positive: the positive class of a binary problem.
    """
    if problem_type == REGRESSION:
        name, content = "regression_metrics", _scalars({**_named(metrics), **_squared(metrics)})
    elif problem_type == BINARY:
        name = "binary_classification_metrics"
        scalars = _constant({key: metrics[key] for key in _BINARY}, {key: baseline[key] for key in _BINARY})
        content = {**_matrix(answers), **scalars, **_curves(answers, str(positive))}
    else:
        name = "multiclass_classification_metrics"
        content = {**_matrix(answers), **_constant(_named(metrics), _named(baseline))}
    return {"version": 0.0, "dataset": {"item_count": len(answers.actual)}, name: content}


def thinned(size: int, points: int = CURVE_POINTS) -> Any:  # noqa: ANN401 (numpy)
    """Choose at most `points` of `size` positions, evenly, with both ends."""
    return np.unique(np.linspace(0, size - 1, min(size, points)).round().astype(int))


def _named(metrics: Metrics) -> dict[str, float | None]:
    return dict(metrics)


def _squared(metrics: Metrics) -> dict[str, float | None]:
    rmse = metrics.get("rmse")
    return {"mse": None if rmse is None else rmse**2}


def _scalars(metrics: Metrics) -> dict[str, Any]:
    return {key: {"value": value, "standard_deviation": "NaN"} for key, value in metrics.items() if value is not None}


def _constant(metrics: Metrics, baseline: Metrics) -> dict[str, Any]:
    return _scalars({**metrics, **{f"{key}_best_constant_classifier": value for key, value in baseline.items()}})


def _matrix(answers: Answers) -> dict[str, Any]:
    counts = confusion(answers)
    rows = {
        actual: {predicted: int(counts[i, j]) for j, predicted in enumerate(answers.classes)}
        for i, actual in enumerate(answers.classes)
    }
    return {"confusion_matrix": rows}


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
