"""Step 8: the endpoint's quality, by the same functions that measured the registered predictions: like with like."""

from collections.abc import Mapping, Sequence
from typing import Any

from deploy.errors import FAILED, DeployError
from deploy.rows import Answer, Row
from pipeline.steps import metrics
from pipeline.steps.metric_table import REGRESSION
from pipeline.steps.predictions import aligned, regressed
from pipeline.steps.tables import StepError

Measured = dict[str, float | None]


def measure(evaluation: Mapping[str, Any], rows: Sequence[Row], answers: Sequence[Answer]) -> Measured:
    """Compute the metrics of the problem type for some answers to some rows.

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
            found = regressed(actual, ([answer.label] for answer in answers))
        else:
            given = ((answer.label, answer.probabilities, answer.classes) for answer in answers)
            found = aligned(actual, given, [str(name) for name in evaluation["classes"]])
    except StepError as error:
        raise DeployError(f"the endpoint's answers: {error}; deploy the package that was evaluated", FAILED) from error
    return metrics.measure(problem_type, found, evaluation.get("positive_class"))
