"""Step 4: a candidate's JSON reports: explainability (Clarify's form), insights (Model Quality's form)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn import metrics as sk

from sagemaker_rehearsal.autopilot.metrics import BINARY, MULTICLASS, Array, Prediction

# The keys of the metrics in a Model Quality file.
SECTIONS = {BINARY: "binary_classification_metrics", MULTICLASS: "multiclass_classification_metrics"}
_QUALITY = {
    BINARY: {"Recall": "recall", "Precision": "precision", "Accuracy": "accuracy", "F1": "f1", "AUC": "auc"},
    MULTICLASS: {
        "Accuracy": "accuracy",
        "RecallMacro": "macro_recall",
        "PrecisionMacro": "macro_precision",
        "F1macro": "macro_f1",
    },
    "Regression": {"MAE": "mae", "MSE": "mse", "RMSE": "rmse", "R2": "r2"},
}
_POINTS = 101  # of each curve, so that a browser can draw it


def explainability(values: Mapping[str, float], label: str, expected: float) -> dict[str, Any]:
    """Return analysis.json in SageMaker Clarify's form, with a note that its figures are no SHAP values.

    Args:
        values: importance by feature.
        label: the class that is explained; `label0` where there is none.
        expected: the model's mean prediction.
    """
    explained = {"global_shap_values": dict(values), "expected_value": expected}
    return {
        "version": "1.0",
        "explanations": {"kernel_shap": {label: explained}},
        "method": "permutation importance",
        "note": "Made by a rehearsal: the rise of the loss on validation rows when a column is shuffled. "
        "These are not SHAP values; Autopilot's own report has them.",
    }


def insights(
    problem_type: str, truth: Sequence[str], answer: Prediction, scores: Mapping[str, float], positive: str = ""
) -> dict[str, Any]:
    """Return statistics.json of the validation rows, in the form of a SageMaker Model Quality report."""
    named = _QUALITY[problem_type]
    figures: dict[str, Any] = {
        name: {"value": scores[metric], "standard_deviation": "NaN"}
        for metric, name in named.items()
        if metric in scores
    }
    if answer.probabilities is not None:
        figures = {"confusion_matrix": confusion(truth, answer), **figures}
    if problem_type == BINARY and answer.probabilities is not None:
        hits = np.array([label == positive for label in truth])
        figures |= _curves(hits, answer.probabilities[:, answer.classes.index(positive)])
    return {
        "version": 0.0,
        "dataset": {"item_count": len(truth), "source": "validation channel, before the refit"},
        SECTIONS.get(problem_type, "regression_metrics"): figures,
    }


def confusion(truth: Sequence[str], answer: Prediction) -> dict[str, dict[str, int]]:
    """Count rows by true class, then by predicted class."""
    table = sk.confusion_matrix(list(truth), answer.labels, labels=list(answer.classes))
    return {
        name: {other: int(count) for other, count in zip(answer.classes, row, strict=True)}
        for name, row in zip(answer.classes, table, strict=True)
    }


def _curves(hits: Any, shares: Array) -> dict[str, Any]:  # noqa: ANN401 - a boolean array
    if len(set(hits.tolist())) < 2:
        return {}
    false_rates, true_rates, _ = sk.roc_curve(hits, shares)
    precisions, recalls, _ = sk.precision_recall_curve(hits, shares)
    return {
        "receiver_operating_characteristic_curve": {
            "false_positive_rates": _thinned(false_rates),
            "true_positive_rates": _thinned(true_rates),
        },
        "precision_recall_curve": {"precisions": _thinned(precisions), "recalls": _thinned(recalls)},
    }


def _thinned(points: Array) -> list[float]:
    chosen = np.unique(np.linspace(0, len(points) - 1, min(len(points), _POINTS)).round().astype(int))
    return [float(value) for value in points[chosen]]
