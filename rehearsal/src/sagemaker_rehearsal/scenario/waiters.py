"""Steps 3 to 10: wait for asynchronous work through the APIs that consoles use, and say how far it is."""

import contextlib
import json
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from sagemaker_rehearsal.scenario.personas import People
from sagemaker_rehearsal.scenario.project import Project
from sagemaker_rehearsal.server.errors import RehearsalError

Say = Callable[[str], None]
POLL = 0.2  # seconds
POLL_TRAINING = 0.3
PATIENCE = 900.0  # seconds
TO_START = 30.0  # seconds for an event to be delivered
ENDED = ("Succeeded", "Failed", "Stopped")
ROUTER_LOG = "/aws/lambda/sagemaker-autopilot-router"
PUSHED = "CodeCommit Repository State Change"


def provisioned(people: People, project: Project, say: Say) -> None:
    """Wait until SageMaker reports that the project is there.

    Raises:
        RehearsalError: it failed; with the reason of the stack's first failed resource.
    """
    sagemaker, seen = people.studio("sagemaker"), set[str]()
    for _ in _patiently(f"project {project.name}"):
        details = sagemaker.describe_project(ProjectName=project.name)
        name, message = _stack_of(details)
        _say_resources(people.studio if name.startswith("SP-") else people.ops, name, seen, say)
        if details["ProjectStatus"] in ("CreateCompleted", "UpdateCompleted"):
            return
        if "Fail" in details["ProjectStatus"]:
            raise RehearsalError(f"project {project.name}: {message or details}")


def _stack_of(project: dict[str, Any]) -> tuple[str, str]:
    """Return the name of a project's stack, and the message behind the project's status.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeProject.html
    """
    for provider in project.get("TemplateProviderDetails", []):
        stack = provider["CfnTemplateProviderDetail"]["StackDetail"]
        return stack["Name"], stack["StatusMessage"]
    details = project["ServiceCatalogProvisionedProductDetails"]
    account = project["ProjectArn"].split(":")[4]
    return f"SC-{account}-{details['ProvisionedProductId']}", details.get("ProvisionedProductStatusMessage", "")


def approver_policy(people: People, project: Project) -> str:
    """Return the ARN of the policy for approvers, an output of the project's stack.

    Raises:
        RehearsalError: no stack of this project has it.
    """
    for stack in people.ops("cloudformation").describe_stacks()["Stacks"]:
        arn = outputs(stack).get("ApproverPolicyArn", "")
        if arn.endswith(f"/{project.approver_policy}"):
            return arn
    raise RehearsalError(f"no stack of project {project.name} has the output ApproverPolicyArn")


def outputs(stack: Mapping[str, Any]) -> dict[str, str]:
    """Return the outputs of a described stack."""
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def updated(people: People, project: Project) -> None:
    """Wait until the update of a project has ended.

    Raises:
        RehearsalError: it could not be updated.
    """
    for _ in _patiently(f"the update of project {project.name}"):
        details = people.studio("sagemaker").describe_project(ProjectName=project.name)
        if details["ProjectStatus"] == "UpdateCompleted":
            return
        if details["ProjectStatus"] == "UpdateFailed":
            raise RehearsalError(f"project {project.name}: {_stack_of(details)[1]}")


def removed(people: People, project: Project) -> None:
    """Wait until a project that is being deleted is gone.

    Raises:
        RehearsalError: it could not be deleted.
    """
    for _ in _patiently(f"the end of project {project.name}"):
        try:
            status = people.studio("sagemaker").describe_project(ProjectName=project.name)["ProjectStatus"]
        except ClientError:
            return
        if status == "DeleteCompleted":
            return
        if status == "DeleteFailed":
            raise RehearsalError(f"project {project.name} could not be deleted; its stack's events say why")


def stack_ready(people: People, name: str) -> dict[str, str]:
    """Wait until a stack has been created or updated; return its outputs.

    Raises:
        RehearsalError: it failed; with the reason of its first failed resource.
    """
    cloudformation = people.ops("cloudformation")
    for _ in _patiently(f"stack {name}"):
        stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        if stack["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            return outputs(stack)
        if not stack["StackStatus"].endswith("_IN_PROGRESS"):
            raise RehearsalError(f"stack {name} is {stack['StackStatus']}: {_first_failure(cloudformation, name)}")
    return {}


def _first_failure(cloudformation: Any, name: str) -> str:  # noqa: ANN401 (boto3 clients have no type)
    for event in reversed(cloudformation.describe_stack_events(StackName=name)["StackEvents"]):
        if event["ResourceStatus"].endswith("_FAILED") and event.get("ResourceStatusReason"):
            return f"{event['LogicalResourceId']}: {event['ResourceStatusReason']}"
    return "see its events"


def stack_removed(people: People, name: str) -> None:
    """Wait until a stack that is being deleted is gone.

    Raises:
        RehearsalError: it could not be deleted.
    """
    for _ in _patiently(f"the end of stack {name}"):
        try:
            stacks = people.ops("cloudformation").describe_stacks(StackName=name)["Stacks"]
        except ClientError:
            return
        if not stacks or stacks[0]["StackStatus"] == "DELETE_COMPLETE":
            return
        if stacks[0]["StackStatus"] == "DELETE_FAILED":
            raise RehearsalError(f"stack {name} could not be deleted: {stacks[0].get('StackStatusReason')}")


def _say_resources(client: Callable[[str], Any], stack: str, seen: set[str], say: Say) -> None:
    """Print which resources of the project's stack are there; those of Service Catalog are the ops team's to see."""
    try:
        events = client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        return  # Service Catalog has not created it yet
    for event in reversed(events):
        status = event["ResourceStatus"]
        if event["EventId"] not in seen and not status.endswith("IN_PROGRESS"):
            reason = f": {event['ResourceStatusReason']}" if event.get("ResourceStatusReason") else ""
            say(f"  {event['ResourceType']} {event['LogicalResourceId']} {status}{reason}")
        seen.add(event["EventId"])


@dataclass(frozen=True)
class Reaction:
    """What the router decided about a push.

    Attributes:
        ignored: why nothing starts; empty where something does.
        package: where nothing is trained, the approved model package that is deployed again.
    """

    ignored: str = ""
    package: str = ""


def reaction(people: People, since: float) -> Reaction:
    """Wait until the router has decided about a push; return its decision.

    Args:
        people: the personas; operations read the router's log.
        since: when the push began, in seconds since 1970.
    """
    for _ in _patiently("the router's decision about the push (`rehearse logs router`)", TO_START):
        entries = list(_router_log(people, since))
        if any(entry.get("pipeline", "").endswith("-build") for entry in entries):
            return Reaction()
        for entry in entries:
            if entry["outcome"] == "ignored":
                return Reaction(ignored=entry["because"])
            return Reaction(package=entry["variables"]["ModelPackageArn"])
    return Reaction()


def _router_log(people: People, since: float) -> Iterator[dict[str, Any]]:
    """Yield what the router logged about pushes: one line of JSON for each decision."""
    try:
        query = {"logGroupName": ROUTER_LOG, "startTime": int(since * 1000)}
        events = people.ops("logs").filter_log_events(**query)["events"]
    except ClientError:
        return  # there is no log before its first invocation
    for event in events:
        with contextlib.suppress(ValueError):
            entry = json.loads(event["message"])
            if isinstance(entry, dict) and entry.get("type") == PUSHED:
                yield entry


def pipeline(people: People, name: str, say: Say, besides: Collection[str] = ()) -> str:
    """Wait until an execution that an event started has succeeded; return its id.

    CodePipeline itself starts a new pipeline once, before there is a commit: that execution does not count, nor do
    those of `besides`.

    Raises:
        RehearsalError: it failed, or nothing started.
    """

    def is_new(summary: dict[str, Any]) -> bool:
        started = summary.get("trigger", {}).get("triggerType") == "StartPipelineExecution"
        return started and summary["pipelineExecutionId"] not in besides

    execution = _started(people, name, is_new)
    say(f"{name} runs (execution {execution})")
    for _ in _patiently(f"{name} {execution}"):
        status = _status(people, name, execution)
        if status == "Succeeded":
            return execution
        _require_running(people, name, execution, status)
    return execution


def deployment(people: People, name: str, package: str, say: Say, besides: Collection[str] = ()) -> str:
    """Wait until an execution for exactly this package has started that is none of `besides`; return its id."""
    pipelines = people.ops("codepipeline")

    def is_for_package(summary: dict[str, Any]) -> bool:
        execution = {"pipelineName": name, "pipelineExecutionId": summary["pipelineExecutionId"]}
        variables = pipelines.get_pipeline_execution(**execution)["pipelineExecution"].get("variables", [])
        is_for = {"name": "ModelPackageArn", "resolvedValue": package} in variables
        return is_for and summary["pipelineExecutionId"] not in besides

    execution = _started(people, name, is_for_package)
    say(f"{name} runs for {package} (execution {execution})")
    return execution


def action(people: People, name: str, execution: str, stage: str, action_name: str, say: Say) -> dict[str, Any]:
    """Wait until an action of an execution has succeeded; return its latest execution.

    Raises:
        RehearsalError: it failed, with its own message.
    """
    client = people.studio("codepipeline")
    for _ in _patiently(f"{name}: {stage}, {action_name}"):
        # The execution first: it cannot have ended before an action that is read afterwards as still running
        status = _status(people, name, execution)
        latest = _action(client, name, execution, stage, action_name)
        if latest.get("status") == "Succeeded":
            return latest
        _require_running(people, name, execution, status)
    return {}


def approval(people: People, name: str, execution: str, say: Say) -> dict[str, Any]:
    """Wait as the approver until the manual approval is due; return it, with its token."""
    client = people.approver("codepipeline")
    for _ in _patiently(f"{name}: approval"):
        status = _status(people, name, execution)  # first, as in `action`
        latest = _action(client, name, execution, "Approval", "Approve")
        if latest.get("token"):
            say(latest.get("summary") or f"{name} waits for an approval")
            return latest
        _require_running(people, name, execution, status)
    return {}


def awaiting_approval(client: Any, name: str) -> tuple[str, str]:  # noqa: ANN401 (boto3 clients have no type)
    """Return the id of the execution that waits for its approval, and its token; both empty where none waits."""
    for stage in client.get_pipeline_state(name=name)["stageStates"]:
        for state in stage.get("actionStates", []):
            if token := state.get("latestExecution", {}).get("token"):
                return stage["latestExecution"]["pipelineExecutionId"], token
    return "", ""


def _started(people: People, name: str, is_new: Callable[[dict[str, Any]], bool]) -> str:
    for _ in _patiently(f"an execution of {name}", TO_START):
        try:
            summaries = people.studio("codepipeline").list_pipeline_executions(pipelineName=name)
        except ClientError:
            continue
        for summary in summaries["pipelineExecutionSummaries"]:
            if is_new(summary):
                return str(summary["pipelineExecutionId"])
    raise RehearsalError(f"no execution of {name} was started; the router's log says why (`rehearse logs router`)")


def _status(people: People, name: str, execution: str) -> str:
    query = {"pipelineName": name, "pipelineExecutionId": execution}
    return str(people.ops("codepipeline").get_pipeline_execution(**query)["pipelineExecution"]["status"])


def _action(client: Any, name: str, execution: str, stage: str, action_name: str) -> dict[str, Any]:  # noqa: ANN401
    for state in client.get_pipeline_state(name=name)["stageStates"]:
        if state["stageName"] == stage and state.get("latestExecution", {}).get("pipelineExecutionId") == execution:
            for action_state in state.get("actionStates", []):
                if action_state["actionName"] == action_name:
                    return dict(action_state.get("latestExecution", {}))
    return {}


def _require_running(people: People, name: str, execution: str, status: str) -> None:
    if status == "InProgress":
        return
    query = {"pipelineName": name, "filter": {"pipelineExecutionId": execution}}
    for detail in people.studio("codepipeline").list_action_executions(**query)["actionExecutionDetails"]:
        if detail["status"] == "Failed":
            result = detail.get("output", {}).get("executionResult", {})
            reason = result.get("errorDetails", {}).get("message") or result.get("externalExecutionSummary")
            where = f"action {detail['actionName']} of stage {detail['stageName']}"
            raise RehearsalError(f"{name}: {where} failed: {reason or 'it gave no reason'}")
    raise RehearsalError(f"{name}: execution {execution} is {status}")


def _patiently(what: str, seconds: float = PATIENCE) -> Iterator[None]:
    """Yield at intervals until the time is over.

    Raises:
        RehearsalError: then.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        yield
        time.sleep(POLL)
    raise RehearsalError(f"{what} was not ready within {seconds:.0f} s")


def training(people: People, name: str, say: Say, parts: list[dict[str, Any]]) -> None:
    """Show the steps of the newest execution of a SageMaker pipeline until it has ended; leave them in `parts`.

    Raises:
        RehearsalError: it was not started, or did not succeed.
    """
    execution = _Training(people.studio("sagemaker"), name, say)
    try:
        while (status := execution.status()) not in ENDED:
            execution.show()
            time.sleep(POLL_TRAINING)
    finally:
        execution.show()
        parts.extend(_part(step) for step in execution.steps())
    if status != "Succeeded":
        raise RehearsalError(execution.failure() or f"the pipeline execution {status.lower()}")


@dataclass
class _Training:
    """The newest execution of a SageMaker pipeline, through the API that Studio uses."""

    sagemaker: Any
    pipeline: str
    say: Say
    seen: dict[str, str] = field(default_factory=dict)

    def newest(self) -> Mapping[str, Any] | None:
        with contextlib.suppress(ClientError):
            page = self.sagemaker.list_pipeline_executions(PipelineName=self.pipeline)
            return next(iter(page["PipelineExecutionSummaries"]), None)
        return None

    def status(self) -> str:
        execution = self.newest()
        if execution is None:
            raise RehearsalError(f"pipeline {self.pipeline} was not started; see the log of the build")
        return str(execution["PipelineExecutionStatus"])

    def steps(self) -> list[Mapping[str, Any]]:
        """Return the steps in the order in which they started."""
        execution = self.newest()
        if execution is None:
            return []
        arn = execution["PipelineExecutionArn"]
        page = self.sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn, SortOrder="Ascending")
        return list(page["PipelineExecutionSteps"])

    def failure(self) -> str:
        """Return why it failed; empty when it did not."""
        failed = [step for step in self.steps() if step["StepStatus"] == "Failed"]
        return f"pipeline step {failed[0]['StepName']}: {failed[0].get('FailureReason', 'failed')}" if failed else ""

    def show(self) -> None:
        """Show the steps whose status is new."""
        for step in self.steps():
            status = step["StepStatus"]
            if self.seen.get(step["StepName"]) != status:
                self.seen[step["StepName"]] = status
                part = _part(step)
                note = f" ({part['note']})" if part.get("note") else ""
                self.say(f"  {step['StepName']:12} {status.lower():10} {part['seconds']:6.1f} s{note}")


def _part(step: Mapping[str, Any]) -> dict[str, Any]:
    end = step.get("EndTime")
    seconds = (end - step["StartTime"]).total_seconds() if end else time.time() - step["StartTime"].timestamp()
    part = {"name": step["StepName"], "status": step["StepStatus"].lower(), "seconds": round(max(0.0, seconds), 2)}
    outcome = step.get("Metadata", {}).get("Condition", {}).get("Outcome")
    source = step.get("CacheHitResult", {}).get("SourcePipelineExecutionArn")
    note = step.get("FailureReason") or (f"used again from {source}" if source else outcome and f"outcome {outcome}")
    return {**part, **({"note": note} if note else {})}
