"""Step 9: the dossier: one HTML file with what an approver needs to know before a model goes to production.

Self-contained (no request leaves the reader's machine), and the same inputs give the same bytes: no dates but those of
the inputs. Data values are escaped by Jinja; figures are made in deploy/charts.py.
"""

import functools
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2

from deploy import charts
from deploy.evidence import Evidence
from pipeline.steps.gate import METRICS

TEMPLATE = Path(__file__).with_name("dossier.html.j2")
SHOWN_CLASSES = 20
SHOWN_CANDIDATES = 25


def render(evidence: Evidence, results: Mapping[str, Any]) -> str:
    """Return the dossier of a model package and the check's results.json."""
    return _template().render(view(evidence, results))


@functools.cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["number"] = number
    environment.filters["metric"] = metric_name
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8"))


def view(evidence: Evidence, results: Mapping[str, Any]) -> dict[str, Any]:
    """Everything the template shows, by name."""
    quality = problem_metrics(evidence.quality)
    return {
        "results": results,
        "package": evidence.package,
        "metadata": evidence.metadata,
        "evaluation": evidence.evaluation,
        "approver": approver(evidence.package),
        "image": image(evidence.package),
        "metrics": metric_table(evidence.evaluation, results),
        "gate": evidence.evaluation.get("gate", {}),
        "standing": standing(evidence.evaluation),
        "figures": figures(evidence, quality, results),
        "confusion": confusion(quality.get("confusion_matrix", {})),
        "importance": charts.importance(evidence.importance) if evidence.importance else "",
        "explained": evidence.explained,
        "autopilot_report": evidence.autopilot_report,
        "leaderboard": leaderboard(evidence.candidates),
        "failed": results["failed_rows"],
        "latency": latency(results["latency"]),
        "cost": cost(results),
        "notes": evidence.notes,
    }


def number(value: object, digits: int = 4) -> str:
    """Write a number for people; a dash for none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
        return "\N{EN DASH}" if value is None or isinstance(value, float) else str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:,.{digits}f}"


def metric_name(key: str) -> str:
    """`weighted_f1` -> `Weighted F1`."""
    short = {"auc": "AUC", "f1": "F1", "rmse": "RMSE", "mae": "MAE", "mse": "MSE", "r2": "R²"}
    words = [short.get(word, word) for word in str(key).split("_")]
    return " ".join([words[0] if words[0] in short.values() else words[0].capitalize(), *words[1:]])


def problem_metrics(report: Mapping[str, Any]) -> Mapping[str, Any]:
    """Find the block of the Model Quality report with the metrics, whichever problem type it is of."""
    for key, block in report.items():
        if key.endswith(("classification_metrics", "regression_metrics")) and isinstance(block, Mapping):
            return block
    nested = [block for block in report.values() if isinstance(block, Mapping)]
    return next((metrics for block in nested if (metrics := problem_metrics(block))), {})


def approver(package: Mapping[str, Any]) -> str:
    """Who last changed the package's status, where the registry knows."""
    user = package.get("LastModifiedBy", {})
    return str(user.get("UserProfileName") or user.get("IamIdentity", {}).get("Arn") or "")


def image(package: Mapping[str, Any]) -> str:
    """The inference image that the package runs in."""
    containers = package.get("InferenceSpecification", {}).get("Containers", [])
    return str(containers[0].get("Image", "")) if containers else ""


def metric_table(evaluation: Mapping[str, Any], results: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One line a metric: registered, constant answer, champion, endpoint."""
    champion = (evaluation.get("champion") or {}).get("metrics", {})
    return [
        {
            "key": key,
            "loss": key in METRICS and METRICS[key].direction == "minimize",
            "registered": value,
            "baseline": evaluation.get("baseline", {}).get(key),
            "champion": champion.get(key),
            "endpoint": results["metrics"]["endpoint"].get(key),
        }
        for key, value in evaluation.get("metrics", {}).items()
    ]


def standing(evaluation: Mapping[str, Any]) -> str:
    """The figure that sets the gate's metric beside threshold, constant answer and champion."""
    gate = evaluation.get("gate", {})
    metric = gate.get("metric", "")
    marks = {
        "threshold": gate.get("threshold"),
        "constant answer": evaluation.get("baseline", {}).get(metric),
        "champion": (evaluation.get("champion") or {}).get("metrics", {}).get(metric),
    }
    known = {name: float(mark) for name, mark in marks.items() if mark is not None}
    return charts.standing(metric_name(metric), known, float(gate["value"])) if known and "value" in gate else ""


def figures(evidence: Evidence, quality: Mapping[str, Any], results: Mapping[str, Any]) -> list[str]:
    """The curves that the problem type has."""
    charted = []
    curve = quality.get("receiver_operating_characteristic_curve", {})
    if curve:
        auc = float(evidence.evaluation.get("metrics", {}).get("auc", math.nan))
        charted.append(charts.roc(curve["false_positive_rates"], curve["true_positive_rates"], auc))
    curve = quality.get("precision_recall_curve", {})
    if curve:
        charted.append(
            charts.precision_recall(curve["precisions"], curve["recalls"], positive_share(evidence.evaluation, quality))
        )
    if evidence.evaluation.get("problem_type") == "Regression" and results["answers"]["actual"]:
        actual, answered = ([float(value) for value in results["answers"][key]] for key in ("actual", "predicted"))
        charted += [charts.predicted(actual, answered), charts.residuals(actual, answered)]
    return charted


def positive_share(evaluation: Mapping[str, Any], quality: Mapping[str, Any]) -> float | None:
    """The positive class's share among the held-out rows."""
    matrix = quality.get("confusion_matrix", {})
    positive = str(evaluation.get("positive_class", ""))
    key = positive if positive in matrix else "1"
    total = sum(sum(row.values()) for row in matrix.values())
    return sum(matrix[key].values()) / total if key in matrix and total else None


def confusion(matrix: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    """Counts and their share in the row, with a shade between 0 and 1 for each cell."""
    labels = list(matrix)
    if not labels or len(labels) > SHOWN_CLASSES:
        return {"labels": [], "total": len(labels)}
    rows = []
    for actual in labels:
        counts = [int(matrix[actual].get(predicted, 0)) for predicted in labels]
        total = sum(counts) or 1
        cells = [{"count": count, "share": count / total, "hit": actual == labels[i]} for i, count in enumerate(counts)]
        rows.append({"label": actual, "cells": cells})
    return {"labels": labels, "rows": rows, "total": len(labels)}


def leaderboard(candidates: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The AutoML job's candidates, best first."""
    lines = [
        {
            "name": str(candidate.get("CandidateName", "")),
            "status": str(candidate.get("CandidateStatus", "")),
            "metric": str(candidate.get("FinalAutoMLJobObjectiveMetric", {}).get("MetricName", "")),
            "value": candidate.get("FinalAutoMLJobObjectiveMetric", {}).get("Value"),
            "minimise": candidate.get("FinalAutoMLJobObjectiveMetric", {}).get("Type") == "Minimize",
        }
        for candidate in candidates
    ]
    lines.sort(key=lambda line: _rank(line))
    return {"lines": lines[:SHOWN_CANDIDATES], "total": len(lines)}


def _rank(line: Mapping[str, Any]) -> tuple[bool, float, str]:
    value = line["value"]
    if value is None:
        return (True, 0.0, line["name"])
    return (False, value if line["minimise"] else -value, line["name"])


def latency(measured: Mapping[str, Any]) -> str:
    """The figure of single-row calls, where there were any."""
    calls = measured["calls_ms"]
    return charts.latency(calls, measured["limit_ms"], measured["p95_ms"]) if calls else ""


def cost(results: Mapping[str, Any]) -> dict[str, float] | None:
    """What a thousand single-row requests would be billed for: memory times the measured median, without any price."""
    p50 = results["latency"]["p50_ms"]
    memory = results["endpoint"].get("memory_mb")
    if p50 is None or not memory:
        return None
    return {"memory_mb": memory, "p50_ms": p50, "gb_seconds": memory / 1024 * p50}
