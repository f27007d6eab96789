"""A small pipeline for tests: CodeCommit -> CodeBuild -> approval, in the form of the API."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from typing import Any, TypeVar

from sagemaker_rehearsal.server import Cloud

ACCOUNT = "123456789012"
BUCKET, REPOSITORY = "sagemaker-project-p-abc123def456", "sagemaker-adult-p-abc123def456"
PIPE, BUILD, STACK = (f"sagemaker-adult-p-abc123def456-{name}" for name in ("pipe", "build", "stack"))
TRUSTED = {PIPE: "codepipeline", BUILD: "codebuild", STACK: "cloudformation"}
WAIT_SECONDS = 30.0
Found = TypeVar("Found")


def role(name: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


def kind(category: str, provider: str) -> dict[str, str]:
    return {"category": category, "owner": "AWS", "provider": provider, "version": "1"}


def source(**more: object) -> dict[str, Any]:
    configuration = {"RepositoryName": REPOSITORY, "BranchName": "main", "PollForSourceChanges": "false"}
    action = {
        "name": "Source",
        "namespace": "Source",
        "actionTypeId": kind("Source", "CodeCommit"),
        "configuration": configuration,
        "outputArtifacts": [{"name": "Code"}],
    }
    return {**action, **more}


def build(name: str = "Build", project: str = "project", **more: object) -> dict[str, Any]:
    action = {
        "name": name,
        "actionTypeId": kind("Build", "CodeBuild"),
        "configuration": {"ProjectName": project},
        "inputArtifacts": [{"name": "Code"}],
    }
    return {**action, **more}


def approval(name: str = "Approve", **configuration: str) -> dict[str, Any]:
    return {"name": name, "actionTypeId": kind("Approval", "Manual"), "configuration": configuration}


def pipeline(*stages: tuple[str, list[dict[str, Any]]], name: str = "pipeline", **more: object) -> dict[str, Any]:
    """Return a declaration of a pipeline: a source stage, then these stages."""
    declared = {
        "name": name,
        "roleArn": role(PIPE),
        "pipelineType": "V2",
        "artifactStore": {"type": "S3", "location": BUCKET},
        "stages": [{"name": stage, "actions": actions} for stage, actions in [("Source", [source()]), *stages]],
    }
    return copy.deepcopy({**declared, **more})


def wait(find: Callable[[], Found | None], what: str = "") -> Found:
    """Wait until `find` returns a value; return it."""
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        value = find()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"{what or find} was not there after {WAIT_SECONDS} s")


class Rig:
    """A cloud with a repository, a bucket and roles, and shorthands for requests."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.client = cloud.client("codepipeline")
        self.builds = cloud.client("codebuild")
        cloud.client("s3").create_bucket(Bucket=BUCKET)
        cloud.client("s3").put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        self._roles()

    def _roles(self) -> None:
        iam = self.cloud.client("iam")
        allow_all = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
        for name, service in TRUSTED.items():
            trust = (
                '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"'
                f'{service}.amazonaws.com"}},"Action":"sts:AssumeRole"}}]}}'
            )
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
            iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=allow_all)

    def repository(self, **files: str) -> str:
        """Create the repository with one commit; return the commit's id."""
        client = self.cloud.client("codecommit")
        client.create_repository(repositoryName=REPOSITORY)
        return self.commit(**files)

    def commit(self, message: str = "a commit", **files: str) -> str:
        """Commit files to main; return the commit's id."""
        client = self.cloud.client("codecommit")
        parent = {}
        try:
            tip = client.get_branch(repositoryName=REPOSITORY, branchName="main")["branch"]["commitId"]
            parent = {"parentCommitId": tip}
        except client.exceptions.BranchDoesNotExistException:
            pass
        put = [{"filePath": path, "fileContent": text.encode()} for path, text in files.items()]
        request = {"repositoryName": REPOSITORY, "branchName": "main", "putFiles": put, "commitMessage": message}
        return str(client.create_commit(**request, **parent)["commitId"])

    def project(self, name: str, buildspec: str, kind: str = "CODEPIPELINE", **more: object) -> str:
        """Create a CodeBuild project."""
        variables: Any = more.pop("variables", {})
        environment = {
            "type": "LINUX_CONTAINER",
            "image": "aws/codebuild/standard:7.0",
            "computeType": "BUILD_GENERAL1_SMALL",
            "environmentVariables": [{"name": key, "value": value} for key, value in variables.items()],
        }
        artifacts = {"type": "CODEPIPELINE" if kind == "CODEPIPELINE" else "NO_ARTIFACTS"}
        request = {
            "name": name,
            "source": {"type": kind, "buildspec": buildspec},
            "artifacts": artifacts,
            "environment": environment,
            "serviceRole": role(BUILD),
        }
        self.builds.create_project(**{**request, **more})
        return name

    def create(self, declared: dict[str, Any]) -> str:
        """Create a pipeline; return the id of its first execution."""
        self.client.create_pipeline(pipeline=declared)
        return str(self.executions(declared["name"])[0]["pipelineExecutionId"])

    def start(self, name: str, **more: object) -> str:
        return str(self.client.start_pipeline_execution(name=name, **more)["pipelineExecutionId"])

    def executions(self, name: str) -> list[dict[str, Any]]:
        response = self.client.list_pipeline_executions(pipelineName=name)
        return list(response["pipelineExecutionSummaries"])

    def status(self, name: str, execution: str) -> str:
        response = self.client.get_pipeline_execution(pipelineName=name, pipelineExecutionId=execution)
        return str(response["pipelineExecution"]["status"])

    def ended(self, name: str, execution: str) -> str:
        """Wait until an execution is over; return its status."""

        def over() -> str | None:
            status = self.status(name, execution)
            return None if status in ("InProgress", "Stopping") else status

        return wait(over, f"the end of {name}")

    def actions(self, name: str, execution: str) -> dict[str, dict[str, Any]]:
        """Return an execution's actions by name."""
        query = {"pipelineName": name, "filter": {"pipelineExecutionId": execution}}
        details = self.client.list_action_executions(**query)["actionExecutionDetails"]
        return {detail["actionName"]: detail for detail in reversed(details)}

    def state(self, name: str) -> dict[str, dict[str, Any]]:
        """Return a pipeline's stage states by name."""
        return {stage["stageName"]: stage for stage in self.client.get_pipeline_state(name=name)["stageStates"]}

    def asked(self, name: str, stage: str, execution: str = "") -> dict[str, Any]:
        """Wait until a stage's first action requests approval; return the action's state."""

        def find() -> dict[str, Any] | None:
            stage_state = self.state(name)[stage]
            assert not execution or self.status(name, execution) != "Failed", self.actions(name, execution)
            if execution and stage_state.get("latestExecution", {}).get("pipelineExecutionId") != execution:
                return None
            action: dict[str, Any] = stage_state["actionStates"][0]
            return action if action.get("latestExecution", {}).get("token") else None

        return wait(find, f"the approval of {name}")

    def answer(self, name: str, stage: str, token: str, status: str = "Approved", action: str = "Approve") -> None:
        result = {"status": status, "summary": f"{status} by a test"}
        self.client.put_approval_result(
            pipelineName=name, stageName=stage, actionName=action, token=token, result=result
        )

    def events(self, kind: str, **detail: str) -> list[dict[str, Any]]:
        """Return the details of the published events of a kind, in order."""
        from sagemaker_rehearsal import events

        matching = [
            event for event in events.of(self.cloud).events if event["detail-type"].startswith(f"CodePipeline {kind}")
        ]
        expected = {key.replace("_", "-"): value for key, value in detail.items()}
        return [event["detail"] for event in matching if expected.items() <= event["detail"].items()]
