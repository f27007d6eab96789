"""Steps 7 and 10: the scaling of warm capacity is kept as Application Auto Scaling keeps it."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sagemaker_rehearsal.server import Cloud

pytestmark = pytest.mark.rehearsal
TARGET = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "endpoint/scaled/variant/AllTraffic",
    "ScalableDimension": "sagemaker:variant:DesiredProvisionedConcurrency",
}
TRACKING = {
    "TargetValue": 0.7,
    "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantProvisionedConcurrencyUtilization"},
}
RESOURCES: dict[str, Any] = {
    "Target": {
        "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
        "Properties": {**TARGET, "MinCapacity": "1", "MaxCapacity": "3"},
    },
    "Policy": {
        "Type": "AWS::ApplicationAutoScaling::ScalingPolicy",
        "Properties": {
            "PolicyName": "warm",
            "PolicyType": "TargetTrackingScaling",
            "ScalingTargetId": {"Ref": "Target"},
            "TargetTrackingScalingPolicyConfiguration": TRACKING,
        },
    },
}


def kept(cloud: Cloud) -> tuple[list[int], list[Any]]:
    """Return the targets' most capacities and the policies' settings."""
    client = cloud.client("application-autoscaling")
    targets = client.describe_scalable_targets(ServiceNamespace="sagemaker", ResourceIds=[TARGET["ResourceId"]])
    policies = client.describe_scaling_policies(**TARGET)["ScalingPolicies"]
    return (
        [one["MaxCapacity"] for one in targets["ScalableTargets"]],
        [one["TargetTrackingScalingPolicyConfiguration"] for one in policies],
    )


def settled(cloud: Cloud, stack: str) -> str:
    """Wait until a stack is at rest; return its status."""
    for _ in range(400):
        status = str(cloud.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"])
        if not status.endswith("_IN_PROGRESS"):
            return status
        time.sleep(0.05)
    raise AssertionError(f"stack {stack} did not settle")


def test_a_stack_makes_changes_and_removes_target_and_policy(cloud: Cloud) -> None:
    client = cloud.client("cloudformation")
    stack = client.create_stack(StackName="scaled", TemplateBody=json.dumps({"Resources": RESOURCES}))["StackId"]
    assert (settled(cloud, stack), kept(cloud)) == ("CREATE_COMPLETE", ([3], [TRACKING]))
    properties = {**RESOURCES["Target"]["Properties"], "MaxCapacity": "5"}
    changed = {**RESOURCES, "Target": {**RESOURCES["Target"], "Properties": properties}}
    client.update_stack(StackName="scaled", TemplateBody=json.dumps({"Resources": changed}))
    assert (settled(cloud, stack), kept(cloud)) == ("UPDATE_COMPLETE", ([5], [TRACKING]))
    client.delete_stack(StackName="scaled")
    assert (settled(cloud, stack), kept(cloud)) == ("DELETE_COMPLETE", ([], []))


def test_a_policy_needs_a_target(cloud: Cloud) -> None:
    request = {**TARGET, "PolicyName": "warm", "PolicyType": "TargetTrackingScaling"}
    with pytest.raises(ClientError, match="ObjectNotFoundException"):
        cloud.client("application-autoscaling").put_scaling_policy(
            **request, TargetTrackingScalingPolicyConfiguration=TRACKING
        )
