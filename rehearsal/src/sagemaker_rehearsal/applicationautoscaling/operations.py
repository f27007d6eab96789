"""Steps 7 and 10: Application Auto Scaling's targets and policies; they are stored, but no endpoint is scaled.

This replaces moto's, which lacks the dimension of serverless endpoints and accepts policies of absent targets.
https://docs.aws.amazon.com/autoscaling/application/APIReference/API_Operations.html
"""

import re
import threading
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sagemaker_rehearsal.server.errors import AwsError, invalid
from sagemaker_rehearsal.server.service import ACCOUNT, Call, Host, operation

SERVICE = "application-autoscaling"
TARGET = ("ServiceNamespace", "ResourceId", "ScalableDimension")
# https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html
VARIANT = re.compile(r"endpoint/[^/]+/variant/[^/]+|inference-component/[^/]+")
ROLE = (
    f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/sagemaker.{SERVICE}.amazonaws.com/"
    "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
)
CONFIGURATION = {
    "TargetTrackingScaling": "TargetTrackingScalingPolicyConfiguration",
    "StepScaling": "StepScalingPolicyConfiguration",
    "PredictiveScaling": "PredictiveScalingPolicyConfiguration",
}
Key = tuple[str, ...]


class Scaling:
    """The targets and policies of one cloud."""

    def __init__(self, _: Host) -> None:
        self.lock = threading.RLock()
        self.targets: dict[Key, dict[str, Any]] = {}
        self.policies: dict[Key, dict[str, Any]] = {}

    def target(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return the target that a request names.

        Raises:
            AwsError: ObjectNotFoundException, when it does not exist.
        """
        target = self.targets.get(_key(params))
        if target is None:
            raise _absent("scalable target", params)
        return target


def of(call: Call) -> Scaling:
    """Return the state of a call's cloud."""
    return call.cloud.state_of(Scaling)


def _key(params: Mapping[str, Any]) -> Key:
    return tuple(params[name] for name in TARGET)


def _absent(what: str, params: Mapping[str, Any]) -> AwsError:
    namespace, resource, dimension = _key(params)
    where = f"service namespace: {namespace}, resource ID: {resource}, scalable dimension: {dimension}"
    return AwsError("ObjectNotFoundException", f"No {what} found for {where}")


@operation(SERVICE, "RegisterScalableTarget")
def register_scalable_target(call: Call) -> dict[str, Any]:
    """Create or update a target."""
    scaling, params = of(call), call.params
    _require_consistent(params)
    with scaling.lock:
        before = scaling.targets.get(_key(params), {})
        least, most = (params.get(name, before.get(name)) for name in ("MinCapacity", "MaxCapacity"))
        if least is None or most is None:
            raise invalid("MinCapacity and MaxCapacity must be specified when a scalable target is registered.")
        if least > most:
            raise invalid("Maximum capacity cannot be less than minimum capacity")
        name = f"scalable-target/{uuid.uuid4().hex}"
        arn = f"arn:aws:{SERVICE}:{call.region}:{ACCOUNT}:{name}"
        target = {"CreationTime": datetime.now(UTC), "ScalableTargetARN": arn, **before}
        target |= {name: params[name] for name in TARGET} | {"MinCapacity": least, "MaxCapacity": most}
        target["RoleARN"] = ROLE
        scaling.targets[_key(params)] = target
    return {"ScalableTargetARN": target["ScalableTargetARN"]}


def _require_consistent(params: Mapping[str, Any]) -> None:
    namespace, resource, dimension = _key(params)
    if dimension.partition(":")[0] != namespace:
        raise invalid(f"Unsupported service namespace, resource type or scalable dimension: {namespace}, {dimension}")
    if namespace == "sagemaker" and not VARIANT.fullmatch(resource):
        raise invalid(f"Unsupported resource: {resource}; give endpoint/NAME/variant/NAME")


@operation(SERVICE, "DeregisterScalableTarget")
def deregister_scalable_target(call: Call) -> dict[str, Any]:
    """Delete a target with its policies."""
    scaling = of(call)
    with scaling.lock:
        scaling.target(call.params)
        del scaling.targets[_key(call.params)]
        for key in [key for key in scaling.policies if key[:3] == _key(call.params)]:
            del scaling.policies[key]
    return {}


@operation(SERVICE, "DescribeScalableTargets")
def describe_scalable_targets(call: Call) -> dict[str, Any]:
    """List targets."""
    resources = call.params.get("ResourceIds")
    targets = [target for target in list(of(call).targets.values()) if _matches(call.params, target)]
    return _page(
        call, "ScalableTargets", [target for target in targets if not resources or target["ResourceId"] in resources]
    )


@operation(SERVICE, "PutScalingPolicy")
def put_scaling_policy(call: Call) -> dict[str, Any]:
    """Create or update a target's policy."""
    scaling, params = of(call), call.params
    kind = params.get("PolicyType", "StepScaling")
    needed = CONFIGURATION[kind]
    with scaling.lock:
        scaling.target(params)
        key = (*_key(params), params["PolicyName"])
        before = scaling.policies.get(key, {})
        settings = params.get(needed) or before.get(needed)
        if not settings:
            raise invalid(f"{needed} must be specified for a policy of type {kind}.")
        resource = f"scalingPolicy:{uuid.uuid4()}:resource/{params['ServiceNamespace']}/{params['ResourceId']}"
        arn = f"arn:aws:autoscaling:{call.region}:{ACCOUNT}:{resource}:policyName/{params['PolicyName']}"
        policy = {"CreationTime": datetime.now(UTC), "PolicyARN": arn, **before}
        policy |= {name: params[name] for name in (*TARGET, "PolicyName")} | {"PolicyType": kind, needed: settings}
        scaling.policies[key] = policy
    return {"PolicyARN": policy["PolicyARN"], "Alarms": []}


@operation(SERVICE, "DeleteScalingPolicy")
def delete_scaling_policy(call: Call) -> dict[str, Any]:
    """Delete a policy."""
    scaling = of(call)
    with scaling.lock:
        if scaling.policies.pop((*_key(call.params), call.params["PolicyName"]), None) is None:
            raise _absent("scaling policy", call.params)
    return {}


@operation(SERVICE, "DescribeScalingPolicies")
def describe_scaling_policies(call: Call) -> dict[str, Any]:
    """List policies."""
    names = call.params.get("PolicyNames")
    policies = [
        {"Alarms": [], **policy} for policy in list(of(call).policies.values()) if _matches(call.params, policy)
    ]
    return _page(call, "ScalingPolicies", [policy for policy in policies if not names or policy["PolicyName"] in names])


def _matches(params: Mapping[str, Any], entry: Mapping[str, Any]) -> bool:
    return all(params.get(name) in (None, entry[name]) for name in TARGET)


def _page(call: Call, member: str, entries: list[dict[str, Any]]) -> dict[str, Any]:
    token, size = call.params.get("NextToken") or "0", int(call.params.get("MaxResults") or 50)
    if not token.isdigit() or int(token) > len(entries):
        raise AwsError("InvalidNextTokenException", "The next token is not valid.")
    end = int(token) + size
    more = {"NextToken": str(end)} if end < len(entries) else {}
    return {member: entries[int(token) : end], **more}
