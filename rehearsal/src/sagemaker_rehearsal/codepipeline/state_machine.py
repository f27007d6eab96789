"""Steps 4 and 6 to 10: how executions go through a pipeline: locks, waiting, superseding, stop and retry. Pure.

A board holds every execution of one pipeline. Each function gives the next board; whatever must happen in the world is
read off the difference of two boards: an action that has become InProgress is to be started.

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
    """An action in an execution.

    Attributes:
        attempt: how often it was started.
    """

    name: str
    order: int
    status: str = PENDING
    attempt: int = 0


@dataclass(frozen=True)
class Room:
    """A stage in an execution."""

    name: str
    steps: tuple[Step, ...]
    status: str = PENDING

    def with_status(self, status: str, wanted: Callable[[Step], bool]) -> "Room":
        """Give the steps that are wanted another status."""
        steps = tuple(replace(one, status=status) if wanted(one) else one for one in self.steps)
        return replace(self, steps=steps)

    @property
    def busy(self) -> bool:
        """Whether an action runs."""
        return any(one.status == RUNNING for one in self.steps)


@dataclass(frozen=True)
class Execution:
    """One way through the pipeline.

    Attributes:
        number: executions are numbered as they start; the greatest is the most recent.
        at: the stage that it is in, or that it waits to enter.
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
        """The stage that it is in or waits for; the last one when it has been through all."""
        return self.rooms[min(self.at, len(self.rooms) - 1)]

    def with_room(self, room: Room) -> "Execution":
        """Give its present stage another state."""
        return replace(self, rooms=(*self.rooms[: self.at], room, *self.rooms[self.at + 1 :]))

    @property
    def locks(self) -> bool:
        """Whether it keeps others out of its stage: "A failure releases the lock"."""
        return self.inside and self.room.status in (RUNNING, STOPPING)

    @property
    def waits(self) -> bool:
        """Whether it is between two stages."""
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
        return next((one for one in self.executions if one.id == execution), None)

    def put(self, changed: Execution) -> "Board":
        """Put an execution in the place of the one of the same id."""
        return replace(self, executions=tuple(changed if one.id == changed.id else one for one in self.executions))

    def waiting(self, stage: str) -> list[Execution]:
        """Give those that wait to enter a stage, the oldest first."""
        return [one for one in self.executions if one.waits and one.room.name == stage]


def start(board: Board, execution: str, rooms: tuple[Room, ...], mode: str) -> Board:
    """Let a new execution arrive in front of the first stage."""
    number = len(board.executions) + 1
    return settle(replace(board, executions=(*board.executions, Execution(execution, number, mode, rooms))))


def finish(board: Board, execution: str, stage: str, step: str, attempt: int, succeeded: bool) -> Board:
    """An action has ended; one that was abandoned or is of an earlier attempt changes nothing."""
    found = board.find(execution)
    if found is None or not found.inside or found.room.name != stage:
        return board
    if not any((one.name, one.attempt, one.status) == (step, attempt, RUNNING) for one in found.room.steps):
        return board
    status = SUCCEEDED if succeeded else FAILED
    return settle(board.put(found.with_room(found.room.with_status(status, lambda one: one.name == step))))


def stop(board: Board, execution: str, abandon: bool) -> Board:
    """Stop an execution that is InProgress: after its running actions, or at once, leaving them to themselves."""
    found = board.find(execution)
    if found is None or found.status not in (RUNNING, STOPPING):
        return board
    if not found.inside:
        return settle(board.put(replace(found, status=STOPPED)))
    room = found.room.with_status(ABANDONED, lambda one: one.status == RUNNING) if abandon else found.room
    return settle(board.put(replace(found.with_room(replace(room, status=STOPPING)), status=STOPPING)))


def cancel(board: Board) -> Board:
    """The pipeline's declaration changes: every execution that is not over ends, its running actions are left alone.

    "Cancelled: The pipeline's definition was updated before the pipeline execution could be completed"
    https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_PipelineExecution.html
    """
    for one in board.executions:
        if one.status in OVER:
            continue
        changed = one
        if one.inside:
            room = one.room.with_status(ABANDONED, lambda step: step.status == RUNNING)
            changed = one.with_room(replace(room, status=CANCELLED))
        board = board.put(replace(changed, status=CANCELLED))
    return settle(board)


def refusal(board: Board, execution: str, stage: str) -> str:
    """Give the error code with which RetryStageExecution refuses; empty when the stage can be retried."""
    found = board.find(execution)
    latest = board.latest.get(stage)
    if found is None or latest is None:
        return "StageNotRetryableException"
    if latest != execution:
        newer = board.find(latest)
        failed = newer is not None and any(one.name == stage and one.status == FAILED for one in newer.rooms)
        return "NotLatestPipelineExecutionException" if failed else "StageNotRetryableException"
    return "" if found.status == FAILED and found.room.name == stage else "StageNotRetryableException"


def retry(board: Board, execution: str, stage: str, all_actions: bool) -> Board:
    """Run a failed stage's failed actions again, or all of them; the stage is locked again at once."""
    found = board.find(execution)
    if found is None or refusal(board, execution, stage):
        return board
    room = found.room.with_status(PENDING, lambda one: all_actions or one.status in (FAILED, ABANDONED))
    changed = replace(found.with_room(replace(room, status=RUNNING)), status=RUNNING, inside=True)
    return settle(board.put(changed))


def gate(board: Board, stage: str, closed: bool) -> Board:
    """Disable or enable a stage's inbound transition."""
    return settle(replace(board, closed=board.closed | {stage} if closed else board.closed - {stage}))


def settle(board: Board) -> Board:
    """Let everything happen that waits for nothing but the board."""
    while True:
        after = _doors(_forward(board))
        if after == board:
            return board
        board = after


def _forward(board: Board) -> Board:
    for one in board.executions:
        if one.locks:
            board = board.put(_advance(one))
    return board


def _advance(one: Execution) -> Execution:
    """Start an execution's next actions, or end its stage, unless actions are running."""
    room = one.room
    if room.busy:
        return one
    if one.status == STOPPING:
        return replace(one.with_room(replace(room, status=STOPPED)), status=STOPPED)
    if any(step.status == FAILED for step in room.steps):
        return replace(one.with_room(replace(room, status=FAILED)), status=FAILED)
    left = [step.order for step in room.steps if step.status != SUCCEEDED]
    if left:
        steps = tuple(
            replace(step, status=RUNNING, attempt=step.attempt + 1)
            if step.order == min(left) and step.status != SUCCEEDED
            else step
            for step in room.steps
        )
        return one.with_room(replace(room, steps=steps))
    done = replace(one.with_room(replace(room, status=SUCCEEDED)), at=one.at + 1, inside=False)
    return replace(done, status=SUCCEEDED) if done.at == len(one.rooms) else done


def _doors(board: Board) -> Board:
    for stage in {one.room.name for one in board.executions if one.waits}:
        board = _door(board, stage)
    return board


def _door(board: Board, stage: str) -> Board:
    """Let the next execution in, where the transition is enabled and the stage is not locked.

    "Waiting executions are superseded by more recent executions ... only superseded in between stages"; this also
    holds while the transition is disabled. In QUEUED mode they enter one by one in their order, in PARALLEL mode
    nobody waits for anybody.
    """
    waiting = board.waiting(stage)
    for older in waiting[:-1]:
        if waiting[-1].mode == "SUPERSEDED":
            board = board.put(replace(older, status=SUPERSEDED))
    waiting = board.waiting(stage)
    if stage in board.closed:
        return board
    for one in waiting:
        locked = any(other.locks and other.room.name == stage for other in board.executions)
        if not locked or one.mode == "PARALLEL":
            entered = replace(one.with_room(replace(one.room, status=RUNNING)), inside=True)
            board = replace(board.put(entered), latest={**board.latest, stage: one.id})
    return board


def changes(before: Board, after: Board) -> Iterator[tuple[Execution, Room | None, Step | None]]:
    """Give what has another status, in the order in which AWS tells of it.

    Yields:
        (execution, None, None) for the execution itself, (execution, stage, None) for a stage, and all three for an
        action. What starts is told from the outside in, what ends from the inside out.
    """
    old = {one.id: one for one in before.executions}
    for one in after.executions:
        was = old.get(one.id)
        if one == was:
            continue
        own = [(one, None, None)] if was is None or was.status != one.status else []
        if one.status not in OVER:
            yield from own
        for number, room in enumerate(one.rooms):
            yield from _room_changes(one, was.rooms[number] if was else None, room)
        if one.status in OVER:
            yield from own


def _room_changes(one: Execution, was: Room | None, room: Room) -> Iterator[tuple[Execution, Room | None, Step | None]]:
    own = [(one, room, None)] if room.status != (was.status if was else PENDING) else []
    if room.status == RUNNING:
        yield from own
    for number, step in enumerate(room.steps):
        before = was.steps[number] if was else Step(step.name, step.order)
        if (step.status, step.attempt) != (before.status, before.attempt) and step.status != PENDING:
            yield one, room, step
    if room.status != RUNNING:
        yield from own
