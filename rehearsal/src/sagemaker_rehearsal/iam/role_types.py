"""Steps 1 and 3: AWS::IAM::Role.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-role.html
"""

from typing import Any

from sagemaker_rehearsal.cloudformation import handler
from sagemaker_rehearsal.cloudformation.resources import HANDLERS, Properties, Resource, ResourceError
from sagemaker_rehearsal.iam import documents
from sagemaker_rehearsal.server.cloud import Cloud

ROLE = "AWS::IAM::Role"
KNOWN = {
    "AssumeRolePolicyDocument",
    "Description",
    "ManagedPolicyArns",
    "MaxSessionDuration",
    "Path",
    "PermissionsBoundary",
    "Policies",
    "RoleName",
    "Tags",
}
HOUR = 3600


class Roles:
    """Makes, changes and removes roles with their policies."""

    fixed = frozenset({"RoleName", "Path"})

    def create(self, cloud: Cloud, stack_id: str, logical: str, kind: str, properties: Properties) -> Resource:
        """Make a role, then its policies."""
        handler.require_known(ROLE, properties, KNOWN)
        handler.require(properties, "AssumeRolePolicyDocument")
        documents.require_whole(properties)
        name = str(properties.get("RoleName") or handler.name_of(stack_id, logical, 64))
        taken = {key: properties[key] for key in ("Path", "Description", "PermissionsBoundary") if key in properties}
        trust = documents.text(properties["AssumeRolePolicyDocument"])
        tags = {"Tags": handler.tags_of(properties)} if properties.get("Tags") else {}
        with handler.reasons():
            made = cloud.client("iam").create_role(
                RoleName=name, AssumeRolePolicyDocument=trust, MaxSessionDuration=_longest(properties), **taken, **tags
            )["Role"]
        role = Resource(ROLE, logical, name, properties, {"Arn": made["Arn"], "RoleId": made["RoleId"]})
        try:
            _policies(cloud, name, {}, properties)
        except ResourceError:
            self.delete(cloud, role)
            raise
        return role

    def update(self, cloud: Cloud, stack_id: str, old: Resource, properties: Properties) -> Resource:
        """Change a role, or make another for another name or path."""
        before, name = old.properties, old.physical_resource_id
        if any(before.get(key) != properties.get(key) for key in self.fixed):
            if properties.get("RoleName") and before.get("RoleName") == properties.get("RoleName"):
                raise ResourceError(f"{name} already exists: a role whose path changes needs another name")
            return self.create(cloud, stack_id, old.logical_resource_id, ROLE, properties)
        handler.require_known(ROLE, properties, KNOWN)
        documents.require_whole(properties)
        with handler.reasons():
            _itself(cloud, name, before, properties)
        _policies(cloud, name, before, properties)
        return Resource(ROLE, old.logical_resource_id, name, properties, old.attributes)

    def delete(self, cloud: Cloud, resource: Resource) -> None:
        """Remove a role with the policies that it has by now."""
        iam, name = cloud.client("iam"), resource.physical_resource_id
        with handler.reasons():
            handler.gone(lambda: _empty(iam, name))
            handler.gone(lambda: iam.delete_role(RoleName=name))


def _longest(properties: Properties) -> int:
    return int(properties.get("MaxSessionDuration") or HOUR)


def _empty(iam: Any, name: str) -> None:  # noqa: ANN401 (boto3 clients have no type)
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
    for attached in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=name, PolicyArn=attached["PolicyArn"])


def _itself(cloud: Cloud, name: str, before: Properties, after: Properties) -> None:
    iam = cloud.client("iam")

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
    kept = {one["Key"] for one in handler.tags_of(after)}
    lost = [one["Key"] for one in handler.tags_of(before) if one["Key"] not in kept]
    if lost:
        iam.untag_role(RoleName=name, TagKeys=lost)
    if kept:
        iam.tag_role(RoleName=name, Tags=handler.tags_of(after))


def _policies(cloud: Cloud, name: str, before: Properties, after: Properties) -> None:
    iam = cloud.client("iam")
    old = handler.by_name(before.get("Policies") or [], "PolicyName")
    new = handler.by_name(after.get("Policies") or [], "PolicyName")
    with handler.reasons():
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


HANDLERS[ROLE] = Roles()
