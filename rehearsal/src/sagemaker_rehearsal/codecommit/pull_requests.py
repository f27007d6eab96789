"""Step 3: the operations on pull requests: a template's update is proposed by one."""

from __future__ import annotations

import uuid
from typing import Any

from sagemaker_rehearsal.codecommit import limits
from sagemaker_rehearsal.codecommit.commits import caller_arn
from sagemaker_rehearsal.codecommit.errors import refused
from sagemaker_rehearsal.codecommit.merging import WAYS, Sides, merge
from sagemaker_rehearsal.codecommit.paging import page
from sagemaker_rehearsal.codecommit.pull_request_store import PullRequest, PullRequests, of
from sagemaker_rehearsal.codecommit.repositories import HEADS, Repository
from sagemaker_rehearsal.codecommit.repositories import of as repositories
from sagemaker_rehearsal.codecommit.repository_operations import repository_of
from sagemaker_rehearsal.server.service import Call, operation

PAGE = 100


@operation("codecommit", "CreatePullRequest")
def create_pull_request(call: Call) -> dict[str, Any]:
    """Propose a branch to another one. The same token with the same request gives the same pull request."""
    targets = call.params["targets"]
    if not call.params["title"]:
        raise refused("TitleRequiredException")
    if not targets:
        raise refused("TargetsRequiredException")
    if len(targets) > 1:
        raise refused("MultipleRepositoriesInPullRequestException")
    repository = repositories(call.cloud).get(targets[0]["repositoryName"])
    source, destination = _references(repository, targets[0])
    kept, token = of(call.cloud), call.params.get("clientRequestToken") or str(uuid.uuid4())
    with repository.lock, kept.lock:
        known = next((one for one in kept.by_number.values() if one.token == token), None)
        if known:
            return {"pullRequest": _same(known, call, repository, source, destination).described()}
        made = _made(call, kept, repository, (source, destination), token)
        kept.by_number[made.number] = made
    return {"pullRequest": made.described()}


@operation("codecommit", "GetPullRequest")
def get_pull_request(call: Call) -> dict[str, Any]:
    """Describe a pull request; it is addressed by its number alone."""
    return {"pullRequest": of(call.cloud).get(call.params["pullRequestId"]).described()}


@operation("codecommit", "ListPullRequests")
def list_pull_requests(call: Call) -> dict[str, Any]:
    """List the numbers of a repository's pull requests."""
    status, author = call.params.get("pullRequestStatus"), call.params.get("authorArn")
    numbers = [
        one.number
        for one in of(call.cloud).of_repository(repository_of(call))
        if status in (None, one.status) and author in (None, one.author)
    ]
    rows, token = page(numbers, call.params.get("nextToken"), call.params.get("maxResults", PAGE))
    return {"pullRequestIds": rows, **({"nextToken": token} if token else {})}


@operation("codecommit", "UpdatePullRequestStatus")
def update_pull_request_status(call: Call) -> dict[str, Any]:
    """Close it: "the only valid update is from OPEN to CLOSED"."""
    one = of(call.cloud).get(call.params["pullRequestId"])
    if one.status == "CLOSED" or call.params["pullRequestStatus"] != "CLOSED":
        raise refused("InvalidPullRequestStatusUpdateException", one.number)
    one.close()
    return {"pullRequest": one.described()}


@operation("codecommit", "UpdatePullRequestTitle", "UpdatePullRequestDescription")
def update_pull_request(call: Call) -> dict[str, Any]:
    """Describe it in other words."""
    one = of(call.cloud).get(call.params["pullRequestId"])
    if one.status == "CLOSED":
        raise refused("PullRequestAlreadyClosedException", one.number)
    one.title = call.params.get("title", one.title)
    one.description = call.params.get("description", one.description)
    return {"pullRequest": one.described()}


@operation("codecommit", "MergePullRequestByFastForward", "MergePullRequestBySquash", "MergePullRequestByThreeWay")
def merge_pull_request(call: Call) -> dict[str, Any]:
    """Merge it, and close it."""
    one, repository = of(call.cloud).get(call.params["pullRequestId"]), repository_of(call)
    if one.repository is not repository:
        raise refused("RepositoryNotAssociatedWithPullRequestException", one.number)
    way = WAYS[call.operation.removeprefix("MergePullRequestBy")]
    with repository.lock:
        if one.status == "CLOSED":
            raise refused("PullRequestAlreadyClosedException", one.number)
        if call.params.get("sourceCommitId", one.source_commit) != one.source_commit:
            raise refused("TipOfSourceReferenceIsDifferentException", one.source_commit)
        sides = Sides.of(repository.git, one.source_commit, one.destination_commit, call.params)
        made = merge(call, repository, one.destination.removeprefix(HEADS), sides, way)
        one.destination_commit = sides.destination
        one.close({"isMerged": True, "mergedBy": caller_arn(call), "mergeCommitId": made, "mergeOption": way})
    return {"pullRequest": one.described()}


def _references(repository: Repository, target: dict[str, str]) -> tuple[str, str]:
    destination = target.get("destinationReference") or repository.default
    if not destination:
        raise refused("ReferenceDoesNotExistException", "the repository is empty")
    given = (target["sourceReference"], destination)
    names = [HEADS + limits.check_branch(one, "InvalidReferenceNameException") for one in given]
    for name in names:
        if repository.git.commit_of(name) is None:
            raise refused("ReferenceDoesNotExistException", name)
    if names[0] == names[1]:
        raise refused("SourceAndDestinationAreSameException", names[0])
    return names[0], names[1]


def _made(
    call: Call, kept: PullRequests, repository: Repository, references: tuple[str, str], token: str
) -> PullRequest:
    opened = [one for one in kept.of_repository(repository) if one.status == "OPEN"]
    if len(opened) >= limits.OPEN_PULL_REQUESTS:
        raise refused("MaximumOpenPullRequestsExceededException")
    commits = [repository.resolve(name) for name in references]
    return PullRequest(
        number=str(len(kept.by_number) + 1),
        repository=repository,
        source=references[0],
        destination=references[1],
        title=call.params["title"],
        description=call.params.get("description"),
        author=caller_arn(call),
        token=token,
        source_commit=commits[0],
        destination_commit=commits[1],
        base=repository.git.merge_base(commits[0], commits[1]),
    )


def _same(known: PullRequest, call: Call, repository: Repository, source: str, destination: str) -> PullRequest:
    """Return the pull request that was made with a token before.

    Raises:
        AwsError: it was made with other parameters.
    """
    asked = (repository, source, destination, call.params["title"], call.params.get("description"))
    if asked != (known.repository, known.source, known.destination, known.title, known.description):
        raise refused("IdempotencyParameterMismatchException", known.token)
    return known
