"""Step 3: the operations on branches."""

from __future__ import annotations

from typing import Any

from sagemaker_rehearsal.codecommit import pull_request_store
from sagemaker_rehearsal.codecommit.errors import refused
from sagemaker_rehearsal.codecommit.limits import OBJECT_ID, check_branch
from sagemaker_rehearsal.codecommit.paging import page
from sagemaker_rehearsal.codecommit.repositories import HEADS
from sagemaker_rehearsal.codecommit.repository_operations import repository_of
from sagemaker_rehearsal.server.service import Call, operation

PAGE = 1_000


@operation("codecommit", "GetBranch")
def get_branch(call: Call) -> dict[str, Any]:
    """Tell a branch's newest commit."""
    repository = repository_of(call)
    if not call.params.get("branchName"):
        raise refused("BranchNameRequiredException")
    name = check_branch(call.params["branchName"])
    commit = repository.tip(name)
    if commit is None:
        raise refused("BranchDoesNotExistException", name)
    return {"branch": {"branchName": name, "commitId": commit}}


@operation("codecommit", "ListBranches")
def list_branches(call: Call) -> dict[str, Any]:
    """List the names of all branches."""
    names = [name.removeprefix(HEADS) for name in repository_of(call).git.refs() if name.startswith(HEADS)]
    rows, token = page(sorted(names), call.params.get("nextToken"), PAGE)
    return {"branches": rows, **({"nextToken": token} if token else {})}


@operation("codecommit", "CreateBranch")
def create_branch(call: Call) -> None:
    """Let a new branch begin at a commit. An existing one is BranchNameExistsException, at the same commit, too."""
    repository, name = repository_of(call), check_branch(call.params["branchName"])
    commit = call.params["commitId"]
    if not OBJECT_ID.fullmatch(commit):
        raise refused("InvalidCommitIdException", commit)
    with repository.lock:
        if repository.tip(name):
            raise refused("BranchNameExistsException", name)
        before = repository.git.refs()
        # What lies in the way, as `a` does of `a/b`, is "not a valid reference name" to Git
        if any(f"{HEADS}{name}/".startswith(f"{one}/") or one.startswith(f"{HEADS}{name}/") for one in before):
            raise refused("InvalidBranchNameException", name)
        repository.git.move(HEADS + name, repository.resolve(commit), None)
        pull_request_store.follow(call.cloud, repository, repository.settle(call.cloud, before))


@operation("codecommit", "DeleteBranch")
def delete_branch(call: Call) -> dict[str, Any]:
    """Delete a branch; one that is not there is no error, and the default one stays."""
    repository, name = repository_of(call), check_branch(call.params["branchName"])
    with repository.lock:
        if name == repository.default:
            raise refused("DefaultBranchCannotBeDeletedException", name)
        commit = repository.tip(name)
        if commit is None:
            return {}
        before = repository.git.refs()
        repository.git.move(HEADS + name, None, commit)
        pull_request_store.follow(call.cloud, repository, repository.settle(call.cloud, before))
    return {"deletedBranch": {"branchName": name, "commitId": commit}}


@operation("codecommit", "UpdateDefaultBranch")
def update_default_branch(call: Call) -> None:
    """Let clones check out another branch; no reference changes, so no event is sent."""
    repository, name = repository_of(call), check_branch(call.params["defaultBranchName"])
    with repository.lock:
        if repository.tip(name) is None:
            raise refused("BranchDoesNotExistException", name)
        repository.set_default(name)
