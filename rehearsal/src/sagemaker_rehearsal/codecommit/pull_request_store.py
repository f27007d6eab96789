"""Step 3: what CodeCommit keeps of pull requests, and what becomes of open ones when branches move."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sagemaker_rehearsal.codecommit.errors import refused
from sagemaker_rehearsal.codecommit.repositories import Repository
from sagemaker_rehearsal.server.service import Host


@dataclass(eq=False)
class PullRequest:
    """One pull request. Its commits are those of the branches while it is open, and stay as they were afterwards."""

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

    def described(self) -> dict[str, Any]:
        """Return it as GetPullRequest has it."""
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
        """Close it; for good, as CodeCommit does."""
        self.status, self.active = "CLOSED", time.time()
        self.merge = merge or self.merge


class PullRequests:
    """All pull requests of one cloud: numbers are given once an account."""

    def __init__(self, _: Host) -> None:
        self.by_number: dict[str, PullRequest] = {}
        self.lock = threading.RLock()

    def get(self, number: str) -> PullRequest:
        """Return a pull request.

        Raises:
            AwsError: InvalidPullRequestIdException, PullRequestDoesNotExistException.
        """
        if not number.isdigit():
            raise refused("InvalidPullRequestIdException", number)
        if number not in self.by_number:
            raise refused("PullRequestDoesNotExistException", number)
        return self.by_number[number]

    def of_repository(self, repository: Repository) -> list[PullRequest]:
        """Return a repository's pull requests, the newest first."""
        return [one for one in reversed(self.by_number.values()) if one.repository is repository]


def of(cloud: Host) -> PullRequests:
    """Return a cloud's pull requests."""
    return cloud.state_of(PullRequests)


def follow(cloud: Host, repository: Repository, references: Iterable[str]) -> None:
    """Let open pull requests follow their branches.

    One is closed when a branch of it is deleted, and when the destination was moved forward to the source:
    https://docs.aws.amazon.com/codecommit/latest/userguide/how-to-merge-pull-request.html
    """
    moved = set(references)
    for one in of(cloud).of_repository(repository):
        if one.status == "OPEN" and moved & {one.source, one.destination}:
            _follow(one)


def _follow(one: PullRequest) -> None:
    git = one.repository.git
    source, destination = git.commit_of(one.source), git.commit_of(one.destination)
    if source is None or destination is None:
        one.close()
    elif source == destination:
        one.close({"isMerged": True, "mergeCommitId": source, "mergeOption": "FAST_FORWARD_MERGE"})
    else:
        one.source_commit, one.destination_commit = source, destination
        one.base, one.active = git.merge_base(source, destination), time.time()
