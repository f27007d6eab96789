"""All steps: the permissions that a request requires: action, resource and condition keys.

As in the Service Authorization Reference (https://docs.aws.amazon.com/service-authorization/latest/reference/). An API
that no table here lists requires `service:Operation` on `*`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from sagemaker_rehearsal.iam import condition_keys as keys
from sagemaker_rehearsal.iam import pass_role, resources, s3

Params = Mapping[str, Any]
# Services whose action prefix differs from botocore's name
_SERVICES = {"sagemaker-runtime": "sagemaker", "stepfunctions": "states", "ses": "email"}
# Operations whose permission has another name
_ACTIONS = {
    ("lambda", "Invoke"): "InvokeFunction",
    ("lambda", "InvokeWithResponseStream"): "InvokeFunction",
    ("sns", "PublishBatch"): "Publish",
    ("sqs", "ChangeMessageVisibilityBatch"): "ChangeMessageVisibility",
    ("sqs", "DeleteMessageBatch"): "DeleteMessage",
    ("sqs", "SendMessageBatch"): "SendMessage",
}
# Allowed to everybody, even against a policy: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
_FREE = {("sts", "GetCallerIdentity")}
_BOUNDED = ("AttachRole", "Delete", "DetachRole", "GetRole", "PutRolePolicy", "UpdateAssume", "UpdateRole")


@dataclass(frozen=True)
class Needed:
    """A permission that a request requires."""

    action: str
    resource: str
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class Facts(Protocol):
    """Lookups for what a request's parameters do not contain."""

    def role(self, name: str) -> str:
        """Return a role's ARN."""

    def boundary(self, role: str) -> str:
        """Return the ARN of the boundary of a role, by its name; empty when it has none."""

    def repository(self, pull_request: str) -> str:
        """Return the name of a pull request's repository; empty when there is none."""

    def stack(self, change_set: str) -> str:
        """Return the ARN of a change set's stack; empty when there is none."""

    def object_tags(self, bucket: str, key: str) -> Mapping[str, str]:
        """Return the tags of an object."""


@dataclass(frozen=True)
class Place:
    """Where a request goes."""

    region: str
    account: str


def of_api(service: str, operation: str, params: Params, place: Place, facts: Facts) -> list[Needed]:
    """List the permissions that a request to a service requires.

    Args:
        service: botocore's name of the service.
        operation: as AWS spells it.
        params: as boto3 takes them.
        place: region and account.
        facts: looks up what the request does not contain.
    """
    if (service, operation) in _FREE:
        return []
    prefix = _SERVICES.get(service, service)
    context = keys.of(prefix, operation, params)
    if prefix == "iam":
        context |= _boundary(operation, params, facts)
    arns = _arns(prefix, operation, params, place, facts)
    action = f"{prefix}:{_ACTIONS.get((service, operation), operation)}"
    return [
        *(Needed(action, arn, context) for arn in arns),
        *_tagging(prefix, operation, params, arns[0]),
        *_stack_policy(prefix, operation, params, arns[0]),
        *_passing(prefix, operation, params),
        *_scaling(prefix, operation, params, place),
    ]


def _arns(service: str, operation: str, params: Params, place: Place, facts: Facts) -> tuple[str, ...]:
    if service == "iam":
        return (_of_iam(operation, params, place.account, facts),)
    if service == "sts":
        return (str(params.get("RoleArn") or "*"),)
    if service == "codecommit" and params.get("pullRequestId"):
        params = {**params, "repositoryName": facts.repository(str(params["pullRequestId"]))}
    if service == "cloudformation" and not params.get("StackName") and params.get("ChangeSetName"):
        params = {**params, "StackName": facts.stack(str(params["ChangeSetName"]))}
    return resources.arns(service, operation, params, place.region, place.account)


def _of_iam(operation: str, params: Params, account: str, facts: Facts) -> str:
    if operation == "CreateRole":
        return f"arn:aws:iam::{account}:role{params.get('Path') or '/'}{params['RoleName']}"
    if params.get("RoleName"):
        return facts.role(str(params["RoleName"]))
    if params.get("PolicyArn") and "UserName" not in params and "GroupName" not in params:
        return str(params["PolicyArn"])
    if operation == "CreatePolicy":
        return f"arn:aws:iam::{account}:policy{params.get('Path') or '/'}{params['PolicyName']}"
    for name, kind in (("UserName", "user"), ("GroupName", "group"), ("InstanceProfileName", "instance-profile")):
        if params.get(name):
            return f"arn:aws:iam::{account}:{kind}{params.get('Path') or '/'}{params[name]}"
    return "*"


def _boundary(operation: str, params: Params, facts: Facts) -> keys.Keys:
    """Return `iam:PermissionsBoundary` of a request that sets none: the boundary that the role already has."""
    if not operation.startswith(_BOUNDED) or not params.get("RoleName"):
        return {}
    boundary = facts.boundary(str(params["RoleName"]))
    return {"iam:permissionsboundary": (boundary,)} if boundary else {}


def _tagging(service: str, operation: str, params: Params, arn: str) -> Iterator[Needed]:
    """Yield the permission to tag a resource, where a request creates it with tags."""
    name = keys.TAGGING.get(service)
    if service == "iam" and operation in ("CreateRole", "CreatePolicy"):
        name = f"Tag{operation.removeprefix('Create')}"
    tags = keys.tags(params)
    if not name or not tags or operation in (name, "TagResource", "AddTags", "TagQueue", "TagRole", "TagPolicy"):
        return
    action_key = {"sagemaker": "sagemaker:taggingaction", "cloudformation": "cloudformation:createaction"}.get(service)
    yield Needed(f"{service}:{name}", arn, keys.of_tags(tags) | ({action_key: (operation,)} if action_key else {}))


def _stack_policy(service: str, operation: str, params: Params, arn: str) -> Iterator[Needed]:
    stack_policy = params.get("StackPolicyBody") or params.get("StackPolicyURL")
    if service == "cloudformation" and stack_policy and operation != "SetStackPolicy":
        yield Needed("cloudformation:SetStackPolicy", arn)


def _scaling(service: str, operation: str, params: Params, place: Place) -> Iterator[Needed]:
    """Yield what Application Auto Scaling requires of its caller: to update the endpoint and to create the alarms.

    https://docs.aws.amazon.com/autoscaling/application/userguide/security_iam_id-based-policy-examples.html
    """
    target = str(params.get("ResourceId", ""))
    if service != "application-autoscaling" or params.get("ServiceNamespace") != "sagemaker":
        return
    if operation == "RegisterScalableTarget":
        arn = f"arn:aws:sagemaker:{place.region}:{place.account}:{'/'.join(target.split('/')[:2])}"
        yield Needed("sagemaker:DescribeEndpoint", arn)
        yield Needed("sagemaker:UpdateEndpointWeightsAndCapacities", arn)
    if operation == "PutScalingPolicy":
        alarm = f"arn:aws:cloudwatch:{place.region}:{place.account}:alarm:TargetTracking-{target}-AlarmHigh"
        yield Needed("cloudwatch:PutMetricAlarm", alarm)
        yield Needed("cloudwatch:DescribeAlarms", alarm)


def _passing(service: str, operation: str, params: Params) -> Iterator[Needed]:
    for arn, recipient in pass_role.roles(service, operation, params):
        yield Needed("iam:PassRole", arn, {"iam:passedtoservice": (recipient,)})
    for connection in pass_role.connections(service, params):
        name = connection.split(":")[2]
        recipient = "codepipeline.amazonaws.com"
        yield Needed(f"{name}:PassConnection", connection, {f"{name}:passedtoservice": (recipient,)})


def of_s3(asked: s3.Asked, facts: Facts) -> list[Needed]:
    """List the permissions that a request to S3 requires."""
    return [Needed(need.action, need.resource, {**need.keys, **_existing(need, facts)}) for need in s3.needs(asked)]


def _existing(need: s3.Need, facts: Facts) -> dict[str, tuple[str, ...]]:
    if not need.key or not need.action.startswith("s3:Get"):
        return {}
    tags = facts.object_tags(need.bucket, need.key)
    return {f"s3:existingobjecttag/{name.lower()}": (value,) for name, value in tags.items()}


def of_invocation(params: Params, place: Place) -> list[Needed]:
    """Return the permissions that InvokeEndpoint requires."""
    target = params.get("TargetModel")
    conditions = {"sagemaker:targetmodel": (str(target),)} if target else {}
    arn = f"arn:aws:sagemaker:{place.region}:{place.account}:endpoint/{params['EndpointName']}"
    return [Needed("sagemaker:InvokeEndpoint", arn, conditions)]
