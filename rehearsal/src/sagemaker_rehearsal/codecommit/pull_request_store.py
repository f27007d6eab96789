"""Step 3: the pull requests of one cloud, and their updates when branches move."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sagemaker_rehearsal.codecommit.errors import service_error
from sagemaker_rehearsal.codecommit.repositories import Repository
from sagemaker_rehearsal.server.service import Host


@dataclass(eq=False)
class PullRequest:
    """One pull request. Its commits follow the branches while it is open and are fixed once it is closed."""

    number: str
    repository: Repository
    source: str
    destination: str
    title: str
    description: str | None
    author: str
    token: str
    source_commit: str
    destination_commit: str
    base: str | None
    status: str = "OPEN"
    merge: dict[str, Any] = field(default_factory=lambda: {"isMerged": False})
    created: float = field(default_factory=time.time)
    active: float = field(default_factory=time.time)

    def describe(self) -> dict[str, Any]:
        """Return the pull request as GetPullRequest does."""
        target = {
            "repositoryName": self.repository.name,
            "sourceReference": self.source,
            "destinationReference": self.destination,
            "destinationCommit": self.destination_commit,
            "sourceCommit": self.source_commit,
            "mergeMetadata": self.merge,
            **({"mergeBase": self.base} if self.base else {}),
        }
        return {
            "pullRequestId": self.number,
            "title": self.title,
            "lastActivityDate": self.active,
            "creationDate": self.created,
            "pullRequestStatus": self.status,
            "authorArn": self.author,
            "pullRequestTargets": [target],
            "clientRequestToken": self.token,
            "revisionId": hashlib.sha256(self.source_commit.encode()).hexdigest(),
            "approvalRules": [],
            **({"description": self.description} if self.description is not None else {}),
        }

    def close(self, merge: dict[str, Any] | None = None) -> None:
        """Close the pull request; CodeCommit cannot reopen it."""
        self.status, self.active = "CLOSED", time.time()
        self.merge = merge or self.merge


class PullRequests:
    """All pull requests of one cloud: numbers are unique in an account."""

    def __init__(self, _: Host) -> None:
        self.by_number: dict[str, PullRequest] = {}
        self.lock = threading.RLock()

    def get(self, number: str) -> PullRequest:
        """Return a pull request.

        Raises:
            AwsError: InvalidPullRequestIdException, PullRequestDoesNotExistException.
        """
        if not number.isdigit():
            raise service_error("InvalidPullRequestIdException", number)
        if number not in self.by_number:
            raise service_error("PullRequestDoesNotExistException", number)
        return self.by_number[number]

    def of_repository(self, repository: Repository) -> list[PullRequest]:
        """Return a repository's pull requests, the newest first."""
        return [
            pull_request for pull_request in reversed(self.by_number.values()) if pull_request.repository is repository
        ]


def of(cloud: Host) -> PullRequests:
    """Return a cloud's pull requests."""
    return cloud.state_of(PullRequests)


def follow(cloud: Host, repository: Repository, references: Iterable[str]) -> None:
    """Update open pull requests after their branches moved.

    A pull request is closed when one of its branches is deleted, or its destination was moved to its source:
    https://docs.aws.amazon.com/codecommit/latest/userguide/how-to-merge-pull-request.html
    """
    moved = set(references)
    for pull_request in of(cloud).of_repository(repository):
        if pull_request.status == "OPEN" and moved & {pull_request.source, pull_request.destination}:
            _follow(pull_request)


def _follow(pull_request: PullRequest) -> None:
    git = pull_request.repository.git
    source, destination = git.commit_of(pull_request.source), git.commit_of(pull_request.destination)
    if source is None or destination is None:
        pull_request.close()
    elif source == destination:
        pull_request.close({"isMerged": True, "mergeCommitId": source, "mergeOption": "FAST_FORWARD_MERGE"})
    else:
        pull_request.source_commit, pull_request.destination_commit = source, destination
        pull_request.base, pull_request.active = git.merge_base(source, destination), time.time()
