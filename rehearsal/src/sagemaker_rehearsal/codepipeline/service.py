"""Steps 4 and 6 to 10: the pipelines of one cloud: apply state transitions, run actions, publish events."""

import logging
import queue
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from sagemaker_rehearsal import events
from sagemaker_rehearsal.codepipeline import events as notices
from sagemaker_rehearsal.codepipeline import rules, state_machine, triggers, variables
from sagemaker_rehearsal.codepipeline.actions import APPROVAL, PERFORM, Ended, Failed, Work, approval
from sagemaker_rehearsal.codepipeline.models import Passage, PipelineRecord, Run, new_id, now
from sagemaker_rehearsal.codepipeline.state_machine import Board, Execution, Room, Step
from sagemaker_rehearsal.codepipeline.structure import Pipeline
from sagemaker_rehearsal.server.errors import AwsError
from sagemaker_rehearsal.server.service import ACCOUNT, Host

log = logging.getLogger(__name__)


class Pipelines:
    """All pipelines of a cloud."""

    def __init__(self, cloud: Host) -> None:
        self._cloud = cloud
        self.lock = threading.RLock()
        self._records: dict[str, PipelineRecord] = {}
        self._events: queue.SimpleQueue[tuple[str, dict[str, Any], str]] = queue.SimpleQueue()
        threading.Thread(target=self._publish, name="codepipeline-events", daemon=True).start()

    # ---- pipelines

    def find(self, name: str) -> PipelineRecord:
        """Find a pipeline.

        Raises:
            AwsError: PipelineNotFoundException.
        """
        record = self._records.get(name)
        if record is None:
            raise AwsError(
                "PipelineNotFoundException", f"Account '{ACCOUNT}' does not have a pipeline with name '{name}'"
            )
        return record

    def arn(self, name: str) -> str:
        """Return a pipeline's ARN."""
        return f"arn:aws:codepipeline:{self._cloud.region}:{ACCOUNT}:{name}"

    def all(self) -> list[PipelineRecord]:
        """Return all pipelines, sorted by name."""
        return [self._records[name] for name in sorted(self._records)]

    def create(self, pipeline: Pipeline, tags: dict[str, str], principal: str) -> PipelineRecord:
        """Create a pipeline and start an execution at once, as CodePipeline does.

        Raises:
            AwsError: when a rule is broken or the name is taken.
        """
        rules.check(pipeline)
        with self.lock:
            if pipeline.name in self._records:
                raise AwsError(
                    "PipelineNameInUseException", f"A pipeline with the name '{pipeline.name}' already exists"
                )
            record = self._records[pipeline.name] = PipelineRecord(pipeline, self.arn(pipeline.name), tags)
            self.start(record, {}, {}, ("CreatePipeline", principal))
        return record

    def update(self, pipeline: Pipeline) -> PipelineRecord:
        """Replace a pipeline's declaration; executions in progress are cancelled, as on AWS.

        Raises:
            AwsError: when a rule is broken or there is no such pipeline.
        """
        rules.check(pipeline)
        with self.lock:
            record = self.find(pipeline.name)
            self.apply(record, state_machine.cancel)
            record.pipeline, record.updated = pipeline, now()
        return record

    def delete(self, name: str) -> None:
        """Delete a pipeline and cancel its executions, if it exists; running actions are abandoned."""
        with self.lock:
            record = self._records.pop(name, None)
            if record:
                self.apply(record, state_machine.cancel)

    # ---- executions

    def start(
        self,
        record: PipelineRecord,
        values: Mapping[str, str],
        revisions: Mapping[str, Mapping[str, str]],
        trigger: tuple[str, str],
        token: str = "",
    ) -> str:
        """Start an execution and return its id; a repeated token returns the same execution."""
        with self.lock:
            if token and token in record.tokens:
                return record.tokens[token]
            defaults = {
                variable.name: variable.default
                for variable in record.pipeline.variables
                if variable.default is not None
            }
            passage = Passage(new_id(), record.pipeline, trigger, {**defaults, **values}, revisions)
            passage.scope = {
                variables.OWN: {"PipelineExecutionId": passage.id},
                variables.PIPELINE: passage.variables,
            }
            record.passages[passage.id] = passage
            if token:
                record.tokens[token] = passage.id
            self.apply(
                record, lambda board: state_machine.start(board, passage.id, passage.rooms(), passage.pipeline.mode)
            )
        return passage.id

    def pushed(self, repository: str, branch: str, commit: str, paths: Sequence[str]) -> list[str]:
        """Handle a Git host's push through its connection and return the executions that it starts.

        Args:
            repository: FullRepositoryId, owner/name.
            branch: the branch that was pushed.
            commit: its new tip.
            paths: the changed files.
        """
        started = []
        for record in self.all():
            action = triggers.started_by(record.pipeline, repository, branch, paths)
            if action is not None:
                revisions = {action.name: {"revisionType": "COMMIT_ID", "revisionValue": commit}}
                detail = action.configuration["ConnectionArn"]
                started.append(self.start(record, {}, revisions, ("WebhookV2", detail)))
        return started

    def retry(self, record: PipelineRecord, execution: str, stage: str, all_actions: bool) -> None:
        """Retry a failed stage; the caller has checked `state_machine.refusal`."""
        with self.lock:
            passage = record.passages[execution]
            passage.attempt += 1
            passage.retries[stage] = passage.retries.get(stage, 0) + 1
            self.apply(record, lambda board: state_machine.retry(board, execution, stage, all_actions), resumed=True)

    def answer(self, record: PipelineRecord, run: Run, approved: bool, summary: str, principal: str) -> None:
        """Complete a manual approval."""
        with self.lock:
            run.summary, run.updated_by = summary, principal
            self._finish(record, run, approved)

    def apply(self, record: PipelineRecord, change: Callable[[Board], Board], resumed: bool = False) -> None:
        """Apply a state transition; record it, publish its events and start its actions."""
        with self.lock:
            before, record.board = record.board, change(record.board)
            for execution, room, step in state_machine.changes(before, record.board):
                self._on_change(record, execution, room, step, resumed)

    def _on_change(
        self, record: PipelineRecord, execution: Execution, room: Room | None, step: Step | None, resumed: bool
    ) -> None:
        passage = record.passages[execution.id]
        passage.changed = now()
        if room is None:
            self._queue_event(record, notices.PIPELINE, notices.of_pipeline(passage, execution.status, resumed))
        elif step is None:
            self._queue_event(record, notices.STAGE, notices.of_stage(passage, room.name, room.status, resumed))
        else:
            self._on_step_change(record, passage, room.name, step)

    def _on_step_change(self, record: PipelineRecord, passage: Passage, stage: str, step: Step) -> None:
        if step.status == state_machine.RUNNING:
            action = passage.pipeline.action(stage, step.name)
            run = Run(passage.id, stage, action, step.attempt, passage.pipeline.version)
            run.inputs = {name: passage.artifacts[name] for name in action.inputs if name in passage.artifacts}
            record.runs.append(run)
            threading.Thread(
                target=self._work, args=(record, passage, run), name=f"action-{run.id}", daemon=True
            ).start()
        else:
            run = next(
                candidate
                for candidate in reversed(record.runs)
                if (candidate.execution, candidate.stage, candidate.action.name) == (passage.id, stage, step.name)
            )
            run.status, run.changed = step.status, now()
        self._queue_event(record, notices.ACTION, notices.of_action(passage, run, step.status, self._cloud.region))

    # ---- actions

    def _work(self, record: PipelineRecord, passage: Passage, run: Run) -> None:
        """Run an action; each has its own thread."""
        work = Work(self._cloud, passage, run, self._cloud.state / "codepipeline" / run.id)
        kind = (run.action.category, run.action.provider)
        try:
            run.resolved = variables.resolve_all(run.action.configuration, passage.scope)
            _require_inputs(run)
            PERFORM[kind](work)
        except Ended:
            return
        except Exception as error:  # any error must end the action, or it would stay InProgress
            if self._cloud.processes.stopped:
                return
            run.error = _failure(error)
            self._finish(record, run, False)
        else:
            if kind == APPROVAL:
                self._expire(record, work)
            else:
                self._finish(record, run, True)
        finally:
            shutil.rmtree(work.folder, ignore_errors=True)

    def _expire(self, record: PipelineRecord, work: Work) -> None:
        """Fail an approval that is not answered before its timeout."""

        def expire() -> None:
            with self.lock:
                if work.run.status == state_machine.RUNNING and not self._cloud.processes.stopped:
                    work.run.error = ("JobFailed", approval.TIMED_OUT)
                    self._finish(record, work.run, False)

        timer = threading.Timer(approval.minutes(work) * 60, expire)
        timer.daemon = True
        timer.start()

    def _finish(self, record: PipelineRecord, run: Run, succeeded: bool) -> None:
        """Apply an action's result; the result of an abandoned action is ignored."""
        with self.lock:
            if run.status != state_machine.RUNNING:
                return
            passage = record.passages[run.execution]
            if succeeded:
                passage.artifacts.update(run.outputs)
                passage.taken.update({name: run.revision for name in run.outputs if run.revision})
            if run.action.namespace:
                passage.scope[run.action.namespace] = run.variables
            names = (run.execution, run.stage, run.action.name, run.attempt)
            self.apply(record, lambda board: state_machine.finish(board, *names, succeeded))

    # ---- events

    def _queue_event(self, record: PipelineRecord, kind: str, detail: dict[str, Any]) -> None:
        self._events.put((kind, detail, record.arn))

    def _publish(self) -> None:
        """Publish events in order, outside the lock: delivery may start pipelines, which takes the lock."""
        while not self._cloud.processes.stopped:
            try:
                kind, detail, arn = self._events.get(timeout=1.0)
            except queue.Empty:
                continue
            try:
                events.publish(self._cloud, "aws.codepipeline", kind, detail, [arn])
            except Exception:  # a failed delivery must not stop later events
                if self._cloud.processes.stopped:
                    return
                log.exception("event %s of %s", kind, arn)


def _require_inputs(run: Run) -> None:
    missing = [name for name in run.action.inputs if name not in run.inputs]
    if missing:
        raise Failed(f"The input artifact {missing[0]} was not made by the action that declares it")


def _failure(error: Exception) -> tuple[str, str]:
    """Return the code and message of an action's error details.

    https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_FailureDetails.html
    """
    if isinstance(error, Failed):
        return error.code, str(error)[:5000]
    if isinstance(error, variables.Unresolved):
        return "ConfigurationError", str(error)[:5000]
    if isinstance(error, ClientError):
        denied = "AccessDenied" in error.response["Error"]["Code"] or "not authorized" in str(error)
        return "PermissionError" if denied else "JobFailed", str(error)[:5000]
    if isinstance(error, AwsError):
        return "PermissionError" if "AccessDenied" in error.code else "JobFailed", f"{error.code}: {error.message}"[
            :5000
        ]
    log.error("an action failed", exc_info=error)
    return "SystemUnavailable", f"The rehearsal failed: {error!r}"[:5000]


def of(cloud: Host) -> Pipelines:
    """Return a cloud's pipelines."""
    return cloud.state_of(Pipelines)
