"""Step 3: the operations on repositories: create, describe, rename, tag and delete."""

from __future__ import annotations

from typing import Any

from sagemaker_rehearsal.codecommit import limits
from sagemaker_rehearsal.codecommit.errors import service_error
from sagemaker_rehearsal.codecommit.paging import page
from sagemaker_rehearsal.codecommit.repositories import Repository, of
from sagemaker_rehearsal.server.service import ACCOUNT, Call, operation

PAGE = 1_000  # of ListRepositories


@operation("codecommit", "CreateRepository")
def create_repository(call: Call) -> dict[str, Any]:
    """Create an empty repository, without any branch."""
    name = limits.check_repository(call.params["repositoryName"])
    tags = dict(call.params.get("tags") or {})
    limits.check_tags(tags, {})
    repository = of(call.cloud).create(
        name,
        call.region,
        description=call.params.get("repositoryDescription"),
        tags=tags,
        kms_key=call.params.get("kmsKeyId") or "",
    )
    return {"repositoryMetadata": repository.metadata()}


@operation("codecommit", "GetRepository")
def get_repository(call: Call) -> dict[str, Any]:
    """Describe a repository."""
    return {"repositoryMetadata": repository_of(call).metadata()}


@operation("codecommit", "BatchGetRepositories")
def batch_get_repositories(call: Call) -> dict[str, Any]:
    """Describe several repositories; absent ones are listed separately."""
    names = call.params["repositoryNames"]
    if not names:
        raise service_error("RepositoryNamesRequiredException")
    if len(names) > limits.BATCH:
        raise service_error("MaximumRepositoryNamesExceededException")
    repositories = {name: of(call.cloud).find(limits.check_repository(name)) for name in names}
    return {
        "repositories": [repository.metadata() for repository in repositories.values() if repository],
        "repositoriesNotFound": [name for name, repository in repositories.items() if repository is None],
        "errors": [],
    }


@operation("codecommit", "ListRepositories")
def list_repositories(call: Call) -> dict[str, Any]:
    """List all repositories."""
    repositories = of(call.cloud).all()
    if call.params.get("sortBy") == "lastModifiedDate":
        repositories.sort(key=lambda repository: repository.modified)
    if call.params.get("order") == "descending":
        repositories.reverse()
    rows, token = page(repositories, call.params.get("nextToken"), PAGE)
    listed = [{"repositoryName": repository.name, "repositoryId": repository.id} for repository in rows]
    return {"repositories": listed, **({"nextToken": token} if token else {})}


@operation("codecommit", "DeleteRepository")
def delete_repository(call: Call) -> dict[str, Any]:
    """Delete a repository with its history, if it exists."""
    gone = of(call.cloud).delete(call.params["repositoryName"])
    return {"repositoryId": gone.id} if gone else {}


@operation("codecommit", "UpdateRepositoryDescription")
def update_repository_description(call: Call) -> None:
    """Change a repository's description."""
    repository_of(call).description = call.params.get("repositoryDescription")


@operation("codecommit", "UpdateRepositoryName")
def update_repository_name(call: Call) -> None:
    """Rename a repository."""
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
        raise service_error("RepositoryNameRequiredException")
    return of(call.cloud).get(name)


def _by_arn(call: Call) -> Repository:
    arn = call.params["resourceArn"]
    start = f"arn:aws:codecommit:{call.region}:{ACCOUNT}:"
    if not arn.startswith(start):
        raise service_error("InvalidResourceArnException", arn)
    return of(call.cloud).get(arn.removeprefix(start))
