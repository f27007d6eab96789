"""Steps 4 and 6 to 10: what is remembered of pipelines, executions and actions besides their status."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sagemaker_rehearsal.codebuild.artifacts import Location
from sagemaker_rehearsal.codepipeline.state_machine import Board, Room, Step
from sagemaker_rehearsal.codepipeline.structure import Action, Pipeline


def now() -> datetime:
    """Give the time."""
    return datetime.now(UTC)


def new_id() -> str:
    """Give an id as CodePipeline has them."""
    return str(uuid.uuid4())


@dataclass
class Run:
    """One action of one execution, each attempt by itself.

    Attributes:
        token: what an approval is answered with.
        error: code and message.
        resolved: the configuration with every variable replaced.
        inputs: the artifacts that it took.
        outputs: the artifacts that it made.
        variables: what other actions can refer to through its namespace.
        revision: what a source action took.
        entity_url: leads to what the action works on.
        revision_url: leads to the revision.
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
        trigger: what started it, and more of that.
        variables: the pipeline-level variables that have a value.
        revisions: source revisions that the start demanded, by action.
        scope: every variable by its namespace.
        artifacts: every artifact by its name.
        taken: the revision that a source action took, by its artifact.
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
        """Give the shape that the machine takes an execution through."""
        return tuple(
            Room(stage.name, tuple(Step(action.name, action.order) for action in stage.actions))
            for stage in self.pipeline.stages
        )


@dataclass
class Kept:
    """A pipeline with all that happened in it.

    Attributes:
        transitions: who closed a stage's entry, when and why.
        tokens: executions by the token of the request that started them.
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
        """Give an execution's action runs, the oldest first."""
        return [one for one in self.runs if one.execution == execution]

    def latest(self, stage: str, action: str) -> Run | None:
        """Give an action's most recent run."""
        found = [one for one in self.runs if (one.stage, one.action.name) == (stage, action)]
        return found[-1] if found else None
