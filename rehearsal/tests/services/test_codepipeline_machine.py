"""Executions move through a pipeline as CodePipeline documents, for any sequence of events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sagemaker_rehearsal.codepipeline import state_machine
from sagemaker_rehearsal.codepipeline.state_machine import Board, Room, Step

SHAPE = (
    Room("Source", (Step("Source", 1),)),
    Room("Build", (Step("Lint", 1), Step("Test", 1), Step("Package", 3))),
    Room("Approval", (Step("Approve", 1),)),
)
STAGES = [room.name for room in SHAPE]
MODES = ["SUPERSEDED", "QUEUED", "PARALLEL"]


def running(board: Board) -> list[tuple[str, str, str, int]]:
    """Return (execution, stage, action, attempt) of all running actions."""
    return [
        (execution.id, room.name, step.name, step.attempt)
        for execution in board.executions
        for room in execution.rooms
        for step in room.steps
        if step.status == state_machine.RUNNING
    ]


def finish(board: Board, name: str, succeeded: bool = True) -> Board:
    """End the only running action with this name, or with execution and name."""
    (work,) = [entry for entry in running(board) if name in (entry[2], f"{entry[0]}.{entry[2]}")]
    return state_machine.finish(board, *work, succeeded)


def arrive(*names: str, mode: str = "SUPERSEDED", board: Board | None = None) -> Board:
    board = board or Board()
    for name in names:
        board = state_machine.start(board, name, SHAPE, mode)
    return board


def statuses(board: Board) -> dict[str, str]:
    return {execution.id: execution.status for execution in board.executions}


def names(board: Board) -> list[str]:
    return [f"{execution}.{action}" for execution, _, action, _ in running(board)]


def test_actions_of_one_run_order_run_side_by_side_and_orders_one_after_the_other() -> None:
    board = finish(arrive("a"), "Source")
    seen = [names(board)]
    for name in ("Lint", "Test", "Package", "Approve"):
        board = finish(board, name)
        seen.append(names(board))
    assert (seen, statuses(board)) == (
        [["a.Lint", "a.Test"], ["a.Test"], ["a.Package"], ["a.Approve"], []],
        {"a": "Succeeded"},
    )


def test_a_failed_action_fails_the_stage_when_its_neighbours_have_ended_and_later_stages_never_run() -> None:
    board = finish(finish(arrive("a"), "Source"), "Lint", False)
    assert (names(board), statuses(board)) == (["a.Test"], {"a": "InProgress"})
    board = finish(board, "Test")
    stages = [room.status for room in board.executions[0].rooms]
    assert (names(board), statuses(board), stages) == ([], {"a": "Failed"}, ["Succeeded", "Failed", ""])


def test_a_more_recent_execution_supersedes_the_one_that_waits_and_never_the_one_that_is_inside() -> None:
    board = arrive("a", "b", "c")
    assert (names(board), statuses(board)) == (
        ["a.Source"],
        {"a": "InProgress", "b": "Superseded", "c": "InProgress"},
    )
    assert names(finish(board, "Source")) == ["a.Lint", "a.Test", "c.Source"]


def test_an_approval_locks_its_stage_until_it_is_answered() -> None:
    """The newer execution waits in front of the stage; a rejection lets it in."""
    board = arrive("a")
    for name in ("Source", "Lint", "Test", "Package"):
        board = finish(board, name)
    board = arrive("b", board=board)
    for name in ("Source", "Lint", "Test", "Package"):
        board = finish(board, name)
    assert names(board) == ["a.Approve"]
    board = finish(board, "a.Approve", False)
    assert (names(board), statuses(board)) == (["b.Approve"], {"a": "Failed", "b": "InProgress"})


def test_executions_in_a_queue_go_through_one_by_one_and_none_is_lost() -> None:
    board = arrive("a", "b", "c", mode="QUEUED")
    order = []
    while waiting := names(board):
        order += waiting
        board = finish(board, waiting[0])
    assert set(statuses(board).values()) == {"Succeeded"}
    sources = [name for name in dict.fromkeys(order) if name.endswith("Source")]
    assert sources == ["a.Source", "b.Source", "c.Source"]


def test_parallel_executions_do_not_wait_for_each_other() -> None:
    assert names(arrive("a", "b", mode="PARALLEL")) == ["a.Source", "b.Source"]


def test_a_disabled_transition_holds_executions_and_only_the_latest_goes_on() -> None:
    board = state_machine.gate(arrive("a"), "Build", True)
    board = finish(board, "Source")
    board = finish(arrive("b", board=board), "Source")
    assert (names(board), statuses(board)) == ([], {"a": "Superseded", "b": "InProgress"})
    assert names(state_machine.gate(board, "Build", False)) == ["b.Lint", "b.Test"]


def test_stop_and_wait_lets_running_actions_end_and_starts_nothing_more() -> None:
    board = state_machine.stop(finish(arrive("a"), "Source"), "a", False)
    assert (names(board), statuses(board)) == (["a.Lint", "a.Test"], {"a": "Stopping"})
    board = finish(finish(board, "Lint"), "Test")
    assert (names(board), statuses(board)) == ([], {"a": "Stopped"})


def test_stop_and_abandon_ends_at_once_and_unlocks_the_stage() -> None:
    board = state_machine.stop(arrive("a", "b"), "a", True)
    assert (names(board), statuses(board)) == (["b.Source"], {"a": "Stopped", "b": "InProgress"})
    late = state_machine.finish(board, "a", "Source", "Source", 1, True)
    assert late == board


@pytest.mark.parametrize(("all_actions", "expected"), [(False, ["a.Lint"]), (True, ["a.Lint", "a.Test"])])
def test_a_retry_runs_failed_actions_or_all(all_actions: bool, expected: list[str]) -> None:
    board = finish(finish(finish(arrive("a"), "Source"), "Lint", False), "Test")
    board = state_machine.retry(board, "a", "Build", all_actions)
    assert (names(board), statuses(board)) == (expected, {"a": "InProgress"})
    old = state_machine.finish(board, "a", "Build", "Lint", 1, True)
    assert old == board


def test_a_retry_of_all_actions_tells_only_of_those_that_start() -> None:
    board = arrive("a")
    for name in ("Source", "Lint", "Test"):
        board = finish(board, name)
    board = finish(board, "Package", False)
    told = [
        step.name for _, _, step in state_machine.changes(board, state_machine.retry(board, "a", "Build", True)) if step
    ]
    assert told == ["Lint", "Test"]


def test_only_the_latest_execution_of_a_stage_that_failed_can_be_retried() -> None:
    board = arrive("a", "b")
    refused = [state_machine.refusal(board, "a", "Source"), state_machine.refusal(board, "x", "Source")]
    board = finish(board, "a.Source", False)
    refused += [state_machine.refusal(board, "a", "Source"), state_machine.refusal(board, "a", "Build")]
    board = finish(board, "b.Source", False)
    refused += [state_machine.refusal(board, "a", "Source"), state_machine.refusal(board, "b", "Source")]
    assert refused == [
        *["StageNotRetryableException"] * 4,
        "NotLatestPipelineExecutionException",
        "",
    ]


def test_a_change_of_the_declaration_cancels_what_is_not_over() -> None:
    board = state_machine.cancel(finish(arrive("a", "b"), "Source"))
    assert (names(board), statuses(board)) == ([], {"a": "Cancelled", "b": "Cancelled"})


def test_changes_are_told_in_their_order() -> None:
    before = finish(finish(arrive("a"), "Source"), "Lint")

    def told(after: Board) -> list[str]:
        return [
            ".".join([execution.id, *([room.name] if room else []), *([step.name] if step else [])])
            + f" {(step or room or execution).status}"
            for execution, room, step in state_machine.changes(before, after)
        ]

    started = state_machine.changes(Board(), arrive("a"))
    assert [(step or room or execution).status for execution, room, step in started] == ["InProgress"] * 3
    after = finish(finish(before, "Test"), "Package")
    assert told(after) == [
        "a.Build.Test Succeeded",
        "a.Build.Package Succeeded",
        "a.Build Succeeded",
        "a.Approval InProgress",
        "a.Approval.Approve InProgress",
    ]
    failed = finish(before, "Test", False)
    assert told(failed) == ["a.Build.Test Failed", "a.Build Failed", "a Failed"]


# ---- Any sequence of events


@dataclass
class History:
    """The history of a board, for invariants over time."""

    mode: str
    board: Board = field(default_factory=Board)
    entered: dict[str, list[int]] = field(default_factory=dict)

    def then(self, change: Callable[[Board], Board]) -> None:
        before, self.board = self.board, change(self.board)
        for stage, who in self.board.latest.items():
            execution = self.board.find(who)
            assert execution is not None
            if before.latest.get(stage) != who:
                self.entered.setdefault(stage, []).append(execution.number)
        self.check(before)

    def check(self, before: Board) -> None:
        board = self.board
        assert state_machine.settle(board) == board, "a settled board has nothing more to do"
        for execution in board.executions:
            self._check_order(execution)
            was = before.find(execution.id)
            if was is not None and was.status in state_machine.OVER and was.status != state_machine.FAILED:
                assert execution == was, "what is over stays as it is"
        self._check_waiting()
        for stage, numbers in self.entered.items():
            if self.mode != "PARALLEL":
                assert numbers == sorted(numbers), f"{stage}: nobody enters after a more recent one: {numbers}"
                assert sum(1 for execution in board.executions if execution.locks and execution.room.name == stage) <= 1

    def _check_waiting(self) -> None:
        board = self.board
        if self.mode == "SUPERSEDED":
            for stage in STAGES:
                assert len(board.waiting(stage)) <= 1
            newest = max((execution.number for execution in board.executions), default=0)
            assert all(
                execution.number < newest
                for execution in board.executions
                if execution.status == state_machine.SUPERSEDED
            )
        else:
            assert not any(execution.status == state_machine.SUPERSEDED for execution in board.executions)

    @staticmethod
    def _check_order(execution: state_machine.Execution) -> None:
        for number, room in enumerate(execution.rooms):
            for step in room.steps:
                if step.status == state_machine.RUNNING:
                    assert all(before.status == state_machine.SUCCEEDED for before in execution.rooms[:number])
                    assert all(x.status == state_machine.SUCCEEDED for x in room.steps if x.order < step.order)
        assert (execution.status == state_machine.SUCCEEDED) == all(
            room.status == state_machine.SUCCEEDED for room in execution.rooms
        )
        assert not (execution.status in state_machine.OVER and any(room.busy for room in execution.rooms))


CHOICES = st.lists(
    st.tuples(
        st.sampled_from(["start", "finish", "finish", "finish", "fail", "stop", "abandon", "retry", "gate", "cancel"]),
        st.integers(0, 50),
        st.booleans(),
    ),
    max_size=40,
)


def play(history: History, kind: str, number: int, flag: bool) -> None:
    board = history.board
    runs = running(board)
    ids = [execution.id for execution in board.executions] or ["nobody"]
    chosen, stage = ids[number % len(ids)], STAGES[number % len(STAGES)]
    if kind == "start":
        history.then(lambda b: state_machine.start(b, f"e{len(b.executions)}", SHAPE, history.mode))
    elif kind in ("finish", "fail") and runs:
        run = runs[number % len(runs)]
        history.then(lambda b: state_machine.finish(b, *run, kind == "finish"))
    elif kind in ("stop", "abandon"):
        history.then(lambda b: state_machine.stop(b, chosen, kind == "abandon"))
    elif kind == "retry":
        history.then(lambda b: state_machine.retry(b, chosen, stage, flag))
    elif kind == "gate":
        history.then(lambda b: state_machine.gate(b, stage, flag))
    elif kind == "cancel" and number % 5 == 0:
        history.then(state_machine.cancel)


@settings(max_examples=200, deadline=None)
@given(mode=st.sampled_from(MODES), choices=CHOICES)
def test_the_rules_hold_whatever_happens_and_everything_comes_to_an_end(
    mode: str, choices: list[tuple[str, int, bool]]
) -> None:
    """Locks, run orders and superseding hold; with enabled transitions and ending actions, every execution ends."""
    history = History(mode)
    for choice in choices:
        play(history, *choice)
    for stage in STAGES:
        history.then(partial(state_machine.gate, stage=stage, closed=False))
    while runs := running(history.board):
        execution, stage, step, attempt = runs[0]
        ended = partial(
            state_machine.finish, execution=execution, stage=stage, step=step, attempt=attempt, succeeded=True
        )
        history.then(ended)
    assert all(execution.status in state_machine.OVER for execution in history.board.executions)


@settings(max_examples=100, deadline=None)
@given(mode=st.sampled_from(MODES), choices=CHOICES)
def test_changes_tell_everything_that_changed(mode: str, choices: list[tuple[str, int, bool]]) -> None:
    """The changes alone determine the running actions and every execution's status."""
    history, heard, stands = History(mode), set[tuple[str, str, str]](), dict[str, str]()
    for choice in choices:
        before = history.board
        play(history, *choice)
        for execution, room, step in state_machine.changes(before, history.board):
            if room is None:
                stands[execution.id] = execution.status
            elif step is not None:
                name = (execution.id, room.name, step.name)
                heard = heard | {name} if step.status == state_machine.RUNNING else heard - {name}
    assert heard == {run[:3] for run in running(history.board)}
    assert stands == statuses(history.board)
