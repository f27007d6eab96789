"""Steps 7 and 10: create or update a stack with its template configuration, as CodePipeline's action does."""

import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from botocore.exceptions import ClientError

from sagemaker_rehearsal.server.errors import RehearsalError

STACK_SECONDS = 300.0


class Clients(Protocol):
    """What gives boto3 clients."""

    def client(self, service: str) -> Any:  # noqa: ANN401 (boto3 clients have no type)
        """A boto3 client."""


def put_stack(
    cloud: Clients, name: str, template: str, configuration: Mapping[str, Mapping[str, str]], say: Callable[[str], None]
) -> dict[str, str]:
    """Create or update a stack and wait; give its outputs.

    Raises:
        RehearsalError: with the reason of the first resource that failed.
    """
    cloudformation = cloud.client("cloudformation")
    request = {
        "StackName": name,
        "TemplateBody": template,
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": value} for key, value in configuration["Parameters"].items()
        ],
        "Tags": [{"Key": key, "Value": value} for key, value in configuration.get("Tags", {}).items()],
    }
    before = _stack(cloudformation, name)
    if before and before["StackStatus"] == "ROLLBACK_COMPLETE":  # it never came up; CloudFormation can only delete it
        cloudformation.delete_stack(StackName=name)
        _settled(cloudformation, name)
        before = None
    try:
        (cloudformation.update_stack if before else cloudformation.create_stack)(**request)
    except ClientError as error:
        if "No updates are to be performed" not in str(error):
            raise RehearsalError(f"stack {name}: {error.response['Error']['Message']}") from error
        say(f"stack {name}: no updates are to be performed")
    stack = _settled(cloudformation, name) or {"StackStatus": "DELETE_COMPLETE"}
    if stack["StackStatus"] not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        raise RehearsalError(f"stack {name} is {stack['StackStatus']}: {_why(cloudformation, name)}")
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def _stack(cloudformation: Any, name: str) -> dict[str, Any] | None:  # noqa: ANN401 (boto3 clients have no type)
    try:
        return dict(cloudformation.describe_stacks(StackName=name)["Stacks"][0])
    except ClientError:
        return None


def _settled(cloudformation: Any, name: str) -> dict[str, Any] | None:  # noqa: ANN401
    deadline = time.monotonic() + STACK_SECONDS
    while time.monotonic() < deadline:
        stack = _stack(cloudformation, name)
        if stack is None or not stack["StackStatus"].endswith("_IN_PROGRESS"):
            return stack
        time.sleep(0.2)
    raise RehearsalError(f"stack {name} was not ready within {STACK_SECONDS:.0f} s")


def _why(cloudformation: Any, name: str) -> str:  # noqa: ANN401
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    failed = [one for one in events if one["ResourceStatus"].endswith("_FAILED") and one.get("ResourceStatusReason")]
    return f"{failed[-1]['LogicalResourceId']}: {failed[-1]['ResourceStatusReason']}" if failed else "see its events"
