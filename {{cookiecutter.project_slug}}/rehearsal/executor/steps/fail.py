"""Step 4: Fail: end the execution with the message of the definition."""

from typing import Any

from rehearsal.executor.errors import ExecutorError
from rehearsal.executor.references import as_text
from rehearsal.executor.steps.work import Work


def run(work: Work) -> dict[str, Any]:
    """Fail.

    Raises:
        ExecutorError: always, with the step's ErrorMessage.
    """
    message = as_text(work.arguments["ErrorMessage"])
    work.run.metadata = {"Fail": {"ErrorMessage": message}}
    raise ExecutorError(message)
