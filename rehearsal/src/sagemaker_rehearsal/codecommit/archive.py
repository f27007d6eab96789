"""Step 4: what CodePipeline's source action takes out of a repository."""

from __future__ import annotations

from pathlib import Path

from sagemaker_rehearsal.codecommit.repositories import of
from sagemaker_rehearsal.server.service import Host


def checkout(cloud: Host, repository: str, commit: str, target: Path) -> None:
    """Write the files of a commit, with their modes and without Git's own folder.

    Args:
        cloud: the embedded cloud.
        repository: its name.
        commit: an id, a branch, or any other specifier.
        target: a folder; it is made.

    Raises:
        AwsError: RepositoryDoesNotExistException, CommitDoesNotExistException.
    """
    found = of(cloud).get(repository)
    found.git.export(found.resolve(commit), target)


def tip(cloud: Host, repository: str, branch: str) -> str | None:
    """Return a branch's newest commit; None when there is no such branch.

    Raises:
        AwsError: RepositoryDoesNotExistException.
    """
    return of(cloud).get(repository).tip(branch.removeprefix("refs/heads/"))
