"""Steps 1 to 10 on the small sample, and what people do next: another commit, a rejection, a rollback, a removal.

The tests of this file share one AWS account and one project, and run in the order in which they stand.
"""

import json
import os
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sagemaker_rehearsal.account import account
from sagemaker_rehearsal.codecommit import git_environment
from sagemaker_rehearsal.pipelines.drills import NO_CLARIFY
from sagemaker_rehearsal.scenario import personas, status, synthetic_data, unused_grants, waiters
from sagemaker_rehearsal.scenario.personas import People
from sagemaker_rehearsal.scenario.project import Project
from sagemaker_rehearsal.scenario.report import NAMES, Report
from sagemaker_rehearsal.scenario.template_clone import TemplateClone
from sagemaker_rehearsal.scenario.ten_steps import Walk
from sagemaker_rehearsal.scenario.terminal import RejectedError
from sagemaker_rehearsal.server.cloud import Cloud
from sagemaker_rehearsal.server.errors import RehearsalError
from tests.tree import ROOT

REGION = "us-east-1"
ROW = b"39,Private,77516,Bachelors,13,Never-married,Adm-clerical,Not-in-family,White,Male,2174,0,40,United-States\n"
TOKEN = "00000000-0000-0000-0000-000000000000"  # nobody asks with it
QUIET = 3.0  # seconds in which something would have started


@dataclass
class World:
    """The account, the project in it, and a clone of its repository."""

    cloud: Cloud
    walk: Walk
    clone: Path
    answer: str = "approve"
    said: list[str] = field(default_factory=list)
    project: Project = field(default_factory=lambda: Project("", "", ""))
    packages: list[str] = field(default_factory=list)

    @property
    def people(self) -> People:
        return self.walk.people

    def git(self, *arguments: str) -> str:
        command = ["git", "-C", str(self.clone), *arguments]
        environment = {**os.environ, **git_environment(self.cloud)}
        return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout.strip()

    def commit(self, path: str, old: str, new: str) -> str:
        """Change a file as a data scientist does: pull, edit, commit, push."""
        self.git("pull", "--quiet")
        file = self.clone / path
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new, 1), encoding="utf-8")
        self.git("commit", "--quiet", "-am", f"Change {path}")
        self.git("push", "--quiet")
        return self.git("rev-parse", "HEAD")

    def executions(self, pipeline: str) -> list[dict[str, Any]]:
        found = self.people.ops("codepipeline").list_pipeline_executions(pipelineName=pipeline)
        return list(found["pipelineExecutionSummaries"])

    def serving(self, stage: str) -> str:
        """Return the model package that an endpoint serves."""
        sagemaker = self.people.ops("sagemaker")
        endpoint = sagemaker.describe_endpoint(EndpointName=self.project.endpoint(stage))
        config = sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
        model = sagemaker.describe_model(ModelName=config["ProductionVariants"][0]["ModelName"])
        return str(model["PrimaryContainer"]["ModelPackageName"])

    def deploy(self, package: str) -> str:
        """Approve a package and go through steps 6 to 9."""
        self.walk.approve(package)
        execution = self.walk.start_of_deployment(self.project, package)
        self.walk.staging(self.project, execution)
        self.walk.check(self.project, execution, package)
        self.walk.results(self.project, execution, package)
        return execution


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("ten steps")
    sample = synthetic_data.write(folder / "synthetic")
    # Without Clarify, as new customers of AWS are; the generated repository's own walk has it
    chosen = {"build_environment": {"DATA": str(sample)}, "drills": [NO_CLARIFY]}
    with account(folder / "cloud", REGION, options=chosen) as cloud:
        said: list[str] = []
        people, work = People(cloud.url, REGION), folder / "work"
        origin = TemplateClone(ROOT)
        walk = Walk(people, work, Report(work), lambda _: made.answer, said.append, said.append, origin)
        made = World(cloud, walk, folder / "clone", said=said)
        yield made


def test_all_ten_steps_succeed_and_leave_evidence(world: World) -> None:
    world.project = world.walk.run("adult-income")
    report = json.loads((world.walk.work / "report.json").read_text(encoding="utf-8"))
    assert [(number, name, "succeeded") for number, name in NAMES.items()] == [
        (one["step"], one["name"], one["status"]) for one in report["steps"]
    ]
    assert [] == [one for one in report["steps"] if not one["evidence"] or one["seconds"] < 0]
    assert report["metrics"]["auc"] > 0.9
    world.packages.append(world.walk.newest(world.project, "Approved"))
    assert world.serving("prod") == world.serving("staging") == world.packages[0]


def test_the_model_is_explained_where_autopilot_explains_nothing(world: World) -> None:
    """Autopilot's report is a Clarify job, which new customers do not get: the registered one is the pipeline's own."""
    sagemaker, s3 = world.cloud.client("sagemaker"), world.cloud.client("s3")
    package = sagemaker.describe_model_package(ModelPackageName=world.packages[0])
    job = package["CustomerMetadataProperties"]["AutoMLJobName"]
    best = sagemaker.describe_auto_ml_job(AutoMLJobName=job)["BestCandidate"]
    assert list(best["CandidateProperties"]["CandidateArtifactLocations"]) == ["ModelInsights"]
    bucket, _, key = package["ModelMetrics"]["Explainability"]["Report"]["S3Uri"].removeprefix("s3://").partition("/")
    report = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    names = [feature["name"] for feature in report["features"]]
    assert (report["method"], len(names)) == ("permutation importance", 14)
    assert names.index("marital_status") < names.index("fnlwgt")


def test_no_call_was_denied_and_each_grant_has_its_use(world: World) -> None:
    found = status.permissions(world.cloud.url)
    assert (found["denied"], list(unused_grants.unexplained(found["unused"]))) == ([], [])
    assert found["calls"] > 500


def test_studios_page_draws_the_metrics_of_the_registered_version(world: World) -> None:
    """The browser asks first, unsigned; then it reads with the approver's credentials."""
    described = world.people.approver("sagemaker").describe_model_package(ModelPackageName=world.packages[0])
    uri = described["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"].removeprefix("s3://")
    page = f"https://d-abc.studio.{REGION}.sagemaker.aws"
    signed = world.people.approver("s3").generate_presigned_url(
        "get_object", {"Bucket": uri.partition("/")[0], "Key": uri.partition("/")[2]}
    )
    seen = []
    for url, method in ((f"{world.cloud.url}/{uri}", "OPTIONS"), (signed, "GET")):
        asked = {"Origin": page, **({"Access-Control-Request-Method": "GET"} if method == "OPTIONS" else {})}
        with urllib.request.urlopen(urllib.request.Request(url, method=method, headers=asked), timeout=10) as answer:
            seen.append((answer.status, answer.headers["Access-Control-Allow-Origin"], len(answer.read()) > 0))
    assert seen == [(200, page, False), (200, page, True)]


def test_a_lead_approves_neither_a_model_nor_prod(world: World) -> None:
    """Nor does the approver train, register or deploy."""
    lead, approver, name = world.people.studio, world.people.approver, world.project.deploy_pipeline
    approval = {"pipelineName": name, "stageName": "Approval", "actionName": "Approve", "token": TOKEN}
    requests: list[tuple[Callable[..., object], dict[str, Any]]] = [
        (
            lead("sagemaker").update_model_package,
            {"ModelPackageArn": world.packages[0], "ModelApprovalStatus": "Approved"},
        ),
        (lead("codepipeline").put_approval_result, {**approval, "result": {"summary": "no", "status": "Approved"}}),
        (approver("codepipeline").start_pipeline_execution, {"name": name}),
        (approver("codepipeline").start_pipeline_execution, {"name": world.project.build_pipeline}),
        (approver("sagemaker").create_model_package, {"ModelPackageGroupName": world.project.group}),
        (approver("sagemaker").delete_endpoint, {"EndpointName": world.project.endpoint("prod")}),
    ]
    refused = []
    for ask, given in requests:
        with pytest.raises(ClientError) as caught:
            ask(**given)
        refused.append(caught.value.response["Error"]["Code"])
    assert refused == ["AccessDeniedException"] * len(requests)


def test_the_first_automatic_executions_fail_for_want_of_a_branch(world: World) -> None:
    """CodePipeline runs a new pipeline at once; there is nothing to run yet, and nothing is trained twice."""
    first = world.executions(world.project.build_pipeline)[-1]
    assert (first["trigger"]["triggerType"], first["status"]) == ("CreatePipeline", "Failed")
    assert len(world.executions(world.project.build_pipeline)) == 2


def test_the_repository_is_cloned_by_git(world: World) -> None:
    """Under the address that CodeCommit gives; `rehearse up` prints what leads Git here."""
    repository = world.people.ops("codecommit").get_repository(repositoryName=world.project.repository)
    world.clone.mkdir()
    world.git("clone", "--quiet", repository["repositoryMetadata"]["cloneUrlHttp"], ".")
    world.git("config", "user.email", "scientist@example.com")
    world.git("config", "user.name", "A Scientist")
    assert world.git("branch", "--show-current") == "main"
    assert (world.clone / "settings.yaml").is_file()


def test_a_readme_edit_starts_nothing(world: World) -> None:
    before = len(world.executions(world.project.build_pipeline))
    world.commit("README.md", "# Adult Income", "# Adult income")
    time.sleep(QUIET)
    assert len(world.executions(world.project.build_pipeline)) == before


def test_another_flow_trains_again_and_its_rejection_deploys_nothing(world: World) -> None:
    flow = "flows/preprocess.flow"
    text = world.clone / flow
    commit = world.commit(flow, text.read_text(encoding="utf-8")[-2:], " }\n")
    package = world.walk.train(world.project)
    described = world.people.ops("sagemaker").describe_model_package(ModelPackageName=package)
    assert described["CustomerMetadataProperties"]["Commit"] == commit
    before = len(world.executions(world.project.deploy_pipeline))
    world.answer = "reject"
    with pytest.raises(RejectedError, match="nothing is deployed"):
        world.walk.approve(package)
    world.answer = "approve"
    time.sleep(QUIET)
    assert len(world.executions(world.project.deploy_pipeline)) == before
    assert world.serving("prod") == world.packages[0]
    world.packages.append(package)


def test_a_second_model_replaces_the_first_without_a_failed_request(world: World) -> None:
    """The package that was rejected is approved after all; calls go on all the while."""
    failures: list[str] = []
    answered, stop = [0], threading.Event()

    def call() -> None:
        runtime = world.people.application("sagemaker-runtime")
        while not stop.is_set():
            try:
                runtime.invoke_endpoint(EndpointName=world.project.endpoint("prod"), ContentType="text/csv", Body=ROW)
                answered[0] += 1
            except ClientError as error:
                failures.append(str(error))
            time.sleep(0.01)

    thread = threading.Thread(target=call)
    thread.start()
    try:
        execution = world.deploy(world.packages[1])
        world.walk.production(world.project, execution, world.packages[1])
    finally:
        stop.set()
        thread.join()
    assert world.serving("prod") == world.packages[1]
    assert (failures, answered[0] > 100) == ([], True)


def test_prod_stays_as_it_is_when_its_approval_is_rejected(world: World) -> None:
    world.walk.approve(world.packages[0])
    execution = world.walk.start_of_deployment(world.project, world.packages[0])
    world.walk.staging(world.project, execution)
    world.walk.check(world.project, execution, world.packages[0])
    world.answer = "reject"
    with pytest.raises(RejectedError, match="staging stays as it is"):
        world.walk.results(world.project, execution, world.packages[0])
    world.answer = "approve"
    time.sleep(QUIET)
    assert (world.serving("staging"), world.serving("prod")) == (world.packages[0], world.packages[1])


def test_approving_the_older_model_again_rolls_back(world: World) -> None:
    execution = world.deploy(world.packages[0])
    world.walk.production(world.project, execution, world.packages[0])
    assert world.serving("prod") == world.packages[0]


def test_a_failing_test_of_staging_stops_before_prod(world: World) -> None:
    """A latency that nothing reaches; the commit changes settings, so it trains first, mostly from the cache."""
    world.commit("settings.yaml", "max_p95_ms: 1000", "max_p95_ms: 1   ")
    package = world.walk.train(world.project)
    world.walk.approve(package)
    execution = world.walk.start_of_deployment(world.project, package)
    world.walk.staging(world.project, execution)
    with pytest.raises(RehearsalError, match=r"action Check of stage Staging failed.*staging is not good enough"):
        world.walk.check(world.project, execution, package)
    assert world.serving("prod") == world.packages[0]
    state = world.people.ops("codepipeline").get_pipeline_state(name=world.project.deploy_pipeline)
    asked = next(one for one in state["stageStates"] if one["stageName"] == "Approval")
    assert asked.get("latestExecution", {}).get("pipelineExecutionId") != execution


def test_four_eyes_deny_a_role_that_trains_both_approvals(world: World) -> None:
    """The lead asks for it by updating the project; the approver's role then counts among those that train."""
    trainer = world.people.role_arn(personas.APPROVER)
    outputs = {
        one["OutputKey"]: one["OutputValue"]
        for one in world.people.ops("cloudformation").describe_stacks(StackName="sagemaker-autopilot-catalog")[
            "Stacks"
        ][0]["Outputs"]
    }
    url = f"https://{outputs['ArtifactBucket']}.s3.{REGION}.amazonaws.com/studio/sagemaker-autopilot.yaml"
    given = {"TemplateName": "sagemaker-autopilot", "TemplateURL": url}
    provider = {**given, "Parameters": [{"Key": "TrainerRoleArns", "Value": trainer}]}
    world.people.studio("sagemaker").update_project(
        ProjectName=world.project.name, TemplateProvidersToUpdate=[{"CfnTemplateProvider": provider}]
    )
    waiters.updated(world.people, world.project)
    approval = {"pipelineName": world.project.deploy_pipeline, "stageName": "Approval", "actionName": "Approve"}
    with pytest.raises(ClientError, match="with an explicit deny in an identity-based policy"):
        world.people.approver("sagemaker").update_model_package(
            ModelPackageArn=world.packages[0], ModelApprovalStatus="Rejected"
        )
    with pytest.raises(ClientError, match="with an explicit deny in an identity-based policy"):
        world.people.approver("codepipeline").put_approval_result(
            **approval, token=TOKEN, result={"summary": "no", "status": "Approved"}
        )
    denied = status.permissions(world.cloud.url)["denied"]
    because = {
        one["because"] for one in denied if personas.APPROVER in one["principal"] and "explicit" in one["because"]
    }
    assert because == {f"with an explicit deny in an identity-based policy ({world.project.approver_policy}: FourEyes)"}
    assert world.people.approver("sagemaker").describe_model_package(ModelPackageName=world.packages[0])


def test_a_removed_project_keeps_the_teams_work_and_nothing_else(world: World) -> None:
    for stage in ("prod", "staging"):
        world.people.ops("cloudformation").delete_stack(StackName=world.project.stack(stage))
        waiters.stack_removed(world.people, world.project.stack(stage))
    stack = next(
        one["StackId"]
        for one in world.people.ops("cloudformation").describe_stacks()["Stacks"]
        if one["StackName"].startswith("SP-")
    )
    policy = waiters.approver_policy(world.people, world.project)
    world.people.studio("sagemaker").delete_project(ProjectName=world.project.name)
    with pytest.raises(RehearsalError, match="could not be deleted; its stack's events say why"):
        waiters.removed(world.people, world.project)
    found = world.people.ops("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
    why = [one["ResourceStatusReason"] for one in found if one["ResourceStatus"] == "DELETE_FAILED"]
    assert any("Cannot delete a policy attached to entities" in one for one in why)
    world.people.dismiss(policy)
    world.people.studio("sagemaker").delete_project(ProjectName=world.project.name)
    waiters.removed(world.people, world.project)
    project, ops = world.project, world.people.ops
    kept = {
        "bucket": project.bucket in [one["Name"] for one in ops("s3").list_buckets()["Buckets"]],
        "repository": bool(ops("codecommit").get_repository(repositoryName=project.repository)),
        "group": bool(ops("sagemaker").describe_model_package_group(ModelPackageGroupName=project.group)),
    }
    assert kept == dict.fromkeys(kept, True)
    roles = [one["RoleName"] for page in ops("iam").get_paginator("list_roles").paginate() for one in page["Roles"]]
    assert sorted(name.rpartition("-")[2] for name in roles if project.id in name) == ["serve", "stack"]
    events = ops("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
    said = {one["LogicalResourceId"] for one in events if one["ResourceStatus"] == "DELETE_SKIPPED"}
    assert said >= {"Bucket", "Repository", "ModelPackageGroup", "EndpointRole", "StackRole"}
    gone = {
        "pipelines": [one["name"] for one in ops("codepipeline").list_pipelines()["pipelines"]],
        "builds": [one for one in ops("codebuild").list_projects()["projects"] if project.id in one],
        "rules": [one["Name"] for one in ops("events").list_rules()["Rules"] if project.id in one["Name"]],
        "endpoints": ops("sagemaker").list_endpoints()["Endpoints"],
    }
    assert gone == {name: [] for name in gone}
