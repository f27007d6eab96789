"""Step 4: Condition: the gate: decide which branch goes on."""

from typing import Any

from sagemaker_rehearsal.pipelines.conditions import holds
from sagemaker_rehearsal.pipelines.steps.work import Work


def run(work: Work) -> dict[str, Any]:
    """Decide all conditions, whose references are resolved; give the outcome."""
    return {"Outcome": all([holds(one) for one in work.arguments["Conditions"]])}
