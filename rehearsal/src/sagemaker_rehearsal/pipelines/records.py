"""Step 4: records of a pipeline execution and its steps, and the context that an execution runs in."""

import secrets
import string
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sagemaker_rehearsal.pipelines.cache import Cache
from sagemaker_rehearsal.pipelines.jobs import Jobs
from sagemaker_rehearsal.processes import Processes

ALPHABET = string.ascii_lowercase + string.digits


def new_id(length: int = 12) -> str:
    """Return a random id of the service's form."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


@dataclass
class StepRun:
    """One step of an execution, as ListPipelineExecutionSteps shows it.

    Attributes:
        status: Executing, Succeeded, Failed or Stopped.
        metadata: the job's ARN, the condition's outcome and the like.
        properties: values that later steps can refer to.
        cached_from: the ARN of the execution whose cached result was used, or empty.
        log: the job's log file, if the step is a job.
    """

    name: str
    type: str
    status: str = "Executing"
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    ended: datetime | None = None
    reason: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    properties: Mapping[str, Any] = field(default_factory=dict)
    cached_from: str = ""
    log: Path | None = None

    @property
    def seconds(self) -> float:
        """Its duration so far."""
        return ((self.ended or datetime.now(UTC)) - self.started).total_seconds()


@dataclass
class Execution:
    """A pipeline execution: its state and its steps in the order in which they started."""

    arn: str
    pipeline_arn: str
    pipeline_name: str
    status: str = "Executing"
    reason: str = ""
    steps: list[StepRun] = field(default_factory=list)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    modified: datetime = field(default_factory=lambda: datetime.now(UTC))
    stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def id(self) -> str:
        """The last part of the ARN, which names S3 prefixes."""
        return self.arn.rpartition("/")[2]

    def step(self, name: str) -> StepRun:
        """Return a step that has started."""
        return next(step for step in self.steps if step.name == name)


@dataclass(frozen=True)
class Context:
    """The surroundings of an execution.

    Attributes:
        client: makes a boto3 client for the cloud.
        environment: the variables that point a job's own AWS clients to the cloud.
        folder: the parent of the jobs' folders and logs.
        progress: called with each step when it starts and when it ends.
        permit: raises AwsError unless the role may make a request: of a job's start, and of the running job's own.
        drills: the injected faults, by name (see `sagemaker_rehearsal.pipelines.drills`).
    """

    client: Callable[[str], Any]
    environment: Mapping[str, str]
    folder: Path
    role_arn: str
    region: str = "us-east-1"
    account: str = "123456789012"
    processes: Processes = field(default_factory=Processes)
    jobs: Jobs = field(default_factory=Jobs)
    cache: Cache = field(default_factory=Cache)
    progress: Callable[[StepRun], None] = lambda _: None
    permit: Callable[[str, Mapping[str, Any]], None] = lambda operation, request: None
    drills: frozenset[str] = frozenset()

    def arn(self, kind: str, name: str) -> str:
        """Return the ARN of a SageMaker resource."""
        return f"arn:aws:sagemaker:{self.region}:{self.account}:{kind}/{name}"
