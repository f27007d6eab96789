"""Step 4: Condition: the gate: decide which branch goes on."""

from typing import Any

from rehearsal.executor.conditions import holds
from rehearsal.executor.steps.work import Work


def run(work: Work) -> dict[str, Any]:
    """Decide all conditions, whose references are resolved; give the outcome."""
    return {"Outcome": all([holds(one) for one in work.arguments["Conditions"]])}
