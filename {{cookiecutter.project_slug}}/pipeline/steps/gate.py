"""Step 4: the metrics that a gate may name, and (in Evaluate) whether a model is good enough to pass it. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pipeline.steps.tables import StepError

BINARY, MULTICLASS, REGRESSION = "BinaryClassification", "MulticlassClassification", "Regression"
Metrics = Mapping[str, "float | None"]


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


@dataclass(frozen=True)
class Demand:
    """What a model must reach."""

    metric: str
    threshold: float  # its limit
    minimums: Mapping[str, float]  # limits of further metrics
    tolerance: float = 0.0  # how much worse than the approved model still passes


@dataclass(frozen=True)
class Check:
    """One comparison and its outcome; `limit` is None where there was nothing to compare with."""

    name: str
    metric: str
    value: float
    limit: float | None
    direction: str
    passed: bool


def decide(demand: Demand, reached: Metrics, baseline: Metrics, champion: Metrics | None) -> dict[str, Any]:
    """Return the `gate` object of evaluation.json; the Gate step reads its numbers.

    Args:
        demand: what is demanded.
        reached: the model's metrics.
        baseline: the constant answer's.
        champion: the approved model's; None when there is none.

    Raises:
        StepError: when the gate's metric has no value on these rows.
    """
    metric = METRICS[demand.metric]
    value = reached.get(demand.metric)
    if value is None:
        rule = "it needs rows of every class (or a target that varies) among them; hold out more rows"
        raise StepError(f"gate.metric: {demand.metric} has no value on the held-out rows; {rule}")
    threshold = _limit("threshold", demand.metric, value, demand.threshold)
    minimums = [_limit(f"minimum {name}", name, reached.get(name), limit) for name, limit in demand.minimums.items()]
    constant = baseline.get(demand.metric)
    beats_constant = constant is None or metric.better(value, constant)
    against = (champion or {}).get(demand.metric)
    slack = demand.tolerance if metric.direction == "maximize" else -demand.tolerance
    holds_its_own = against is None or metric.no_worse(value, against - slack)
    checks = [
        threshold,
        *minimums,
        Check("constant answer", demand.metric, value, constant, metric.direction, beats_constant),
        Check("approved model", demand.metric, value, against, metric.direction, holds_its_own),
    ]
    return {
        "metric": demand.metric,
        "value": value,
        "threshold": demand.threshold,
        "direction": metric.direction,
        "checks": [asdict(check) for check in checks],
        "passed": int(all(check.passed for check in checks)),
        "minimums_met": int(all(check.passed for check in minimums)),
        "beats_baseline": int(beats_constant),
        "beats_champion": int(holds_its_own),
    }


def _limit(name: str, metric: str, value: float | None, limit: float) -> Check:
    rule = METRICS[metric]
    reached = float("nan") if value is None else value
    shown = 0.0 if value is None else value
    return Check(name, metric, shown, limit, rule.direction, rule.no_worse(reached, limit))
