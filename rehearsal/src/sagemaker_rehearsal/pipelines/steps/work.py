"""Step 4: what the step modules share: names, checks of the request, and running a job as a process."""

import re
import secrets
import string
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sagemaker_rehearsal.pipelines.errors import ExecutorError
from sagemaker_rehearsal.pipelines.records import Context, Execution, StepRun
from sagemaker_rehearsal.pipelines.storage import Storage
from sagemaker_rehearsal.processes import environment, tail
from sagemaker_rehearsal.server import protocols, validation
from sagemaker_rehearsal.server.errors import AwsError

LETTERS = string.ascii_letters + string.digits


@dataclass(frozen=True)
class Work:
    """One step to be done, with its references replaced."""

    step: Mapping[str, Any]
    arguments: Mapping[str, Any]
    execution: Execution
    context: Context
    storage: Storage
    run: StepRun

    def job_name(self, longest: int = 63) -> str:
        """Make a job name as the service does: `pipelines-<execution>-<step>-<random>`."""
        start, end = f"pipelines-{self.execution.id}-", "".join(secrets.choice(LETTERS) for _ in range(10))
        room = longest - len(start) - len(end) - 1
        if room < 1:
            return f"{start}{end}"[:longest].rstrip("-")
        step = re.sub(r"[^a-zA-Z0-9]+", "-", self.step["Name"])[:room].strip("-")
        return f"{start}{step}-{end}"

    def require_valid(self, operation: str, request: Mapping[str, Any]) -> None:
        """Hold the request that the service would send to botocore's model, and to the role's permissions.

        Raises:
            ExecutorError: with the message that AWS gives.
        """
        model = protocols.service_model("sagemaker")
        found = validation.violations(model.operation_model(operation).input_shape, request) if model else []
        if found:
            raise ExecutorError(
                f"ClientError: Failed to invoke sagemaker:{operation}. Error Details: {validation.message(found)}"
            )
        try:
            self.context.permit(operation, request)
        except AwsError as error:
            raise ExecutorError(
                f"ClientError: Failed to invoke sagemaker:{operation}. Error Details: {error.message}"
            ) from error

    def require_allowed(self, operation: str, request: Mapping[str, Any]) -> None:
        """Ask whether the role may do what a running job does with it.

        Raises:
            ExecutorError: in the words of a container that was refused.
        """
        try:
            self.context.permit(operation, request)
        except AwsError as error:
            said = f"An error occurred ({error.code}) when calling the {operation} operation: {error.message}"
            raise ExecutorError(f"ClientError: {said}") from error

    def folder(self, job: str) -> Path:
        """Make the job's own folder."""
        made = self.context.folder / job
        made.mkdir(parents=True)
        self.run.log = made / "job.log"
        return made

    def run_process(
        self, command: Sequence[str], folder: Path, env: Mapping[str, str], seconds: float | None = None
    ) -> None:
        """Run a job's container as a process in its folder.

        Raises:
            ExecutorError: as AWS words it, with the end of the log.
        """
        log = folder / "job.log"
        settings = environment(self.context.environment, env)
        process = self.context.processes.start(command, log, settings, folder)
        try:
            code = self.context.processes.wait(process, seconds)
        except subprocess.TimeoutExpired as error:
            raise ExecutorError(
                f"ClientError: the job passed its limit of {seconds:.0f} s. Its log is {log}"
            ) from error
        if code:
            said = tail(log, 600) or "it wrote nothing"
            raise ExecutorError(f"AlgorithmError: the container ended with exit code {code}: {said} (log: {log})")


def now() -> datetime:
    """The time, as Describe operations give it."""
    return datetime.now(UTC)
