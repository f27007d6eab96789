"""Steps 3 to 10: wait for what happens by itself, through the APIs that consoles use, and say what is going on."""

import time
from collections.abc import Callable, Collection, Iterator
from typing import Any

from botocore.exceptions import ClientError

from sagemaker_rehearsal.scenario.personas import People
from sagemaker_rehearsal.scenario.project import Project
from sagemaker_rehearsal.server.errors import RehearsalError

Say = Callable[[str], None]
POLL = 0.2  # seconds
PATIENCE = 900.0  # seconds
TO_START = 30.0  # seconds for an event to be delivered


def provisioned(who: People, project: Project, say: Say) -> None:
    """Wait until SageMaker says that the project is there.

    Raises:
        RehearsalError: it failed; with the reason of the stack's first failed resource.
    """
    sagemaker, seen = who.studio("sagemaker"), set[str]()
    for _ in _patiently(f"project {project.name}"):
        found = sagemaker.describe_project(ProjectName=project.name)
        stack, said = _stack_of(found)
        _say_resources(who.studio if stack.startswith("SP-") else who.ops, stack, seen, say)
        if found["ProjectStatus"] == "CreateCompleted":
            return
        if "Fail" in found["ProjectStatus"]:
            raise RehearsalError(f"project {project.name}: {said or found}")


def _stack_of(project: dict[str, Any]) -> tuple[str, str]:
    """Give the name of a project's stack, and the message of what stands behind the project's status.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeProject.html
    """
    for one in project.get("TemplateProviderDetails", []):
        stack = one["CfnTemplateProviderDetail"]["StackDetail"]
        return stack["Name"], stack["StatusMessage"]
    details = project["ServiceCatalogProvisionedProductDetails"]
    account = project["ProjectArn"].split(":")[4]
    return f"SC-{account}-{details['ProvisionedProductId']}", details.get("ProvisionedProductStatusMessage", "")


def approver_policy(who: People, project: Project) -> str:
    """Give the ARN of the policy for approvers, an output of the project's stack.

    Raises:
        RehearsalError: no stack of this project has it.
    """
    for stack in who.ops("cloudformation").describe_stacks()["Stacks"]:
        found = {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])}
        if found.get("ApproverPolicyArn", "").endswith(f"/{project.approver_policy}"):
            return str(found["ApproverPolicyArn"])
    raise RehearsalError(f"no stack of project {project.name} has the output ApproverPolicyArn")


def updated(who: People, project: Project) -> None:
    """Wait until a project that is being updated is as it is wanted.

    Raises:
        RehearsalError: it could not be updated.
    """
    for _ in _patiently(f"the update of project {project.name}"):
        found = who.studio("sagemaker").describe_project(ProjectName=project.name)
        if found["ProjectStatus"] == "UpdateCompleted":
            return
        if found["ProjectStatus"] == "UpdateFailed":
            raise RehearsalError(f"project {project.name}: {_stack_of(found)[1]}")


def removed(who: People, project: Project) -> None:
    """Wait until a project that is being deleted is gone.

    Raises:
        RehearsalError: it could not be deleted.
    """
    for _ in _patiently(f"the end of project {project.name}"):
        try:
            status = who.studio("sagemaker").describe_project(ProjectName=project.name)["ProjectStatus"]
        except ClientError:
            return
        if status == "DeleteCompleted":
            return
        if status == "DeleteFailed":
            raise RehearsalError(f"project {project.name} could not be deleted; its stack's events say why")


def stack_removed(who: People, name: str) -> None:
    """Wait until a stack that is being deleted is gone.

    Raises:
        RehearsalError: it could not be deleted.
    """
    for _ in _patiently(f"the end of stack {name}"):
        try:
            found = who.ops("cloudformation").describe_stacks(StackName=name)["Stacks"]
        except ClientError:
            return
        if not found or found[0]["StackStatus"] == "DELETE_COMPLETE":
            return
        if found[0]["StackStatus"] == "DELETE_FAILED":
            raise RehearsalError(f"stack {name} could not be deleted: {found[0].get('StackStatusReason')}")


def _say_resources(client: Callable[[str], Any], stack: str, seen: set[str], say: Say) -> None:
    """Say which resources of the project's stack have been made; those of Service Catalog are the ops team's to see."""
    try:
        events = client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        return  # Service Catalog has not made it yet
    for event in reversed(events):
        status = event["ResourceStatus"]
        if event["EventId"] not in seen and not status.endswith("IN_PROGRESS"):
            reason = f": {event['ResourceStatusReason']}" if event.get("ResourceStatusReason") else ""
            say(f"  {event['ResourceType']} {event['LogicalResourceId']} {status}{reason}")
        seen.add(event["EventId"])


def pipeline(who: People, name: str, say: Say, besides: Collection[str] = ()) -> str:
    """Wait until an execution that an event started has succeeded; give its id.

    CodePipeline itself starts a new pipeline once, before there is a commit: that execution does not count, nor do
    those of `besides`.

    Raises:
        RehearsalError: it failed, or nothing started.
    """

    def is_wanted(one: dict[str, Any]) -> bool:
        started = one.get("trigger", {}).get("triggerType") == "StartPipelineExecution"
        return started and one["pipelineExecutionId"] not in besides

    execution = _started(who, name, is_wanted)
    say(f"{name} runs (execution {execution})")
    for _ in _patiently(f"{name} {execution}"):
        status = _status(who, name, execution)
        if status == "Succeeded":
            return execution
        _require_running(who, name, execution, status)
    return execution


def deployment(who: People, name: str, package: str, say: Say, besides: Collection[str] = ()) -> str:
    """Wait until an execution for exactly this package has started that is none of `besides`; give its id."""
    pipelines = who.ops("codepipeline")

    def is_for_package(one: dict[str, Any]) -> bool:
        given = {"pipelineName": name, "pipelineExecutionId": one["pipelineExecutionId"]}
        variables = pipelines.get_pipeline_execution(**given)["pipelineExecution"].get("variables", [])
        is_for = {"name": "ModelPackageArn", "resolvedValue": package} in variables
        return is_for and one["pipelineExecutionId"] not in besides

    execution = _started(who, name, is_for_package)
    say(f"{name} runs for {package} (execution {execution})")
    return execution


def action(who: People, name: str, execution: str, stage: str, action_name: str, say: Say) -> dict[str, Any]:
    """Wait until an action of an execution has succeeded; give its latest execution.

    Raises:
        RehearsalError: it failed, with its own message.
    """
    looking = who.studio("codepipeline")
    for _ in _patiently(f"{name}: {stage}, {action_name}"):
        # The execution first: it cannot have ended before an action that is read afterwards as still running
        status = _status(who, name, execution)
        found = _action(looking, name, execution, stage, action_name)
        if found.get("status") == "Succeeded":
            return found
        _require_running(who, name, execution, status)
    return {}


def approval(who: People, name: str, execution: str, say: Say) -> dict[str, Any]:
    """Wait as the approver until the manual approval is asked for; give it, with its token."""
    looking = who.approver("codepipeline")
    for _ in _patiently(f"{name}: approval"):
        status = _status(who, name, execution)  # first, as in `action`
        found = _action(looking, name, execution, "Approval", "Approve")
        if found.get("token"):
            say(found.get("summary") or f"{name} waits for an approval")
            return found
        _require_running(who, name, execution, status)
    return {}


def _started(who: People, name: str, wanted: Callable[[dict[str, Any]], bool]) -> str:
    for _ in _patiently(f"an execution of {name}", TO_START):
        try:
            found = who.studio("codepipeline").list_pipeline_executions(pipelineName=name)["pipelineExecutionSummaries"]
        except ClientError:
            continue
        for one in found:
            if wanted(one):
                return str(one["pipelineExecutionId"])
    raise RehearsalError(f"no execution of {name} was started; the router's log says why")


def _status(who: People, name: str, execution: str) -> str:
    given = {"pipelineName": name, "pipelineExecutionId": execution}
    return str(who.ops("codepipeline").get_pipeline_execution(**given)["pipelineExecution"]["status"])


def _action(looking: Any, name: str, execution: str, stage: str, action_name: str) -> dict[str, Any]:  # noqa: ANN401
    state = looking.get_pipeline_state(name=name)
    for one in state["stageStates"]:
        if one["stageName"] == stage and one.get("latestExecution", {}).get("pipelineExecutionId") == execution:
            for found in one.get("actionStates", []):
                if found["actionName"] == action_name:
                    return dict(found.get("latestExecution", {}))
    return {}


def _require_running(who: People, name: str, execution: str, status: str) -> None:
    if status == "InProgress":
        return
    query = {"pipelineName": name, "filter": {"pipelineExecutionId": execution}}
    for one in who.studio("codepipeline").list_action_executions(**query)["actionExecutionDetails"]:
        if one["status"] == "Failed":
            result = one.get("output", {}).get("executionResult", {})
            why = result.get("errorDetails", {}).get("message") or result.get("externalExecutionSummary")
            where = f"action {one['actionName']} of stage {one['stageName']}"
            raise RehearsalError(f"{name}: {where} failed: {why or 'it gave no reason'}")
    raise RehearsalError(f"{name}: execution {execution} is {status}")


def _patiently(what: str, seconds: float = PATIENCE) -> Iterator[None]:
    """Yield now and then until the time is over.

    Raises:
        RehearsalError: then.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        yield
        time.sleep(POLL)
    raise RehearsalError(f"{what} was not ready within {seconds:.0f} s")
