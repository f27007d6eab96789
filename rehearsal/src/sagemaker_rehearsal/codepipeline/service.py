"""Steps 4 and 6 to 10: the pipelines of one cloud: keeps the board of each, and does what its changes ask for."""

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
from sagemaker_rehearsal.codepipeline.models import Kept, Passage, Run, new_id, now
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
        self._kept: dict[str, Kept] = {}
        self._events: queue.SimpleQueue[tuple[str, dict[str, Any], str]] = queue.SimpleQueue()
        threading.Thread(target=self._publish, name="codepipeline-events", daemon=True).start()

    # ---- pipelines

    def find(self, name: str) -> Kept:
        """Find a pipeline.

        Raises:
            AwsError: PipelineNotFoundException.
        """
        found = self._kept.get(name)
        if found is None:
            raise AwsError(
                "PipelineNotFoundException", f"Account '{ACCOUNT}' does not have a pipeline with name '{name}'"
            )
        return found

    def arn(self, name: str) -> str:
        """Give the ARN of a pipeline."""
        return f"arn:aws:codepipeline:{self._cloud.region}:{ACCOUNT}:{name}"

    def all(self) -> list[Kept]:
        """Give all pipelines by name."""
        return [self._kept[name] for name in sorted(self._kept)]

    def create(self, pipeline: Pipeline, tags: dict[str, str], principal: str) -> Kept:
        """Keep a new pipeline and run it at once, as CodePipeline does.

        Raises:
            AwsError: when a rule is broken or the name is taken.
        """
        rules.check(pipeline)
        with self.lock:
            if pipeline.name in self._kept:
                raise AwsError(
                    "PipelineNameInUseException", f"A pipeline with the name '{pipeline.name}' already exists"
                )
            kept = self._kept[pipeline.name] = Kept(pipeline, self.arn(pipeline.name), tags)
            self.start(kept, {}, {}, ("CreatePipeline", principal))
        return kept

    def update(self, pipeline: Pipeline) -> Kept:
        """Take another declaration; executions that are not over are cancelled.

        Raises:
            AwsError: when a rule is broken or there is no such pipeline.
        """
        rules.check(pipeline)
        with self.lock:
            kept = self.find(pipeline.name)
            self.apply(kept, state_machine.cancel)
            kept.pipeline, kept.updated = pipeline, now()
        return kept

    def delete(self, name: str) -> None:
        """Remove a pipeline; what runs is left alone. One that does not exist is no error."""
        with self.lock:
            kept = self._kept.pop(name, None)
            if kept:
                self.apply(kept, state_machine.cancel)

    # ---- executions

    def start(
        self,
        kept: Kept,
        given: Mapping[str, str],
        revisions: Mapping[str, Mapping[str, str]],
        trigger: tuple[str, str],
        token: str = "",
    ) -> str:
        """Start an execution; give its id. The same token gives the same execution."""
        with self.lock:
            if token and token in kept.tokens:
                return kept.tokens[token]
            defaults = {one.name: one.default for one in kept.pipeline.variables if one.default is not None}
            passage = Passage(new_id(), kept.pipeline, trigger, {**defaults, **given}, revisions)
            passage.scope = {
                variables.OWN: {"PipelineExecutionId": passage.id},
                variables.PIPELINE: passage.variables,
            }
            kept.passages[passage.id] = passage
            if token:
                kept.tokens[token] = passage.id
            self.apply(
                kept, lambda board: state_machine.start(board, passage.id, passage.rooms(), passage.pipeline.mode)
            )
        return passage.id

    def pushed(self, repository: str, branch: str, commit: str, paths: Sequence[str]) -> list[str]:
        """A Git host tells of a push through its connection; give the executions that it starts.

        Args:
            repository: the host's owner/name.
            branch: which branch has moved.
            commit: where to.
            paths: the files that differ.
        """
        started = []
        for kept in self.all():
            action = triggers.started_by(kept.pipeline, repository, branch, paths)
            if action is not None:
                demanded = {action.name: {"revisionType": "COMMIT_ID", "revisionValue": commit}}
                detail = action.configuration["ConnectionArn"]
                started.append(self.start(kept, {}, demanded, ("WebhookV2", detail)))
        return started

    def retry(self, kept: Kept, execution: str, stage: str, all_actions: bool) -> None:
        """Run a failed stage again; whether it may be is asked before."""
        with self.lock:
            passage = kept.passages[execution]
            passage.attempt += 1
            passage.retries[stage] = passage.retries.get(stage, 0) + 1
            self.apply(kept, lambda board: state_machine.retry(board, execution, stage, all_actions), resumed=True)

    def answer(self, kept: Kept, run: Run, approved: bool, summary: str, principal: str) -> None:
        """Give a manual approval its answer."""
        with self.lock:
            run.summary, run.updated_by = summary, principal
            self._finish(kept, run, approved)

    def apply(self, kept: Kept, change: Callable[[Board], Board], resumed: bool = False) -> None:
        """Change a board; record, tell and start what follows from it."""
        with self.lock:
            before, kept.board = kept.board, change(kept.board)
            for execution, room, step in state_machine.changes(before, kept.board):
                self._changed(kept, execution, room, step, resumed)

    def _changed(self, kept: Kept, execution: Execution, room: Room | None, step: Step | None, resumed: bool) -> None:
        passage = kept.passages[execution.id]
        passage.changed = now()
        if room is None:
            self._tell(kept, notices.PIPELINE, notices.of_pipeline(passage, execution.status, resumed))
        elif step is None:
            self._tell(kept, notices.STAGE, notices.of_stage(passage, room.name, room.status, resumed))
        else:
            self._step_changed(kept, passage, room.name, step)

    def _step_changed(self, kept: Kept, passage: Passage, stage: str, step: Step) -> None:
        if step.status == state_machine.RUNNING:
            action = passage.pipeline.action(stage, step.name)
            run = Run(passage.id, stage, action, step.attempt, passage.pipeline.version)
            run.inputs = {name: passage.artifacts[name] for name in action.inputs if name in passage.artifacts}
            kept.runs.append(run)
            threading.Thread(target=self._work, args=(kept, passage, run), name=f"action-{run.id}", daemon=True).start()
        else:
            run = next(
                one
                for one in reversed(kept.runs)
                if (one.execution, one.stage, one.action.name) == (passage.id, stage, step.name)
            )
            run.status, run.changed = step.status, now()
        self._tell(kept, notices.ACTION, notices.of_action(passage, run, step.status, self._cloud.region))

    # ---- actions

    def _work(self, kept: Kept, passage: Passage, run: Run) -> None:
        """Do an action in a thread of its own."""
        work = Work(self._cloud, passage, run, self._cloud.state / "codepipeline" / run.id)
        kind = (run.action.category, run.action.provider)
        try:
            run.resolved = variables.resolve_all(run.action.configuration, passage.scope)
            _require_inputs(run)
            PERFORM[kind](work)
        except Ended:
            return
        except Exception as error:  # the thread's end is the action's end, whatever it was
            if self._cloud.processes.stopped:
                return
            run.error = _failure(error)
            self._finish(kept, run, False)
        else:
            if kind == APPROVAL:
                self._expire(kept, work)
            else:
                self._finish(kept, run, True)
        finally:
            shutil.rmtree(work.folder, ignore_errors=True)

    def _expire(self, kept: Kept, work: Work) -> None:
        """Fail an approval that nobody answers in time."""

        def expire() -> None:
            with self.lock:
                if work.run.status == state_machine.RUNNING and not self._cloud.processes.stopped:
                    work.run.error = ("JobFailed", approval.TIMED_OUT)
                    self._finish(kept, work.run, False)

        timer = threading.Timer(approval.minutes(work) * 60, expire)
        timer.daemon = True
        timer.start()

    def _finish(self, kept: Kept, run: Run, succeeded: bool) -> None:
        """Take an action's result; one that nobody waits for any more changes nothing."""
        with self.lock:
            if run.status != state_machine.RUNNING:
                return
            passage = kept.passages[run.execution]
            if succeeded:
                passage.artifacts.update(run.outputs)
                passage.taken.update({name: run.revision for name in run.outputs if run.revision})
            if run.action.namespace:
                passage.scope[run.action.namespace] = run.variables
            names = (run.execution, run.stage, run.action.name, run.attempt)
            self.apply(kept, lambda board: state_machine.finish(board, *names, succeeded))

    # ---- events

    def _tell(self, kept: Kept, kind: str, detail: dict[str, Any]) -> None:
        self._events.put((kind, detail, kept.arn))

    def _publish(self) -> None:
        """Publish events in their order; outside the lock, since delivery may start pipelines."""
        while not self._cloud.processes.stopped:
            try:
                kind, detail, arn = self._events.get(timeout=1.0)
            except queue.Empty:
                continue
            try:
                events.publish(self._cloud, "aws.codepipeline", kind, detail, [arn])
            except Exception:  # the next event is none the worse
                if self._cloud.processes.stopped:
                    return
                log.exception("event %s of %s", kind, arn)


def _require_inputs(run: Run) -> None:
    missing = [name for name in run.action.inputs if name not in run.inputs]
    if missing:
        raise Failed(f"The input artifact {missing[0]} was not made by the action that declares it")


def _failure(error: Exception) -> tuple[str, str]:
    """Give code and message of an action's error details.

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
