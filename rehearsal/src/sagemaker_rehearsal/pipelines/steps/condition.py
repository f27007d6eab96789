"""Step 4: Condition: choose the branch that runs."""

from typing import Any

from sagemaker_rehearsal.pipelines.conditions import holds
from sagemaker_rehearsal.pipelines.steps.work import Work


def run(work: Work) -> dict[str, Any]:
    """Evaluate all conditions; return the outcome."""
    return {"Outcome": all([holds(condition) for condition in work.arguments["Conditions"]])}
