"""Steps 4 and 6 to 10: CodePipeline's API for executions: start, describe, stop, retry, approve, disable transitions.

https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_Operations.html
"""

from typing import Any

from sagemaker_rehearsal.codepipeline import state_machine, views
from sagemaker_rehearsal.codepipeline.models import Passage, PipelineRecord, Run, now
from sagemaker_rehearsal.codepipeline.operations import page
from sagemaker_rehearsal.codepipeline.service import of
from sagemaker_rehearsal.iam import principal_of
from sagemaker_rehearsal.server.errors import AwsError
from sagemaker_rehearsal.server.service import Call, operation

# https://docs.aws.amazon.com/codepipeline/latest/userguide/limits.html: per pipeline in QUEUED or PARALLEL mode
MOST_EXECUTIONS = 50


def _invalid(message: str) -> AwsError:
    return AwsError("ValidationException", message)


@operation("codepipeline", "StartPipelineExecution")
def start_pipeline_execution(call: Call) -> dict[str, Any]:
    """Start an execution, with values for variables and revisions for source actions."""
    pipelines = of(call.cloud)
    with pipelines.lock:
        record = pipelines.find(call.params["name"])
        values = _variables(record, call)
        revisions = _revisions(record, call)
        _check_limit(record)
        trigger = ("StartPipelineExecution", principal_of(call.access_key).arn)
        started = pipelines.start(record, values, revisions, trigger, call.params.get("clientRequestToken", ""))
    return {"pipelineExecutionId": started}


def _variables(record: PipelineRecord, call: Call) -> dict[str, str]:
    """Validate variables: each without a default needs a value, and undeclared ones are rejected."""
    values = {variable["name"]: variable["value"] for variable in call.params.get("variables") or ()}
    declared = {variable.name: variable.default for variable in record.pipeline.variables}
    unknown = sorted(set(values) - set(declared))
    if unknown:
        raise _invalid(f"Pipeline {record.pipeline.name} does not declare the variable {unknown[0]}")
    missing = [name for name, default in declared.items() if default is None and name not in values]
    if missing:
        raise _invalid(f"The variable {missing[0]} has no default value; a value must be provided")
    return values


def _revisions(record: PipelineRecord, call: Call) -> dict[str, dict[str, str]]:
    """Validate source revision overrides against the source actions that take them.

    https://docs.aws.amazon.com/codepipeline/latest/userguide/pipelines-trigger-source-overrides.html
    """
    sources = {action.name for action in record.pipeline.stages[0].actions}
    revisions: dict[str, dict[str, str]] = {}
    for revision in call.params.get("sourceRevisions") or ():
        if revision["actionName"] not in sources:
            raise _invalid(f"Pipeline {record.pipeline.name} has no source action {revision['actionName']}")
        if revision["revisionType"] != "COMMIT_ID":
            raise _invalid(f"Source action {revision['actionName']} takes a COMMIT_ID, no {revision['revisionType']}")
        if revision["actionName"] in revisions:
            raise _invalid(f"Source action {revision['actionName']} is given more than one revision")
        revisions[revision["actionName"]] = revision
    return revisions


def _check_limit(record: PipelineRecord) -> None:
    running = sum(1 for execution in record.board.executions if execution.status not in state_machine.OVER)
    if record.pipeline.mode != "SUPERSEDED" and running >= MOST_EXECUTIONS:
        raise AwsError(
            "ConcurrentPipelineExecutionsLimitExceededException",
            "The pipeline has reached the limit for concurrent pipeline executions.",
        )


def _passage(record: PipelineRecord, execution: str) -> Passage:
    passage = record.passages.get(execution)
    if passage is None:
        raise AwsError(
            "PipelineExecutionNotFoundException",
            f"Pipeline '{record.pipeline.name}' does not have a pipeline execution with id '{execution}'",
        )
    return passage


@operation("codepipeline", "GetPipelineExecution")
def get_pipeline_execution(call: Call) -> dict[str, Any]:
    """Describe an execution."""
    record = of(call.cloud).find(call.params["pipelineName"])
    return {"pipelineExecution": views.execution(record, _passage(record, call.params["pipelineExecutionId"]))}


@operation("codepipeline", "ListPipelineExecutions")
def list_pipeline_executions(call: Call) -> dict[str, Any]:
    """List executions, the newest first."""
    record = of(call.cloud).find(call.params["pipelineName"])
    stage = call.params.get("filter", {}).get("succeededInStage", {}).get("stageName")
    summaries = [
        views.summary(record, record.passages[execution.id])
        for execution in reversed(record.board.executions)
        if stage is None
        or any((room.name, room.status) == (stage, state_machine.SUCCEEDED) for room in execution.rooms)
    ]
    return page(call, "pipelineExecutionSummaries", summaries)


@operation("codepipeline", "ListActionExecutions")
def list_action_executions(call: Call) -> dict[str, Any]:
    """List actions, the newest first: of a pipeline, or of one execution."""
    record = of(call.cloud).find(call.params["pipelineName"])
    criteria = call.params.get("filter", {})
    latest = criteria.get("latestInPipelineExecution", {})
    execution = criteria.get("pipelineExecutionId") or latest.get("pipelineExecutionId")
    runs = list(reversed(record.runs_of(_passage(record, execution).id) if execution else record.runs))
    if latest:
        runs = _latest_of_each(runs)
    details = [
        views.action_execution(run, record.passages[run.execution].pipeline.role_arn, call.region) for run in runs
    ]
    return page(call, "actionExecutionDetails", details)


def _latest_of_each(runs: list[Run]) -> list[Run]:
    first: dict[tuple[str, str], Run] = {}
    for run in runs:
        first.setdefault((run.stage, run.action.name), run)
    return list(first.values())


@operation("codepipeline", "StopPipelineExecution")
def stop_pipeline_execution(call: Call) -> dict[str, Any]:
    """Stop an execution after its running actions, or at once, abandoning them."""
    pipelines, execution = of(call.cloud), call.params["pipelineExecutionId"]
    abandon = bool(call.params.get("abandon"))
    with pipelines.lock:
        record = pipelines.find(call.params["pipelineName"])
        running = record.board.find(execution)
        if running is None or running.status in state_machine.OVER:
            status = running.status if running else "unknown"
            raise AwsError(
                "PipelineExecutionNotStoppableException",
                f"Unable to stop the pipeline execution {execution}: it is {status}",
            )
        if running.status == state_machine.STOPPING and not abandon:
            raise AwsError(
                "DuplicatedStopRequestException",
                "The pipeline execution is already in a Stopping state. If you already chose to stop and wait, you "
                "cannot make that request again. You can choose to stop and abandon now.",
            )
        record.passages[execution].stop_reason = call.params.get("reason", "")
        pipelines.apply(record, lambda board: state_machine.stop(board, execution, abandon))
    return {"pipelineExecutionId": execution}


def _require_stage(record: PipelineRecord, stage: str) -> None:
    if record.pipeline.stage(stage) is None:
        raise AwsError("StageNotFoundException", f"Pipeline '{record.pipeline.name}' does not have a stage '{stage}'")


REFUSED = {
    "StageNotRetryableException": "Unable to retry. The pipeline structure or stage state might have changed while "
    "actions awaited retry, or the stage contains no failed actions.",
    "NotLatestPipelineExecutionException": "The stage has failed in a later run of the pipeline and the "
    "pipelineExecutionId associated with the request is out of date.",
}


@operation("codepipeline", "RetryStageExecution")
def retry_stage_execution(call: Call) -> dict[str, Any]:
    """Run a failed stage again: its failed actions, or all."""
    pipelines, execution = of(call.cloud), call.params["pipelineExecutionId"]
    stage = call.params["stageName"]
    with pipelines.lock:
        record = pipelines.find(call.params["pipelineName"])
        _require_stage(record, stage)
        code = state_machine.refusal(record.board, execution, stage)
        passage = record.passages.get(execution)
        if not code and passage and passage.pipeline is not record.pipeline:
            code = "StageNotRetryableException"
        if code:
            raise AwsError(code, REFUSED[code])
        pipelines.retry(record, execution, stage, call.params["retryMode"] == "ALL_ACTIONS")
    return {"pipelineExecutionId": execution}


@operation("codepipeline", "DisableStageTransition", "EnableStageTransition")
def set_stage_transition(call: Call) -> None:
    """Disable or enable a stage's inbound transition."""
    pipelines, stage = of(call.cloud), call.params["stageName"]
    closed = call.operation == "DisableStageTransition"
    if call.params["transitionType"] != "Inbound":
        raise _invalid("The rehearsal only has the Inbound transition of a stage; see docs/parity.md")
    with pipelines.lock:
        record = pipelines.find(call.params["pipelineName"])
        _require_stage(record, stage)
        change: dict[str, Any] = {"lastChangedBy": principal_of(call.access_key).arn, "lastChangedAt": now()}
        record.transitions[stage] = {**change, **({"disabledReason": call.params["reason"]} if closed else {})}
        pipelines.apply(record, lambda board: state_machine.gate(board, stage, closed))


@operation("codepipeline", "PutApprovalResult")
def put_approval_result(call: Call) -> dict[str, Any]:
    """Complete a manual approval: approve or reject."""
    pipelines, params = of(call.cloud), call.params
    with pipelines.lock:
        record = pipelines.find(params["pipelineName"])
        _require_stage(record, params["stageName"])
        run = _approval_run(record, params["stageName"], params["actionName"], params["token"])
        result = params["result"]
        approved = result["status"] == "Approved"
        pipelines.answer(record, run, approved, result["summary"], principal_of(call.access_key).arn)
        return {"approvedAt": run.changed}


def _approval_run(record: PipelineRecord, stage: str, action: str, token: str) -> Run:
    """Find the approval action run that a token belongs to."""
    declared = record.pipeline.stage(stage)
    approval = (
        next((candidate for candidate in declared.actions if candidate.name == action), None) if declared else None
    )
    if approval is None or approval.category != "Approval":
        raise AwsError("ActionNotFoundException", f"Stage '{stage}' does not have an approval action '{action}'")
    runs = [candidate for candidate in record.runs if (candidate.stage, candidate.action.name) == (stage, action)]
    run = next((candidate for candidate in runs if candidate.token == token), None)
    if run is None or run.status == state_machine.ABANDONED:
        raise AwsError(
            "InvalidApprovalTokenException",
            "The approval request already received a response or has expired.",
        )
    if run.status != state_machine.RUNNING:
        raise AwsError(
            "ApprovalAlreadyCompletedException", "The approval action has already been approved or rejected."
        )
    return run
