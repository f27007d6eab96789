"""Step 3: the operations that commit files: CreateCommit, PutFile and DeleteFile."""

from __future__ import annotations

import base64
import binascii
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sagemaker_rehearsal.codecommit import limits, pull_request_store
from sagemaker_rehearsal.codecommit.errors import refused
from sagemaker_rehearsal.codecommit.git import GitError
from sagemaker_rehearsal.codecommit.repositories import HEADS, TAGS, Repository
from sagemaker_rehearsal.codecommit.repository_operations import repository_of
from sagemaker_rehearsal.codecommit.tree_changes import (
    KEPT,
    NAMES,
    Change,
    Listing,
    Put,
    applied,
    check_paths,
    differences,
)
from sagemaker_rehearsal.server.service import ACCOUNT, Call, operation

# "Valid values include EXECUTABLE and NORMAL": PutFileEntry and SetFileModeEntry, of the three in the model
FILE_MODES = ("EXECUTABLE", "NORMAL")


@dataclass(frozen=True)
class Made:
    """A commit that was made, and the files before and after."""

    commit: str
    tree: str
    before: Listing
    after: Listing


@operation("codecommit", "CreateCommit")
def create_commit(call: Call) -> dict[str, Any]:
    """Write, delete and change files in one commit.

    https://docs.aws.amazon.com/codecommit/latest/APIReference/API_CreateCommit.html
    """
    repository = repository_of(call)
    branch = check_target(repository, call.params)
    entries = {name: call.params.get(name) or [] for name in ("putFiles", "deleteFiles", "setFileModes")}
    count = sum(map(len, entries.values()))
    if not count:
        raise refused("FileEntryRequiredException")
    if count > limits.FILES:
        raise refused("MaximumFileEntriesExceededException", str(count))
    contents = [_content(entry) for entry in entries["putFiles"]]
    sent = [content for content in contents if content is not None]
    limits.check_sizes(sent, "SourceFileOrContentRequiredException")
    limits.check_folders(
        (limits.check_path(entry["filePath"]), len(content or b""))
        for entry, content in zip(entries["putFiles"], contents, strict=True)
    )
    blobs = iter(repository.git.write_blobs(sent))
    change = Change(
        [_put(entry, blobs) for entry in entries["putFiles"]],
        [limits.check_path(entry["filePath"]) for entry in entries["deleteFiles"]],
        {limits.check_path(entry["filePath"]): _mode(entry["fileMode"]) for entry in entries["setFileModes"]},
        bool(call.params.get("keepEmptyFolders")),
    )
    if len(change.modes) < len(entries["setFileModes"]):
        raise refused("SamePathRequestException")
    check_paths(change)
    author = author_of(call, "authorName", f"Edited {count} files")
    made = commit(call, repository, branch, change, author, "NoChangeException")
    added, updated, deleted = (_described(made, paths) for paths in differences(made.before, made.after))
    files = {"filesAdded": added, "filesUpdated": updated, "filesDeleted": deleted}
    return {"commitId": made.commit, "treeId": made.tree, **files}


@operation("codecommit", "PutFile")
def put_file(call: Call) -> dict[str, Any]:
    """Write one file."""
    repository = repository_of(call)
    branch, path = check_target(repository, call.params), limits.check_path(call.params["filePath"])
    content = decoded(call.params["fileContent"])
    limits.check_sizes([content], "FileContentRequiredException")
    blob = repository.git.write_blobs([content])[0]
    mode = _mode(call.params.get("fileMode") or "NORMAL")
    author = author_of(call, "name", f"Added {path}")
    made = commit(call, repository, branch, Change([Put(path, mode, blob)]), author, "SameFileContentException")
    return {"commitId": made.commit, "blobId": blob, "treeId": made.tree}


@operation("codecommit", "DeleteFile")
def delete_file(call: Call) -> dict[str, Any]:
    """Delete one file."""
    repository = repository_of(call)
    branch, path = check_target(repository, call.params), limits.check_path(call.params["filePath"])
    change = Change(deletes=[path], keep_folders=bool(call.params.get("keepEmptyFolders")))
    made = commit(call, repository, branch, change, author_of(call, "name", f"Deleted {path}"), "NoChangeException")
    return {"commitId": made.commit, "blobId": made.before[path].blob, "treeId": made.tree, "filePath": path}


def check_target(repository: Repository, params: Mapping[str, Any]) -> str:
    """Return the branch that a request commits to.

    Raises:
        AwsError: its name, or that of the parent, cannot be one, or it is a tag.
    """
    branch = limits.check_branch(params["branchName"])
    parent = params.get("parentCommitId")
    if parent is not None and not limits.OBJECT_ID.fullmatch(parent):
        raise refused("InvalidParentCommitIdException", parent)
    if repository.git.commit_of(TAGS + branch) and not repository.tip(branch):
        raise refused("BranchNameIsTagNameException", branch)
    return branch


def author_of(call: Call, field: str, message: str) -> tuple[str, str]:
    """Return a commit's author, as Git writes it, and its message.

    Raises:
        AwsError: a limit is exceeded.
    """
    # "If no name is specified, the user's ARN is used": DeleteFile, name
    name = call.params.get(field) or caller_arn(call)
    email = call.params.get("email") or ""
    said = call.params.get("commitMessage") or message
    limits.check_author(name, email, said)
    clean = re.sub(r"[\x00-\x1f<>]", "", name).strip() or "unknown"
    return f"{clean} <{email}> {int(time.time())} +0000", said


def caller_arn(call: Call) -> str:
    """Return the ARN of whoever makes a request."""
    try:
        from sagemaker_rehearsal.iam.identity import principal_of
    except ImportError:
        return f"arn:aws:iam::{ACCOUNT}:root"
    return str(principal_of(call.access_key).arn) or f"arn:aws:iam::{ACCOUNT}:root"


def commit(
    call: Call, repository: Repository, branch: str, change: Change, author: tuple[str, str], unchanged: str
) -> Made:
    """Commit a change on the tip of a branch.

    Args:
        call: the request, with `parentCommitId`.
        repository: where.
        branch: its name; in an empty repository it is made.
        change: what to do; its blobs are stored.
        author: see `author_of`.
        unchanged: the error code when nothing would change.

    Raises:
        AwsError: the parent is not the tip, or the change cannot be made.
    """
    with repository.lock:
        refs = repository.git.refs()
        parent = _parent(repository, refs, branch, call.params.get("parentCommitId"))
        before = repository.git.listing(parent) if parent else {}
        empty = repository.git.write_blobs([b""])[0] if change.keep_folders else ""
        after = applied(before, change, empty)
        if after == before:
            raise refused(unchanged)
        tree = repository.git.write_tree(after)
        made = repository.git.write_commit(tree, [parent] if parent else [], *author)
        advance(call, repository, refs, branch, made)
    return Made(made, tree, before, after)


def advance(
    call: Call, repository: Repository, refs: Mapping[str, str], branch: str, made: str,
    merge: Mapping[str, str] | None = None,
) -> None:  # fmt: skip
    """Move a branch to a commit, and tell of it; `merge` is what the event says of a merge.

    Raises:
        AwsError: Git does not take the branch's name beside the others.
    """
    try:
        repository.git.move(HEADS + branch, made, refs.get(HEADS + branch))
    except GitError as error:
        raise refused("InvalidBranchNameException", branch) from error
    pull_request_store.follow(call.cloud, repository, repository.settle(call.cloud, refs, merge))


def decoded(content: str) -> bytes:
    """Return a file's content, which a JSON request has in base64.

    Raises:
        AwsError: it is no base64.
    """
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError) as error:
        raise refused("ValidationException", "fileContent") from error


def _parent(repository: Repository, refs: Mapping[str, str], branch: str, given: str | None) -> str | None:
    tip = refs.get(HEADS + branch)
    if tip is None and any(name.startswith(HEADS) for name in refs):
        raise refused("BranchDoesNotExistException", branch)
    if tip and given is None:
        raise refused("ParentCommitIdRequiredException")
    if given and repository.git.kind(given) != "commit":
        raise refused("ParentCommitDoesNotExistException", given)
    if given and given.lower() != tip:
        raise refused("ParentCommitIdOutdatedException", given)
    return tip


def _content(entry: Mapping[str, Any]) -> bytes | None:
    """Return what a file shall hold; None when it is a copy of another one."""
    content, source = entry.get("fileContent"), entry.get("sourceFile")
    if content is not None and source is not None:
        raise refused("FileContentAndSourceFileSpecifiedException", entry["filePath"])
    if content is None and source is None:
        raise refused("SourceFileOrContentRequiredException", entry["filePath"])
    return None if content is None else decoded(content)


def _put(entry: Mapping[str, Any], blobs: Iterator[str]) -> Put:
    path, mode = limits.check_path(entry["filePath"]), entry.get("fileMode")
    if entry.get("fileContent") is not None:
        return Put(path, _mode(mode or "NORMAL"), next(blobs))
    source = limits.check_path(entry["sourceFile"]["filePath"])
    if source.rpartition("/")[2] == KEPT:
        raise refused("RestrictedSourceFileException", source)
    return Put(path, _mode(mode) if mode else None, None, source, bool(entry["sourceFile"].get("isMove")))


def _mode(name: str) -> str:
    if name not in FILE_MODES:
        raise refused("InvalidFileModeException", name)
    return name


def _described(made: Made, paths: Sequence[str]) -> list[dict[str, str]]:
    found = {path: made.after.get(path) or made.before[path] for path in paths}
    return [
        {"absolutePath": path, "blobId": entry.blob, "fileMode": NAMES.get(entry.mode, "NORMAL")}
        for path, entry in found.items()
    ]
