"""Step 3: the operations that merge branches or report their merge options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sagemaker_rehearsal.codecommit import limits
from sagemaker_rehearsal.codecommit.commits import advance, author_of
from sagemaker_rehearsal.codecommit.errors import service_error
from sagemaker_rehearsal.codecommit.git import Git
from sagemaker_rehearsal.codecommit.repositories import Repository
from sagemaker_rehearsal.codecommit.repository_operations import repository_of
from sagemaker_rehearsal.codecommit.tree_changes import three_way
from sagemaker_rehearsal.server.errors import AwsError
from sagemaker_rehearsal.server.service import Call, operation

FORWARD, SQUASH, THREE_WAY = "FAST_FORWARD_MERGE", "SQUASH_MERGE", "THREE_WAY_MERGE"
WAYS = {"FastForward": FORWARD, "Squash": SQUASH, "ThreeWay": THREE_WAY}


@dataclass(frozen=True)
class Sides:
    """The commits of a merge, and how conflicts are detected and resolved."""

    source: str
    destination: str
    base: str
    level: str
    strategy: str

    @classmethod
    def of(cls, git: Git, source: str, destination: str, params: Mapping[str, Any]) -> Sides:
        """Compare two commits.

        Raises:
            AwsError: they have no common history (AWS documents no answer to that), or the request lists resolutions.
        """
        if params.get("conflictResolution"):
            raise AwsError("NotImplemented", "The rehearsal does not have conflictResolution; merge with Git", 501)
        base = git.merge_base(source, destination)
        if base is None:
            raise service_error("TipsDivergenceExceededException")
        level = params.get("conflictDetailLevel") or "FILE_LEVEL"
        return cls(source, destination, base, level, params.get("conflictResolutionStrategy") or "NONE")

    def tree(self, git: Git) -> str | None:
        """Return the merged tree; None when conflicts remain.

        FILE_LEVEL: "a not-mergeable result if the same file has differences in both branches"; LINE_LEVEL: "on the same
        line" (GetMergeOptions, conflictDetailLevel).
        """
        if self.level == "LINE_LEVEL" or self.strategy == "AUTOMERGE":
            merged = git.merged(self.destination, self.source)
            if merged or self.strategy in ("NONE", "AUTOMERGE"):
                return merged
        listings = [git.listing(commit) for commit in (self.base, self.source, self.destination)]
        after, conflicts = three_way(listings[0], listings[1], listings[2])
        if conflicts and self.strategy == "ACCEPT_SOURCE":
            after = {path: entry for path, entry in after.items() if path not in conflicts}
            after |= {path: listings[1][path] for path in conflicts if path in listings[1]}
        return None if conflicts and self.strategy == "NONE" else git.write_tree(after)

    def facts(self, way: str) -> dict[str, str]:
        """Return the event's members of the merge."""
        commits = {"baseCommitId": self.base, "sourceCommitId": self.source, "destinationCommitId": self.destination}
        if way == FORWARD:
            return {**commits, "mergeOption": way}
        how = {"conflictDetailsLevel": self.level, "conflictResolutionStrategy": self.strategy}
        return {**commits, "mergeOption": way, **how}


@operation("codecommit", "GetMergeOptions")
def get_merge_options(call: Call) -> dict[str, Any]:
    """Return the possible merge options of two commits and their merge base."""
    git = repository_of(call).git
    sides = _sides(call)
    possible = [FORWARD] if sides.base == sides.destination else []
    possible += [SQUASH, THREE_WAY] if sides.tree(git) else []
    return {
        "mergeOptions": possible,
        "sourceCommitId": sides.source,
        "destinationCommitId": sides.destination,
        "baseCommitId": sides.base,
    }


@operation(
    "codecommit", "MergeBranchesByFastForward", "MergeBranchesBySquash", "MergeBranchesByThreeWay"
)  # fmt: skip
def merge_branches(call: Call) -> dict[str, Any]:
    """Merge one branch into another."""
    repository, way = repository_of(call), WAYS[call.operation.removeprefix("MergeBranchesBy")]
    target = call.params.get("targetBranch") or call.params["destinationCommitSpecifier"]
    branch = limits.check_branch(target, "InvalidTargetBranchException")
    with repository.lock:
        if repository.tip(branch) is None:
            raise service_error("BranchDoesNotExistException", branch)
        sides = _sides(call)
        if repository.tip(branch) != sides.destination:
            raise service_error("ConcurrentReferenceUpdateException")
        tip = merge(call, repository, branch, sides, way)
    return {"commitId": tip, "treeId": repository.git.tree_of(tip)}


def merge(call: Call, repository: Repository, branch: str, sides: Sides, way: str) -> str:
    """Merge into a branch and return its new tip.

    Raises:
        AwsError: ManualMergeRequiredException.
    """
    refs = repository.git.refs()
    tip = sides.source if way == FORWARD else _commit(call, repository, sides, way)
    if way == FORWARD and sides.base != sides.destination:
        raise service_error("ManualMergeRequiredException")
    advance(call, repository, refs, branch, tip, sides.facts(way))
    return tip


def _commit(call: Call, repository: Repository, sides: Sides, way: str) -> str:
    tree = sides.tree(repository.git)
    if tree is None:
        raise service_error("ManualMergeRequiredException")
    parents = [sides.destination] if way == SQUASH else [sides.destination, sides.source]
    default_message = f"Merge of {sides.source} into {sides.destination}"
    author, message = author_of(call, "authorName", default_message)
    return repository.git.write_commit(tree, parents, author, message)


def _sides(call: Call) -> Sides:
    repository = repository_of(call)
    source, destination = (call.params[f"{side}CommitSpecifier"] for side in ("source", "destination"))
    return Sides.of(repository.git, repository.resolve(source), repository.resolve(destination), call.params)
