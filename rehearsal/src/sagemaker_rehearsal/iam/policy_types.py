"""Steps 1 and 3: AWS::IAM::ManagedPolicy and AWS::IAM::Policy.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-managedpolicy.html
"""

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from sagemaker_rehearsal.cloudformation import handler
from sagemaker_rehearsal.cloudformation.resources import HANDLERS, Properties, Resource, ResourceError
from sagemaker_rehearsal.iam import documents
from sagemaker_rehearsal.server.cloud import Cloud

MANAGED = "AWS::IAM::ManagedPolicy"
INLINE = "AWS::IAM::Policy"
# The property that lists whom a policy is for, and the words of IAM's operations for them
HOLDERS = {"Roles": ("role", "RoleName"), "Users": ("user", "UserName"), "Groups": ("group", "GroupName")}
VERSIONS = 5  # the most that a policy has


def _holders(properties: Properties) -> Iterator[tuple[str, str, str]]:
    for key, (word, member) in HOLDERS.items():
        yield from ((word, member, str(name)) for name in properties.get(key) or [])


class Managed:
    """Makes, changes and removes managed policies."""

    fixed = frozenset({"ManagedPolicyName", "Path", "Description"})

    def create(self, cloud: Cloud, stack_id: str, logical: str, kind: str, properties: Properties) -> Resource:
        """Make a policy and attach it."""
        handler.require_known(MANAGED, properties, {*self.fixed, "PolicyDocument", *HOLDERS})
        handler.require(properties, "PolicyDocument")
        name = str(properties.get("ManagedPolicyName") or handler.name_of(stack_id, logical, 128))
        documents.require_small(f"policy {name}", "PolicySize", documents.MANAGED, [properties["PolicyDocument"]])
        taken = {key: properties[key] for key in ("Path", "Description") if key in properties}
        document = documents.text(properties["PolicyDocument"])
        with handler.reasons():
            made = cloud.client("iam").create_policy(PolicyName=name, PolicyDocument=document, **taken)["Policy"]
        policy = Resource(
            MANAGED, logical, made["Arn"], properties, {"PolicyArn": made["Arn"], "PolicyId": made["PolicyId"]}
        )
        try:
            self._attach(cloud, made["Arn"], {}, properties)
        except ResourceError:
            with contextlib.suppress(ResourceError):  # the first error is the one to tell
                self.delete(cloud, replace(policy, properties={}))
            raise
        return policy

    def update(self, cloud: Cloud, stack_id: str, old: Resource, properties: Properties) -> Resource:
        """Give the policy another version, or make another policy."""
        before, arn = old.properties, old.physical_resource_id
        if any(before.get(key) != properties.get(key) for key in self.fixed):
            if properties.get("ManagedPolicyName") == before.get("ManagedPolicyName") is not None:
                raise ResourceError(f"{arn} already exists: with another path or description it needs another name")
            return self.create(cloud, stack_id, old.logical_resource_id, MANAGED, properties)
        handler.require_known(MANAGED, properties, {*self.fixed, "PolicyDocument", *HOLDERS})
        document = properties["PolicyDocument"]
        documents.require_small(f"policy {arn}", "PolicySize", documents.MANAGED, [document])
        iam = cloud.client("iam")
        with handler.reasons():
            if before.get("PolicyDocument") != document:
                _make_room(iam, arn)
                iam.create_policy_version(PolicyArn=arn, PolicyDocument=documents.text(document), SetAsDefault=True)
        self._attach(cloud, arn, before, properties)
        return Resource(MANAGED, old.logical_resource_id, arn, properties, old.attributes)

    def delete(self, cloud: Cloud, resource: Resource) -> None:
        """Detach a policy from whom the template names, and remove it; others who hold it fail the deletion."""
        iam, arn = cloud.client("iam"), resource.physical_resource_id
        with handler.reasons():
            for word, member, name in _holders(resource.properties):
                handler.gone(partial(_ask, iam, f"detach_{word}_policy", {member: name, "PolicyArn": arn}))
            handler.gone(lambda: _remove_versions(iam, arn))
            handler.gone(lambda: iam.delete_policy(PolicyArn=arn))

    def _attach(self, cloud: Cloud, arn: str, before: Properties, after: Properties) -> None:
        iam, old, new = cloud.client("iam"), set(_holders(before)), set(_holders(after))
        with handler.reasons():
            for word, member, name in sorted(new - old):
                _ask(iam, f"attach_{word}_policy", {member: name, "PolicyArn": arn})
            for word, member, name in sorted(old - new):
                _ask(iam, f"detach_{word}_policy", {member: name, "PolicyArn": arn})


def _ask(iam: Any, operation: str, request: dict[str, str]) -> None:  # noqa: ANN401 (boto3 clients have no type)
    getattr(iam, operation)(**request)


def _old_versions(iam: Any, arn: str) -> list[dict[str, Any]]:  # noqa: ANN401 (boto3 clients have no type)
    return [one for one in iam.list_policy_versions(PolicyArn=arn)["Versions"] if not one["IsDefaultVersion"]]


def _make_room(iam: Any, arn: str) -> None:  # noqa: ANN401 (boto3 clients have no type)
    old = sorted(_old_versions(iam, arn), key=lambda one: one["CreateDate"])
    if len(old) >= VERSIONS - 1:
        iam.delete_policy_version(PolicyArn=arn, VersionId=old[0]["VersionId"])


def _remove_versions(iam: Any, arn: str) -> None:  # noqa: ANN401 (boto3 clients have no type)
    for one in _old_versions(iam, arn):
        iam.delete_policy_version(PolicyArn=arn, VersionId=one["VersionId"])


class Inline:
    """Puts one policy into roles, users and groups, and takes it away."""

    fixed = frozenset({"PolicyName"})

    def create(self, cloud: Cloud, stack_id: str, logical: str, kind: str, properties: Properties) -> Resource:
        """Put the policy."""
        handler.require_known(INLINE, properties, {"PolicyName", "PolicyDocument", *HOLDERS})
        handler.require(properties, "PolicyName", "PolicyDocument")
        if not list(_holders(properties)):
            raise ResourceError("At least one of [Groups,Roles,Users] must be non-empty.")
        self._put(cloud, properties)
        return Resource(INLINE, logical, str(properties["PolicyName"]), properties)

    def update(self, cloud: Cloud, stack_id: str, old: Resource, properties: Properties) -> Resource:
        """Put the policy anew, and take it from those who are no longer named."""
        new = self.create(cloud, stack_id, old.logical_resource_id, INLINE, properties)
        if new.physical_resource_id == old.physical_resource_id:
            self._take(cloud, old, set(_holders(old.properties)) - set(_holders(properties)))
        return new

    def delete(self, cloud: Cloud, resource: Resource) -> None:
        """Take the policy from all."""
        self._take(cloud, resource, set(_holders(resource.properties)))

    def _put(self, cloud: Cloud, properties: Properties) -> None:
        document, policy = documents.text(properties["PolicyDocument"]), str(properties["PolicyName"])
        with handler.reasons():
            for word, member, name in _holders(properties):
                request = {member: name, "PolicyName": policy, "PolicyDocument": document}
                _ask(cloud.client("iam"), f"put_{word}_policy", request)

    def _take(self, cloud: Cloud, resource: Resource, holders: set[tuple[str, str, str]]) -> None:
        iam, policy = cloud.client("iam"), resource.physical_resource_id
        with handler.reasons():
            for word, member, name in sorted(holders):
                request = {member: name, "PolicyName": policy}
                handler.gone(partial(_ask, iam, f"delete_{word}_policy", request))


HANDLERS[MANAGED] = Managed()
HANDLERS[INLINE] = Inline()
