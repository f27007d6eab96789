"""Steps 1 and 3: AWS::IAM::ManagedPolicy and AWS::IAM::Policy.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-managedpolicy.html
"""

import contextlib
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from sagemaker_rehearsal.cloudformation.resources import (
    Made,
    Properties,
    Resource,
    ResourceError,
    ResourceType,
    chosen,
    ignore_absence,
)
from sagemaker_rehearsal.iam import documents
from sagemaker_rehearsal.server.service import Host

# The property that lists a policy's holders: the word in the names of IAM's operations, and the parameter
HOLDERS = {"Roles": ("role", "RoleName"), "Users": ("user", "UserName"), "Groups": ("group", "GroupName")}
VERSIONS = 5  # the most that a policy has


def _holders(properties: Properties) -> Iterator[tuple[str, str, str]]:
    for key, (word, member) in HOLDERS.items():
        yield from ((word, member, str(name)) for name in properties.get(key) or [])


class ManagedPolicy(ResourceType):
    """A policy with its versions, attached to the roles, users and groups that it names."""

    name = "AWS::IAM::ManagedPolicy"
    fixed = frozenset({"Path", "Description"})
    known = fixed | {"ManagedPolicyName", "PolicyDocument", *HOLDERS}
    required = ("PolicyDocument",)
    named = "ManagedPolicyName"
    longest = 128

    def make(self, cloud: Host, name: str, properties: Properties) -> Made:
        """Create a policy and attach it."""
        document = properties["PolicyDocument"]
        documents.require_small(f"policy {name}", "PolicySize", documents.MANAGED, [document])
        iam = cloud.client("iam")
        policy = iam.create_policy(
            PolicyName=name, PolicyDocument=documents.text(document), **chosen(properties, ("Path", "Description"))
        )["Policy"]
        try:
            _attach(iam, policy["Arn"], {}, properties)
        except ClientError:
            with contextlib.suppress(ClientError):  # the first error is the one to report
                _remove(iam, policy["Arn"])
            raise
        return policy["Arn"], {"PolicyArn": policy["Arn"], "PolicyId": policy["PolicyId"]}

    def change(self, cloud: Host, old: Resource, name: str, properties: Properties) -> Mapping[str, str]:
        """Create a new default version, and attach or detach the policy."""
        arn, document, iam = old.physical_resource_id, properties["PolicyDocument"], cloud.client("iam")
        documents.require_small(f"policy {arn}", "PolicySize", documents.MANAGED, [document])
        if old.properties.get("PolicyDocument") != document:
            _make_room(iam, arn)
            iam.create_policy_version(PolicyArn=arn, PolicyDocument=documents.text(document), SetAsDefault=True)
        _attach(iam, arn, old.properties, properties)
        return old.attributes

    def remove(self, cloud: Host, old: Resource) -> None:
        """Detach a policy from the holders in the template, and delete it; any other holder makes the deletion fail."""
        iam, arn = cloud.client("iam"), old.physical_resource_id
        for word, member, name in _holders(old.properties):
            ignore_absence(partial(_call, iam, f"detach_{word}_policy", {member: name, "PolicyArn": arn}))
        _remove(iam, arn)


def _attach(iam: Any, arn: str, before: Properties, after: Properties) -> None:  # noqa: ANN401 (boto3 clients have no type)
    old, new = set(_holders(before)), set(_holders(after))
    for word, member, name in sorted(new - old):
        _call(iam, f"attach_{word}_policy", {member: name, "PolicyArn": arn})
    for word, member, name in sorted(old - new):
        _call(iam, f"detach_{word}_policy", {member: name, "PolicyArn": arn})


def _remove(iam: Any, arn: str) -> None:  # noqa: ANN401 (boto3 clients have no type)
    ignore_absence(lambda: _remove_versions(iam, arn))
    ignore_absence(lambda: iam.delete_policy(PolicyArn=arn))


def _call(iam: Any, operation: str, request: dict[str, str]) -> None:  # noqa: ANN401 (boto3 clients have no type)
    getattr(iam, operation)(**request)


def _old_versions(iam: Any, arn: str) -> list[dict[str, Any]]:  # noqa: ANN401 (boto3 clients have no type)
    return [
        version for version in iam.list_policy_versions(PolicyArn=arn)["Versions"] if not version["IsDefaultVersion"]
    ]


def _make_room(iam: Any, arn: str) -> None:  # noqa: ANN401 (boto3 clients have no type)
    old = sorted(_old_versions(iam, arn), key=lambda version: version["CreateDate"])
    if len(old) >= VERSIONS - 1:
        iam.delete_policy_version(PolicyArn=arn, VersionId=old[0]["VersionId"])


def _remove_versions(iam: Any, arn: str) -> None:  # noqa: ANN401 (boto3 clients have no type)
    for version in _old_versions(iam, arn):
        iam.delete_policy_version(PolicyArn=arn, VersionId=version["VersionId"])


class InlinePolicy(ResourceType):
    """An inline policy of roles, users and groups."""

    name = "AWS::IAM::Policy"
    known = frozenset({"PolicyName", "PolicyDocument", *HOLDERS})
    required = ("PolicyName", "PolicyDocument")
    fixed = frozenset({"PolicyName"})

    def check(self, logical: str, properties: Properties) -> None:
        """Check the properties before any resource is created."""
        super().check(logical, properties)
        if not list(_holders(properties)):
            raise ResourceError("At least one of [Groups,Roles,Users] must be non-empty.")

    def make(self, cloud: Host, name: str, properties: Properties) -> Made:
        """Put the policy into each holder."""
        document, policy = documents.text(properties["PolicyDocument"]), str(properties["PolicyName"])
        for word, member, holder in _holders(properties):
            request = {member: holder, "PolicyName": policy, "PolicyDocument": document}
            _call(cloud.client("iam"), f"put_{word}_policy", request)
        return policy, {}

    def change(self, cloud: Host, old: Resource, name: str, properties: Properties) -> Mapping[str, str]:
        """Put the policy again, and delete it from holders that are no longer listed."""
        self.make(cloud, name, properties)
        self._take(cloud, old, set(_holders(old.properties)) - set(_holders(properties)))
        return {}

    def remove(self, cloud: Host, old: Resource) -> None:
        """Delete the policy from all holders."""
        self._take(cloud, old, set(_holders(old.properties)))

    def _take(self, cloud: Host, resource: Resource, holders: set[tuple[str, str, str]]) -> None:
        iam, policy = cloud.client("iam"), resource.physical_resource_id
        for word, member, name in sorted(holders):
            request = {member: name, "PolicyName": policy}
            ignore_absence(partial(_call, iam, f"delete_{word}_policy", request))
