"""Steps 4 and 6: the Lambda function: asks AWS what `decide` needs to know, starts what it decided, logs why.

An error that may pass is raised: Lambda then delivers the event twice more, and at last to the dead-letter queue.
Structured logs are one `print` of JSON; aws-lambda-powertools would make the bundle a hundred times larger for it.
"""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from botocore.exceptions import ClientError

from catalog.router.decide import (
    COMMIT,
    Approval,
    Decision,
    Here,
    Ignore,
    Package,
    Push,
    Source,
    Start,
    needs_package,
    on_approval,
    on_push,
    read,
)

GONE = ("CommitDoesNotExistException", "InvalidCommitException")
NO_PIPELINE = "PipelineNotFoundException"
# DescribeModelPackage and ListModelPackages say ValidationException of what is not there, in sound requests too.
NO_PACKAGE = ("ResourceNotFound", "ResourceNotFoundException", "ValidationException")


class Context(Protocol):
    """What Lambda says of an invocation."""

    invoked_function_arn: str


@dataclass(frozen=True)
class Account:
    """The services that the router asks; `client` returns the boto3 client of one."""

    client: Callable[[str], Any]

    def source(self, project: str) -> Source | None:
        """Return what the project's build pipeline is built from; None when there is no such pipeline."""
        codepipeline = self.client("codepipeline")
        pipeline = asked(lambda: codepipeline.get_pipeline(name=f"sagemaker-{project}-build"), NO_PIPELINE)
        if pipeline is None:
            return None
        configuration = pipeline["pipeline"]["stages"][0]["actions"][0]["configuration"]
        return Source(configuration.get("RepositoryName", ""), configuration.get("BranchName", ""))

    def changed(self, push: Push) -> list[str] | None:
        """Return every path that differs, of both sides of a rename; None when there is no older commit (any more)."""
        if not push.old_commit:
            return None
        commits = {"beforeCommitSpecifier": push.old_commit, "afterCommitSpecifier": push.commit}
        pages = self.client("codecommit").get_paginator("get_differences")
        differences = asked(lambda: list(pages.paginate(repositoryName=push.repository, **commits)), *GONE)
        return None if differences is None else sorted({path for page in differences for path in paths_of(page)})

    def package(self, arn: str) -> Package | None:
        """Return what the registry says of a version now; None when it is not there any more."""
        sagemaker = self.client("sagemaker")
        response = asked(lambda: sagemaker.describe_model_package(ModelPackageName=arn), *NO_PACKAGE)
        if response is None:
            return None
        commit = str(response.get("CustomerMetadataProperties", {}).get("Commit", ""))
        changed = response["LastModifiedTime"].isoformat() if "LastModifiedTime" in response else ""
        return Package(arn, response["ModelApprovalStatus"], commit if COMMIT.fullmatch(commit) else "", changed)

    def newest_approved(self, group: str) -> Package | None:
        """Return the approved version that was created last; a page may be empty and yet not be the last."""
        query = {"ModelApprovalStatus": "Approved", "SortBy": "CreationTime", "SortOrder": "Descending"}
        pages = self.client("sagemaker").get_paginator("list_model_packages")
        summaries = pages.paginate(ModelPackageGroupName=group, **query)
        rows = (row for page in summaries for row in page["ModelPackageSummaryList"])
        newest = asked(lambda: next(rows, None), *NO_PACKAGE)
        return self.package(newest["ModelPackageArn"]) if newest else None

    def start(self, start: Start) -> str | None:
        """Start an execution and return its id; None when there is no such pipeline."""
        request: dict[str, Any] = {"name": start.pipeline, "clientRequestToken": start.token}
        if start.variables:
            request["variables"] = [{"name": name, "value": value} for name, value in start.variables.items()]
        if start.commit:
            request["sourceRevisions"] = [
                {"actionName": "Source", "revisionType": "COMMIT_ID", "revisionValue": start.commit}
            ]
        codepipeline = self.client("codepipeline")
        started = asked(lambda: codepipeline.start_pipeline_execution(**request), NO_PIPELINE)
        return None if started is None else str(started["pipelineExecutionId"])


def asked(ask: Callable[[], Any], *absent: str) -> Any:  # noqa: ANN401 - as boto3
    """Return AWS's answer; None when its error says, by one of these codes, that something is not there.

    Raises:
        ClientError: it says something else.
    """
    try:
        return ask()
    except ClientError as error:
        if error.response["Error"]["Code"] in absent:
            return None
        raise


def paths_of(page: Mapping[str, Any]) -> list[str]:
    """Return the paths in a page of GetDifferences."""
    sides = [(row, side) for row in page["differences"] for side in ("beforeBlob", "afterBlob")]
    return [row[side]["path"] for row, side in sides if side in row]


def handler(event: object, context: Context) -> None:
    """Lambda's entry point."""
    _, _, _, region, account, *_ = context.invoked_function_arn.split(":")
    route(event, Here(account, region), Account(client))


def route(event: object, here: Here, account: Account) -> None:
    """Decide, start, log.

    Raises:
        ClientError: AWS refused a call for a reason that may pass.
    """
    decision = decide(read(event, here), account)
    if isinstance(decision, Ignore):
        return log(event, "ignored", because=decision.because)
    for start in decision:
        execution = account.start(start)
        if execution is None:
            log(event, "ignored", because=f"there is no pipeline {start.pipeline}: its project was removed")
        else:
            log(event, "started", pipeline=start.pipeline, execution=execution, commit=start.commit,
                variables=dict(start.variables), because=start.because)  # fmt: skip
    return None


def decide(subject: Push | Approval | Ignore, account: Account) -> Decision:
    """Read what the decision depends on, and decide."""
    if isinstance(subject, Ignore):
        return subject
    if isinstance(subject, Approval):
        return on_approval(subject, account.package(subject.package))
    source = account.source(subject.project)
    if source is None:
        return Ignore(f"there is no pipeline sagemaker-{subject.project}-build: its project was removed")
    if (source.repository, source.branch) != (subject.repository, subject.branch):
        return on_push(subject, source, [], None)
    changed = account.changed(subject)
    package = account.newest_approved(subject.project) if needs_package(changed) else None
    return on_push(subject, source, changed, package)


@functools.cache
def client(service: str) -> Any:  # noqa: ANN401 - boto3 makes these classes at run time
    """Return a boto3 client, kept while the function is warm."""
    import boto3
    from botocore.config import Config

    return boto3.client(service, config=Config(retries={"mode": "standard", "max_attempts": 4}))


def log(event: object, outcome: str, **facts: object) -> None:
    """Write one line of JSON."""
    origin = event if isinstance(event, Mapping) else {}
    row = {"level": "INFO", "outcome": outcome, "event": origin.get("id"), "type": origin.get("detail-type"), **facts}
    print(json.dumps(row, default=str), file=sys.stdout, flush=True)
