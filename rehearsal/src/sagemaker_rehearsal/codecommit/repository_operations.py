"""Step 3: the operations on repositories as a whole: make, describe, rename, tag and delete them."""

from __future__ import annotations

from typing import Any

from sagemaker_rehearsal.codecommit import limits
from sagemaker_rehearsal.codecommit.errors import refused
from sagemaker_rehearsal.codecommit.paging import page
from sagemaker_rehearsal.codecommit.repositories import Repository, of
from sagemaker_rehearsal.server.service import ACCOUNT, Call, operation

PAGE = 1_000  # of ListRepositories


@operation("codecommit", "CreateRepository")
def create_repository(call: Call) -> dict[str, Any]:
    """Make an empty repository, without any branch."""
    name = limits.check_repository(call.params["repositoryName"])
    tags = dict(call.params.get("tags") or {})
    limits.check_tags(tags, {})
    made = of(call.cloud).create(
        name,
        call.region,
        description=call.params.get("repositoryDescription"),
        tags=tags,
        kms_key=call.params.get("kmsKeyId") or "",
    )
    return {"repositoryMetadata": made.metadata()}


@operation("codecommit", "GetRepository")
def get_repository(call: Call) -> dict[str, Any]:
    """Describe a repository."""
    return {"repositoryMetadata": repository_of(call).metadata()}


@operation("codecommit", "BatchGetRepositories")
def batch_get_repositories(call: Call) -> dict[str, Any]:
    """Describe several repositories, and say which are not there."""
    names = call.params["repositoryNames"]
    if not names:
        raise refused("RepositoryNamesRequiredException")
    if len(names) > limits.BATCH:
        raise refused("MaximumRepositoryNamesExceededException")
    found = {name: of(call.cloud).find(limits.check_repository(name)) for name in names}
    return {
        "repositories": [one.metadata() for one in found.values() if one],
        "repositoriesNotFound": [name for name, one in found.items() if one is None],
        "errors": [],
    }


@operation("codecommit", "ListRepositories")
def list_repositories(call: Call) -> dict[str, Any]:
    """List all repositories."""
    found = of(call.cloud).all()
    if call.params.get("sortBy") == "lastModifiedDate":
        found.sort(key=lambda one: one.modified)
    if call.params.get("order") == "descending":
        found.reverse()
    rows, token = page(found, call.params.get("nextToken"), PAGE)
    listed = [{"repositoryName": one.name, "repositoryId": one.id} for one in rows]
    return {"repositories": listed, **({"nextToken": token} if token else {})}


@operation("codecommit", "DeleteRepository")
def delete_repository(call: Call) -> dict[str, Any]:
    """Delete a repository with its history; one that is not there is no error."""
    gone = of(call.cloud).delete(call.params["repositoryName"])
    return {"repositoryId": gone.id} if gone else {}


@operation("codecommit", "UpdateRepositoryDescription")
def update_repository_description(call: Call) -> None:
    """Describe it in other words."""
    repository_of(call).description = call.params.get("repositoryDescription")


@operation("codecommit", "UpdateRepositoryName")
def update_repository_name(call: Call) -> None:
    """Give it another name."""
    of(call.cloud).rename(call.params["oldName"], call.params["newName"])


@operation("codecommit", "TagResource")
def tag_resource(call: Call) -> None:
    """Add tags."""
    repository, tags = _by_arn(call), dict(call.params["tags"])
    limits.check_tags(tags, repository.tags)
    repository.tags = {**repository.tags, **tags}


@operation("codecommit", "UntagResource")
def untag_resource(call: Call) -> None:
    """Remove tags."""
    repository, keys = _by_arn(call), set(call.params["tagKeys"])
    repository.tags = {key: value for key, value in repository.tags.items() if key not in keys}


@operation("codecommit", "ListTagsForResource")
def list_tags_for_resource(call: Call) -> dict[str, Any]:
    """List tags."""
    return {"tags": _by_arn(call).tags}


def repository_of(call: Call) -> Repository:
    """Return the repository that a request names.

    Raises:
        AwsError: RepositoryNameRequiredException, InvalidRepositoryNameException, RepositoryDoesNotExistException.
    """
    name = call.params.get("repositoryName")
    if not name:
        raise refused("RepositoryNameRequiredException")
    return of(call.cloud).get(name)


def _by_arn(call: Call) -> Repository:
    arn = call.params["resourceArn"]
    start = f"arn:aws:codecommit:{call.region}:{ACCOUNT}:"
    if not arn.startswith(start):
        raise refused("InvalidResourceArnException", arn)
    return of(call.cloud).get(arn.removeprefix(start))
