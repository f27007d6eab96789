"""Step 3: the operations on branches."""

from __future__ import annotations

from typing import Any

from sagemaker_rehearsal.codecommit import pull_request_store
from sagemaker_rehearsal.codecommit.errors import service_error
from sagemaker_rehearsal.codecommit.limits import OBJECT_ID, check_branch
from sagemaker_rehearsal.codecommit.paging import page
from sagemaker_rehearsal.codecommit.repositories import HEADS
from sagemaker_rehearsal.codecommit.repository_operations import repository_of
from sagemaker_rehearsal.server.service import Call, operation

PAGE = 1_000


@operation("codecommit", "GetBranch")
def get_branch(call: Call) -> dict[str, Any]:
    """Return a branch's newest commit."""
    repository = repository_of(call)
    if not call.params.get("branchName"):
        raise service_error("BranchNameRequiredException")
    name = check_branch(call.params["branchName"])
    commit = repository.tip(name)
    if commit is None:
        raise service_error("BranchDoesNotExistException", name)
    return {"branch": {"branchName": name, "commitId": commit}}


@operation("codecommit", "ListBranches")
def list_branches(call: Call) -> dict[str, Any]:
    """List the names of all branches."""
    names = [name.removeprefix(HEADS) for name in repository_of(call).git.refs() if name.startswith(HEADS)]
    rows, token = page(sorted(names), call.params.get("nextToken"), PAGE)
    return {"branches": rows, **({"nextToken": token} if token else {})}


@operation("codecommit", "CreateBranch")
def create_branch(call: Call) -> None:
    """Create a branch at a commit. An existing one is BranchNameExistsException, even at the same commit."""
    repository, name = repository_of(call), check_branch(call.params["branchName"])
    commit = call.params["commitId"]
    if not OBJECT_ID.fullmatch(commit):
        raise service_error("InvalidCommitIdException", commit)
    with repository.lock:
        if repository.tip(name):
            raise service_error("BranchNameExistsException", name)
        before = repository.git.refs()
        # Git cannot hold both `a` and `a/b`: it rejects the second as "not a valid reference name"
        if any(
            f"{HEADS}{name}/".startswith(f"{reference}/") or reference.startswith(f"{HEADS}{name}/")
            for reference in before
        ):
            raise service_error("InvalidBranchNameException", name)
        repository.git.move(HEADS + name, repository.resolve(commit), None)
        pull_request_store.follow(call.cloud, repository, repository.settle(call.cloud, before))


@operation("codecommit", "DeleteBranch")
def delete_branch(call: Call) -> dict[str, Any]:
    """Delete a branch, if it exists; the default branch cannot be deleted."""
    repository, name = repository_of(call), check_branch(call.params["branchName"])
    with repository.lock:
        if name == repository.default:
            raise service_error("DefaultBranchCannotBeDeletedException", name)
        commit = repository.tip(name)
        if commit is None:
            return {}
        before = repository.git.refs()
        repository.git.move(HEADS + name, None, commit)
        pull_request_store.follow(call.cloud, repository, repository.settle(call.cloud, before))
    return {"deletedBranch": {"branchName": name, "commitId": commit}}


@operation("codecommit", "UpdateDefaultBranch")
def update_default_branch(call: Call) -> None:
    """Change the default branch; no reference changes, so no event is published."""
    repository, name = repository_of(call), check_branch(call.params["defaultBranchName"])
    with repository.lock:
        if repository.tip(name) is None:
            raise service_error("BranchDoesNotExistException", name)
        repository.set_default(name)
