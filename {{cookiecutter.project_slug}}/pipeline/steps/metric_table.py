"""Step 4: the metrics that a gate may name: for which problem types, which direction is better, and their bounds."""

from __future__ import annotations

from dataclasses import dataclass

BINARY, MULTICLASS, REGRESSION = "BinaryClassification", "MulticlassClassification", "Regression"


@dataclass(frozen=True)
class Metric:
    """One metric: the problem types it is for, its direction, and its smallest and largest value."""

    problem_types: tuple[str, ...]
    direction: str
    low: float
    high: float

    def no_worse(self, value: float, limit: float) -> bool:
        """Return whether `value` meets `limit`; a NaN never does."""
        return value <= limit if self.direction == "minimize" else value >= limit

    def better(self, value: float, other: float) -> bool:
        """Return whether `value` is truly better than `other`; a NaN never is."""
        return value < other if self.direction == "minimize" else value > other


_ALL = float("inf")
METRICS: dict[str, Metric] = {
    "auc": Metric((BINARY, MULTICLASS), "maximize", 0, 1),
    "weighted_f1": Metric((BINARY, MULTICLASS), "maximize", 0, 1),
    "accuracy": Metric((BINARY, MULTICLASS), "maximize", 0, 1),
    "balanced_accuracy": Metric((BINARY, MULTICLASS), "maximize", 0, 1),
    "log_loss": Metric((BINARY, MULTICLASS), "minimize", 0, _ALL),
    "f1": Metric((BINARY,), "maximize", 0, 1),
    "precision": Metric((BINARY,), "maximize", 0, 1),
    "recall": Metric((BINARY,), "maximize", 0, 1),
    "calibration_error": Metric((BINARY,), "minimize", 0, 1),
    "macro_f1": Metric((MULTICLASS,), "maximize", 0, 1),
    "rmse": Metric((REGRESSION,), "minimize", 0, _ALL),
    "mae": Metric((REGRESSION,), "minimize", 0, _ALL),
    "r2": Metric((REGRESSION,), "maximize", -_ALL, 1),
}


def metrics_for(problem_type: str) -> tuple[str, ...]:
    """Name the metrics computed for a problem type."""
    return tuple(name for name, metric in METRICS.items() if problem_type in metric.problem_types)
