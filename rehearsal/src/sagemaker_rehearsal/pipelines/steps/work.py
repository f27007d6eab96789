"""Step 4: shared by the step modules: job names, validation of requests, and running a job as a process."""

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
    """One step to run, with its references resolved."""

    step: Mapping[str, Any]
    arguments: Mapping[str, Any]
    execution: Execution
    context: Context
    storage: Storage
    run: StepRun

    def job_name(self, longest: int = 63) -> str:
        """Return a job name of the service's form: `pipelines-<execution>-<step>-<random>`."""
        start, end = f"pipelines-{self.execution.id}-", "".join(secrets.choice(LETTERS) for _ in range(10))
        room = longest - len(start) - len(end) - 1
        if room < 1:
            return f"{start}{end}"[:longest].rstrip("-")
        step = re.sub(r"[^a-zA-Z0-9]+", "-", self.step["Name"])[:room].strip("-")
        return f"{start}{step}-{end}"

    def require_valid(self, operation: str, request: Mapping[str, Any]) -> None:
        """Validate a request against botocore's model and the role's permissions.

        Raises:
            ExecutorError: with AWS's message.
        """
        model = protocols.service_model("sagemaker")
        violations = validation.violations(model.operation_model(operation).input_shape, request) if model else []
        if violations:
            raise ExecutorError(
                f"ClientError: Failed to invoke sagemaker:{operation}. Error Details: {validation.message(violations)}"
            )
        try:
            self.context.permit(operation, request)
        except AwsError as error:
            raise ExecutorError(
                f"ClientError: Failed to invoke sagemaker:{operation}. Error Details: {error.message}"
            ) from error

    def require_allowed(self, operation: str, request: Mapping[str, Any]) -> None:
        """Check that the role allows a request of the running job.

        Raises:
            ExecutorError: with the message that boto3 raises in the container.
        """
        try:
            self.context.permit(operation, request)
        except AwsError as error:
            message = f"An error occurred ({error.code}) when calling the {operation} operation: {error.message}"
            raise ExecutorError(f"ClientError: {message}") from error

    def folder(self, job: str) -> Path:
        """Create the job's folder."""
        folder = self.context.folder / job
        folder.mkdir(parents=True)
        self.run.log = folder / "job.log"
        return folder

    def run_process(
        self, command: Sequence[str], folder: Path, env: Mapping[str, str], seconds: float | None = None
    ) -> None:
        """Run a job's container as a process in its folder.

        Raises:
            ExecutorError: with a failure reason of AWS's form and the end of the log.
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
            output = tail(log, 600) or "it wrote nothing"
            raise ExecutorError(f"AlgorithmError: the container ended with exit code {code}: {output} (log: {log})")


def now() -> datetime:
    """Return the current time, as Describe operations have it."""
    return datetime.now(UTC)
