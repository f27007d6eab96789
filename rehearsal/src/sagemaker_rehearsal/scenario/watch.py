"""Step 4: follow a pipeline execution from outside, through the API that Studio uses."""

import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from sagemaker_rehearsal.server.errors import RehearsalError

ENDED = ("Succeeded", "Failed", "Stopped")
POLL = 0.3  # seconds


@dataclass
class Watch:
    """Shows the newest execution of a pipeline.

    Attributes:
        sagemaker: a boto3 SageMaker client.
        pipeline: the pipeline's name.
        say: shows a line.
    """

    sagemaker: Any
    pipeline: str
    say: Callable[[str], None]
    seen: dict[str, str] = field(default_factory=dict)

    def follow(self, parts: list[dict[str, Any]]) -> None:
        """Show the steps until the execution has ended; leave them in `parts`.

        Raises:
            RehearsalError: when it did not succeed.
        """
        try:
            while (status := self.status()) not in ENDED:
                self.show()
                time.sleep(POLL)
        finally:
            self.show()
            parts.extend(_part(step) for step in self.steps())
        if status != "Succeeded":
            raise RehearsalError(self.failure() or f"the pipeline execution {status.lower()}")

    def status(self) -> str:
        """The status of the newest execution."""
        found = self.newest()
        if found is None:
            raise RehearsalError(f"pipeline {self.pipeline} was not started; see the log of the build")
        return str(found["PipelineExecutionStatus"])

    def newest(self) -> Mapping[str, Any] | None:
        """The newest execution, if there is one."""
        with contextlib.suppress(ClientError):
            found = self.sagemaker.list_pipeline_executions(PipelineName=self.pipeline)["PipelineExecutionSummaries"]
            return next(iter(found), None)
        return None

    def steps(self) -> list[Mapping[str, Any]]:
        """The steps of the newest execution, in the order in which they started."""
        found = self.newest()
        if found is None:
            return []
        arn = found["PipelineExecutionArn"]
        answer = self.sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn, SortOrder="Ascending")
        return list(answer["PipelineExecutionSteps"])

    def failure(self) -> str:
        """Why the newest execution failed; empty when it did not."""
        failed = [step for step in self.steps() if step["StepStatus"] == "Failed"]
        return f"pipeline step {failed[0]['StepName']}: {failed[0].get('FailureReason', 'failed')}" if failed else ""

    def show(self) -> None:
        """Show the steps whose status is new."""
        for step in self.steps():
            status = step["StepStatus"]
            if self.seen.get(step["StepName"]) != status:
                self.seen[step["StepName"]] = status
                part = _part(step)
                note = f" ({part['note']})" if part.get("note") else ""
                self.say(f"  {step['StepName']:12} {status.lower():10} {part['seconds']:6.1f} s{note}")


def _part(step: Mapping[str, Any]) -> dict[str, Any]:
    ended = step.get("EndTime")
    seconds = (ended - step["StartTime"]).total_seconds() if ended else time.time() - step["StartTime"].timestamp()
    part = {"name": step["StepName"], "status": step["StepStatus"].lower(), "seconds": round(max(0.0, seconds), 2)}
    outcome = step.get("Metadata", {}).get("Condition", {}).get("Outcome")
    source = step.get("CacheHitResult", {}).get("SourcePipelineExecutionArn")
    note = step.get("FailureReason") or (f"used again from {source}" if source else outcome and f"outcome {outcome}")
    return {**part, **({"note": note} if note else {})}
