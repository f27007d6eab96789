"""Steps 7 and 10: Application Auto Scaling's targets and policies; they are kept, and nothing scales by them.

Moto's own does not know the dimension of serverless endpoints, and takes policies for targets that do not exist.
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
        """Find the target that a request names.

        Raises:
            AwsError: ObjectNotFoundException.
        """
        found = self.targets.get(_key(params))
        if found is None:
            raise _absent("scalable target", params)
        return found


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
    """Make a target, or change one."""
    kept, params = of(call), call.params
    _require_consistent(params)
    with kept.lock:
        before = kept.targets.get(_key(params), {})
        least, most = (params.get(name, before.get(name)) for name in ("MinCapacity", "MaxCapacity"))
        if least is None or most is None:
            raise invalid("MinCapacity and MaxCapacity must be specified when a scalable target is registered.")
        if least > most:
            raise invalid("Maximum capacity cannot be less than minimum capacity")
        name = f"scalable-target/{uuid.uuid4().hex}"
        arn = f"arn:aws:{SERVICE}:{call.region}:{ACCOUNT}:{name}"
        made = {"CreationTime": datetime.now(UTC), "ScalableTargetARN": arn, **before}
        made |= {name: params[name] for name in TARGET} | {"MinCapacity": least, "MaxCapacity": most}
        made["RoleARN"] = ROLE
        kept.targets[_key(params)] = made
    return {"ScalableTargetARN": made["ScalableTargetARN"]}


def _require_consistent(params: Mapping[str, Any]) -> None:
    namespace, resource, dimension = _key(params)
    if dimension.partition(":")[0] != namespace:
        raise invalid(f"Unsupported service namespace, resource type or scalable dimension: {namespace}, {dimension}")
    if namespace == "sagemaker" and not VARIANT.fullmatch(resource):
        raise invalid(f"Unsupported resource: {resource}; give endpoint/NAME/variant/NAME")


@operation(SERVICE, "DeregisterScalableTarget")
def deregister_scalable_target(call: Call) -> dict[str, Any]:
    """Remove a target with its policies."""
    kept = of(call)
    with kept.lock:
        kept.target(call.params)
        del kept.targets[_key(call.params)]
        for key in [key for key in kept.policies if key[:3] == _key(call.params)]:
            del kept.policies[key]
    return {}


@operation(SERVICE, "DescribeScalableTargets")
def describe_scalable_targets(call: Call) -> dict[str, Any]:
    """List targets."""
    resources = call.params.get("ResourceIds")
    found = [one for one in list(of(call).targets.values()) if _wanted(call.params, one)]
    return _page(call, "ScalableTargets", [one for one in found if not resources or one["ResourceId"] in resources])


@operation(SERVICE, "PutScalingPolicy")
def put_scaling_policy(call: Call) -> dict[str, Any]:
    """Make a policy for a target, or change one."""
    kept, params = of(call), call.params
    kind = params.get("PolicyType", "StepScaling")
    needed = CONFIGURATION[kind]
    with kept.lock:
        kept.target(params)
        key = (*_key(params), params["PolicyName"])
        before = kept.policies.get(key, {})
        settings = params.get(needed) or before.get(needed)
        if not settings:
            raise invalid(f"{needed} must be specified for a policy of type {kind}.")
        resource = f"scalingPolicy:{uuid.uuid4()}:resource/{params['ServiceNamespace']}/{params['ResourceId']}"
        arn = f"arn:aws:autoscaling:{call.region}:{ACCOUNT}:{resource}:policyName/{params['PolicyName']}"
        made = {"CreationTime": datetime.now(UTC), "PolicyARN": arn, **before}
        made |= {name: params[name] for name in (*TARGET, "PolicyName")} | {"PolicyType": kind, needed: settings}
        kept.policies[key] = made
    return {"PolicyARN": made["PolicyARN"], "Alarms": []}


@operation(SERVICE, "DeleteScalingPolicy")
def delete_scaling_policy(call: Call) -> dict[str, Any]:
    """Remove a policy."""
    kept = of(call)
    with kept.lock:
        if kept.policies.pop((*_key(call.params), call.params["PolicyName"]), None) is None:
            raise _absent("scaling policy", call.params)
    return {}


@operation(SERVICE, "DescribeScalingPolicies")
def describe_scaling_policies(call: Call) -> dict[str, Any]:
    """List policies."""
    names = call.params.get("PolicyNames")
    found = [{"Alarms": [], **one} for one in list(of(call).policies.values()) if _wanted(call.params, one)]
    return _page(call, "ScalingPolicies", [one for one in found if not names or one["PolicyName"] in names])


def _wanted(params: Mapping[str, Any], one: Mapping[str, Any]) -> bool:
    return all(params.get(name) in (None, one[name]) for name in TARGET)


def _page(call: Call, member: str, found: list[dict[str, Any]]) -> dict[str, Any]:
    token, size = call.params.get("NextToken") or "0", int(call.params.get("MaxResults") or 50)
    if not token.isdigit() or int(token) > len(found):
        raise AwsError("InvalidNextTokenException", "The next token is not valid.")
    end = int(token) + size
    more = {"NextToken": str(end)} if end < len(found) else {}
    return {member: found[int(token) : end], **more}
