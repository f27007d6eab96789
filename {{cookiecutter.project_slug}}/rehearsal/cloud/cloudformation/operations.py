"""Steps 7 and 10: CreateStack, UpdateStack, DeleteStack and ExecuteChangeSet; moto answers questions about stacks."""

import threading
from collections.abc import Callable, Mapping
from typing import Any, cast

from moto.cloudformation.models import CloudFormationBackend, Stack, cloudformation_backends
from moto.cloudformation.utils import generate_stack_id, get_stack_from_s3_url

from rehearsal.cloud.cloudformation import template as rules
from rehearsal.cloud.cloudformation import types  # noqa: F401 (registers the resource types)
from rehearsal.cloud.cloudformation.engine import Engine, EngineStack
from rehearsal.cloud.cloudformation.resources import Provider
from rehearsal.cloud.errors import AwsError
from rehearsal.cloud.registry import ACCOUNT, Call, operation


def _backend(call: Call) -> CloudFormationBackend:
    return cloudformation_backends[ACCOUNT][call.region]


def find(call: Call, name: str) -> Stack | None:
    """Find a stack by name or id; None when there is none or it was deleted."""
    stacks = _backend(call).stacks
    return stacks.get(name) or next((one for one in stacks.values() if one.name == name), None)


def _text(call: Call, previous: str = "") -> str:
    body, url = call.params.get("TemplateBody"), call.params.get("TemplateURL")
    if call.params.get("UsePreviousTemplate"):
        return previous
    if url:
        return str(get_stack_from_s3_url(url, account_id=ACCOUNT, partition="aws"))
    if not body:
        raise rules.invalid("Either Template URL or Template Body must be specified.")
    if len(body.encode()) > rules.LIMIT_BYTES:
        raise rules.invalid(
            "1 validation error detected: Value at 'templateBody' failed to satisfy constraint: "
            f"Member must have length less than or equal to {rules.LIMIT_BYTES}"
        )
    return str(body)


def _parameters(given: Any, before: Mapping[str, Any]) -> dict[str, str]:  # noqa: ANN401 (JSON)
    found = {}
    for one in given or []:
        name = one["ParameterKey"]
        if one.get("UsePreviousValue"):
            if name not in before:
                raise rules.invalid(f"Parameters: [{name}] must have values")
            found[name] = str(before[name])
        else:
            found[name] = str(one.get("ParameterValue", ""))
    return found


def _parsed(text: str) -> dict[str, Any]:
    try:
        return dict(Stack.parse_template(text))
    except Exception as error:  # the parsers of YAML and JSON each have their own
        raise rules.invalid(f"Template format error: {error}") from error


def _tags(call: Call) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in call.params.get("Tags") or []}


def _start(call: Call, work: Callable[[], object], name: str) -> None:
    threading.Thread(target=work, name=f"stack-{name}", daemon=True).start()


@operation("cloudformation", "CreateStack")
def create_stack(call: Call) -> dict[str, Any]:
    """Check everything that can be checked, then make the stack in the background."""
    name, backend = call.params["StackName"], _backend(call)
    if find(call, name):
        raise AwsError("AlreadyExistsException", f"Stack [{name}] already exists")
    text = _text(call)
    parameters = _parameters(call.params.get("Parameters"), {})
    rules.check(_parsed(text), parameters, call.params.get("Capabilities") or [])
    stack = _made(call, generate_stack_id(name, call.region, ACCOUNT), text, parameters)
    backend.stacks[stack.stack_id] = stack
    on_failure = "DO_NOTHING" if call.params.get("DisableRollback") else call.params.get("OnFailure", "ROLLBACK")
    _create(call, stack, on_failure)
    return {"StackId": stack.stack_id}


def _made(call: Call, stack_id: str, text: str, parameters: dict[str, str]) -> EngineStack:
    return EngineStack(
        stack_id=stack_id,
        name=call.params["StackName"].rpartition("/")[2],
        template=text,
        parameters=parameters,
        account_id=ACCOUNT,
        region_name=call.region,
        tags=_tags(call),
        role_arn=call.params.get("RoleARN"),
        cross_stack_resources=_backend(call).exports,
    )


def _create(call: Call, stack: EngineStack, on_failure: str) -> None:
    backend = _backend(call)
    stack.event(None, "CREATE_IN_PROGRESS", "User Initiated")

    def work() -> None:
        if Engine(stack, Provider(call.cloud, call.region)).create(on_failure):
            backend.exports.update({export.name: export for export in stack.exports})
        elif on_failure == "DELETE":
            _forget(call, stack)

    _start(call, work, stack.name)


@operation("cloudformation", "UpdateStack")
def update_stack(call: Call) -> dict[str, Any]:
    """Change a stack in the background; a change that changes nothing is an error, as on AWS."""
    stack = find(call, call.params["StackName"])
    if stack is None:
        raise rules.invalid(f"Stack [{call.params['StackName']}] does not exist")
    text = _text(call, str(stack.template))
    parameters = _parameters(call.params.get("Parameters"), stack.parameters)
    _update(call, cast(EngineStack, stack), text, parameters, _tags(call) or None)
    return {"StackId": stack.stack_id}


def _update(call: Call, stack: EngineStack, text: str, parameters: dict[str, str], tags: dict[str, str] | None) -> None:
    if not stack.status.endswith("_COMPLETE") or stack.status in ("ROLLBACK_COMPLETE", "DELETE_COMPLETE"):
        raise rules.invalid(f"Stack:{stack.stack_id} is in {stack.status} state and can not be updated.")
    rules.check(_parsed(text), parameters, call.params.get("Capabilities") or ["given when it was made"])
    if stack.has_template(text) and stack.has_parameters(parameters) and tags in (None, stack.tags):
        raise rules.invalid("No updates are to be performed.")
    stack.event(None, "UPDATE_IN_PROGRESS", "User Initiated")
    engine = Engine(stack, Provider(call.cloud, call.region))
    _start(call, lambda: engine.update(text, parameters, tags), stack.name)


@operation("cloudformation", "DeleteStack")
def delete_stack(call: Call) -> None:
    """Remove a stack in the background; one that is gone already is no error."""
    stack = find(call, call.params["StackName"])
    if stack is None:
        return
    if stack.status.endswith("_IN_PROGRESS") and stack.status != "REVIEW_IN_PROGRESS":
        raise rules.invalid(f"Stack:{stack.stack_id} is in {stack.status} state and can not be deleted.")
    if not isinstance(stack, EngineStack):  # a change set's stack that was never made
        _forget(call, stack)
        return
    stack.event(None, "DELETE_IN_PROGRESS", "User Initiated")

    def work() -> None:
        if Engine(stack, Provider(call.cloud, call.region)).delete():
            _forget(call, stack)

    _start(call, work, stack.name)


def _forget(call: Call, stack: Stack) -> None:
    backend = _backend(call)
    for name in [export.name for export in backend.exports.values() if export.exporting_stack_id == stack.stack_id]:
        del backend.exports[name]
    backend.deleted_stacks[stack.stack_id] = stack
    stack.status = "DELETE_COMPLETE"
    backend.stacks.pop(stack.stack_id, None)


@operation("cloudformation", "ExecuteChangeSet")
def execute_change_set(call: Call) -> None:
    """Make or change a stack as a change set says."""
    backend, name = _backend(call), call.params["ChangeSetName"]
    wanted = call.params.get("StackName")
    found = backend.change_sets.get(name) or next(
        (
            one
            for one in backend.change_sets.values()
            if one.change_set_name == name and wanted in (None, one.stack_name, one.stack_id)
        ),
        None,
    )
    if found is None:
        raise AwsError("ChangeSetNotFound", f"ChangeSet [{name}] does not exist", 404)
    if found.execution_status != "AVAILABLE":
        raise AwsError(
            "InvalidChangeSetStatus", f"ChangeSet [{name}] cannot be executed in its current status {found.status}"
        )
    parameters = {key: str(value) for key, value in found.parameters.items()}
    rules.check(_parsed(found.template), parameters, ["given when it was made"])
    if found.change_set_type == "CREATE":
        stack = _from_change_set(call, found, parameters)
        backend.stacks[stack.stack_id] = stack
        _create(call, stack, "ROLLBACK")
    else:
        _update(call, cast(EngineStack, found.stack), found.template, parameters, found.tags or None)
    found.execution_status = "EXECUTE_COMPLETE"


def _from_change_set(call: Call, found: Any, parameters: dict[str, str]) -> EngineStack:  # noqa: ANN401 (moto's)
    return EngineStack(
        stack_id=found.stack_id,
        name=found.stack_name,
        template=found.template,
        parameters=parameters,
        account_id=ACCOUNT,
        region_name=call.region,
        tags=found.tags,
        role_arn=found.role_arn,
        cross_stack_resources=_backend(call).exports,
    )
