"""Steps 4 and 6 to 10: CodePipeline's API for executions: start, show, stop, retry, approve, hold.

https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_Operations.html
"""

from typing import Any

from sagemaker_rehearsal.codepipeline import state_machine, views
from sagemaker_rehearsal.codepipeline.models import Kept, Passage, Run, now
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
        kept = pipelines.find(call.params["name"])
        given = _variables(kept, call)
        revisions = _revisions(kept, call)
        _check_limit(kept)
        trigger = ("StartPipelineExecution", principal_of(call.access_key).arn)
        started = pipelines.start(kept, given, revisions, trigger, call.params.get("clientRequestToken", ""))
    return {"pipelineExecutionId": started}


def _variables(kept: Kept, call: Call) -> dict[str, str]:
    """Every variable without a default must be given, and none that is not declared."""
    given = {one["name"]: one["value"] for one in call.params.get("variables") or ()}
    declared = {one.name: one.default for one in kept.pipeline.variables}
    unknown = sorted(set(given) - set(declared))
    if unknown:
        raise _invalid(f"Pipeline {kept.pipeline.name} does not declare the variable {unknown[0]}")
    missing = [name for name, default in declared.items() if default is None and name not in given]
    if missing:
        raise _invalid(f"The variable {missing[0]} has no default value; a value must be provided")
    return given


def _revisions(kept: Kept, call: Call) -> dict[str, dict[str, str]]:
    """Hold overrides to the source actions that take them.

    https://docs.aws.amazon.com/codepipeline/latest/userguide/pipelines-trigger-source-overrides.html
    """
    sources = {action.name for action in kept.pipeline.stages[0].actions}
    found: dict[str, dict[str, str]] = {}
    for one in call.params.get("sourceRevisions") or ():
        if one["actionName"] not in sources:
            raise _invalid(f"Pipeline {kept.pipeline.name} has no source action {one['actionName']}")
        if one["revisionType"] != "COMMIT_ID":
            raise _invalid(f"Source action {one['actionName']} takes a COMMIT_ID, no {one['revisionType']}")
        if one["actionName"] in found:
            raise _invalid(f"Source action {one['actionName']} is given more than one revision")
        found[one["actionName"]] = one
    return found


def _check_limit(kept: Kept) -> None:
    running = sum(1 for one in kept.board.executions if one.status not in state_machine.OVER)
    if kept.pipeline.mode != "SUPERSEDED" and running >= MOST_EXECUTIONS:
        raise AwsError(
            "ConcurrentPipelineExecutionsLimitExceededException",
            "The pipeline has reached the limit for concurrent pipeline executions.",
        )


def _passage(kept: Kept, execution: str) -> Passage:
    found = kept.passages.get(execution)
    if found is None:
        raise AwsError(
            "PipelineExecutionNotFoundException",
            f"Pipeline '{kept.pipeline.name}' does not have a pipeline execution with id '{execution}'",
        )
    return found


@operation("codepipeline", "GetPipelineExecution")
def get_pipeline_execution(call: Call) -> dict[str, Any]:
    """Show an execution."""
    kept = of(call.cloud).find(call.params["pipelineName"])
    return {"pipelineExecution": views.execution(kept, _passage(kept, call.params["pipelineExecutionId"]))}


@operation("codepipeline", "ListPipelineExecutions")
def list_pipeline_executions(call: Call) -> dict[str, Any]:
    """List executions, the newest first."""
    kept = of(call.cloud).find(call.params["pipelineName"])
    stage = call.params.get("filter", {}).get("succeededInStage", {}).get("stageName")
    found = [
        views.summary(kept, kept.passages[one.id])
        for one in reversed(kept.board.executions)
        if stage is None or any((room.name, room.status) == (stage, state_machine.SUCCEEDED) for room in one.rooms)
    ]
    return page(call, "pipelineExecutionSummaries", found)


@operation("codepipeline", "ListActionExecutions")
def list_action_executions(call: Call) -> dict[str, Any]:
    """List actions, the newest first: of a pipeline, or of one execution."""
    kept = of(call.cloud).find(call.params["pipelineName"])
    wanted = call.params.get("filter", {})
    latest = wanted.get("latestInPipelineExecution", {})
    execution = wanted.get("pipelineExecutionId") or latest.get("pipelineExecutionId")
    runs = list(reversed(kept.runs_of(_passage(kept, execution).id) if execution else kept.runs))
    if latest:
        runs = _latest_of_each(runs)
    found = [views.action_execution(one, kept.passages[one.execution].pipeline.role_arn, call.region) for one in runs]
    return page(call, "actionExecutionDetails", found)


def _latest_of_each(runs: list[Run]) -> list[Run]:
    first: dict[tuple[str, str], Run] = {}
    for one in runs:
        first.setdefault((one.stage, one.action.name), one)
    return list(first.values())


@operation("codepipeline", "StopPipelineExecution")
def stop_pipeline_execution(call: Call) -> dict[str, Any]:
    """Stop an execution after its running actions, or at once, leaving them to themselves."""
    pipelines, execution = of(call.cloud), call.params["pipelineExecutionId"]
    abandon = bool(call.params.get("abandon"))
    with pipelines.lock:
        kept = pipelines.find(call.params["pipelineName"])
        found = kept.board.find(execution)
        if found is None or found.status in state_machine.OVER:
            status = found.status if found else "unknown"
            raise AwsError(
                "PipelineExecutionNotStoppableException",
                f"Unable to stop the pipeline execution {execution}: it is {status}",
            )
        if found.status == state_machine.STOPPING and not abandon:
            raise AwsError(
                "DuplicatedStopRequestException",
                "The pipeline execution is already in a Stopping state. If you already chose to stop and wait, you "
                "cannot make that request again. You can choose to stop and abandon now.",
            )
        kept.passages[execution].stop_reason = call.params.get("reason", "")
        pipelines.apply(kept, lambda board: state_machine.stop(board, execution, abandon))
    return {"pipelineExecutionId": execution}


def _require_stage(kept: Kept, stage: str) -> None:
    if kept.pipeline.stage(stage) is None:
        raise AwsError("StageNotFoundException", f"Pipeline '{kept.pipeline.name}' does not have a stage '{stage}'")


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
        kept = pipelines.find(call.params["pipelineName"])
        _require_stage(kept, stage)
        code = state_machine.refusal(kept.board, execution, stage)
        passage = kept.passages.get(execution)
        if not code and passage and passage.pipeline is not kept.pipeline:
            code = "StageNotRetryableException"
        if code:
            raise AwsError(code, REFUSED[code])
        pipelines.retry(kept, execution, stage, call.params["retryMode"] == "ALL_ACTIONS")
    return {"pipelineExecutionId": execution}


@operation("codepipeline", "DisableStageTransition", "EnableStageTransition")
def set_stage_transition(call: Call) -> None:
    """Keep executions out of a stage, or let them in again."""
    pipelines, stage = of(call.cloud), call.params["stageName"]
    closed = call.operation == "DisableStageTransition"
    if call.params["transitionType"] != "Inbound":
        raise _invalid("The rehearsal only has the Inbound transition of a stage; see docs/parity.md")
    with pipelines.lock:
        kept = pipelines.find(call.params["pipelineName"])
        _require_stage(kept, stage)
        change: dict[str, Any] = {"lastChangedBy": principal_of(call.access_key).arn, "lastChangedAt": now()}
        kept.transitions[stage] = {**change, **({"disabledReason": call.params["reason"]} if closed else {})}
        pipelines.apply(kept, lambda board: state_machine.gate(board, stage, closed))


@operation("codepipeline", "PutApprovalResult")
def put_approval_result(call: Call) -> dict[str, Any]:
    """Approve or reject what waits for it."""
    pipelines, given = of(call.cloud), call.params
    with pipelines.lock:
        kept = pipelines.find(given["pipelineName"])
        _require_stage(kept, given["stageName"])
        run = _asked(kept, given["stageName"], given["actionName"], given["token"])
        result = given["result"]
        approved = result["status"] == "Approved"
        pipelines.answer(kept, run, approved, result["summary"], principal_of(call.access_key).arn)
        return {"approvedAt": run.changed}


def _asked(kept: Kept, stage: str, action: str, token: str) -> Run:
    """Find the approval that a token answers."""
    declared = kept.pipeline.stage(stage)
    found = next((one for one in declared.actions if one.name == action), None) if declared else None
    if found is None or found.category != "Approval":
        raise AwsError("ActionNotFoundException", f"Stage '{stage}' does not have an approval action '{action}'")
    runs = [one for one in kept.runs if (one.stage, one.action.name) == (stage, action)]
    run = next((one for one in runs if one.token == token), None)
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
