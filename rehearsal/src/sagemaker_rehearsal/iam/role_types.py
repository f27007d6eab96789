"""Steps 1 and 3: AWS::IAM::Role.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-role.html
"""

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from sagemaker_rehearsal.cloudformation.resources import (
    Made,
    Properties,
    Resource,
    ResourceType,
    chosen,
    ignore_absence,
    tag_list,
    tags_of,
)
from sagemaker_rehearsal.iam import documents
from sagemaker_rehearsal.server.service import Host

HOUR = 3600


class Role(ResourceType):
    """A role with its policies."""

    name = "AWS::IAM::Role"
    known = frozenset(
        {"AssumeRolePolicyDocument", "Description", "ManagedPolicyArns", "MaxSessionDuration", "Path"}
        | {"PermissionsBoundary", "Policies", "RoleName", "Tags"}
    )
    required = ("AssumeRolePolicyDocument",)
    named = "RoleName"
    fixed = frozenset({"Path"})

    def check(self, logical: str, properties: Properties) -> None:
        """Check the properties before any resource is created."""
        super().check(logical, properties)
        documents.require_whole(properties)

    def make(self, cloud: Host, name: str, properties: Properties) -> Made:
        """Create a role, then its policies."""
        settings = chosen(properties, ("Path", "Description", "PermissionsBoundary"))
        trust = documents.text(properties["AssumeRolePolicyDocument"])
        tags = {"Tags": tag_list(properties)} if properties.get("Tags") else {}
        iam = cloud.client("iam")
        role = iam.create_role(
            RoleName=name,
            AssumeRolePolicyDocument=trust,
            MaxSessionDuration=_longest(properties),
            **settings,
            **tags,
        )["Role"]
        try:
            _policies(iam, name, {}, properties)
        except ClientError:
            _remove(iam, name)
            raise
        return name, {"Arn": role["Arn"], "RoleId": role["RoleId"]}

    def change(self, cloud: Host, old: Resource, name: str, properties: Properties) -> Mapping[str, str]:
        """Update a role and its policies."""
        iam = cloud.client("iam")
        _itself(iam, old.physical_resource_id, old.properties, properties)
        _policies(iam, old.physical_resource_id, old.properties, properties)
        return old.attributes

    def remove(self, cloud: Host, old: Resource) -> None:
        """Delete a role with all policies that it has, also those that the template does not list."""
        _remove(cloud.client("iam"), old.physical_resource_id)


def _remove(iam: Any, name: str) -> None:  # noqa: ANN401 (boto3 clients have no type)
    ignore_absence(lambda: _empty(iam, name))
    ignore_absence(lambda: iam.delete_role(RoleName=name))


def _longest(properties: Properties) -> int:
    return int(properties.get("MaxSessionDuration") or HOUR)


def _empty(iam: Any, name: str) -> None:  # noqa: ANN401 (boto3 clients have no type)
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
    for attached in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=name, PolicyArn=attached["PolicyArn"])


def _itself(iam: Any, name: str, before: Properties, after: Properties) -> None:  # noqa: ANN401 (as above)
    def differs(*keys: str) -> bool:
        return any(before.get(key) != after.get(key) for key in keys)

    if differs("AssumeRolePolicyDocument"):
        trust = documents.text(after["AssumeRolePolicyDocument"])
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=trust)
    if differs("Description", "MaxSessionDuration"):
        iam.update_role(RoleName=name, Description=after.get("Description", ""), MaxSessionDuration=_longest(after))
    if differs("PermissionsBoundary"):
        if after.get("PermissionsBoundary"):
            iam.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=after["PermissionsBoundary"])
        else:
            iam.delete_role_permissions_boundary(RoleName=name)
    if differs("Tags"):
        _retag(iam, name, before, after)


def _retag(iam: Any, name: str, before: Properties, after: Properties) -> None:  # noqa: ANN401 (as above)
    lost = sorted(tags_of(before).keys() - tags_of(after).keys())
    if lost:
        iam.untag_role(RoleName=name, TagKeys=lost)
    if tags_of(after):
        iam.tag_role(RoleName=name, Tags=tag_list(after))


def _policies(iam: Any, name: str, before: Properties, after: Properties) -> None:  # noqa: ANN401 (as above)
    old = {str(policy["PolicyName"]): policy for policy in before.get("Policies") or []}
    new = {str(policy["PolicyName"]): policy for policy in after.get("Policies") or []}
    for arn in after.get("ManagedPolicyArns") or []:
        if arn not in (before.get("ManagedPolicyArns") or []):
            iam.attach_role_policy(RoleName=name, PolicyArn=arn)
    for arn in before.get("ManagedPolicyArns") or []:
        if arn not in (after.get("ManagedPolicyArns") or []):
            iam.detach_role_policy(RoleName=name, PolicyArn=arn)
    for policy in new:
        if new[policy] != old.get(policy):
            document = documents.text(new[policy]["PolicyDocument"])
            iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=document)
    for policy in old.keys() - new.keys():
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
