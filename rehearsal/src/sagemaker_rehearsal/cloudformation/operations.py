"""Steps 1, 2, 7 and 10: CreateStack, UpdateStack and DeleteStack; moto answers questions about stacks."""

import threading
from collections.abc import Callable, Mapping
from typing import Any, cast

from moto.cloudformation.models import CloudFormationBackend, Stack, cloudformation_backends
from moto.cloudformation.parsing import Export
from moto.cloudformation.utils import generate_stack_id

from sagemaker_rehearsal.cloudformation import differences, fetch, form, parameter_store
from sagemaker_rehearsal.cloudformation import template as rules
from sagemaker_rehearsal.cloudformation.engine import Engine, EngineStack
from sagemaker_rehearsal.cloudformation.provider import Provider, known
from sagemaker_rehearsal.cloudformation.reading import TemplateError, read
from sagemaker_rehearsal.server.backends import alone, serialised
from sagemaker_rehearsal.server.errors import AwsError
from sagemaker_rehearsal.server.service import ACCOUNT, Call, Host, keys_of, operation


def backend(call: Call) -> CloudFormationBackend:
    """Return moto's stacks of the call's region."""
    return cloudformation_backends[ACCOUNT][call.region]


def find(call: Call, name: str) -> Stack | None:
    """Find a stack by name or id; None when there is none or it was deleted."""
    stacks = backend(call).stacks
    return stacks.get(name) or next((stack for stack in list(stacks.values()) if stack.name == name), None)


def text_of(call: Call, previous: str = "") -> str:
    """Return the template that a request names or holds.

    Raises:
        AwsError: none, too long, or not to be read.
    """
    body, url = call.params.get("TemplateBody"), call.params.get("TemplateURL")
    if call.params.get("UsePreviousTemplate"):
        return previous
    if url and body:
        raise rules.invalid("You cannot specify both Template URL and Template Body.")
    if url:
        return fetch.template(call, url)
    if not body:
        raise rules.invalid("Either Template URL or Template Body must be specified.")
    if len(body.encode()) > rules.LIMIT_BYTES:
        raise rules.invalid(
            "1 validation error detected: Value at 'templateBody' failed to satisfy constraint: "
            f"Member must have length less than or equal to {rules.LIMIT_BYTES}"
        )
    return str(body)


def parameters_of(entries: Any, before: Mapping[str, str]) -> dict[str, str]:  # noqa: ANN401 (JSON)
    """Return a request's parameters, with the values that they had before where it says so.

    Raises:
        AwsError: there was none.
    """
    values = {}
    for entry in entries or []:
        name = entry["ParameterKey"]
        if entry.get("UsePreviousValue"):
            if name not in before:
                raise rules.invalid(f"Parameters: [{name}] must have values")
            values[name] = before[name]
        else:
            values[name] = str(entry.get("ParameterValue", ""))
    return values


def parsed(text: str) -> dict[str, Any]:
    """Read a template.

    Raises:
        AwsError: it cannot be read.
    """
    try:
        return read(text)
    except TemplateError as error:
        raise rules.invalid(str(error)) from error


def checked(call: Call, template: dict[str, Any], given: Mapping[str, str]) -> dict[str, str]:
    """Validate a template with its parameters, before anything is made; return every parameter.

    Raises:
        AwsError: naming the first rule that is broken.
    """
    values = rules.check(template, given, list(call.params.get("Capabilities") or []))
    _require_known(call.cloud, template)
    return parameter_store.fetch(call.cloud, template.get("Parameters") or {}, values)


def _require_known(cloud: Host, template: Mapping[str, Any]) -> None:
    unknown = sorted(
        {resource["Type"] for resource in template["Resources"].values() if not known(cloud, resource["Type"])}
    )
    if unknown:
        message = f"Template format error: Unrecognized resource types: [{', '.join(unknown)}]"
        raise rules.invalid(f"{message}; docs/parity.md lists those of the rehearsal")


@operation("cloudformation", "ValidateTemplate")
def validate_template(call: Call) -> dict[str, Any]:
    """Check a template; tell what it asks for."""
    template = parsed(text_of(call))
    rules.check_template(template)
    _require_known(call.cloud, template)
    parameters = [
        {
            "ParameterKey": name,
            "NoEcho": str(rule.get("NoEcho", False)).lower() == "true",
            **({"DefaultValue": str(rule["Default"])} if "Default" in rule else {}),
            **({"Description": rule["Description"]} if "Description" in rule else {}),
        }
        for name, rule in (template.get("Parameters") or {}).items()
    ]
    needed = rules.needed_capability(template["Resources"])
    iam = sorted(
        {resource["Type"] for resource in template["Resources"].values() if resource["Type"].startswith("AWS::IAM::")}
    )
    message = f"The following resource(s) require capabilities: [{', '.join(iam)}]"
    capabilities = {"Capabilities": [needed], "CapabilitiesReason": message} if needed else {}
    return {"Parameters": parameters, "Description": str(template.get("Description") or ""), **capabilities}


def tags_of(call: Call) -> dict[str, str]:
    """Return a request's tags."""
    return {tag["Key"]: tag["Value"] for tag in call.params.get("Tags") or []}


def acting_keys(call: Call, stack: Stack) -> Mapping[str, str]:
    """Return the keys to work with: of the stack's role if it has one, else of whoever called.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-iam-servicerole.html

    Raises:
        AwsError: the role does not exist, or does not trust CloudFormation. The words are those that LocalStack
            recorded of AWS, test_update_with_role_without_permissions.
    """
    role = call.params.get("RoleARN") or stack.role_arn
    try:
        keys = keys_of(call, role, "AWSCloudFormation")
    except AwsError as error:
        raise rules.invalid(f"Role {role} is invalid or cannot be assumed") from error
    stack.role_arn = role
    return keys


def _start(call: Call, stack: Stack, keys: Mapping[str, str], work: Callable[[], object]) -> None:
    """Work in the background."""

    def acting() -> None:
        with call.cloud.acting(keys):
            work()

    threading.Thread(target=acting, name=f"stack-{stack.name}", daemon=True).start()


@operation("cloudformation", "CreateStack")
def create_stack(call: Call) -> dict[str, Any]:
    """Check everything that can be checked, then make the stack in the background."""
    name = call.params["StackName"]
    form.check_stack_name(name)
    if call.params.get("OnFailure") and "DisableRollback" in call.params:
        raise rules.invalid("You may not specify both OnFailure and DisableRollback.")
    if find(call, name):
        raise AwsError("AlreadyExistsException", f"Stack [{name}] already exists")
    text = text_of(call)
    values = checked(call, parsed(text), parameters_of(call.params.get("Parameters"), {}))
    stack = new_stack(call, generate_stack_id(name, call.region, ACCOUNT), name, text, values, tags_of(call))
    stack.enable_termination_protection = bool(call.params.get("EnableTerminationProtection"))
    on_failure = "DO_NOTHING" if call.params.get("DisableRollback") else call.params.get("OnFailure", "ROLLBACK")
    create(call, stack, on_failure)
    return {"StackId": stack.stack_id}


def new_stack(
    call: Call, stack_id: str, name: str, text: str, parameters: dict[str, str], tags: dict[str, str]
) -> EngineStack:
    """Return a stack that has no resources yet."""
    return EngineStack(
        stack_id=stack_id,
        name=name,
        template=text,
        parameters=parameters,
        account_id=ACCOUNT,
        region_name=call.region,
        tags=tags,
        cross_stack_resources=backend(call).exports,
    )


def create(call: Call, stack: EngineStack, on_failure: str = "ROLLBACK") -> None:
    """Make a stack in the background."""
    exports, keys = backend(call).exports, acting_keys(call, stack)
    with alone():
        backend(call).stacks[stack.stack_id] = stack
    stack.event(None, "CREATE_IN_PROGRESS", "User Initiated")

    def work() -> None:
        if Engine(stack, Provider(call.cloud, call.region)).create(on_failure):
            _export(exports, stack)
        elif on_failure == "DELETE":
            forget(call, stack)

    _start(call, stack, keys, work)


@serialised
def _export(exports: dict[str, Export], stack: Stack, *, gone: bool = False) -> None:
    """Replace what a stack exports; nothing is left of one that is gone."""
    for name in [export.name for export in exports.values() if export.exporting_stack_id == stack.stack_id]:
        del exports[name]
    if not gone:
        exports.update({export.name: export for export in stack.exports})


@operation("cloudformation", "UpdateStack")
def update_stack(call: Call) -> dict[str, Any]:
    """Change a stack in the background; a change that changes nothing is an error, as on AWS."""
    stack = existing(call, call.params["StackName"])
    text = text_of(call, str(stack.template))
    parameters = parameters_of(call.params.get("Parameters"), stack.parameters)
    template = parsed(text)
    values, tags = checked(call, template, parameters), tags_of(call) or None
    if not differences.found(call.cloud.resource_types, stack, template, values, tags):
        raise rules.invalid("No updates are to be performed.")
    update(call, stack, text, values, tags)
    return {"StackId": stack.stack_id}


def existing(call: Call, name: str) -> EngineStack:
    """Find a stack that can be changed.

    Raises:
        AwsError: there is none, or it is in a state in which it cannot be.
    """
    stack = find(call, name)
    if stack is None:
        raise rules.invalid(f"Stack [{name}] does not exist")
    if not stack.status.endswith("_COMPLETE") or stack.status in ("ROLLBACK_COMPLETE", "DELETE_COMPLETE"):
        raise rules.invalid(f"Stack:{stack.stack_id} is in {stack.status} state and can not be updated.")
    return cast(EngineStack, stack)


def update(call: Call, stack: EngineStack, text: str, values: dict[str, str], tags: dict[str, str] | None) -> None:
    """Change a stack in the background.

    Raises:
        AwsError: a resource would have another type.
    """
    rules.check_types(stack.template_dict["Resources"], parsed(text)["Resources"])
    keys = acting_keys(call, stack)
    stack.event(None, "UPDATE_IN_PROGRESS", "User Initiated")
    engine, exports = Engine(stack, Provider(call.cloud, call.region)), backend(call).exports

    def work() -> None:
        if engine.update(text, values, tags):
            _export(exports, stack)

    _start(call, stack, keys, work)


@operation("cloudformation", "DescribeStackEvents")
def describe_stack_events(call: Call) -> dict[str, Any]:
    """Show a stack's events; that there is no stack is said in other words than by DescribeStacks, as on AWS."""
    name = call.params.get("StackName")
    if name and find(call, name) is None and name not in backend(call).deleted_stacks:
        raise rules.invalid(f"Stack [{name}] does not exist")
    return call.to_moto()


@operation("cloudformation", "DeleteStack")
def delete_stack(call: Call) -> None:
    """Remove a stack in the background; one that is gone already is no error."""
    stack = find(call, call.params["StackName"])
    if stack is None:
        return
    if stack.status.endswith("_IN_PROGRESS") and stack.status != "REVIEW_IN_PROGRESS":
        raise rules.invalid(f"Stack:{stack.stack_id} is in {stack.status} state and can not be deleted.")
    if stack.enable_termination_protection:
        raise rules.invalid(f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled")
    if not isinstance(stack, EngineStack):  # a change set's stack that was never made
        forget(call, stack)
        return
    retained = frozenset(call.params.get("RetainResources") or [])
    if retained and stack.status != "DELETE_FAILED":
        raise rules.invalid("Invalid operation on stack. RetainResources can be given only after a failed deletion")
    keys = acting_keys(call, stack)
    stack.event(None, "DELETE_IN_PROGRESS", "User Initiated")

    def work() -> None:
        if Engine(stack, Provider(call.cloud, call.region)).delete(retained):
            forget(call, stack)

    _start(call, stack, keys, work)


@serialised
def forget(call: Call, stack: Stack) -> None:
    """Keep a stack among the deleted ones, which are found by their id alone."""
    stacks = backend(call)
    _export(stacks.exports, stack, gone=True)
    stacks.deleted_stacks[stack.stack_id] = stack
    stack.status = "DELETE_COMPLETE"
    stacks.stacks.pop(stack.stack_id, None)
