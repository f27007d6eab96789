"""Steps 4, 7 and 10: SageMaker's checks of the role of a job or a model, before it accepts the request.

Only permissions for the network are checked: "If you specify a private VPC for your processing job, add the following
permissions. Don't scope in the policy with any conditions or resource filters. Otherwise, the validation checks that
occur during the creation of the processing job fail." Training jobs, AutoML jobs and models have the same list. What
exactly is checked is not published; here each action must be allowed on the resource `*`.
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
    """Check the role of a request to SageMaker that has a VPC.

    Raises:
        AwsError: when the role lacks one of the network permissions.
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
