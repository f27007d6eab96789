"""What the router asks and starts: CodePipeline with two pipelines a project, the model registry, CodeCommit.

The rules are those of https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_StartPipelineExecution.html and
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ListModelPackages.html
"""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from catalog.router.decide import Here
from catalog.router.handler import Account, route
from tests.catalog.fakes.aws import Calls, Service, refused
from tests.catalog.fakes.codecommit import CodeCommit

FIXTURES = Path(__file__).parents[1] / "fixtures"
PROJECT = "adult-p-abc123def456"
OTHER = "adult-p-zzz999zzz999"
HERE = Here("123456789012", "us-east-2")
NOON = datetime.datetime(2026, 11, 24, 12, tzinfo=datetime.UTC)
Event = dict[str, Any]


def documented(name: str) -> Event:
    """Return an event as AWS documents it."""
    event: Event = json.loads((FIXTURES / f"{name}.json").read_text())
    return event


class CodePipeline(Service):
    """Pipelines of type V2 that remember what they were started with."""

    service = "codepipeline"

    def __init__(self, calls: Calls) -> None:
        super().__init__(calls)
        self.sources: dict[str, dict[str, str]] = {}
        self.variables: dict[str, set[str]] = {}
        self.executions: dict[tuple[str, str], str] = {}
        self.started: list[dict[str, Any]] = []

    def add(self, name: str, source: dict[str, str], *variables: str) -> None:
        """Make a pipeline."""
        self.sources[name], self.variables[name] = source, set(variables)

    def _known(self, name: str, operation: str) -> None:
        if name not in self.sources:
            raise refused("PipelineNotFoundException", operation)

    def _get_pipeline(self, name: str) -> dict[str, Any]:
        self._known(name, "GetPipeline")
        kind = {"category": "Source", "owner": "AWS", "provider": "CodeCommit", "version": "1"}
        action = {"name": "Source", "actionTypeId": kind, "configuration": self.sources[name]}
        stages = [{"name": "Source", "actions": [action]}]
        return {"pipeline": {"name": name, "roleArn": "arn:aws:iam::123456789012:role/r", "stages": stages}}

    def _start_pipeline_execution(
        self,
        name: str,
        clientRequestToken: str,
        variables: list[dict[str, str]] | None = None,
        sourceRevisions: list[dict[str, str]] | None = None,
    ) -> dict[str, Any]:
        self._known(name, "StartPipelineExecution")
        values = {entry["name"]: entry["value"] for entry in variables or []}
        revisions = {entry["actionName"]: entry["revisionValue"] for entry in sourceRevisions or []}
        if not set(values) <= self.variables[name] or "" in values.values() or not set(revisions) <= {"Source"}:
            raise refused("ValidationException", "StartPipelineExecution")
        if (name, clientRequestToken) not in self.executions:
            self.executions[name, clientRequestToken] = f"execution-{len(self.executions) + 1}"
            self.started.append({"pipeline": name, "commit": revisions.get("Source", ""), "variables": values})
        return {"pipelineExecutionId": self.executions[name, clientRequestToken]}


class Registry(Service):
    """Model packages; pages of one, the first of them empty, as SageMaker's may be."""

    service = "sagemaker"

    def __init__(self, calls: Calls) -> None:
        super().__init__(calls)
        self.packages: dict[str, dict[str, Any]] = {}

    def add(self, group: str, version: int, status: str, commit: str = "", hours: int = 0) -> str:
        """Register a version, and return its ARN."""
        arn = f"arn:aws:sagemaker:{HERE.region}:{HERE.account}:model-package/{group}/{version}"
        noted = {"CustomerMetadataProperties": {"Commit": commit}} if commit else {}
        moment = NOON + datetime.timedelta(hours=hours)
        self.packages[arn] = {
            "ModelPackageName": group,
            "ModelPackageArn": arn,
            "ModelPackageGroupName": group,
            "ModelPackageVersion": version,
            "ModelPackageStatus": "Completed",
            "ModelPackageStatusDetails": {"ValidationStatuses": []},
            "ModelApprovalStatus": status,
            "CreationTime": moment,
            "LastModifiedTime": moment,
            **noted,
        }
        return arn

    def _describe_model_package(self, ModelPackageName: str) -> dict[str, Any]:
        if ModelPackageName not in self.packages:
            raise refused(
                "ValidationException", "DescribeModelPackage", f"ModelPackage {ModelPackageName} does not exist"
            )
        return self.packages[ModelPackageName]

    def _list_model_packages(
        self,
        ModelPackageGroupName: str,
        ModelApprovalStatus: str,
        SortBy: str,
        SortOrder: str,
        NextToken: str = "0",
    ) -> dict[str, Any]:
        assert SortBy == "CreationTime"
        groups = {package["ModelPackageGroupName"] for package in self.packages.values()}
        if ModelPackageGroupName not in groups:
            raise refused("ValidationException", "ListModelPackages")
        members = (
            "ModelPackageArn",
            "ModelPackageGroupName",
            "ModelPackageVersion",
            "ModelPackageStatus",
            "CreationTime",
        )
        summaries = [
            {name: package[name] for name in (*members, "ModelApprovalStatus")}
            for package in self.packages.values()
            if (package["ModelPackageGroupName"], package["ModelApprovalStatus"])
            == (ModelPackageGroupName, ModelApprovalStatus)
        ]
        summaries.sort(key=lambda summary: summary["CreationTime"], reverse=SortOrder == "Descending")
        page = int(NextToken)
        more = {"NextToken": str(page + 1)} if page < len(summaries) else {}
        return {"ModelPackageSummaryList": summaries[page - 1 : page] if page else [], **more}


@dataclass
class Delivery:
    """An account with two projects, whose names differ in their ids alone."""

    calls: Calls = field(default_factory=Calls)

    def __post_init__(self) -> None:
        self.codepipeline, self.registry = CodePipeline(self.calls), Registry(self.calls)
        self.codecommit = CodeCommit(self.calls, f"sagemaker-{PROJECT}")
        for project in (PROJECT, OTHER):
            source = {"RepositoryName": f"sagemaker-{project}", "BranchName": "main", "PollForSourceChanges": "false"}
            self.codepipeline.add(f"sagemaker-{project}-build", source, "Commit")
            self.codepipeline.add(f"sagemaker-{project}-deploy", source, "Commit", "ModelPackageArn")
        self.services = {"codepipeline": self.codepipeline, "codecommit": self.codecommit, "sagemaker": self.registry}

    @property
    def started(self) -> list[dict[str, Any]]:
        """Return what was started, in order."""
        return self.codepipeline.started

    def push(self, *paths: str) -> Event:
        """Let the team push to `main`, and return CodeCommit's event."""
        old = self.codecommit.branches.get("main") or self.codecommit.user_commit("main", **{"README.md": b"0"})
        new = self.codecommit.user_commit(
            "main", **{path: f"{len(self.codecommit.commits)}".encode() for path in paths}
        )
        event = documented("codecommit-reference-updated")
        event["detail"] |= {"commitId": new, "oldCommitId": old}
        return event

    def deliver(self, event: object) -> None:
        """Let Lambda invoke the router."""
        route(event, HERE, Account(self.services.__getitem__))
