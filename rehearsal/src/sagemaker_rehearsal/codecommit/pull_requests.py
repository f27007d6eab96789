"""Step 3: the operations on pull requests, by which the product proposes a template's update."""

from __future__ import annotations

import uuid
from typing import Any

from sagemaker_rehearsal.codecommit import limits
from sagemaker_rehearsal.codecommit.commits import caller_arn
from sagemaker_rehearsal.codecommit.errors import service_error
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
    """Create a pull request; a repeated token with the same request returns the same pull request."""
    targets = call.params["targets"]
    if not call.params["title"]:
        raise service_error("TitleRequiredException")
    if not targets:
        raise service_error("TargetsRequiredException")
    if len(targets) > 1:
        raise service_error("MultipleRepositoriesInPullRequestException")
    repository = repositories(call.cloud).get(targets[0]["repositoryName"])
    source, destination = _references(repository, targets[0])
    pull_requests, token = of(call.cloud), call.params.get("clientRequestToken") or str(uuid.uuid4())
    with repository.lock, pull_requests.lock:
        known = next((candidate for candidate in pull_requests.by_number.values() if candidate.token == token), None)
        if known:
            return {"pullRequest": _require_same(known, call, repository, source, destination).describe()}
        pull_request = _new_pull_request(call, pull_requests, repository, (source, destination), token)
        pull_requests.by_number[pull_request.number] = pull_request
    return {"pullRequest": pull_request.describe()}


@operation("codecommit", "GetPullRequest")
def get_pull_request(call: Call) -> dict[str, Any]:
    """Describe a pull request; its number alone identifies it."""
    return {"pullRequest": of(call.cloud).get(call.params["pullRequestId"]).describe()}


@operation("codecommit", "ListPullRequests")
def list_pull_requests(call: Call) -> dict[str, Any]:
    """List the numbers of a repository's pull requests."""
    status, author = call.params.get("pullRequestStatus"), call.params.get("authorArn")
    numbers = [
        pull_request.number
        for pull_request in of(call.cloud).of_repository(repository_of(call))
        if status in (None, pull_request.status) and author in (None, pull_request.author)
    ]
    rows, token = page(numbers, call.params.get("nextToken"), call.params.get("maxResults", PAGE))
    return {"pullRequestIds": rows, **({"nextToken": token} if token else {})}


@operation("codecommit", "UpdatePullRequestStatus")
def update_pull_request_status(call: Call) -> dict[str, Any]:
    """Close a pull request: "the only valid update is from OPEN to CLOSED"."""
    pull_request = of(call.cloud).get(call.params["pullRequestId"])
    if pull_request.status == "CLOSED" or call.params["pullRequestStatus"] != "CLOSED":
        raise service_error("InvalidPullRequestStatusUpdateException", pull_request.number)
    pull_request.close()
    return {"pullRequest": pull_request.describe()}


@operation("codecommit", "UpdatePullRequestTitle", "UpdatePullRequestDescription")
def update_pull_request(call: Call) -> dict[str, Any]:
    """Change a pull request's title or description."""
    pull_request = of(call.cloud).get(call.params["pullRequestId"])
    if pull_request.status == "CLOSED":
        raise service_error("PullRequestAlreadyClosedException", pull_request.number)
    pull_request.title = call.params.get("title", pull_request.title)
    pull_request.description = call.params.get("description", pull_request.description)
    return {"pullRequest": pull_request.describe()}


@operation("codecommit", "MergePullRequestByFastForward", "MergePullRequestBySquash", "MergePullRequestByThreeWay")
def merge_pull_request(call: Call) -> dict[str, Any]:
    """Merge and close a pull request."""
    pull_request, repository = of(call.cloud).get(call.params["pullRequestId"]), repository_of(call)
    if pull_request.repository is not repository:
        raise service_error("RepositoryNotAssociatedWithPullRequestException", pull_request.number)
    way = WAYS[call.operation.removeprefix("MergePullRequestBy")]
    with repository.lock:
        if pull_request.status == "CLOSED":
            raise service_error("PullRequestAlreadyClosedException", pull_request.number)
        if call.params.get("sourceCommitId", pull_request.source_commit) != pull_request.source_commit:
            raise service_error("TipOfSourceReferenceIsDifferentException", pull_request.source_commit)
        sides = Sides.of(repository.git, pull_request.source_commit, pull_request.destination_commit, call.params)
        commit = merge(call, repository, pull_request.destination.removeprefix(HEADS), sides, way)
        pull_request.destination_commit = sides.destination
        pull_request.close(
            {"isMerged": True, "mergedBy": caller_arn(call), "mergeCommitId": commit, "mergeOption": way}
        )
    return {"pullRequest": pull_request.describe()}


def _references(repository: Repository, target: dict[str, str]) -> tuple[str, str]:
    destination = target.get("destinationReference") or repository.default
    if not destination:
        raise service_error("ReferenceDoesNotExistException", "the repository is empty")
    references = (target["sourceReference"], destination)
    names = [HEADS + limits.check_branch(reference, "InvalidReferenceNameException") for reference in references]
    for name in names:
        if repository.git.commit_of(name) is None:
            raise service_error("ReferenceDoesNotExistException", name)
    if names[0] == names[1]:
        raise service_error("SourceAndDestinationAreSameException", names[0])
    return names[0], names[1]


def _new_pull_request(
    call: Call, pull_requests: PullRequests, repository: Repository, references: tuple[str, str], token: str
) -> PullRequest:
    opened = [pull_request for pull_request in pull_requests.of_repository(repository) if pull_request.status == "OPEN"]
    if len(opened) >= limits.OPEN_PULL_REQUESTS:
        raise service_error("MaximumOpenPullRequestsExceededException")
    commits = [repository.resolve(name) for name in references]
    return PullRequest(
        number=str(len(pull_requests.by_number) + 1),
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


def _require_same(known: PullRequest, call: Call, repository: Repository, source: str, destination: str) -> PullRequest:
    """Return the pull request of a repeated token, if the request is the same.

    Raises:
        AwsError: it was created with other parameters.
    """
    asked = (repository, source, destination, call.params["title"], call.params.get("description"))
    if asked != (known.repository, known.source, known.destination, known.title, known.description):
        raise service_error("IdempotencyParameterMismatchException", known.token)
    return known
