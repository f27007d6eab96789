"""Steps 3, 4 and 6: the operations that read commits, folders, files and differences."""

from __future__ import annotations

from typing import Any

from sagemaker_rehearsal.codecommit import limits
from sagemaker_rehearsal.codecommit.errors import service_error
from sagemaker_rehearsal.codecommit.git import Git
from sagemaker_rehearsal.codecommit.paging import page
from sagemaker_rehearsal.codecommit.repository_operations import repository_of
from sagemaker_rehearsal.codecommit.tree_changes import NAMES, SUBMODULE, Entry, Listing
from sagemaker_rehearsal.server.service import Call, operation

PAGE = 100  # of GetDifferences; AWS documents no number
SYMLINK = "120000"


@operation("codecommit", "GetCommit")
def get_commit(call: Call) -> dict[str, Any]:
    """Describe a commit."""
    repository, commit = repository_of(call), call.params["commitId"]
    if not limits.OBJECT_ID.fullmatch(commit):
        raise service_error("InvalidCommitIdException", commit)
    if repository.git.kind(commit) != "commit":
        raise service_error("CommitIdDoesNotExistException", commit)
    return {"commit": describe(repository.git, commit)}


@operation("codecommit", "BatchGetCommits")
def batch_get_commits(call: Call) -> dict[str, Any]:
    """Describe several commits; absent ones are listed as errors."""
    repository, ids = repository_of(call), call.params["commitIds"]
    if not ids:
        raise service_error("CommitIdsListRequiredException")
    if len(ids) > limits.BATCH:
        raise service_error("CommitIdsLimitExceededException")
    there = {commit: limits.OBJECT_ID.fullmatch(commit) and repository.git.kind(commit) == "commit" for commit in ids}
    error = service_error("CommitDoesNotExistException")
    facts = {"errorCode": error.code, "errorMessage": error.message}
    return {
        "commits": [describe(repository.git, commit) for commit in there if there[commit]],
        "errors": [{"commitId": commit, **facts} for commit in there if not there[commit]],
    }


@operation("codecommit", "GetFolder")
def get_folder(call: Call) -> dict[str, Any]:
    """List a folder; an empty path or `/` is the root."""
    repository = repository_of(call)
    commit = repository.resolve(call.params.get("commitSpecifier"))
    folder = call.params["folderPath"].strip("/")
    path = limits.check_path(folder) if folder else ""
    tree = repository.git.tree_of(commit) if not path else _id(repository.git, commit, path, "tree")
    if tree is None:
        raise service_error("FolderDoesNotExistException", path)
    answer: dict[str, Any] = {"commitId": commit, "folderPath": path, "treeId": tree}
    kinds = ("subFolders", "files", "symbolicLinks", "subModules")
    return {**answer, **{kind: _entries(repository.git, tree, path, kind) for kind in kinds}}


@operation("codecommit", "GetFile")
def get_file(call: Call) -> dict[str, Any]:
    """Return one file."""
    repository = repository_of(call)
    commit, path = repository.resolve(call.params.get("commitSpecifier")), limits.check_path(call.params["filePath"])
    row = repository.git("ls-tree", "-z", commit, "--", path).rstrip("\0")
    if not row or row.split(" ")[1] != "blob":
        raise service_error("FileDoesNotExistException", path)
    mode, _, rest = row.split(" ", 2)
    blob = rest.partition("\t")[0]
    content = _content(repository.git, blob)
    facts = {"commitId": commit, "blobId": blob, "filePath": path, "fileMode": NAMES.get(mode, "NORMAL")}
    return {**facts, "fileSize": len(content), "fileContent": content}


@operation("codecommit", "GetBlob")
def get_blob(call: Call) -> dict[str, Any]:
    """Return one blob."""
    repository, blob = repository_of(call), call.params["blobId"]
    if not limits.OBJECT_ID.fullmatch(blob):
        raise service_error("InvalidBlobIdException", blob)
    if repository.git.kind(blob) != "blob":
        raise service_error("BlobIdDoesNotExistException", blob)
    return {"content": _content(repository.git, blob)}


@operation("codecommit", "GetDifferences")
def get_differences(call: Call) -> dict[str, Any]:
    """Return the files that differ between two commits; without the first one, all files of the second.

    A renamed file counts as deleted and added.
    """
    repository, params = repository_of(call), call.params
    after = repository.git.listing(repository.resolve(params["afterCommitSpecifier"]))
    before: Listing = {}
    if params.get("beforeCommitSpecifier"):
        before = repository.git.listing(repository.resolve(params["beforeCommitSpecifier"]))
    before, after = _restrict(before, after, params.get("beforePath"), params.get("afterPath"))
    paths = sorted(path for path in {*before, *after} if before.get(path) != after.get(path))
    rows, token = page(paths, params.get("NextToken"), params.get("MaxResults", PAGE))
    differences = [_difference(path, before.get(path), after.get(path)) for path in rows]
    return {"differences": differences, **({"NextToken": token} if token else {})}


def describe(git: Git, commit: str) -> dict[str, Any]:
    """Return a commit as GetCommit does."""
    head, _, message = git.run("cat-file", "commit", commit).decode("utf-8", "replace").partition("\n\n")
    fields = [line.partition(" ")[::2] for line in head.split("\n")]
    first = dict(reversed(fields))
    return {
        "commitId": commit,
        "treeId": first["tree"],
        "parents": [value for name, value in fields if name == "parent"],
        "message": message,
        "author": _person(first["author"]),
        "committer": _person(first["committer"]),
        "additionalData": "",
    }


def _person(text: str) -> dict[str, str]:
    name, _, rest = text.partition(" <")
    email, _, date = rest.partition("> ")
    return {"name": name, "email": email, "date": date}


def _content(git: Git, blob: str) -> bytes:
    if int(git("cat-file", "-s", blob)) > limits.READ:
        raise service_error("FileTooLargeException", blob)
    return git.blob(blob)


def _id(git: Git, commit: str, path: str, kind: str) -> str | None:
    row = git("ls-tree", "-z", commit, "--", path).rstrip("\0")
    return row.split(" ")[2].partition("\t")[0] if row and row.split(" ")[1] == kind else None


def _entries(git: Git, tree: str, folder: str, kind: str) -> list[dict[str, str]]:
    entries = []
    for row in filter(None, git("ls-tree", "-z", tree).split("\0")):
        facts, _, name = row.partition("\t")
        mode, _, identity = facts.split(" ")
        if _kind(mode) == kind:
            entries.append(_entry(kind, mode, identity, f"{folder}/{name}" if folder else name, name))
    return entries


def _kind(mode: str) -> str:
    return {"040000": "subFolders", SYMLINK: "symbolicLinks", SUBMODULE: "subModules"}.get(mode, "files")


def _entry(kind: str, mode: str, identity: str, path: str, name: str) -> dict[str, str]:
    paths = {"absolutePath": path, "relativePath": name}
    if kind == "subFolders":
        return {"treeId": identity, **paths}
    if kind == "subModules":
        return {"commitId": identity, **paths}
    return {"blobId": identity, **paths, "fileMode": NAMES.get(mode, "NORMAL")}


def _restrict(before: Listing, after: Listing, old: str | None, new: str | None) -> tuple[Listing, Listing]:
    """Restrict both listings to a path, which may differ before and after.

    Raises:
        AwsError: PathDoesNotExistException.
    """
    if not old and not new:
        return before, after
    limited = _below(before, old or new or ""), _below(after, new or old or "")
    if not any(limited):
        raise service_error("PathDoesNotExistException", new or old or "")
    return limited


def _below(listing: Listing, path: str) -> Listing:
    if not path.strip("/"):
        return listing
    top = limits.check_path(path.rstrip("/"))
    return {name: entry for name, entry in listing.items() if name == top or name.startswith(f"{top}/")}


def _difference(path: str, before: Entry | None, after: Entry | None) -> dict[str, Any]:
    sides = {
        name: {"blobId": entry.blob, "path": path, "mode": entry.mode}
        for name, entry in (("beforeBlob", before), ("afterBlob", after))
        if entry
    }
    return {**sides, "changeType": "A" if before is None else "D" if after is None else "M"}
