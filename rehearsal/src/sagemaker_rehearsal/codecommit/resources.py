"""Step 3: the CloudFormation type AWS::CodeCommit::Repository.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-codecommit-repository.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from sagemaker_rehearsal.cloudformation.resources import HANDLERS, Properties, Resource, ResourceError

if TYPE_CHECKING:
    from sagemaker_rehearsal.server import Cloud

TYPE = "AWS::CodeCommit::Repository"
KNOWN = {"RepositoryName", "RepositoryDescription", "Tags", "KmsKeyId"}
UNSUPPORTED = {"Code", "Triggers"}


class RepositoryType:
    """Makes, changes and removes repositories of stacks."""

    def create(self, cloud: Cloud, stack_id: str, logical: str, kind: str, properties: Properties) -> Resource:
        """Make a repository; Ref gives its id.

        Raises:
            ResourceError: with the reason.
        """
        _check(logical, properties)
        request: dict[str, Any] = {"repositoryName": properties["RepositoryName"], "tags": _tags(properties)}
        if properties.get("RepositoryDescription"):
            request["repositoryDescription"] = properties["RepositoryDescription"]
        if properties.get("KmsKeyId"):
            request["kmsKeyId"] = properties["KmsKeyId"]
        made = _asked(cloud, "create_repository", request)["repositoryMetadata"]
        return _resource(logical, properties, made)

    def update(self, cloud: Cloud, stack_id: str, old: Resource, properties: Properties) -> Resource:
        """Change it in place: every property but Code takes no replacement.

        Raises:
            ResourceError: with the reason.
        """
        _check(old.logical_resource_id, properties)
        was, name = old.properties["RepositoryName"], properties["RepositoryName"]
        if name != was:
            _asked(cloud, "update_repository_name", {"oldName": was, "newName": name})
        description = properties.get("RepositoryDescription") or ""
        if description != (old.properties.get("RepositoryDescription") or ""):
            request = {"repositoryName": name, "repositoryDescription": description}
            _asked(cloud, "update_repository_description", request)
        made = _asked(cloud, "get_repository", {"repositoryName": name})["repositoryMetadata"]
        _retag(cloud, made["Arn"], _tags(old.properties), _tags(properties))
        return _resource(old.logical_resource_id, properties, made)

    def delete(self, cloud: Cloud, resource: Resource) -> None:
        """Remove it with its history, as CloudFormation does where no DeletionPolicy keeps it.

        Raises:
            ResourceError: with the reason.
        """
        _asked(cloud, "delete_repository", {"repositoryName": resource.properties["RepositoryName"]})


def _check(logical: str, properties: Properties) -> None:
    unsupported = sorted(UNSUPPORTED & set(properties))
    if unsupported:
        raise ResourceError(
            f"{TYPE} {logical}: the rehearsal does not have the property {unsupported[0]}; "
            "commit the first files by the API or by Git (docs/parity.md lists what it has)"
        )
    unknown = sorted(set(properties) - KNOWN)
    if unknown:
        said = f"extraneous key [{unknown[0]}] is not permitted"
        raise ResourceError(f"Properties validation failed for resource {logical} with message: {said}")
    if not properties.get("RepositoryName"):
        said = "required key [RepositoryName] not found"
        raise ResourceError(f"Properties validation failed for resource {logical} with message: {said}")


def _tags(properties: Properties) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in properties.get("Tags") or []}


def _retag(cloud: Cloud, arn: str, old: Mapping[str, str], new: Mapping[str, str]) -> None:
    gone = sorted(old.keys() - new.keys())
    if gone:
        _asked(cloud, "untag_resource", {"resourceArn": arn, "tagKeys": gone})
    if new and new != old:
        _asked(cloud, "tag_resource", {"resourceArn": arn, "tags": dict(new)})


def _asked(cloud: Cloud, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return dict(getattr(cloud.client("codecommit"), operation)(**request))
    except ClientError as error:
        raise ResourceError(str(error)) from error


def _resource(logical: str, properties: Properties, made: Mapping[str, Any]) -> Resource:
    attributes = {
        "Arn": made["Arn"],
        "CloneUrlHttp": made["cloneUrlHttp"],
        "CloneUrlSsh": made["cloneUrlSsh"],
        "KmsKeyId": made["kmsKeyId"],
        "Name": made["repositoryName"],
    }
    return Resource(TYPE, logical, made["repositoryId"], properties, attributes)


HANDLERS[TYPE] = RepositoryType()
