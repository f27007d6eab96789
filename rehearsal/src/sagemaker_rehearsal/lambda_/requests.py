"""Steps 1, 3, 4 and 6: Lambda's API."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError
from botocore.model import OperationModel

from sagemaker_rehearsal.iam import allows_service
from sagemaker_rehearsal.lambda_ import code
from sagemaker_rehearsal.lambda_.function import DEFAULTS, Function
from sagemaker_rehearsal.lambda_.invoke import invoke, invoke_async
from sagemaker_rehearsal.lambda_.names import LATEST, arn_of, name_of, required_latest
from sagemaker_rehearsal.lambda_.runtime import LAMBDA, RESERVED
from sagemaker_rehearsal.lambda_.store import of
from sagemaker_rehearsal.server import protocols, validation
from sagemaker_rehearsal.server.errors import AwsError
from sagemaker_rehearsal.server.service import Call, Handler, operation

SOURCES = frozenset({"S3Bucket", "S3Key", "S3ObjectVersion", "ZipFile", "ImageUri"})
# Of CreateFunction and UpdateFunctionConfiguration; any other one would be silently without effect
SETTINGS = frozenset(
    {
        "Runtime", "Role", "Handler", "Description", "Timeout", "MemorySize", "Environment", "DeadLetterConfig",
        "TracingConfig", "LoggingConfig", "Architectures", "EphemeralStorage", "KMSKeyArn",
    }
)  # fmt: skip
NOT_SETTINGS = frozenset({"FunctionName", "Code", "Tags", "Publish", "PackageType", "DryRun", "RevisionId"})
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html#runtimes-deprecated
RUNTIMES = ("python3.10", "python3.11", "python3.12", "python3.13", "python3.14")
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MOST_SECONDS, MOST_MEMORY, MOST_VARIABLES = 900, 10240, 4096
MOST_EVENT, MOST_ASYNC = 6 * 1024 * 1024, 1024 * 1024


def refused(message: str) -> AwsError:
    """Return Lambda's answer to a parameter that breaks a rule."""
    return AwsError("InvalidParameterValueException", message, 400, Type="User")


@operation("lambda", "CreateFunction")
def create_function(call: Call) -> dict[str, Any]:
    """Make a function of a zip."""
    params = call.params
    name = name_of(params["FunctionName"])
    if params.get("PackageType", "Zip") != "Zip" or not params.get("Handler") or not params.get("Runtime"):
        raise refused("Runtime and Handler are mandatory parameters for functions created with deployment packages.")
    settings = {**DEFAULTS, **_settings(call)}
    data = code.fetch(_callers(call, "s3"), params["Code"])
    package = code.unpack(call.cloud, data)
    function = Function(name, arn_of(call.region, name), settings, package, dict(params.get("Tags") or {}))
    of(call.cloud).add(function)
    pending = {"State": "Pending", "StateReason": "The function is being created.", "StateReasonCode": "Creating"}
    return {**function.describe(), **pending}


def _callers(call: Call, service: str) -> Any:  # noqa: ANN401 (boto3's client)
    """Return a client with the caller's rights: Lambda reads the zip in the caller's name."""
    with call.cloud.acting(call.keys):
        return call.cloud.client(service)


def _settings(call: Call) -> dict[str, Any]:
    """Return the settings of a request, held to Lambda's rules."""
    params = {key: value for key, value in call.params.items() if value is not None}
    unknown = sorted(set(params) - SETTINGS - NOT_SETTINGS)
    if unknown:
        message = f"The rehearsal's functions have no {', '.join(unknown)}; see docs/parity.md"
        raise AwsError("NotImplemented", message, 501)
    settings = {key: params[key] for key in SETTINGS & set(params)}
    _check(settings)
    if "Role" in settings:
        _check_role(call, settings["Role"])
    return settings


def _check(settings: Mapping[str, Any]) -> None:
    if settings.get("Timeout", 1) > MOST_SECONDS:
        raise _too_much("timeout", settings["Timeout"], MOST_SECONDS)
    if settings.get("MemorySize", 128) > MOST_MEMORY:
        raise _too_much("memorySize", settings["MemorySize"], MOST_MEMORY)
    runtime = settings.get("Runtime", RUNTIMES[0])
    if runtime not in RUNTIMES:
        known = ", ".join(RUNTIMES)
        raise refused(f"The runtime parameter of {runtime} is not one that the rehearsal runs; it runs {known}.")
    variables = (settings.get("Environment") or {}).get("Variables") or {}
    reserved = sorted(RESERVED & set(variables))
    if reserved:
        raise refused(
            "Lambda was unable to configure your environment variables because the environment variables you have "
            "provided contains reserved keys that are currently not supported for modification. "
            f"Reserved keys used in this request: {', '.join(reserved)}"
        )
    if len(json.dumps(variables, separators=(",", ":"))) > MOST_VARIABLES:
        raise refused(
            "Lambda was unable to configure your environment variables because the environment variables you have "
            "provided exceeded the 4KB limit."
        )


def _too_much(name: str, value: int, most: int) -> AwsError:
    message = f"Member must have value less than or equal to {most}"
    where = f"Value '{value}' at '{name}' failed to satisfy constraint"
    return AwsError("ValidationException", f"1 validation error detected: {where}: {message}")


def _check_role(call: Call, arn: str) -> None:
    """Let only a role be given that Lambda may assume."""
    message = "The role defined for the function cannot be assumed by Lambda."
    try:
        # As Lambda, not as the caller, who needs iam:PassRole but no right to look
        with call.cloud.acting(None):
            role = call.cloud.client("iam").get_role(RoleName=arn.rpartition("/")[2])["Role"]
    except ClientError:
        raise refused(message) from None
    trust = role["AssumeRolePolicyDocument"]
    if role["Arn"] != arn or not allows_service(trust, LAMBDA, "sts:AssumeRole", arn):
        raise refused(message)


@operation("lambda", "UpdateFunctionCode")
def update_function_code(call: Call) -> dict[str, Any]:
    """Return a function another zip."""
    state = of(call.cloud)
    old = _found(call)
    source = {key: call.params[key] for key in SOURCES & set(call.params)}
    package = code.unpack(call.cloud, code.fetch(_callers(call, "s3"), source))
    new = old.changed(package=package)
    if not call.params.get("DryRun"):
        state.put(new)
    return new.describe()


@operation("lambda", "UpdateFunctionConfiguration")
def update_function_configuration(call: Call) -> dict[str, Any]:
    """Change settings."""
    old = _found(call)
    revision = call.params.get("RevisionId")
    if revision and revision != old.revision:
        message = (
            "The Revision Id provided does not match the latest Revision Id. Call the GetFunction API to retrieve it"
        )
        raise AwsError("PreconditionFailedException", message, 412)
    new = old.changed(settings={**old.settings, **_settings(call)})
    of(call.cloud).put(new)
    return new.describe()


def _found(call: Call) -> Function:
    name = name_of(call.params["FunctionName"])
    return of(call.cloud).get(required_latest(name, call.params.get("Qualifier")))


@operation("lambda", "GetFunction")
def get_function(call: Call) -> dict[str, Any]:
    """Describe a function with its code's place and its tags."""
    function = _found(call)
    where = {"RepositoryType": "S3", "Location": function.package.folder.as_uri()}
    return {
        "Configuration": function.describe(),
        "Code": where,
        **({"Tags": dict(function.tags)} if function.tags else {}),
    }


@operation("lambda", "GetFunctionConfiguration")
def get_function_configuration(call: Call) -> dict[str, Any]:
    """Describe a function."""
    return _found(call).describe()


@operation("lambda", "ListFunctions")
def list_functions(call: Call) -> dict[str, Any]:
    """List functions by name, 50 at a time."""
    state = of(call.cloud)
    names = [name for name in state.names() if name > (call.params.get("Marker") or "")]
    page = names[: min(int(call.params.get("MaxItems") or 50), 50)]
    more = {"NextMarker": page[-1]} if len(names) > len(page) else {}
    return {"Functions": [state.get(name).describe() for name in page], **more}


@operation("lambda", "DeleteFunction")
def delete_function(call: Call) -> dict[str, Any]:
    """Remove a function."""
    of(call.cloud).remove(_found(call).name)
    return {}


@operation("lambda", "Invoke")
def run(call: Call) -> dict[str, Any]:
    """Run a function and wait, or put the event into its queue."""
    function, kind = _found(call), call.params.get("InvocationType") or "RequestResponse"
    event = bytes(call.params.get("Payload") or b"{}")
    limit = MOST_ASYNC if kind == "Event" else MOST_EVENT
    if len(event) > limit:
        # The documentation calls it RequestTooLargeException; AWS does not:
        # https://github.com/awslabs/aws-athena-query-federation/issues/793, https://github.com/ASFHyP3/hyp3/issues/2241
        message = f"Request must be smaller than {limit} bytes for the InvokeFunction operation"
        if kind == "Event":
            message = f"{len(event)} byte payload is too large for the Event invocation type (limit {limit} bytes)"
        raise AwsError("RequestEntityTooLargeException", message, 413, Type="User")
    try:
        read = json.loads(event)
    except ValueError as error:
        message = f"Could not parse request body into json: {error}"
        raise AwsError("InvalidRequestContentException", message, 400, Type="User") from None
    if kind == "DryRun":
        return {"StatusCode": 204}
    if kind == "Event":
        invoke_async(call.cloud, function.arn, read)
        return {"StatusCode": 202}
    done = invoke(call.cloud, function, event.decode())
    tail = base64.b64encode(done.log.encode()).decode() if call.params.get("LogType") == "Tail" else None
    extras = {"FunctionError": done.error or None, "LogResult": tail}
    answer = {"StatusCode": 200, "ExecutedVersion": LATEST, "Payload": done.payload.encode()}
    return {**answer, **{key: value for key, value in extras.items() if value}}


@operation("lambda", "AddPermission")
def add_permission(call: Call) -> dict[str, Any]:
    """Add a statement to a function's policy."""
    params, function = call.params, _found(call)
    statements = of(call.cloud).statements(function.name)
    if params["StatementId"] in statements:
        message = (
            f"The statement id ({params['StatementId']}) provided already exists. Please provide a new statement id"
        )
        raise AwsError("ResourceConflictException", f"{message}, or remove the existing statement.", 409, Type="User")
    statement = _statement(params, function)
    statements[params["StatementId"]] = statement
    return {"Statement": json.dumps(statement)}


def _statement(params: Mapping[str, Any], function: Function) -> dict[str, Any]:
    """https://docs.aws.amazon.com/lambda/latest/dg/permissions-function-services.html"""
    principal = params["Principal"]
    service = "." in principal
    who: Any = {"Service": principal} if service else "*" if principal == "*" else {"AWS": _account(principal)}
    conditions: dict[str, dict[str, str]] = {}
    if params.get("SourceAccount"):
        conditions["StringEquals"] = {"AWS:SourceAccount": params["SourceAccount"]}
    if params.get("SourceArn"):
        conditions["ArnLike"] = {"AWS:SourceArn": params["SourceArn"]}
    statement = {"Sid": params["StatementId"], "Effect": "Allow", "Principal": who, "Action": params["Action"]}
    return {**statement, "Resource": function.arn, **({"Condition": conditions} if conditions else {})}


def _account(principal: str) -> str:
    return f"arn:aws:iam::{principal}:root" if principal.isdigit() else principal


@operation("lambda", "RemovePermission")
def remove_permission(call: Call) -> None:
    """Remove a statement from a function's policy."""
    name = name_of(call.params["FunctionName"])
    try:
        statements = of(call.cloud).statements(_found(call).name)
    except AwsError as error:
        if error.code != "ResourceNotFoundException":
            raise
        message = f"No policy found for: {arn_of(call.region, name)}"
        raise AwsError(error.code, message, 404, Type="User") from error
    if not statements:
        message = "No policy is associated with the given resource."
        raise AwsError("ResourceNotFoundException", message, 404, Type="User")
    if statements.pop(call.params["StatementId"], None) is None:
        message = f"Statement {call.params['StatementId']} is not found in resource policy."
        raise AwsError("ResourceNotFoundException", message, 404, Type="User")


@operation("lambda", "GetPolicy")
def get_policy(call: Call) -> dict[str, Any]:
    """Return a function's policy; that there is none is an error, in the same words as that there is no function."""
    try:
        function = _found(call)
        policy = of(call.cloud).policy(function.name)
    except AwsError as error:
        if error.code != "ResourceNotFoundException":
            raise
        policy = None
    if not policy:
        message = "The resource you requested does not exist."
        raise AwsError("ResourceNotFoundException", message, 404, Type="User")
    return {"Policy": json.dumps(policy), "RevisionId": function.revision}


EVENT_SETTINGS = ("MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig")


@operation("lambda", "PutFunctionEventInvokeConfig", "UpdateFunctionEventInvokeConfig")
def put_event_config(call: Call) -> dict[str, Any]:
    """Return what becomes of events that are invoked asynchronously."""
    function, state = _found(call), of(call.cloud)
    before = state.event_config(function.name) if call.operation.startswith("Update") else {}
    settings = {key: call.params[key] for key in EVENT_SETTINGS if call.params.get(key) is not None}
    state.put_event_config(function.name, {**before, **settings})
    return _event_config(call, function)


@operation("lambda", "GetFunctionEventInvokeConfig")
def get_event_config(call: Call) -> dict[str, Any]:
    """Return what was set; that nothing was is an error."""
    return _event_config(call, _found(call))


def _event_config(call: Call, function: Function) -> dict[str, Any]:
    config = of(call.cloud).event_config(function.name)
    if not config:
        message = f"The function {function.arn}:$LATEST doesn't have an EventInvokeConfig"
        raise AwsError("ResourceNotFoundException", message, 404, Type="User")
    return {"FunctionArn": f"{function.arn}:$LATEST", "LastModified": function.modified, **config}


@operation("lambda", "DeleteFunctionEventInvokeConfig")
def delete_event_config(call: Call) -> None:
    """Go back to what holds where nothing is set."""
    function = _found(call)
    _event_config(call, function)
    of(call.cloud).put_event_config(function.name, None)


@operation("lambda", "ListTags")
def list_tags(call: Call) -> dict[str, Any]:
    """Return a function's tags."""
    return {"Tags": dict(of(call.cloud).get(name_of(call.params["Resource"])).tags)}


@operation("lambda", "TagResource")
def tag_resource(call: Call) -> None:
    """Add tags."""
    _put_tags(call, lambda tags: {**tags, **call.params["Tags"]})


@operation("lambda", "UntagResource")
def untag_resource(call: Call) -> None:
    """Remove tags."""
    _put_tags(call, lambda tags: {key: value for key, value in tags.items() if key not in call.params["TagKeys"]})


def _put_tags(call: Call, change: Any) -> None:  # noqa: ANN401 (a function)
    state = of(call.cloud)
    old = state.get(name_of(call.params["Resource"]))
    # Not `changed`: tags make no new revision
    state.put(Function(**{**old.__dict__, "tags": change(dict(old.tags))}))


def _absent(call: Call) -> dict[str, Any]:
    """Refuse what is left: moto knows nothing of these functions."""
    raise AwsError("NotImplemented", f"The rehearsal does not have lambda: {call.operation}; see docs/parity.md", 501)


def require_valid(operation_model: OperationModel, params: Mapping[str, Any]) -> None:
    """Validate a request against the service model; a runtime that there is not has a code of its own."""
    violations = validation.violations(operation_model.input_shape, params)
    if not violations:
        return
    if len(violations) == 1 and "at 'runtime' failed to satisfy constraint: Member must satisfy enum" in violations[0]:
        raise refused(f"{violations[0]} or be a valid ARN")
    raise AwsError("ValidationException", validation.message(violations))


def others() -> dict[tuple[str, str], Handler]:
    """Return the answer to every operation of Lambda, for those that the rehearsal does not have."""
    model = protocols.service_model("lambda")
    assert model is not None  # noqa: S101 (botocore has it)
    return {("lambda", name): _absent for name in model.operation_names}
