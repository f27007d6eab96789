"""Steps 4 and 6 to 10: pipelines, executions and actions in the form of CodePipeline's API. Pure functions.

https://docs.aws.amazon.com/codepipeline/latest/APIReference/Welcome.html
"""

from collections.abc import Mapping
from typing import Any

from sagemaker_rehearsal.codepipeline import state_machine
from sagemaker_rehearsal.codepipeline.events import artifact_locations
from sagemaker_rehearsal.codepipeline.models import Passage, PipelineRecord, Run
from sagemaker_rehearsal.codepipeline.structure import Stage


def _present(values: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out members without a value."""
    return {key: value for key, value in values.items() if value not in ("", None, {}, [])}


def _status(record: PipelineRecord, execution: str) -> str:
    match = record.board.find(execution)
    return match.status if match else state_machine.CANCELLED


def _trigger(passage: Passage) -> dict[str, str]:
    return {"triggerType": passage.trigger[0], "triggerDetail": passage.trigger[1]}


def _source_runs(record: PipelineRecord, passage: Passage) -> list[Run]:
    """Return the source action runs that have a revision."""
    return [run for run in record.runs_of(passage.id) if run.revision]


def execution(record: PipelineRecord, passage: Passage) -> dict[str, Any]:
    """Return an execution as GetPipelineExecution does."""
    revisions = [
        _present(
            {
                "name": next(iter(run.action.outputs), ""),
                "revisionId": run.revision,
                "revisionSummary": run.summary,
                "revisionUrl": run.revision_url,
            }
        )
        for run in _source_runs(record, passage)
    ]
    variables = [{"name": name, "resolvedValue": value} for name, value in passage.variables.items()]
    return {
        "pipelineName": passage.pipeline.name,
        "pipelineVersion": passage.pipeline.version,
        "pipelineExecutionId": passage.id,
        "status": _status(record, passage.id),
        "artifactRevisions": revisions,
        "variables": variables,
        "trigger": _trigger(passage),
        "executionMode": passage.pipeline.mode,
        "executionType": "STANDARD",
        **_present({"statusSummary": passage.stop_reason}),
    }


def summary(record: PipelineRecord, passage: Passage) -> dict[str, Any]:
    """Return an execution as ListPipelineExecutions does."""
    revisions = [
        _present(
            {
                "actionName": run.action.name,
                "revisionId": run.revision,
                "revisionSummary": run.summary,
                "revisionUrl": run.revision_url,
            }
        )
        for run in _source_runs(record, passage)
    ]
    return {
        "pipelineExecutionId": passage.id,
        "status": _status(record, passage.id),
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
    """Return an action run as ListActionExecutions does."""
    result = {
        "externalExecutionId": run.external_id,
        "externalExecutionSummary": run.summary,
        "externalExecutionUrl": run.external_url,
        "errorDetails": _error(run),
        "logStreamARN": run.log_arn,
    }
    output = {
        "outputArtifacts": artifact_locations(run.outputs),
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
            "inputArtifacts": artifact_locations(run.inputs),
            **_present({"namespace": run.action.namespace}),
        },
        "output": _present(output),
    }


def state(record: PipelineRecord) -> dict[str, Any]:
    """Return a pipeline's state as GetPipelineState does."""
    return {
        "pipelineName": record.pipeline.name,
        "pipelineVersion": record.pipeline.version,
        "stageStates": [_stage(record, stage) for stage in record.pipeline.stages],
        "created": record.created,
        "updated": record.updated,
    }


def _stage(record: PipelineRecord, stage: Stage) -> dict[str, Any]:
    closed = stage.name in record.board.closed
    inbound = [
        {"pipelineExecutionId": execution.id, "status": execution.status, "type": "STANDARD"}
        for execution in record.board.waiting(stage.name)
    ]
    view: dict[str, Any] = {"stageName": stage.name}
    if inbound:
        view |= {"inboundExecution": inbound[-1], "inboundExecutions": inbound}
    view["inboundTransitionState"] = {"enabled": not closed, **record.transitions.get(stage.name, {})}
    view["actionStates"] = [_action(record, stage, action.name) for action in stage.actions]
    return {**view, **_latest(record, stage)}


def _latest(record: PipelineRecord, stage: Stage) -> dict[str, Any]:
    entered = record.board.find(record.board.latest.get(stage.name, ""))
    if entered is None:
        return {}
    room = next((candidate for candidate in entered.rooms if candidate.name == stage.name), None)
    if room is None or room.status == state_machine.PENDING:
        return {}
    view: dict[str, Any] = {
        "latestExecution": {"pipelineExecutionId": entered.id, "status": room.status, "type": "STANDARD"}
    }
    retries = record.passages[entered.id].retries.get(stage.name)
    if retries:
        view["retryStageMetadata"] = {"manualStageRetryAttempt": retries, "latestRetryTrigger": "ManualStageRetry"}
    return view


def _action(record: PipelineRecord, stage: Stage, name: str) -> dict[str, Any]:
    run = record.latest(stage.name, name)
    if run is None:
        return {"actionName": name}
    view = {
        "actionName": name,
        "currentRevision": _present({"revisionId": run.revision}),
        "latestExecution": _latest_action(run),
        "entityUrl": run.entity_url,
        "revisionUrl": run.revision_url,
    }
    return _present(view)


def _latest_action(run: Run) -> dict[str, Any]:
    """Return the latest action run; an approval's token is included only while it can be used."""
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
