"""Steps 4 and 6 to 10: what CodePipeline's API shows of pipelines, executions and actions. Pure.

https://docs.aws.amazon.com/codepipeline/latest/APIReference/Welcome.html
"""

from collections.abc import Mapping
from typing import Any

from sagemaker_rehearsal.codepipeline import state_machine
from sagemaker_rehearsal.codepipeline.events import located
from sagemaker_rehearsal.codepipeline.models import Kept, Passage, Run
from sagemaker_rehearsal.codepipeline.structure import Stage


def _present(values: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what has no value."""
    return {key: value for key, value in values.items() if value not in ("", None, {}, [])}


def _status(kept: Kept, execution: str) -> str:
    found = kept.board.find(execution)
    return found.status if found else state_machine.CANCELLED


def _trigger(passage: Passage) -> dict[str, str]:
    return {"triggerType": passage.trigger[0], "triggerDetail": passage.trigger[1]}


def _taken(kept: Kept, passage: Passage) -> list[Run]:
    """Give the runs of source actions that took a revision."""
    return [one for one in kept.runs_of(passage.id) if one.revision]


def execution(kept: Kept, passage: Passage) -> dict[str, Any]:
    """Give GetPipelineExecution's answer."""
    revisions = [
        _present(
            {
                "name": next(iter(one.action.outputs), ""),
                "revisionId": one.revision,
                "revisionSummary": one.summary,
                "revisionUrl": one.revision_url,
            }
        )
        for one in _taken(kept, passage)
    ]
    given = [{"name": name, "resolvedValue": value} for name, value in passage.variables.items()]
    return {
        "pipelineName": passage.pipeline.name,
        "pipelineVersion": passage.pipeline.version,
        "pipelineExecutionId": passage.id,
        "status": _status(kept, passage.id),
        "artifactRevisions": revisions,
        "variables": given,
        "trigger": _trigger(passage),
        "executionMode": passage.pipeline.mode,
        "executionType": "STANDARD",
        **_present({"statusSummary": passage.stop_reason}),
    }


def summary(kept: Kept, passage: Passage) -> dict[str, Any]:
    """Give an item of ListPipelineExecutions."""
    revisions = [
        _present(
            {
                "actionName": one.action.name,
                "revisionId": one.revision,
                "revisionSummary": one.summary,
                "revisionUrl": one.revision_url,
            }
        )
        for one in _taken(kept, passage)
    ]
    return {
        "pipelineExecutionId": passage.id,
        "status": _status(kept, passage.id),
        "startTime": passage.started,
        "lastUpdateTime": passage.changed,
        "sourceRevisions": revisions,
        "trigger": _trigger(passage),
        "executionMode": passage.pipeline.mode,
        "executionType": "STANDARD",
        **_present({"stopTrigger": _present({"reason": passage.stop_reason})}),
    }


def _error(run: Run) -> dict[str, str]:
    code, message = run.error
    return _present({"code": code, "message": message})


def action_execution(run: Run, role_arn: str, region: str) -> dict[str, Any]:
    """Give an item of ListActionExecutions."""
    result = {
        "externalExecutionId": run.external_id,
        "externalExecutionSummary": run.summary,
        "externalExecutionUrl": run.external_url,
        "errorDetails": _error(run),
        "logStreamARN": run.log_arn,
    }
    output = {
        "outputArtifacts": located(run.outputs),
        "executionResult": _present(result),
        "outputVariables": run.variables,
    }
    return {
        "pipelineExecutionId": run.execution,
        "actionExecutionId": run.id,
        "pipelineVersion": run.version,
        "stageName": run.stage,
        "actionName": run.action.name,
        "startTime": run.started,
        "lastUpdateTime": run.changed,
        "status": run.status,
        **_present({"updatedBy": run.updated_by}),
        "input": {
            "actionTypeId": run.action.type_id,
            "configuration": dict(run.action.configuration),
            "resolvedConfiguration": run.resolved,
            "roleArn": run.action.role_arn or role_arn,
            "region": run.action.region or region,
            "inputArtifacts": located(run.inputs),
            **_present({"namespace": run.action.namespace}),
        },
        "output": _present(output),
    }


def state(kept: Kept) -> dict[str, Any]:
    """Give GetPipelineState's answer."""
    return {
        "pipelineName": kept.pipeline.name,
        "pipelineVersion": kept.pipeline.version,
        "stageStates": [_stage(kept, stage) for stage in kept.pipeline.stages],
        "created": kept.created,
        "updated": kept.updated,
    }


def _stage(kept: Kept, stage: Stage) -> dict[str, Any]:
    closed = stage.name in kept.board.closed
    inbound = [
        {"pipelineExecutionId": one.id, "status": one.status, "type": "STANDARD"}
        for one in kept.board.waiting(stage.name)
    ]
    said: dict[str, Any] = {"stageName": stage.name}
    if inbound:
        said |= {"inboundExecution": inbound[-1], "inboundExecutions": inbound}
    said["inboundTransitionState"] = {"enabled": not closed, **kept.transitions.get(stage.name, {})}
    said["actionStates"] = [_action(kept, stage, action.name) for action in stage.actions]
    return {**said, **_latest(kept, stage)}


def _latest(kept: Kept, stage: Stage) -> dict[str, Any]:
    entered = kept.board.find(kept.board.latest.get(stage.name, ""))
    if entered is None:
        return {}
    room = next((one for one in entered.rooms if one.name == stage.name), None)
    if room is None or room.status == state_machine.PENDING:
        return {}
    said: dict[str, Any] = {
        "latestExecution": {"pipelineExecutionId": entered.id, "status": room.status, "type": "STANDARD"}
    }
    retries = kept.passages[entered.id].retries.get(stage.name)
    if retries:
        said["retryStageMetadata"] = {"manualStageRetryAttempt": retries, "latestRetryTrigger": "ManualStageRetry"}
    return said


def _action(kept: Kept, stage: Stage, name: str) -> dict[str, Any]:
    run = kept.latest(stage.name, name)
    if run is None:
        return {"actionName": name}
    said = {
        "actionName": name,
        "currentRevision": _present({"revisionId": run.revision}),
        "latestExecution": _latest_action(run),
        "entityUrl": run.entity_url,
        "revisionUrl": run.revision_url,
    }
    return _present(said)


def _latest_action(run: Run) -> dict[str, Any]:
    """The token is only shown for as long as it can be used."""
    return _present(
        {
            "actionExecutionId": run.id,
            "status": run.status,
            "summary": run.summary,
            "lastStatusChange": run.changed,
            "token": run.token if run.status == state_machine.RUNNING else "",
            "lastUpdatedBy": run.updated_by,
            "externalExecutionId": run.external_id,
            "externalExecutionUrl": run.external_url,
            "errorDetails": _error(run),
            "logStreamARN": run.log_arn,
        }
    )
