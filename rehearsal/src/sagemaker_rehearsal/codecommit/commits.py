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
from sagemaker_rehearsal.codecommit.errors import service_error
from sagemaker_rehearsal.codecommit.git import GitError
from sagemaker_rehearsal.codecommit.repositories import HEADS, TAGS, Repository
from sagemaker_rehearsal.codecommit.repository_operations import repository_of
from sagemaker_rehearsal.codecommit.tree_changes import (
    NAMES,
    PLACEHOLDER,
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
class CommitResult:
    """A new commit, with the files before and after it."""

    commit: str
    tree: str
    before: Listing
    after: Listing


@operation("codecommit", "CreateCommit")
def create_commit(call: Call) -> dict[str, Any]:
    """Write, delete and change the mode of files in one commit.

    https://docs.aws.amazon.com/codecommit/latest/APIReference/API_CreateCommit.html
    """
    repository = repository_of(call)
    branch = check_target(repository, call.params)
    entries = {name: call.params.get(name) or [] for name in ("putFiles", "deleteFiles", "setFileModes")}
    count = sum(map(len, entries.values()))
    if not count:
        raise service_error("FileEntryRequiredException")
    if count > limits.FILES:
        raise service_error("MaximumFileEntriesExceededException", str(count))
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
        raise service_error("SamePathRequestException")
    check_paths(change)
    author = author_of(call, "authorName", f"Edited {count} files")
    result = commit(call, repository, branch, change, author, "NoChangeException")
    added, updated, deleted = (_describe_files(result, paths) for paths in differences(result.before, result.after))
    files = {"filesAdded": added, "filesUpdated": updated, "filesDeleted": deleted}
    return {"commitId": result.commit, "treeId": result.tree, **files}


@operation("codecommit", "PutFile")
def put_file(call: Call) -> dict[str, Any]:
    """Write one file."""
    repository = repository_of(call)
    branch, path = check_target(repository, call.params), limits.check_path(call.params["filePath"])
    content = decode(call.params["fileContent"])
    limits.check_sizes([content], "FileContentRequiredException")
    blob = repository.git.write_blobs([content])[0]
    mode = _mode(call.params.get("fileMode") or "NORMAL")
    author = author_of(call, "name", f"Added {path}")
    result = commit(call, repository, branch, Change([Put(path, mode, blob)]), author, "SameFileContentException")
    return {"commitId": result.commit, "blobId": blob, "treeId": result.tree}


@operation("codecommit", "DeleteFile")
def delete_file(call: Call) -> dict[str, Any]:
    """Delete one file."""
    repository = repository_of(call)
    branch, path = check_target(repository, call.params), limits.check_path(call.params["filePath"])
    change = Change(deletes=[path], keep_folders=bool(call.params.get("keepEmptyFolders")))
    result = commit(call, repository, branch, change, author_of(call, "name", f"Deleted {path}"), "NoChangeException")
    return {"commitId": result.commit, "blobId": result.before[path].blob, "treeId": result.tree, "filePath": path}


def check_target(repository: Repository, params: Mapping[str, Any]) -> str:
    """Return the branch that a request commits to.

    Raises:
        AwsError: the branch name or parent id is invalid, or the branch name is a tag's.
    """
    branch = limits.check_branch(params["branchName"])
    parent = params.get("parentCommitId")
    if parent is not None and not limits.OBJECT_ID.fullmatch(parent):
        raise service_error("InvalidParentCommitIdException", parent)
    if repository.git.commit_of(TAGS + branch) and not repository.tip(branch):
        raise service_error("BranchNameIsTagNameException", branch)
    return branch


def author_of(call: Call, field: str, message: str) -> tuple[str, str]:
    """Return a commit's author line, in Git's format, and its message.

    Raises:
        AwsError: a limit is exceeded.
    """
    # "If no name is specified, the user's ARN is used": DeleteFile, name
    name = call.params.get(field) or caller_arn(call)
    email = call.params.get("email") or ""
    commit_message = call.params.get("commitMessage") or message
    limits.check_author(name, email, commit_message)
    clean = re.sub(r"[\x00-\x1f<>]", "", name).strip() or "unknown"
    return f"{clean} <{email}> {int(time.time())} +0000", commit_message


def caller_arn(call: Call) -> str:
    """Return the ARN of a request's caller."""
    try:
        from sagemaker_rehearsal.iam.identity import principal_of
    except ImportError:
        return f"arn:aws:iam::{ACCOUNT}:root"
    return str(principal_of(call.access_key).arn) or f"arn:aws:iam::{ACCOUNT}:root"


def commit(
    call: Call, repository: Repository, branch: str, change: Change, author: tuple[str, str], unchanged: str
) -> CommitResult:
    """Commit a change on the tip of a branch.

    Args:
        call: the request, with `parentCommitId`.
        repository: the repository.
        branch: its name; in an empty repository it is created.
        change: the changes; their blobs are already stored.
        author: see `author_of`.
        unchanged: the error code when nothing changes.

    Raises:
        AwsError: the parent is not the tip, or the change is invalid.
    """
    with repository.lock:
        refs = repository.git.refs()
        parent = _parent(repository, refs, branch, call.params.get("parentCommitId"))
        before = repository.git.listing(parent) if parent else {}
        empty = repository.git.write_blobs([b""])[0] if change.keep_folders else ""
        after = applied(before, change, empty)
        if after == before:
            raise service_error(unchanged)
        tree = repository.git.write_tree(after)
        commit_id = repository.git.write_commit(tree, [parent] if parent else [], *author)
        advance(call, repository, refs, branch, commit_id)
    return CommitResult(commit_id, tree, before, after)


def advance(
    call: Call, repository: Repository, refs: Mapping[str, str], branch: str, commit_id: str,
    merge: Mapping[str, str] | None = None,
) -> None:  # fmt: skip
    """Move a branch to a commit and publish the event; `merge` holds the event's members of a merge.

    Raises:
        AwsError: the branch's name conflicts with another branch in Git.
    """
    try:
        repository.git.move(HEADS + branch, commit_id, refs.get(HEADS + branch))
    except GitError as error:
        raise service_error("InvalidBranchNameException", branch) from error
    pull_request_store.follow(call.cloud, repository, repository.settle(call.cloud, refs, merge))


def decode(content: str) -> bytes:
    """Decode a file's content, which is base64 in a JSON request.

    Raises:
        AwsError: it is not base64.
    """
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError) as error:
        raise service_error("ValidationException", "fileContent") from error


def _parent(repository: Repository, refs: Mapping[str, str], branch: str, claimed: str | None) -> str | None:
    tip = refs.get(HEADS + branch)
    if tip is None and any(name.startswith(HEADS) for name in refs):
        raise service_error("BranchDoesNotExistException", branch)
    if tip and claimed is None:
        raise service_error("ParentCommitIdRequiredException")
    if claimed and repository.git.kind(claimed) != "commit":
        raise service_error("ParentCommitDoesNotExistException", claimed)
    if claimed and claimed.lower() != tip:
        raise service_error("ParentCommitIdOutdatedException", claimed)
    return tip


def _content(entry: Mapping[str, Any]) -> bytes | None:
    """Return a file's new content; None when it copies another file."""
    content, source = entry.get("fileContent"), entry.get("sourceFile")
    if content is not None and source is not None:
        raise service_error("FileContentAndSourceFileSpecifiedException", entry["filePath"])
    if content is None and source is None:
        raise service_error("SourceFileOrContentRequiredException", entry["filePath"])
    return None if content is None else decode(content)


def _put(entry: Mapping[str, Any], blobs: Iterator[str]) -> Put:
    path, mode = limits.check_path(entry["filePath"]), entry.get("fileMode")
    if entry.get("fileContent") is not None:
        return Put(path, _mode(mode or "NORMAL"), next(blobs))
    source = limits.check_path(entry["sourceFile"]["filePath"])
    if source.rpartition("/")[2] == PLACEHOLDER:
        raise service_error("RestrictedSourceFileException", source)
    return Put(path, _mode(mode) if mode else None, None, source, bool(entry["sourceFile"].get("isMove")))


def _mode(name: str) -> str:
    if name not in FILE_MODES:
        raise service_error("InvalidFileModeException", name)
    return name


def _describe_files(result: CommitResult, paths: Sequence[str]) -> list[dict[str, str]]:
    entries = {path: result.after.get(path) or result.before[path] for path in paths}
    return [
        {"absolutePath": path, "blobId": entry.blob, "fileMode": NAMES.get(entry.mode, "NORMAL")}
        for path, entry in entries.items()
    ]
