"""Step 3: the CloudFormation type AWS::CodeCommit::Repository.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-codecommit-repository.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sagemaker_rehearsal.cloudformation.resources import Made, Properties, Resource, ResourceType, tags_of
from sagemaker_rehearsal.server.service import Host


class Repository(ResourceType):
    """A repository; its property Code is not supported, so the first commit is made by the API or Git."""

    name = "AWS::CodeCommit::Repository"
    known = frozenset({"RepositoryName", "RepositoryDescription", "Tags", "KmsKeyId"})
    required = ("RepositoryName",)

    def make(self, cloud: Host, name: str, properties: Properties) -> Made:
        """Create a repository; Ref is its id."""
        optional = {"repositoryDescription": "RepositoryDescription", "kmsKeyId": "KmsKeyId"}
        request = {member: properties[key] for member, key in optional.items() if properties.get(key)}
        answer = cloud.client("codecommit").create_repository(
            repositoryName=properties["RepositoryName"], tags=tags_of(properties), **request
        )
        return answer["repositoryMetadata"]["repositoryId"], _attributes(answer["repositoryMetadata"])

    def change(self, cloud: Host, old: Resource, name: str, properties: Properties) -> Mapping[str, str]:
        """Update it in place: no property but Code needs a replacement."""
        client, before, after = cloud.client("codecommit"), old.properties, properties["RepositoryName"]
        if after != before["RepositoryName"]:
            client.update_repository_name(oldName=before["RepositoryName"], newName=after)
        description = properties.get("RepositoryDescription") or ""
        if description != (before.get("RepositoryDescription") or ""):
            client.update_repository_description(repositoryName=after, repositoryDescription=description)
        metadata = client.get_repository(repositoryName=after)["repositoryMetadata"]
        tags = tags_of(properties)
        if lost := sorted(tags_of(before).keys() - tags.keys()):
            client.untag_resource(resourceArn=metadata["Arn"], tagKeys=lost)
        if tags and tags != tags_of(before):
            client.tag_resource(resourceArn=metadata["Arn"], tags=tags)
        return _attributes(metadata)

    def remove(self, cloud: Host, old: Resource) -> None:
        """Delete it with its history, as CloudFormation does without a DeletionPolicy."""
        cloud.client("codecommit").delete_repository(repositoryName=old.properties["RepositoryName"])


def _attributes(metadata: Mapping[str, Any]) -> dict[str, str]:
    return {
        "Arn": metadata["Arn"],
        "CloneUrlHttp": metadata["cloneUrlHttp"],
        "CloneUrlSsh": metadata["cloneUrlSsh"],
        "KmsKeyId": metadata["kmsKeyId"],
        "Name": metadata["repositoryName"],
    }


RESOURCE_TYPES: tuple[ResourceType, ...] = (Repository(),)
