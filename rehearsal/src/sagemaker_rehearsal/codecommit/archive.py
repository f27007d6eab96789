"""Step 4: export a repository's files for CodePipeline's source action."""

from __future__ import annotations

from pathlib import Path

from sagemaker_rehearsal.codecommit.repositories import of
from sagemaker_rehearsal.server.service import Host


def checkout(cloud: Host, repository: str, commit: str, target: Path) -> None:
    """Export the files of a commit with their modes, without .git.

    Args:
        cloud: the embedded cloud.
        repository: its name.
        commit: an id, a branch, or any other specifier.
        target: the folder to create.

    Raises:
        AwsError: RepositoryDoesNotExistException, CommitDoesNotExistException.
    """
    source = of(cloud).get(repository)
    source.git.export(source.resolve(commit), target)


def tip(cloud: Host, repository: str, branch: str) -> str | None:
    """Return a branch's newest commit; None when there is no such branch.

    Raises:
        AwsError: RepositoryDoesNotExistException.
    """
    return of(cloud).get(repository).tip(branch.removeprefix("refs/heads/"))
