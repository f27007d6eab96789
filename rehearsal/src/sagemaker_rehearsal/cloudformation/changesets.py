"""Steps 1 and 7: change sets: what a change would do, and its execution."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from moto.cloudformation.models import Stack
from moto.cloudformation.utils import generate_changeset_id, generate_stack_id

from sagemaker_rehearsal.cloudformation import differences, operations
from sagemaker_rehearsal.cloudformation import template as rules
from sagemaker_rehearsal.server.backends import alone
from sagemaker_rehearsal.server.errors import AwsError
from sagemaker_rehearsal.server.paging import Pages
from sagemaker_rehearsal.server.service import ACCOUNT, Call, operation

NOTHING = "The submitted information didn't contain changes. Submit different information to create a change set."


@dataclass
class ChangeSet:
    """A change that can be executed."""

    id: str
    name: str
    kind: str
    stack: Stack
    template: str
    parameters: dict[str, str]
    tags: dict[str, str]
    role_arn: str | None
    description: str
    capabilities: list[str]
    changes: list[dict[str, Any]]
    reason: str
    execution: str = "AVAILABLE"
    made: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def status(self) -> str:
        """Return whether it could be made."""
        return "FAILED" if self.reason else "CREATE_COMPLETE"

    def summary(self) -> dict[str, Any]:
        """Describe it as ListChangeSets does."""
        summary_fields = {"StatusReason": self.reason, "Description": self.description}
        return {
            "StackId": self.stack.stack_id,
            "StackName": self.stack.name,
            "ChangeSetId": self.id,
            "ChangeSetName": self.name,
            "ExecutionStatus": "UNAVAILABLE" if self.reason else self.execution,
            "Status": self.status,
            "CreationTime": self.made,
            "IncludeNestedStacks": False,
            **{name: value for name, value in summary_fields.items() if value},
        }


def _sets(call: Call) -> dict[str, Any]:
    change_sets: dict[str, Any] = operations.backend(call).change_sets
    return change_sets


def _find(call: Call) -> ChangeSet | None:
    """Find a change set by its ARN, or by its name and its stack's; the newest of that name."""
    name, stack = call.params["ChangeSetName"], call.params.get("StackName")
    if name.startswith("arn:"):
        return _sets(call).get(name)
    if not stack:
        raise rules.invalid("StackName must be specified if ChangeSetName is not specified as an ARN.")
    own = [
        change_set
        for change_set in list(_sets(call).values())
        if change_set.name == name and stack in (change_set.stack.name, change_set.stack.stack_id)
    ]
    return own[-1] if own else None


def _found(call: Call) -> ChangeSet:
    change_set = _find(call)
    if change_set is None:
        raise AwsError("ChangeSetNotFound", f"ChangeSet [{call.params['ChangeSetName']}] does not exist", 404)
    return change_set


@operation("cloudformation", "CreateChangeSet")
def create_change_set(call: Call) -> dict[str, Any]:
    """Work out what would change."""
    name, kind = call.params["StackName"], call.params.get("ChangeSetType", "UPDATE")
    if kind == "IMPORT":
        raise rules.invalid("The rehearsal does not import resources; see docs/parity.md")
    same = _find(call)
    if same and same.execution != "EXECUTE_COMPLETE":
        raise AwsError("AlreadyExistsException", f"ChangeSet [{same.name}] already exists")
    before = operations.existing(call, name) if kind == "UPDATE" else None
    text = operations.text_of(call, str(before.template) if before else "")
    parameters = operations.parameters_of(call.params.get("Parameters"), before.parameters if before else {})
    template = operations.parsed(text)
    values = operations.checked(call, template, parameters)
    if before:
        rules.check_types(before.template_dict["Resources"], template["Resources"])
    tags = operations.tags_of(call)
    stack = before or _reviewed(call, name)
    types = call.cloud.resource_types
    changed = before is None or differences.found(types, before, template, values, tags or None)
    change_set = ChangeSet(
        id=generate_changeset_id(call.params["ChangeSetName"], call.region, ACCOUNT),
        name=call.params["ChangeSetName"],
        kind=kind,
        stack=stack,
        template=text,
        parameters=values,
        tags=tags,
        role_arn=call.params.get("RoleARN"),
        description=call.params.get("Description", ""),
        capabilities=list(call.params.get("Capabilities") or []),
        changes=differences.changes(types, before, template, values),
        reason="" if changed else NOTHING,
    )
    _sets(call)[change_set.id] = change_set
    return {"Id": change_set.id, "StackId": stack.stack_id}


def _reviewed(call: Call, name: str) -> Stack:
    """Return the stack that a change set of type CREATE makes: it has nothing until the change set is executed."""
    found = operations.find(call, name)
    if found and found.status != "REVIEW_IN_PROGRESS":
        raise rules.invalid(
            f"Stack [{name}] already exists and cannot be created again with the changeSet "
            f"[{call.params['ChangeSetName']}]."
        )
    if found:
        return found
    stack_id = generate_stack_id(name, call.region, ACCOUNT)
    # Moto makes such stacks itself, and none of the abstract methods is asked for
    stack = Stack(stack_id, name, {}, {}, ACCOUNT, call.region, tags=operations.tags_of(call))  # type: ignore[abstract]
    stack.status = "REVIEW_IN_PROGRESS"
    stack._add_stack_event("REVIEW_IN_PROGRESS", resource_status_reason="User Initiated")
    with alone():
        operations.backend(call).stacks[stack_id] = stack
    return stack


@operation("cloudformation", "DescribeChangeSet")
def describe_change_set(call: Call) -> dict[str, Any]:
    """Describe a change set, with all changes at once."""
    change_set = _found(call)
    return {
        **change_set.summary(),
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in change_set.parameters.items()],
        "Tags": [{"Key": key, "Value": value} for key, value in change_set.tags.items()],
        "Capabilities": change_set.capabilities,
        "Changes": change_set.changes,
    }


@operation("cloudformation", "ListChangeSets")
def list_change_sets(call: Call) -> dict[str, Any]:
    """List a stack's change sets."""
    stack = call.params["StackName"]
    if operations.find(call, stack) is None:
        raise rules.invalid(f"Stack [{stack}] does not exist")
    own = [
        change_set
        for change_set in list(_sets(call).values())
        if stack in (change_set.stack.name, change_set.stack.stack_id)
    ]
    return Pages(error=rules.invalid).page(call, "Summaries", [change_set.summary() for change_set in own])


@operation("cloudformation", "DeleteChangeSet")
def delete_change_set(call: Call) -> None:
    """Remove a change set; one that is gone already is no error. An empty stack that it made stays, as on AWS."""
    change_set, stack = _find(call), call.params.get("StackName")
    if change_set:
        del _sets(call)[change_set.id]
    elif stack and operations.find(call, stack) is None:
        raise rules.invalid(f"Stack [{stack}] does not exist")


@operation("cloudformation", "ExecuteChangeSet")
def execute_change_set(call: Call) -> None:
    """Make or change a stack as a change set says; the stack's other change sets are no longer valid."""
    change_set = _found(call)
    if change_set.reason or change_set.execution != "AVAILABLE":
        status = change_set.status if change_set.reason else change_set.execution
        raise AwsError(
            "InvalidChangeSetStatus",
            f"ChangeSet [{change_set.id}] cannot be executed in its current status of [{status}]",
        )
    if change_set.kind == "CREATE":
        stack = operations.new_stack(
            call,
            change_set.stack.stack_id,
            change_set.stack.name,
            change_set.template,
            change_set.parameters,
            change_set.tags,
        )
        stack.events, stack.role_arn, change_set.stack = change_set.stack.events, change_set.role_arn, stack
        operations.create(call, stack)
    else:
        changed = operations.existing(call, change_set.stack.stack_id)
        changed.role_arn = change_set.role_arn or changed.role_arn
        operations.update(call, changed, change_set.template, change_set.parameters, change_set.tags or None)
    change_set.execution = "EXECUTE_COMPLETE"
    for other in [
        other
        for other in list(_sets(call).values())
        if other.stack.stack_id == change_set.stack.stack_id and other != change_set
    ]:
        del _sets(call)[other.id]
