"""Steps 4, 7 and 10: what SageMaker asks of the role that it is given, before it takes a job or a model.

Only the network is asked for: "If you specify a private VPC for your processing job, add the following permissions.
Don't scope in the policy with any conditions or resource filters. Otherwise, the validation checks that occur during
the creation of the processing job fail." Training jobs, AutoML jobs and models have the same list. What exactly is
checked is not published; here each right must hold for the resource `*`.
https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html#sagemaker-roles-createprocessingjob-perms
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import jmespath

from sagemaker_rehearsal.iam.actions import Needed
from sagemaker_rehearsal.iam.decision import check
from sagemaker_rehearsal.iam.identity import Principal
from sagemaker_rehearsal.server.service import ACCOUNT, Host

NETWORK = (
    "ec2:CreateNetworkInterface",
    "ec2:CreateNetworkInterfacePermission",
    "ec2:DeleteNetworkInterface",
    "ec2:DeleteNetworkInterfacePermission",
    "ec2:DescribeDhcpOptions",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
)
# CreateModel and CreateTrainingJob; CreateProcessingJob; CreateAutoMLJob; CreateAutoMLJobV2
_VPC = "VpcConfig || NetworkConfig.VpcConfig || AutoMLJobConfig.SecurityConfig.VpcConfig || SecurityConfig.VpcConfig"


def require(cloud: Host, operation: str, params: Mapping[str, Any]) -> None:
    """Check the role that a request to SageMaker names, where the request names a VPC too.

    Raises:
        AwsError: when the role may not use the network, or may use parts of it only.
    """
    role = params.get("RoleArn") or params.get("ExecutionRoleArn")
    if not role or not operation.startswith("Create") or not _vpc().search(params):
        return
    name = str(role).rpartition("/")[2]
    principal = Principal("role", f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/SageMaker", str(role), "SageMaker")
    for action in NETWORK:
        check(cloud, principal, Needed(action, "*"), cloud.region, "sagemaker")


@lru_cache(maxsize=1)
def _vpc() -> Any:  # noqa: ANN401 (jmespath has no types)
    return jmespath.compile(_VPC)
