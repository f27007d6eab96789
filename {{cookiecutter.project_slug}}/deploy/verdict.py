"""Step 8: measure the endpoint's quality, and decide whether it may go to production. No I/O: numbers in, checks out.

A wrong prediction is no failure: models err, and the metrics count it. Failures are rows that got no answer, rows whose
answer is not what the batch transform of the same model gave when the metrics were registered, a drop in quality, and
slow answers.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deploy.rows import Answer, Row
from pipeline.errors import FAILED, DeployError
from pipeline.steps import metrics
from pipeline.steps.gate import METRICS, REGRESSION
from pipeline.steps.predictions import aligned, regressed
from pipeline.steps.tables import StepError

# Batches of other sizes may differ in the last bits of a 32-bit float; another model differs by far more
TOLERANCE = 1e-4
Metrics = dict[str, float | None]
IN_UNITS_OF_THE_TARGET = ("rmse", "mae")


@dataclass(frozen=True)
class Check:
    """One condition and its outcome."""

    name: str
    passed: bool
    sentence: str


@dataclass(frozen=True)
class FailedRow:
    """A held-out row that got no answer, or another answer than the registered model gave."""

    number: int
    reason: str
    actual: str
    registered: str
    answered: str
    features: tuple[str, ...]


def measure(evaluation: Mapping[str, Any], rows: Sequence[Row], answers: Sequence[Answer]) -> Metrics:
    """Compute the metrics of the problem type by the functions that measured the registered predictions.

    Args:
        evaluation: evaluation.json: gives problem type, classes and positive class.
        rows: held-out rows with their true values.
        answers: the answers to them, in the same order.

    Returns:
        The metrics by name; None where one has no value on these rows; empty without rows.

    Raises:
        DeployError: when the endpoint answered with a class that the model was not evaluated on.
    """
    if not rows:
        return {}
    actual, problem_type = [row.actual for row in rows], evaluation["problem_type"]
    try:
        if problem_type == REGRESSION:
            pairs = regressed(actual, ([answer.label] for answer in answers))
        else:
            fields = ((answer.label, answer.probabilities, answer.classes) for answer in answers)
            pairs = aligned(actual, fields, [str(name) for name in evaluation["classes"]])
    except StepError as error:
        raise DeployError(f"the endpoint's answers: {error}; deploy the package that was evaluated", FAILED) from error
    return metrics.measure(problem_type, pairs, evaluation.get("positive_class"))


def failed_rows(
    rows: Sequence[Row], answers: Mapping[int, Answer | str], registered: Sequence[Answer] | None
) -> list[FailedRow]:
    """List every row that was not answered or whose answer differs from the registered prediction."""
    failed = []
    for row in rows:
        answer = answers[row.number]
        before = registered[row.number] if registered else None
        if isinstance(answer, str):
            reason, answered = answer, ""
        elif before is not None and answer.differs_from(before, TOLERANCE):
            reason, answered = "differs from the registered model's prediction", written(answer)
        else:
            continue
        failed.append(
            FailedRow(row.number, reason, row.actual, written(before) if before else "", answered, row.features)
        )
    return failed


def written(answer: Answer) -> str:
    """Return an answer for people: the label, with the probability of that label where there is one."""
    if answer.label not in answer.classes:
        return answer.label
    return f"{answer.label} ({answer.probabilities[answer.classes.index(answer.label)]:.4f})"


def quality_drop(metric: str, registered: float, measured: float) -> float:
    """How much worse the measured value is: a difference; for errors in the target's own unit a share of it.

    Not a number where either value is none, so that a comparison with it never passes.
    """
    worse = measured - registered if METRICS[metric].direction == "minimize" else registered - measured
    if metric in IN_UNITS_OF_THE_TARGET:
        return worse / registered if registered else (math.inf if worse > 0 else 0.0)
    return worse


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile of values that were really measured; not a number when there are none."""
    if not values:
        return math.nan
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def check_served(served: str, release: str) -> Check:
    """The endpoint must serve the package that was approved, not one that an earlier deployment left."""
    passed = served == release
    extra = "" if passed else f", but this release is {release}; deploy the stack again"
    return Check("served model", passed, f"the endpoint serves {served or 'no model package'}{extra}")


def check_answered(rows: int, unanswered: int) -> Check:
    """Every row must be answered."""
    sentence = f"{rows - unanswered} of {rows} held-out rows were answered"
    return Check("rows answered", unanswered == 0, sentence)


def check_equal(compared: int, differing: int) -> Check:
    """Answers must be those of the registered model."""
    sentence = f"{compared - differing} of {compared} answers equal the registered predictions (within {TOLERANCE:g})"
    return Check("same predictions", differing == 0, sentence)


def check_quality(metric: str, registered: float, measured: float, limit: float, basis: str) -> Check:
    """The gate's metric must not drop by more than settings allow."""
    drop = quality_drop(metric, registered, measured)
    unit = " as a share of it" if metric in IN_UNITS_OF_THE_TARGET else ""
    sentence = (
        f"{metric} is {measured:.4f} at the endpoint and {registered:.4f} in {basis}; "
        f"the drop{unit} of {drop:.4f} may be at most {limit:g} (check.max_quality_drop)"
    )
    return Check("quality", drop <= limit, sentence)


def check_latency(p95_ms: float, calls: int, limit_ms: float) -> Check:
    """Single-row answers must be fast enough."""
    sentence = (
        f"p95 of {calls} single-row calls is {p95_ms:.1f} ms; it may be at most {limit_ms:g} ms (check.max_p95_ms); "
        "the first call, which may be a cold start, is not counted"
    )
    return Check("latency", p95_ms <= limit_ms, sentence)
