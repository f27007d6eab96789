"""Steps 1 to 10: status, approvals and invocations of an AWS that is up, through its public APIs."""

import json
import urllib.request
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sagemaker_rehearsal.account import PERMISSIONS
from sagemaker_rehearsal.scenario import unused_grants
from sagemaker_rehearsal.scenario.personas import POLICY, People
from sagemaker_rehearsal.server.errors import RehearsalError


@dataclass(frozen=True)
class Resource:
    """Something that is up.

    Attributes:
        kind: `aws`, `project`, `pipeline`, `model package`, `stack` or `endpoint`.
        name: its name, ARN or address.
        status: as AWS calls it; of a pipeline, that of each stage.
    """

    kind: str
    name: str
    status: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}: {self.status}"


def status(people: People) -> Iterator[Resource]:
    """Yield the AWS itself, and each project, pipeline, model package, stack and endpoint in it."""
    yield Resource("aws", people.url, f"up, region {people.region}")
    for project in people.ops("sagemaker").list_projects()["ProjectSummaryList"]:
        yield Resource("project", f"{project['ProjectName']} ({project['ProjectId']})", project["ProjectStatus"])
    pipelines = people.ops("codepipeline")
    for pipeline in pipelines.list_pipelines()["pipelines"]:
        stages = pipelines.get_pipeline_state(name=pipeline["name"])["stageStates"]
        states = (f"{stage['stageName']} {stage.get('latestExecution', {}).get('status', '-')}" for stage in stages)
        yield Resource("pipeline", pipeline["name"], ", ".join(states))
    for package in _packages(people):
        yield Resource("model package", package["ModelPackageArn"], package["ModelApprovalStatus"])
    for stack in people.ops("cloudformation").describe_stacks()["Stacks"]:
        yield Resource("stack", stack["StackName"], stack["StackStatus"])
    for endpoint in _endpoints(people):
        yield Resource("endpoint", endpoint["EndpointName"], endpoint["EndpointStatus"])


def _endpoints(people: People) -> Iterator[Mapping[str, Any]]:
    for page in people.ops("sagemaker").get_paginator("list_endpoints").paginate():
        yield from page["Endpoints"]


def _packages(people: People) -> Iterator[Mapping[str, Any]]:
    sagemaker = people.ops("sagemaker")
    for group in sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"]:
        query = {"ModelPackageGroupName": group["ModelPackageGroupName"], "SortOrder": "Descending"}
        for page in sagemaker.get_paginator("list_model_packages").paginate(**query):
            yield from page["ModelPackageSummaryList"]


def decide(people: People, *, approve: bool) -> str:
    """Approve or reject what waits: prod if a pipeline asks, else the newest pending model package.

    Raises:
        RehearsalError: nothing waits.
    """
    word = "Approved" if approve else "Rejected"
    for pipeline in people.ops("codepipeline").list_pipelines()["pipelines"]:
        name = pipeline["name"]
        for stage, action, token in _pending(people, name):
            _appoint(people, name.removesuffix("-deploy"))
            people.approver("codepipeline").put_approval_result(
                pipelineName=name,
                stageName=stage,
                actionName=action,
                token=token,
                result={"summary": "decided in the rehearsal", "status": word},
            )
            return f"{stage} of {name} is {word}"
    for package in _packages(people):
        if package["ModelApprovalStatus"] == "PendingManualApproval":
            arn = package["ModelPackageArn"]
            _appoint(people, f"sagemaker-{package['ModelPackageGroupName']}")
            people.approver("sagemaker").update_model_package(ModelPackageArn=arn, ModelApprovalStatus=word)
            return f"{arn} is {word}"
    raise RehearsalError("nothing waits for an approval; see `rehearse status`")


def _appoint(people: People, prefix: str) -> None:
    """Make sure that the approver holds the policy of a project that somebody made by hand."""
    people.arrive()
    account = people.ops("sts").get_caller_identity()["Account"]
    people.appoint(f"arn:aws:iam::{account}:policy/{prefix}-approver")


def _pending(people: People, pipeline: str) -> Iterator[tuple[str, str, str]]:
    for stage in people.ops("codepipeline").get_pipeline_state(name=pipeline)["stageStates"]:
        for action in stage.get("actionStates", []):
            token = action.get("latestExecution", {}).get("token")
            if token:
                yield stage["stageName"], action["actionName"], token


def invoke(people: People, endpoint: str | None, body: bytes) -> str:
    """Send rows to an endpoint as an application does; by default to the prod endpoint that is there."""
    if endpoint is None:
        names = [endpoint["EndpointName"] for endpoint in _endpoints(people)]
        prod = [name for name in names if name.endswith("-prod")]
        if len(prod) != 1:
            raise RehearsalError(f"--endpoint: name one of {', '.join(names) or 'none, for there is no endpoint'}")
        endpoint = prod[0]
    answer = people.application("sagemaker-runtime").invoke_endpoint(
        EndpointName=endpoint, ContentType="text/csv", Accept="text/csv", Body=body
    )
    return str(answer["Body"].read().decode())


def permissions(url: str, besides: Collection[str] = ()) -> dict[str, Any]:
    """Return what an embedded AWS denied to the roles of the templates, and what was granted and never used.

    Args:
        url: its address.
        besides: names of roles whose unused grants are of no interest.
    """
    with urllib.request.urlopen(url + PERMISSIONS, timeout=30) as response:  # noqa: S310 (our own server)
        summary: dict[str, Any] = json.load(response)
    unused = {
        role: [grant for grant in grants if grant["policy"] != POLICY]
        for role, grants in summary["unused"].items()
        if role not in besides
    }
    return {**summary, "unused": unused_grants.explained({role: grants for role, grants in unused.items() if grants})}


def permission_lines(summary: Mapping[str, Any] | None) -> Iterator[str]:
    """Yield the lines that tell about permissions."""
    if not summary:
        return
    unused = sum(map(len, summary["unused"].values()))
    yield (
        f"permissions: {summary['calls']} calls checked, {len(summary['denied'])} denied; {unused} grants were not "
        "used in this walk, report.json says what for"
    )
    yield from (f"  denied: {denied}" for denied in summary["denied"])
    yield from (f"  unused permission: {grant}" for grant in unused_grants.unexplained(summary["unused"]))
