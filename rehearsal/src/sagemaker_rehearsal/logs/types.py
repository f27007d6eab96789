"""Steps 1 and 3: the resource type of log groups."""

from __future__ import annotations

from typing import Any

from sagemaker_rehearsal.cloudformation.resources import Made, Properties, Resource, ResourceType, tags_of
from sagemaker_rehearsal.server.service import ACCOUNT, Host


class LogGroup(ResourceType):
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-logs-loggroup.html"""

    name = "AWS::Logs::LogGroup"
    known = frozenset({"LogGroupName", "RetentionInDays", "KmsKeyId", "LogGroupClass", "Tags"})
    named = "LogGroupName"
    longest = 512
    fixed = frozenset({"LogGroupClass"})

    def make(self, cloud: Host, name: str, given: Properties) -> Made:
        """Make the group."""
        logs, tags = cloud.client("logs"), tags_of(given)
        optional = {"kmsKeyId": given.get("KmsKeyId"), "logGroupClass": given.get("LogGroupClass"), "tags": tags}
        logs.create_log_group(logGroupName=name, **{key: value for key, value in optional.items() if value})
        if given.get("RetentionInDays"):
            self._retain(logs, name, given)
        return name, {"Arn": self._arn(cloud, name)}

    def change(self, cloud: Host, old: Resource, name: str, given: Properties) -> dict[str, str]:
        """Change retention and tags."""
        logs, tags, before = cloud.client("logs"), tags_of(given), tags_of(old.properties)
        if given.get("RetentionInDays") != old.properties.get("RetentionInDays"):
            self._retain(logs, name, given)
        arn = old.attributes["Arn"].removesuffix(":*")
        if gone := sorted(set(before) - set(tags)):
            logs.untag_resource(resourceArn=arn, tagKeys=gone)
        if tags and tags != before:
            logs.tag_resource(resourceArn=arn, tags=tags)
        return dict(old.attributes)

    def remove(self, cloud: Host, old: Resource) -> None:
        """Remove the group with all that it holds."""
        cloud.client("logs").delete_log_group(logGroupName=old.physical_resource_id)

    @staticmethod
    def _retain(logs: Any, name: str, given: Properties) -> None:  # noqa: ANN401 (boto3's client)
        if given.get("RetentionInDays"):
            logs.put_retention_policy(logGroupName=name, retentionInDays=int(given["RetentionInDays"]))
        else:
            logs.delete_retention_policy(logGroupName=name)

    @staticmethod
    def _arn(cloud: Host, name: str) -> str:
        return f"arn:aws:logs:{cloud.region}:{ACCOUNT}:log-group:{name}:*"


RESOURCE_TYPES: tuple[ResourceType, ...] = (LogGroup(),)
