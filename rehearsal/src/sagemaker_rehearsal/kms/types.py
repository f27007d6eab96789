"""Steps 1 and 3: AWS::KMS::Key.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-kms-key.html
"""

from collections.abc import Mapping
from typing import Any

from sagemaker_rehearsal.cloudformation.properties import to_json
from sagemaker_rehearsal.cloudformation.resources import Made, Properties, Resource, ResourceType, chosen, tags_of
from sagemaker_rehearsal.server.service import Host

LONGEST_WAIT = 30  # days that a deleted key waits, by default
CREATED = ("Description", "KeySpec", "KeyUsage")


class Key(ResourceType):
    """A key; Ref is its id."""

    name = "AWS::KMS::Key"
    known = frozenset(
        {*CREATED, "Enabled", "EnableKeyRotation", "KeyPolicy", "MultiRegion", "PendingWindowInDays", "Tags"}
    )
    fixed = frozenset({"KeySpec", "KeyUsage", "MultiRegion"})

    def make(self, cloud: Host, name: str, properties: Properties) -> Made:
        """Create a key."""
        kms, request = cloud.client("kms"), dict(chosen(properties, CREATED))
        if "KeyPolicy" in properties:
            request["Policy"] = to_json(properties["KeyPolicy"])
        if properties.get("Tags"):
            request["Tags"] = _tags(tags_of(properties))
        key = kms.create_key(**request, MultiRegion=_holds(properties, "MultiRegion"))["KeyMetadata"]
        _switch(kms, key["KeyId"], {}, properties)
        return key["KeyId"], {"Arn": key["Arn"], "KeyId": key["KeyId"]}

    def change(self, cloud: Host, old: Resource, name: str, properties: Properties) -> Mapping[str, str]:
        """Update a key."""
        kms, key, before = cloud.client("kms"), old.physical_resource_id, old.properties
        if before.get("Description") != properties.get("Description"):
            kms.update_key_description(KeyId=key, Description=properties.get("Description", ""))
        if "KeyPolicy" in properties and before.get("KeyPolicy") != properties["KeyPolicy"]:
            kms.put_key_policy(KeyId=key, PolicyName="default", Policy=to_json(properties["KeyPolicy"]))
        _switch(kms, key, before, properties)
        lost = sorted(tags_of(before).keys() - tags_of(properties).keys())
        if lost:
            kms.untag_resource(KeyId=key, TagKeys=lost)
        if tags_of(properties) and tags_of(before) != tags_of(properties):
            kms.tag_resource(KeyId=key, Tags=_tags(tags_of(properties)))
        return old.attributes

    def remove(self, cloud: Host, old: Resource) -> None:
        """Schedule a key's deletion, as CloudFormation does."""
        days = int(old.properties.get("PendingWindowInDays") or LONGEST_WAIT)
        cloud.client("kms").schedule_key_deletion(KeyId=old.physical_resource_id, PendingWindowInDays=days)


def _holds(properties: Properties, name: str, default: str = "false") -> bool:
    return str(properties.get(name, default)).lower() == "true"


def _switch(kms: Any, key: str, before: Properties, after: Properties) -> None:  # noqa: ANN401 (boto3 clients have no type)
    if _holds(before, "EnableKeyRotation") != _holds(after, "EnableKeyRotation"):
        (kms.enable_key_rotation if _holds(after, "EnableKeyRotation") else kms.disable_key_rotation)(KeyId=key)
    if _holds(before, "Enabled", "true") != _holds(after, "Enabled", "true"):
        (kms.enable_key if _holds(after, "Enabled", "true") else kms.disable_key)(KeyId=key)


def _tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"TagKey": key, "TagValue": value} for key, value in tags.items()]


RESOURCE_TYPES: tuple[ResourceType, ...] = (Key(),)
