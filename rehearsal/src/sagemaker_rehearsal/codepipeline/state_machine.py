"""Steps 4 and 6 to 10: the state machine of pipeline executions: stage locks, waiting, superseding, stop and retry.

Pure functions.

A board holds every execution of one pipeline. Each function returns the next board; side effects are derived from the
difference of two boards: an action that has become InProgress has to be started.

https://docs.aws.amazon.com/codepipeline/latest/userguide/concepts-how-it-works.html
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

PENDING, RUNNING, SUCCEEDED, FAILED = "", "InProgress", "Succeeded", "Failed"
ABANDONED, STOPPING, STOPPED, SUPERSEDED = "Abandoned", "Stopping", "Stopped", "Superseded"
CANCELLED = "Cancelled"
OVER = (SUCCEEDED, FAILED, STOPPED, SUPERSEDED, CANCELLED)


@dataclass(frozen=True)
class Step:
    """The state of an action in an execution.

    Attributes:
        attempt: the number of its starts.
    """

    name: str
    order: int
    status: str = PENDING
    attempt: int = 0


@dataclass(frozen=True)
class Room:
    """The state of a stage in an execution."""

    name: str
    steps: tuple[Step, ...]
    status: str = PENDING

    def with_status(self, status: str, selects: Callable[[Step], bool]) -> "Room":
        """Set the status of the selected steps."""
        steps = tuple(replace(step, status=status) if selects(step) else step for step in self.steps)
        return replace(self, steps=steps)

    @property
    def busy(self) -> bool:
        """Whether an action is running."""
        return any(step.status == RUNNING for step in self.steps)


@dataclass(frozen=True)
class Execution:
    """One execution of the pipeline.

    Attributes:
        number: executions are numbered as they start; the greatest is the most recent.
        at: index of the stage that it is in or waits to enter.
        inside: whether it is in that stage, which is locked for others as long as the stage is InProgress or Stopping.
    """

    id: str
    number: int
    mode: str
    rooms: tuple[Room, ...]
    at: int = 0
    inside: bool = False
    status: str = RUNNING

    @property
    def room(self) -> Room:
        """The stage that it is in or waits for; the last stage after completion."""
        return self.rooms[min(self.at, len(self.rooms) - 1)]

    def with_room(self, room: Room) -> "Execution":
        """Replace the state of its current stage."""
        return replace(self, rooms=(*self.rooms[: self.at], room, *self.rooms[self.at + 1 :]))

    @property
    def locks(self) -> bool:
        """Whether it locks its stage: "A failure releases the lock"."""
        return self.inside and self.room.status in (RUNNING, STOPPING)

    @property
    def waits(self) -> bool:
        """Whether it waits to enter a stage."""
        return self.status == RUNNING and not self.inside


@dataclass(frozen=True)
class Board:
    """All executions of a pipeline, the oldest first.

    Attributes:
        closed: stages whose inbound transition is disabled.
        latest: which execution entered a stage last.
    """

    executions: tuple[Execution, ...] = ()
    closed: frozenset[str] = frozenset()
    latest: Mapping[str, str] = field(default_factory=dict)

    def find(self, execution: str) -> Execution | None:
        """Find an execution."""
        return next((candidate for candidate in self.executions if candidate.id == execution), None)

    def put(self, changed: Execution) -> "Board":
        """Replace the execution of the same id."""
        return replace(
            self,
            executions=tuple(changed if execution.id == changed.id else execution for execution in self.executions),
        )

    def waiting(self, stage: str) -> list[Execution]:
        """Return the executions that wait to enter a stage, the oldest first."""
        return [execution for execution in self.executions if execution.waits and execution.room.name == stage]


def start(board: Board, execution: str, rooms: tuple[Room, ...], mode: str) -> Board:
    """Add a new execution, which waits to enter the first stage."""
    number = len(board.executions) + 1
    return settle(replace(board, executions=(*board.executions, Execution(execution, number, mode, rooms))))


def finish(board: Board, execution: str, stage: str, step: str, attempt: int, succeeded: bool) -> Board:
    """Record an action's result; abandoned actions and earlier attempts are ignored."""
    current = board.find(execution)
    if current is None or not current.inside or current.room.name != stage:
        return board
    if not any(
        (candidate.name, candidate.attempt, candidate.status) == (step, attempt, RUNNING)
        for candidate in current.room.steps
    ):
        return board
    status = SUCCEEDED if succeeded else FAILED
    return settle(
        board.put(current.with_room(current.room.with_status(status, lambda candidate: candidate.name == step)))
    )


def stop(board: Board, execution: str, abandon: bool) -> Board:
    """Stop an execution that is InProgress: after its running actions, or at once, abandoning them."""
    current = board.find(execution)
    if current is None or current.status not in (RUNNING, STOPPING):
        return board
    if not current.inside:
        return settle(board.put(replace(current, status=STOPPED)))
    room = current.room.with_status(ABANDONED, lambda step: step.status == RUNNING) if abandon else current.room
    return settle(board.put(replace(current.with_room(replace(room, status=STOPPING)), status=STOPPING)))


def cancel(board: Board) -> Board:
    """Cancel every execution in progress, because the declaration changes; running actions are abandoned.

    "Cancelled: The pipeline's definition was updated before the pipeline execution could be completed"
    https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_PipelineExecution.html
    """
    for execution in board.executions:
        if execution.status in OVER:
            continue
        changed = execution
        if execution.inside:
            room = execution.room.with_status(ABANDONED, lambda step: step.status == RUNNING)
            changed = execution.with_room(replace(room, status=CANCELLED))
        board = board.put(replace(changed, status=CANCELLED))
    return settle(board)


def refusal(board: Board, execution: str, stage: str) -> str:
    """Return the error code of RetryStageExecution; empty when the stage can be retried."""
    current = board.find(execution)
    latest = board.latest.get(stage)
    if current is None or latest is None:
        return "StageNotRetryableException"
    if latest != execution:
        newer = board.find(latest)
        failed = newer is not None and any(room.name == stage and room.status == FAILED for room in newer.rooms)
        return "NotLatestPipelineExecutionException" if failed else "StageNotRetryableException"
    return "" if current.status == FAILED and current.room.name == stage else "StageNotRetryableException"


def retry(board: Board, execution: str, stage: str, all_actions: bool) -> Board:
    """Retry a failed stage's failed actions, or all of them; the stage is locked again at once."""
    current = board.find(execution)
    if current is None or refusal(board, execution, stage):
        return board
    room = current.room.with_status(PENDING, lambda step: all_actions or step.status in (FAILED, ABANDONED))
    changed = replace(current.with_room(replace(room, status=RUNNING)), status=RUNNING, inside=True)
    return settle(board.put(changed))


def gate(board: Board, stage: str, closed: bool) -> Board:
    """Disable or enable a stage's inbound transition."""
    return settle(replace(board, closed=board.closed | {stage} if closed else board.closed - {stage}))


def settle(board: Board) -> Board:
    """Apply transitions until the board no longer changes."""
    while True:
        after = _doors(_forward(board))
        if after == board:
            return board
        board = after


def _forward(board: Board) -> Board:
    for execution in board.executions:
        if execution.locks:
            board = board.put(_advance(execution))
    return board


def _advance(execution: Execution) -> Execution:
    """Start the actions of the next run order, or end the stage, unless actions are running."""
    room = execution.room
    if room.busy:
        return execution
    if execution.status == STOPPING:
        return replace(execution.with_room(replace(room, status=STOPPED)), status=STOPPED)
    if any(step.status == FAILED for step in room.steps):
        return replace(execution.with_room(replace(room, status=FAILED)), status=FAILED)
    left = [step.order for step in room.steps if step.status != SUCCEEDED]
    if left:
        steps = tuple(
            replace(step, status=RUNNING, attempt=step.attempt + 1)
            if step.order == min(left) and step.status != SUCCEEDED
            else step
            for step in room.steps
        )
        return execution.with_room(replace(room, steps=steps))
    done = replace(execution.with_room(replace(room, status=SUCCEEDED)), at=execution.at + 1, inside=False)
    return replace(done, status=SUCCEEDED) if done.at == len(execution.rooms) else done


def _doors(board: Board) -> Board:
    for stage in {execution.room.name for execution in board.executions if execution.waits}:
        board = _door(board, stage)
    return board


def _door(board: Board, stage: str) -> Board:
    """Let the next execution enter a stage whose transition is enabled and which is not locked.

    "Waiting executions are superseded by more recent executions ... only superseded in between stages"; this also
    applies while the transition is disabled. In QUEUED mode executions enter one by one in their order; in PARALLEL
    mode stages are not locked.
    """
    waiting = board.waiting(stage)
    for older in waiting[:-1]:
        if waiting[-1].mode == "SUPERSEDED":
            board = board.put(replace(older, status=SUPERSEDED))
    waiting = board.waiting(stage)
    if stage in board.closed:
        return board
    for execution in waiting:
        locked = any(other.locks and other.room.name == stage for other in board.executions)
        if not locked or execution.mode == "PARALLEL":
            entered = replace(execution.with_room(replace(execution.room, status=RUNNING)), inside=True)
            board = replace(board.put(entered), latest={**board.latest, stage: execution.id})
    return board


def changes(before: Board, after: Board) -> Iterator[tuple[Execution, Room | None, Step | None]]:
    """Yield the status changes in the order of AWS's events.

    Yields:
        (execution, None, None) for the execution itself, (execution, stage, None) for a stage, and all three for an
        action. Starts are reported from the execution inwards, ends from the action outwards.
    """
    old = {execution.id: execution for execution in before.executions}
    for execution in after.executions:
        was = old.get(execution.id)
        if execution == was:
            continue
        own = [(execution, None, None)] if was is None or was.status != execution.status else []
        if execution.status not in OVER:
            yield from own
        for number, room in enumerate(execution.rooms):
            yield from _room_changes(execution, was.rooms[number] if was else None, room)
        if execution.status in OVER:
            yield from own


def _room_changes(
    execution: Execution, was: Room | None, room: Room
) -> Iterator[tuple[Execution, Room | None, Step | None]]:
    own = [(execution, room, None)] if room.status != (was.status if was else PENDING) else []
    if room.status == RUNNING:
        yield from own
    for number, step in enumerate(room.steps):
        before = was.steps[number] if was else Step(step.name, step.order)
        if (step.status, step.attempt) != (before.status, before.attempt) and step.status != PENDING:
            yield execution, room, step
    if room.status != RUNNING:
        yield from own
