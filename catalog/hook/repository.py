"""Step 3: the few CodeCommit operations that the seed needs, as values in and out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from catalog.hook.calls import Caller, code_of, explained
from catalog.hook.plan import Chunk, Put, Remove, SetMode, State, Tip
from catalog.hook.request import TEMPLATE_BRANCH
from catalog.hook.tree import Listing

# Somebody else changed the repository meanwhile (perhaps a second delivery of the same event): look again.
CONFLICTS = {
    "ParentCommitIdOutdatedException",
    "ParentCommitIdRequiredException",
    "ParentCommitDoesNotExistException",
    "BranchNameExistsException",
    "BranchDoesNotExistException",
    "ConcurrentReferenceUpdateException",
    "NoChangeException",
    "FileDoesNotExistException",
}
ABSENT = {"BranchDoesNotExistException", "CommitDoesNotExistException", "FolderDoesNotExistException"}
AUTHOR = "SageMaker Autopilot template"
MAX_OPEN_REQUESTS = 50  # looked through; a project of this kind has a handful


class Conflict(Exception):  # noqa: N818 - no error, but a reason to look again
    """The repository is no longer as it was when it was looked at."""


@dataclass(frozen=True)
class Repository:
    """One CodeCommit repository."""

    name: str
    call: Caller
    email: str = ""

    def default(self) -> str | None:
        """Return the default branch; None while the repository is empty."""
        name = self._call("get_repository")["repositoryMetadata"].get("defaultBranch")
        return str(name) if name else None

    def root(self, branch: str) -> Tip | None:
        """Return a branch's tip by one call; None when there is no such branch."""
        try:
            # "" is the top folder: https://docs.aws.amazon.com/cli/latest/reference/codecommit/get-folder.html
            folder = self._call("get_folder", commitSpecifier=branch, folderPath="", absent=True)
        except LookupError:
            return None
        return Tip(folder["commitId"], folder["treeId"])

    def tip(self, branch: str) -> Tip | None:
        """Return a branch's tip by two calls; None when there is no such branch."""
        try:
            commit = self._call("get_branch", branchName=branch, absent=True)["branch"]["commitId"]
        except LookupError:
            return None
        return Tip(commit, self._call("get_commit", commitId=commit)["commit"]["treeId"])

    def look(self, branch: str, *, thoroughly: bool) -> State:
        """Return what matters before a Create.

        CodeCommit sets the default branch with the first commit, so without one there is nothing to look at; on a
        second look nothing is taken for granted.
        """
        default = self.default()
        if default == branch:
            return State(default, self.root(branch), None)
        if default is None and not thoroughly:
            return State(None, None, None)
        return State(default, self.tip(branch), self.tip(TEMPLATE_BRANCH))

    def listing(self, commit: str) -> Listing:
        """Return every path at a commit, with its mode and blob id."""
        found: dict[str, tuple[str, str]] = {}
        token: dict[str, Any] = {}
        while True:
            page = self._call("get_differences", afterCommitSpecifier=commit, **token)
            blobs = [difference["afterBlob"] for difference in page["differences"]]
            found |= {blob["path"]: (blob["mode"], blob["blobId"]) for blob in blobs}
            if not page.get("NextToken"):
                return found
            token = {"NextToken": page["NextToken"]}

    def commit(self, chunk: Chunk, parent: str | None, message: str) -> Tip:
        """Commit a chunk onto `template` and return the new tip."""
        request: dict[str, Any] = {
            "branchName": TEMPLATE_BRANCH,
            "authorName": AUTHOR,
            "commitMessage": message,
            "putFiles": [put(change) for change in chunk if isinstance(change, Put)],
            "deleteFiles": [{"filePath": change.path} for change in chunk if isinstance(change, Remove)],
            "setFileModes": [
                {"filePath": change.path, "fileMode": mode(change.executable)}
                for change in chunk
                if isinstance(change, SetMode)
            ],
        }
        request |= {"parentCommitId": parent} if parent else {}
        request |= {"email": self.email} if self.email else {}
        response = self._call("create_commit", **{name: value for name, value in request.items() if value})
        return Tip(response["commitId"], response["treeId"])

    def make_branch(self, branch: str, commit: str) -> None:
        """Let a new branch begin at a commit."""
        self._call("create_branch", branchName=branch, commitId=commit)

    def make_default(self, branch: str) -> None:
        """Let a clone check out this branch. Succeeds when it is the default branch already."""
        self._call("update_default_branch", defaultBranchName=branch)

    def merge_base(self, branch: str) -> str | None:
        """Return the newest commit that `template` and a branch share; None when there is no such branch."""
        specifiers: dict[str, Any] = {"sourceCommitSpecifier": TEMPLATE_BRANCH, "destinationCommitSpecifier": branch}
        try:
            return str(self._call("get_merge_options", absent=True, **specifiers)["baseCommitId"])
        except LookupError:
            return None

    def open_request(self, branch: str) -> str | None:
        """Return the id of an open pull request from `template` to a branch."""
        page = self._call("list_pull_requests", pullRequestStatus="OPEN", maxResults=MAX_OPEN_REQUESTS)
        references = (f"refs/heads/{TEMPLATE_BRANCH}", f"refs/heads/{branch}")
        for number in page["pullRequestIds"]:
            # Pull requests are addressed by their number alone.
            targets = self._ask("get_pull_request", pullRequestId=number)["pullRequest"]["pullRequestTargets"]
            if references in [(target["sourceReference"], target["destinationReference"]) for target in targets]:
                return str(number)
        return None

    def open(self, branch: str, title: str, description: str, token: str) -> str:
        """Open a pull request from `template` to a branch; the same token gives the same request."""
        target = {"repositoryName": self.name, "sourceReference": TEMPLATE_BRANCH, "destinationReference": branch}
        response = self._ask(
            "create_pull_request", title=title, description=description, targets=[target], clientRequestToken=token
        )
        return str(response["pullRequest"]["pullRequestId"])

    def _call(self, operation: str, *, absent: bool = False, **parameters: Any) -> Any:  # noqa: ANN401 - as boto3
        return self._ask(operation, absent=absent, repositoryName=self.name, **parameters)

    def _ask(self, operation: str, *, absent: bool = False, **parameters: Any) -> Any:  # noqa: ANN401 - as boto3
        with self._explaining(absent=absent):
            return self.call(operation, **parameters)

    @contextmanager
    def _explaining(self, *, absent: bool) -> Iterator[None]:
        try:
            yield
        except ClientError as error:
            if absent and code_of(error) in ABSENT:
                raise LookupError from None
            if code_of(error) in CONFLICTS:
                raise Conflict(code_of(error)) from None
            raise explained(error, f"repository {self.name}") from None


def put(change: Put) -> dict[str, Any]:
    """Return the entry of CreateCommit that writes a file."""
    return {"filePath": change.path, "fileMode": mode(change.file.executable), "fileContent": change.file.data}


def mode(executable: bool) -> str:
    """Return CodeCommit's word for a file's mode."""
    return "EXECUTABLE" if executable else "NORMAL"
