"""Step 4: Fail: end the execution with the step's ErrorMessage."""

from typing import Any

from sagemaker_rehearsal.pipelines.errors import ExecutorError
from sagemaker_rehearsal.pipelines.references import as_text
from sagemaker_rehearsal.pipelines.steps.work import Work


def run(work: Work) -> dict[str, Any]:
    """Fail the step.

    Raises:
        ExecutorError: always, with the step's ErrorMessage.
    """
    message = as_text(work.arguments["ErrorMessage"])
    work.run.metadata = {"Fail": {"ErrorMessage": message}}
    raise ExecutorError(message)
