"""Steps 1 to 10: look at an AWS that is up, and decide what waits in it, through its public APIs."""

import json
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any

from sagemaker_rehearsal.account import PERMISSIONS
from sagemaker_rehearsal.scenario import unused_grants
from sagemaker_rehearsal.scenario.personas import POLICY, People
from sagemaker_rehearsal.server.errors import RehearsalError


def status(who: People) -> Iterator[str]:
    """Yield a line for each project, pipeline, stack and endpoint."""
    yield f"embedded AWS at {who.url} in {who.region}"
    for one in who.ops("sagemaker").list_projects()["ProjectSummaryList"]:
        yield f"project {one['ProjectName']} ({one['ProjectId']}): {one['ProjectStatus']}"
    pipelines = who.ops("codepipeline")
    for one in pipelines.list_pipelines()["pipelines"]:
        stages = pipelines.get_pipeline_state(name=one["name"])["stageStates"]
        states = ", ".join(f"{at['stageName']} {at.get('latestExecution', {}).get('status', '-')}" for at in stages)
        yield f"pipeline {one['name']}: {states}"
    for package in _packages(who):
        yield f"model package {package['ModelPackageArn']}: {package['ModelApprovalStatus']}"
    for stack in who.ops("cloudformation").describe_stacks()["Stacks"]:
        yield f"stack {stack['StackName']}: {stack['StackStatus']}"
    for endpoint in who.ops("sagemaker").list_endpoints()["Endpoints"]:
        yield f"endpoint {endpoint['EndpointName']}: {endpoint['EndpointStatus']}"


def _packages(who: People) -> Iterator[Mapping[str, Any]]:
    sagemaker = who.ops("sagemaker")
    for group in sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"]:
        query = {"ModelPackageGroupName": group["ModelPackageGroupName"], "SortOrder": "Descending"}
        yield from sagemaker.list_model_packages(**query)["ModelPackageSummaryList"]


def decide(who: People, *, approve: bool) -> str:
    """Approve or reject what waits: prod if a pipeline asks, else the newest pending model package.

    Raises:
        RehearsalError: nothing waits.
    """
    word = "Approved" if approve else "Rejected"
    for one in who.ops("codepipeline").list_pipelines()["pipelines"]:
        for stage, action, token in _asked(who, one["name"]):
            _appoint(who, one["name"].removesuffix("-deploy"))
            who.approver("codepipeline").put_approval_result(
                pipelineName=one["name"],
                stageName=stage,
                actionName=action,
                token=token,
                result={"summary": "decided in the rehearsal", "status": word},
            )
            return f"{stage} of {one['name']} is {word}"
    for package in _packages(who):
        if package["ModelApprovalStatus"] == "PendingManualApproval":
            arn = package["ModelPackageArn"]
            _appoint(who, f"sagemaker-{package['ModelPackageGroupName']}")
            who.approver("sagemaker").update_model_package(ModelPackageArn=arn, ModelApprovalStatus=word)
            return f"{arn} is {word}"
    raise RehearsalError("nothing waits for an approval; see `rehearse status`")


def _appoint(who: People, prefix: str) -> None:
    """Make sure that the approver holds the policy of a project that somebody made by hand."""
    who.arrive()
    account = who.ops("sts").get_caller_identity()["Account"]
    who.appoint(f"arn:aws:iam::{account}:policy/{prefix}-approver")


def _asked(who: People, pipeline: str) -> Iterator[tuple[str, str, str]]:
    for stage in who.ops("codepipeline").get_pipeline_state(name=pipeline)["stageStates"]:
        for action in stage.get("actionStates", []):
            token = action.get("latestExecution", {}).get("token")
            if token:
                yield stage["stageName"], action["actionName"], token


def invoke(who: People, endpoint: str | None, body: bytes) -> str:
    """Send rows to an endpoint as an application does; by default to the prod endpoint that is there."""
    if endpoint is None:
        names = [one["EndpointName"] for one in who.ops("sagemaker").list_endpoints()["Endpoints"]]
        prod = [name for name in names if name.endswith("-prod")]
        if len(prod) != 1:
            raise RehearsalError(f"--endpoint: name one of {', '.join(names) or 'none, for there is no endpoint'}")
        endpoint = prod[0]
    answer = who.application("sagemaker-runtime").invoke_endpoint(
        EndpointName=endpoint, ContentType="text/csv", Accept="text/csv", Body=body
    )
    return str(answer["Body"].read().decode())


def permissions(url: str) -> dict[str, Any]:
    """Ask an embedded AWS what was denied to the roles of the templates, and what was granted and never used."""
    with urllib.request.urlopen(url + PERMISSIONS, timeout=30) as answer:  # noqa: S310 (our own server)
        found: dict[str, Any] = json.load(answer)
    ours = {role: [one for one in unused if one["policy"] != POLICY] for role, unused in found["unused"].items()}
    return {**found, "unused": unused_grants.explained({role: unused for role, unused in ours.items() if unused})}


def permission_lines(found: Mapping[str, Any] | None) -> Iterator[str]:
    """Yield the lines that tell about permissions."""
    if not found:
        return
    unused = sum(map(len, found["unused"].values()))
    yield (
        f"permissions: {found['calls']} calls checked, {len(found['denied'])} denied; {unused} grants were not used in "
        "this walk, report.json says what for"
    )
    yield from (f"  denied: {denied}" for denied in found["denied"])
    yield from (f"  granted for nothing: {one}" for one in unused_grants.unexplained(found["unused"]))
