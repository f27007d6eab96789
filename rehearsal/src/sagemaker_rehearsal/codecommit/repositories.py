"""Step 3: the repositories of one cloud: CodeCommit's metadata beside a bare Git repository."""

from __future__ import annotations

import shutil
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sagemaker_rehearsal.codecommit import events
from sagemaker_rehearsal.codecommit.errors import service_error
from sagemaker_rehearsal.codecommit.git import Git
from sagemaker_rehearsal.codecommit.limits import OBJECT_ID, REPOSITORIES, check_repository
from sagemaker_rehearsal.server.service import ACCOUNT, Host

HEADS, TAGS = "refs/heads/", "refs/tags/"
FIRST_NAMES = ("main", "master")  # preferred as default branch when several branches are pushed at once


@dataclass(eq=False)
class Repository:
    """One repository. Code that changes a reference holds `lock` and calls `settle` with the old references."""

    name: str
    region: str
    git: Git
    description: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    kms_key: str = ""
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    default: str | None = None
    created: float = field(default_factory=time.time)
    modified: float = field(default_factory=time.time)
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def arn(self) -> str:
        """The ARN, which has no resource type."""
        return f"arn:aws:codecommit:{self.region}:{ACCOUNT}:{self.name}"

    def metadata(self) -> dict[str, Any]:
        """Return the metadata as GetRepository does."""
        host = f"git-codecommit.{self.region}.amazonaws.com/v1/repos/{self.name}"
        return {
            "accountId": ACCOUNT,
            "repositoryId": self.id,
            "repositoryName": self.name,
            "lastModifiedDate": self.modified,
            "creationDate": self.created,
            "cloneUrlHttp": f"https://{host}",
            "cloneUrlSsh": f"ssh://{host}",
            "Arn": self.arn,
            "kmsKeyId": self.kms_key or f"arn:aws:kms:{self.region}:{ACCOUNT}:key/aws/codecommit",
            **({"repositoryDescription": self.description} if self.description is not None else {}),
            **({"defaultBranch": self.default} if self.default else {}),
        }

    def resolve(self, specifier: str | None) -> str:
        """Resolve a branch, tag, `HEAD`, commit id or full reference to a commit.

        Raises:
            AwsError: CommitDoesNotExistException.
        """
        if specifier in (None, "HEAD"):
            names = [HEADS + self.default] if self.default else []
        elif OBJECT_ID.fullmatch(str(specifier)):
            names = [str(specifier).lower()]
        elif str(specifier).startswith("refs/"):
            names = [str(specifier)]
        else:
            names = [f"{HEADS}{specifier}", f"{TAGS}{specifier}"]
        match = next((commit for name in names if (commit := self.git.commit_of(name))), None)
        if match is None:
            raise service_error("CommitDoesNotExistException", str(specifier or "HEAD"))
        return match

    def tip(self, branch: str) -> str | None:
        """Return a branch's newest commit; None when there is no such branch."""
        return self.git.commit_of(HEADS + branch)

    def set_default(self, branch: str | None) -> None:
        """Set the default branch, also as the bare repository's HEAD for clones."""
        self.default = branch
        if branch:
            self.git("symbolic-ref", "HEAD", HEADS + branch)

    def settle(self, cloud: Host, before: Mapping[str, str], merge: Mapping[str, str] | None = None) -> list[str]:
        """Publish one event for each changed reference and return their names.

        The first branch becomes the default one.
        """
        after = self.git.refs()
        if self.default is None:
            branches = [name.removeprefix(HEADS) for name in after if name.startswith(HEADS)]
            first = [name for name in FIRST_NAMES if name in branches] + sorted(branches)
            self.set_default(first[0] if first else None)
        differing = events.changed(before, after)
        if differing:
            self.modified = time.time()
        for reference, old, new in differing:
            events.publish(cloud, self.arn, events.detail(self.name, self.id, reference, old, new, merge or {}))
        return [reference for reference, _, _ in differing]


class Repositories:
    """All repositories of one cloud."""

    def __init__(self, cloud: Host) -> None:
        self.root = Path(cloud.state) / "git"
        self._by_name: dict[str, Repository] = {}
        self._lock = threading.Lock()

    def all(self) -> list[Repository]:
        """Return all repositories, sorted by name."""
        return sorted(self._by_name.values(), key=lambda repository: repository.name)

    def find(self, name: str) -> Repository | None:
        """Return a repository; None when there is none of the name."""
        return self._by_name.get(name)

    def get(self, name: str) -> Repository:
        """Return a repository.

        Raises:
            AwsError: there is none of the name, or the name is invalid.
        """
        repository = self.find(check_repository(name))
        if repository is None:
            raise service_error("RepositoryDoesNotExistException", name)
        return repository

    def create(self, name: str, region: str, **facts: Any) -> Repository:  # noqa: ANN401 (fields of Repository)
        """Create an empty repository; files of an earlier rehearsal in its folder are removed.

        Raises:
            AwsError: the name is taken, or the limit is reached.
        """
        with self._lock:
            if name in self._by_name:
                raise service_error("RepositoryNameExistsException", name)
            if len(self._by_name) >= REPOSITORIES:
                raise service_error("RepositoryLimitExceededException")
            shutil.rmtree(self._folder(name), ignore_errors=True)
            repository = Repository(name, region, Git.create(self._folder(name)), **facts)
            self._by_name[name] = repository
            return repository

    def rename(self, old: str, new: str) -> None:
        """Rename a repository.

        Raises:
            AwsError: the new name is taken.
        """
        repository = self.get(old)
        with self._lock, repository.lock:
            if check_repository(new) in self._by_name:
                raise service_error("RepositoryNameExistsException", new)
            shutil.rmtree(self._folder(new), ignore_errors=True)
            self._folder(old).rename(self._folder(new))
            repository.name, repository.git = new, Git(self._folder(new))
            self._by_name[new] = self._by_name.pop(old)

    def delete(self, name: str) -> Repository | None:
        """Delete a repository with its history; None when there was none."""
        with self._lock:
            gone = self._by_name.pop(check_repository(name), None)
            if gone:
                with gone.lock:
                    shutil.rmtree(gone.git.folder, ignore_errors=True)
            return gone

    def _folder(self, name: str) -> Path:
        return self.root / f"{name}.git"


def of(cloud: Host) -> Repositories:
    """Return a cloud's repositories."""
    return cloud.state_of(Repositories)
