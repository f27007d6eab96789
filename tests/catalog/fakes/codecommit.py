"""A CodeCommit of one repository: Git's objects in memory, the limits of its API, and the events that it sends.

The rules are those of https://docs.aws.amazon.com/codecommit/latest/APIReference/ (CreateCommit, CreateBranch,
UpdateDefaultBranch, GetFolder, GetDifferences, GetMergeOptions, CreatePullRequest) and of its page of quotas.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from catalog.hook.tree import object_id, tree_id
from tests.catalog.fakes.aws import Calls, Service, refused

Listing = dict[str, tuple[str, str]]
MODES = {"NORMAL": "100644", "EXECUTABLE": "100755"}


@dataclass(frozen=True)
class Commit:
    """One commit."""

    id: str
    parent: str | None
    listing: Listing
    message: str

    @cached_property
    def tree(self) -> str:
        return tree_id(self.listing)


class CodeCommit(Service):
    """One repository."""

    service = "codecommit"

    def __init__(self, calls: Calls, repository: str) -> None:
        super().__init__(calls)
        self.repository = repository
        self.commits: dict[str, Commit] = {}
        self.branches: dict[str, str] = {}
        self.default: str | None = None
        self.blobs: dict[str, bytes] = {}
        self.requests: dict[str, dict[str, Any]] = {}
        self.tokens: dict[str, str] = {}
        self.events: list[tuple[str, str, str]] = []  # event, branch, tree

    def user_commit(self, branch: str, **files: bytes) -> str:
        """Let a person push files to a branch."""
        parent = self.branches.get(branch)
        listing = {**(self.commits[parent].listing if parent else {}), **self._stored(files)}
        return self._move(branch, parent, listing, "mine")

    def user_moves(self, branch: str, old: str, new: str) -> str:
        """Let a person push a renamed file to a branch."""
        parent = self.branches[branch]
        listing = dict(self.commits[parent].listing)
        listing[new] = listing.pop(old)
        return self._move(branch, parent, listing, "moved")

    def merge(self, source: str, destination: str) -> None:
        """Let a person merge by fast-forward."""
        self.branches[destination] = self.branches[source]

    def files(self, branch: str) -> dict[str, bytes]:
        """Return the content of a branch."""
        return {path: self.blobs[blob] for path, (_, blob) in self.commits[self.branches[branch]].listing.items()}

    def _stored(self, files: dict[str, bytes]) -> Listing:
        ids = {path: object_id("blob", data) for path, data in files.items()}
        self.blobs |= {ids[path]: data for path, data in files.items()}
        return {path: ("100644", blob) for path, blob in ids.items()}

    def _move(self, branch: str, parent: str | None, listing: Listing, message: str) -> str:
        commit_id = hashlib.sha1(f"{len(self.commits)}{branch}{message}".encode()).hexdigest()
        self.commits[commit_id] = Commit(commit_id, parent, listing, message)
        event = "referenceUpdated" if branch in self.branches else "referenceCreated"
        self.branches[branch] = commit_id
        self.default = self.default or branch
        self.events.append((event, branch, self.commits[commit_id].tree))
        return commit_id

    def _known(self, repository: str, operation: str) -> None:
        if repository != self.repository:
            raise refused("RepositoryDoesNotExistException", operation)

    def _resolve(self, specifier: str, operation: str) -> Commit:
        name = self.branches.get(specifier.removeprefix("refs/heads/"), specifier)
        if name not in self.commits:
            raise refused("CommitDoesNotExistException", operation)
        return self.commits[name]

    def _get_repository(self, repositoryName: str) -> dict[str, Any]:
        self._known(repositoryName, "GetRepository")
        default = {"defaultBranch": self.default} if self.default else {}
        return {"repositoryMetadata": {"repositoryName": repositoryName, **default}}

    def _get_folder(self, repositoryName: str, commitSpecifier: str, folderPath: str) -> dict[str, Any]:
        self._known(repositoryName, "GetFolder")
        commit = self._resolve(commitSpecifier, "GetFolder")
        return {"commitId": commit.id, "folderPath": folderPath, "treeId": commit.tree}

    def _get_branch(self, repositoryName: str, branchName: str) -> dict[str, Any]:
        self._known(repositoryName, "GetBranch")
        if branchName not in self.branches:
            raise refused("BranchDoesNotExistException", "GetBranch")
        return {"branch": {"branchName": branchName, "commitId": self.branches[branchName]}}

    def _get_commit(self, repositoryName: str, commitId: str) -> dict[str, Any]:
        self._known(repositoryName, "GetCommit")
        return {"commit": {"commitId": commitId, "treeId": self.commits[commitId].tree}}

    def _get_differences(
        self,
        repositoryName: str,
        afterCommitSpecifier: str,
        beforeCommitSpecifier: str = "",
        NextToken: str = "0",
    ) -> dict[str, Any]:
        self._known(repositoryName, "GetDifferences")
        after = self._resolve(afterCommitSpecifier, "GetDifferences").listing
        before = self._resolve(beforeCommitSpecifier, "GetDifferences").listing if beforeCommitSpecifier else {}
        paths = sorted(path for path in {*before, *after} if before.get(path) != after.get(path))
        start = int(NextToken)
        page = [difference(path, before, after) for path in paths[start : start + 40]]
        return {"differences": page, **({"NextToken": str(start + 40)} if start + 40 < len(paths) else {})}

    def _create_commit(
        self,
        repositoryName: str,
        branchName: str,
        commitMessage: str,
        parentCommitId: str | None = None,
        **change: Any,  # noqa: ANN401 - as boto3
    ) -> dict[str, Any]:
        self._known(repositoryName, "CreateCommit")
        self._check_parent(branchName, parentCommitId)
        before = dict(self.commits[parentCommitId].listing) if parentCommitId else {}
        after = self._changed(before, **change)
        if after == before:
            raise refused("NoChangeException", "CreateCommit")
        commit = self._move(branchName, parentCommitId, after, commitMessage)
        return {"commitId": commit, "treeId": self.commits[commit].tree}

    def _check_parent(self, branch: str, parent: str | None) -> None:
        tip = self.branches.get(branch)
        if tip is None and self.branches:
            raise refused("BranchDoesNotExistException", "CreateCommit")
        if tip and parent is None:
            raise refused("ParentCommitIdRequiredException", "CreateCommit")
        if parent and parent not in self.commits:
            raise refused("ParentCommitDoesNotExistException", "CreateCommit")
        if parent != tip:
            raise refused("ParentCommitIdOutdatedException", "CreateCommit")

    def _changed(
        self,
        listing: Listing,
        putFiles: Sequence[dict[str, Any]] = (),
        deleteFiles: Sequence[dict[str, Any]] = (),
        setFileModes: Sequence[dict[str, Any]] = (),
        **_: str,
    ) -> Listing:
        self._check_sizes([len(entry["fileContent"]) for entry in putFiles], [*deleteFiles, *setFileModes])
        self._check_names(listing, [entry["filePath"] for entry in putFiles])
        after = dict(listing)
        for entry in deleteFiles:
            if entry["filePath"] not in after:
                raise refused("FileDoesNotExistException", "CreateCommit")
            del after[entry["filePath"]]
        for entry in putFiles:
            blob = self._stored({entry["filePath"]: entry["fileContent"]})[entry["filePath"]][1]
            after[entry["filePath"]] = (MODES[entry["fileMode"]], blob)
        for entry in setFileModes:
            after[entry["filePath"]] = (MODES[entry["fileMode"]], after[entry["filePath"]][1])
        return after

    def _check_sizes(self, sizes: list[int], others: list[dict[str, Any]]) -> None:
        if len(sizes) + len(others) > 100:
            raise refused("MaximumFileEntriesExceededException", "CreateCommit")
        if 0 in sizes:
            raise refused("SourceFileOrContentRequiredException", "CreateCommit", "The file is empty.")
        if max(sizes, default=0) > 6 * 2**20 or sum(sizes) > 7 * 2**20:
            raise refused("FileContentSizeLimitExceededException", "CreateCommit")

    def _check_names(self, listing: Listing, puts: list[str]) -> None:
        if folders_of(listing) & set(puts):
            raise refused("FileNameConflictsWithDirectoryNameException", "CreateCommit")
        if folders_of(puts) & set(listing):
            raise refused("DirectoryNameConflictsWithFileNameException", "CreateCommit")

    def _create_branch(self, repositoryName: str, branchName: str, commitId: str) -> None:
        self._known(repositoryName, "CreateBranch")
        if branchName in self.branches:
            raise refused("BranchNameExistsException", "CreateBranch")
        commit = self._resolve(commitId, "CreateBranch")
        self.branches[branchName] = commit.id
        self.events.append(("referenceCreated", branchName, commit.tree))

    def _update_default_branch(self, repositoryName: str, defaultBranchName: str) -> None:
        self._known(repositoryName, "UpdateDefaultBranch")
        if defaultBranchName not in self.branches:
            raise refused("BranchDoesNotExistException", "UpdateDefaultBranch")
        self.default = defaultBranchName

    def _ancestors(self, commit: str | None) -> list[str]:
        commits = []
        while commit:
            commits.append(commit)
            commit = self.commits[commit].parent
        return commits

    def _get_merge_options(
        self,
        repositoryName: str,
        sourceCommitSpecifier: str,
        destinationCommitSpecifier: str,
    ) -> dict[str, Any]:
        self._known(repositoryName, "GetMergeOptions")
        source = self._resolve(sourceCommitSpecifier, "GetMergeOptions").id
        destination = self._resolve(destinationCommitSpecifier, "GetMergeOptions").id
        shared = set(self._ancestors(destination))
        base = next((commit for commit in self._ancestors(source) if commit in shared), None)
        return {
            "mergeOptions": [],
            "sourceCommitId": source,
            "destinationCommitId": destination,
            "baseCommitId": base,
        }

    def _create_pull_request(
        self,
        title: str,
        description: str,
        targets: list[dict[str, str]],
        clientRequestToken: str,
    ) -> dict[str, Any]:
        number = self.tokens.setdefault(clientRequestToken, str(len(self.requests) + 1))
        target = targets[0]
        full = {
            **target,
            "sourceReference": f"refs/heads/{target['sourceReference']}",
            "destinationReference": f"refs/heads/{target['destinationReference']}",
        }
        self.requests.setdefault(number, {"pullRequestId": number, "title": title, "pullRequestTargets": [full]})
        return {"pullRequest": self.requests[number]}

    def _list_pull_requests(self, repositoryName: str, pullRequestStatus: str, maxResults: int) -> dict[str, Any]:
        self._known(repositoryName, "ListPullRequests")
        return {"pullRequestIds": list(self.requests)[:maxResults]}

    def _get_pull_request(self, pullRequestId: str) -> dict[str, Any]:
        return {"pullRequest": self.requests[pullRequestId]}


def difference(path: str, before: Listing, after: Listing) -> dict[str, Any]:
    """Return what GetDifferences says of one path."""
    kind = "A" if path not in before else "D" if path not in after else "M"
    sides = {"beforeBlob": before, "afterBlob": after}
    blobs = {
        name: {"path": path, "mode": listing[path][0], "blobId": listing[path][1]}
        for name, listing in sides.items()
        if path in listing
    }
    return {"changeType": kind, **blobs}


def folders_of(paths: Iterable[str]) -> set[str]:
    """Return the folders that files lie in."""
    return {path[:at] for path in paths for at, character in enumerate(path) if character == "/"}
