"""Waiting reads execution and actions in an order that gives a consistent result."""

from typing import Any, cast

import pytest

from sagemaker_rehearsal.scenario import waiters
from sagemaker_rehearsal.scenario.personas import People
from sagemaker_rehearsal.server.errors import RehearsalError


class Pipelines:
    """A pipeline with one action, which ends between the first request and the second."""

    def __init__(self, ending: str) -> None:
        self._statuses = iter([("InProgress", "InProgress")])
        self._last = (ending, ending)

    def __getattr__(self, _: str) -> Any:  # noqa: ANN401
        raise AssertionError("no other request is needed")

    def _next(self) -> tuple[str, str]:
        return next(self._statuses, self._last)

    def get_pipeline_execution(self, **_: str) -> dict[str, Any]:
        return {"pipelineExecution": {"status": self._next()[0]}}

    def get_pipeline_state(self, **_: str) -> dict[str, Any]:
        latest = {"status": self._next()[1], "token": "t"}
        actions = [{"actionName": name, "latestExecution": latest} for name in ("Deploy", "Approve")]
        stages = [
            {"stageName": name, "latestExecution": {"pipelineExecutionId": "e"}, "actionStates": actions}
            for name in ("Staging", "Approval")
        ]
        return {"stageStates": stages}

    def list_action_executions(self, **_: object) -> dict[str, Any]:
        detail = {"status": self._last[1], "actionName": "Deploy", "stageName": "Staging", "output": {}}
        return {"actionExecutionDetails": [detail]}


class Somebody:
    """Users who all see the same pipeline."""

    def __init__(self, pipelines: Pipelines) -> None:
        self._pipelines = pipelines

    def ops(self, _: str) -> Pipelines:
        return self._pipelines

    studio = approver = ops


def test_an_action_that_ends_while_it_is_looked_at_has_succeeded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The execution is read before its action, so that an action can only be further on than the execution."""
    monkeypatch.setattr(waiters, "POLL", 0)
    who = cast(People, Somebody(Pipelines("Succeeded")))
    assert waiters.action(who, "deploy", "e", "Staging", "Deploy", print)["status"] == "Succeeded"


def test_an_action_that_fails_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiters, "POLL", 0)
    who = cast(People, Somebody(Pipelines("Failed")))
    with pytest.raises(RehearsalError, match="deploy: action Deploy of stage Staging failed: it gave no reason"):
        waiters.action(who, "deploy", "e", "Staging", "Deploy", print)
