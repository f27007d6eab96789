"""Step 3: reject malformed requests with CodeCommit's error code for each parameter."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from botocore.model import OperationModel

from sagemaker_rehearsal.codecommit.errors import service_error
from sagemaker_rehearsal.server import validation
from sagemaker_rehearsal.server.errors import AwsError

VIOLATION = re.compile(r"Value (null|'.*') at '([^']*)' failed to satisfy constraint: (.*)", re.DOTALL)
# Parameter -> (error code when it is missing, error code when it is wrong), each without "Exception". An operation
# whose page does not list the code answers ValidationException.
CODES = {
    "blobId": ("BlobIdRequired", "InvalidBlobId"),
    "branchName": ("BranchNameRequired", "InvalidBranchName"),
    "commitId": ("CommitIdRequired", "InvalidCommitId"),
    "commitIds": ("CommitIdsListRequired", "InvalidCommitId"),
    "conflictDetailLevel": ("", "InvalidConflictDetailLevel"),
    "conflictResolutionStrategy": ("", "InvalidConflictResolutionStrategy"),
    "afterCommitSpecifier": ("CommitRequired", "InvalidCommit"),
    "defaultBranchName": ("BranchNameRequired", "InvalidBranchName"),
    "description": ("", "InvalidDescription"),
    "destinationCommitSpecifier": ("CommitRequired", "InvalidCommit"),
    "fileContent": ("FileContentRequired", "FileContentSizeLimitExceeded"),
    "fileMode": ("FileModeRequired", "InvalidFileMode"),
    "filePath": ("PathRequired", "InvalidPath"),
    "folderPath": ("PathRequired", "InvalidPath"),
    "maxResults": ("", "InvalidMaxResults"),
    "newName": ("RepositoryNameRequired", "InvalidRepositoryName"),
    "oldName": ("RepositoryNameRequired", "InvalidRepositoryName"),
    "order": ("", "InvalidOrder"),
    "parentCommitId": ("ParentCommitIdRequired", "InvalidParentCommitId"),
    "pullRequestId": ("PullRequestIdRequired", "InvalidPullRequestId"),
    "pullRequestStatus": ("PullRequestStatusRequired", "InvalidPullRequestStatus"),
    "repositoryDescription": ("", "InvalidRepositoryDescription"),
    "repositoryName": ("RepositoryNameRequired", "InvalidRepositoryName"),
    "repositoryNames": ("RepositoryNamesRequired", "InvalidRepositoryName"),
    "resourceArn": ("ResourceArnRequired", "InvalidResourceArn"),
    "sortBy": ("", "InvalidSortBy"),
    "sourceCommitSpecifier": ("CommitRequired", "InvalidCommit"),
    "sourceReference": ("ReferenceNameRequired", "InvalidReferenceName"),
    "tagKeys": ("TagKeysListRequired", "InvalidTagKeysList"),
    "tags": ("TagsMapRequired", "InvalidTagsMap"),
    "targetBranch": ("BranchNameRequired", "InvalidTargetBranch"),
    "targets": ("TargetsRequired", "InvalidTargets"),
    "title": ("TitleRequired", "InvalidTitle"),
}


def require_valid(operation: OperationModel, params: Mapping[str, Any]) -> None:
    """Validate a request against the service model.

    Raises:
        AwsError: with the operation's error code for the first violation.
    """
    problems = [problem for problem in validation.violations(operation.input_shape, params) if not _is_size(problem)]
    if not problems:
        return
    code, where = _code(problems[0], {shape.name for shape in operation.error_shapes})
    raise service_error(code, where) if code else AwsError("ValidationException", validation.message(problems))


def _is_size(violation: str) -> bool:
    """Return whether a violation concerns a file's length, which is checked after base64 decoding."""
    match = VIOLATION.fullmatch(violation)
    return bool(match and match[2].endswith("fileContent") and "length" in match[3])


def _code(violation: str, listed: set[str]) -> tuple[str, str]:
    match = VIOLATION.fullmatch(violation)
    if not match or "must be of type" in match[3]:
        return "", ""
    value, path = match[1], match[2]
    steps = [step for step in path.split(".") if not step.isdigit() and step not in ("member", "key")]
    name = next((step for step in reversed(steps) if step in CODES), "")
    missing = value in ("null", "''")
    chosen = CODES.get(name, ("", ""))[0 if missing else 1]
    return (f"{chosen}Exception", path) if f"{chosen}Exception" in listed else ("", "")
