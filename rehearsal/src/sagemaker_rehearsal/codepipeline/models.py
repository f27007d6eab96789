"""Steps 4 and 6 to 10: the records of pipelines, executions and actions; their status is in `state_machine`."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sagemaker_rehearsal.codebuild.artifacts import Location
from sagemaker_rehearsal.codepipeline.state_machine import Board, Room, Step
from sagemaker_rehearsal.codepipeline.structure import Action, Pipeline


def now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


def new_id() -> str:
    """Return a new id in CodePipeline's format."""
    return str(uuid.uuid4())


@dataclass
class Run:
    """One action run: an attempt of an action in an execution.

    Attributes:
        token: of an approval, for PutApprovalResult.
        error: code and message.
        resolved: the configuration with every variable replaced.
        inputs: the input artifacts by name.
        outputs: the output artifacts by name.
        variables: its output variables, which other actions refer to through its namespace.
        revision: the commit of a source action.
        entity_url: console address of the resource that the action works on.
        revision_url: console address of the revision.
    """

    execution: str
    stage: str
    action: Action
    attempt: int
    version: int
    id: str = field(default_factory=new_id)
    status: str = "InProgress"
    started: datetime = field(default_factory=now)
    changed: datetime = field(default_factory=now)
    token: str = ""
    summary: str = ""
    external_id: str = ""
    external_url: str = ""
    entity_url: str = ""
    revision_url: str = ""
    revision: str = ""
    log_arn: str = ""
    updated_by: str = ""
    error: tuple[str, str] = ("", "")
    resolved: dict[str, str] = field(default_factory=dict)
    inputs: dict[str, Location] = field(default_factory=dict)
    outputs: dict[str, Location] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)


@dataclass
class Passage:
    """One execution of a pipeline.

    Attributes:
        pipeline: the pipeline as it was when the execution started.
        trigger: trigger type and detail.
        variables: the values of the pipeline-level variables.
        revisions: source revision overrides of the start, by action.
        scope: all variables by namespace.
        artifacts: all artifacts by name.
        taken: the source revisions by output artifact.
        attempt: 1, and one more for each retry.
    """

    id: str
    pipeline: Pipeline
    trigger: tuple[str, str]
    variables: dict[str, str]
    revisions: Mapping[str, Mapping[str, str]]
    started: datetime = field(default_factory=now)
    changed: datetime = field(default_factory=now)
    scope: dict[str, dict[str, str]] = field(default_factory=dict)
    artifacts: dict[str, Location] = field(default_factory=dict)
    taken: dict[str, str] = field(default_factory=dict)
    attempt: int = 1
    stop_reason: str = ""
    retries: dict[str, int] = field(default_factory=dict)

    def rooms(self) -> tuple[Room, ...]:
        """Return the stages and actions as the state machine's initial state."""
        return tuple(
            Room(stage.name, tuple(Step(action.name, action.order) for action in stage.actions))
            for stage in self.pipeline.stages
        )


@dataclass
class PipelineRecord:
    """A pipeline with its executions and action runs.

    Attributes:
        transitions: who disabled a stage's inbound transition, when and why.
        tokens: executions by the clientRequestToken of their start.
    """

    pipeline: Pipeline
    arn: str
    tags: dict[str, str]
    created: datetime = field(default_factory=now)
    updated: datetime = field(default_factory=now)
    board: Board = field(default_factory=Board)
    passages: dict[str, Passage] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)
    transitions: dict[str, dict[str, Any]] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    def runs_of(self, execution: str) -> list[Run]:
        """Return an execution's action runs, the oldest first."""
        return [run for run in self.runs if run.execution == execution]

    def latest(self, stage: str, action: str) -> Run | None:
        """Return an action's most recent run."""
        runs = [run for run in self.runs if (run.stage, run.action.name) == (stage, action)]
        return runs[-1] if runs else None
