"""Step 3: CloudFormation creates, updates and deletes repositories."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from sagemaker_rehearsal.server import Cloud
from tests.services.codecommit import refused, running

ATTRIBUTES = ("Name", "Arn", "CloneUrlHttp", "CloneUrlSsh")


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with running(tmp_path_factory.mktemp("cloud")) as started:
        yield started


def template(**properties: object) -> str:
    resource = {"Type": "AWS::CodeCommit::Repository", "Properties": properties}
    outputs: dict[str, Any] = {name: {"Value": {"Fn::GetAtt": ["Repository", name]}} for name in ATTRIBUTES}
    outputs["Ref"] = {"Value": {"Ref": "Repository"}}
    return json.dumps({"Resources": {"Repository": resource}, "Outputs": outputs})


def settled(cloud: Cloud, name: str) -> dict[str, Any]:
    while True:
        stack = cloud.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
        if not stack["StackStatus"].endswith("_IN_PROGRESS"):
            return dict(stack)
        time.sleep(0.02)


def outputs(stack: dict[str, Any]) -> dict[str, str]:
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def test_a_stack_makes_changes_and_removes_a_repository(cloud: Cloud) -> None:
    formation, codecommit = cloud.client("cloudformation"), cloud.client("codecommit")
    tags = [{"Key": "sagemaker:project-name", "Value": "x"}]
    formation.create_stack(StackName="one", TemplateBody=template(RepositoryName="in-stack", Tags=tags))
    values = outputs(settled(cloud, "one"))
    described = codecommit.get_repository(repositoryName="in-stack")["repositoryMetadata"]
    assert values == {
        "Ref": described["repositoryId"],
        "Name": "in-stack",
        "Arn": "arn:aws:codecommit:us-east-1:123456789012:in-stack",
        "CloneUrlHttp": "https://git-codecommit.us-east-1.amazonaws.com/v1/repos/in-stack",
        "CloneUrlSsh": "ssh://git-codecommit.us-east-1.amazonaws.com/v1/repos/in-stack",
    }
    changed = template(RepositoryName="renamed", RepositoryDescription="of a project")
    formation.update_stack(StackName="one", TemplateBody=changed)
    after = settled(cloud, "one")
    metadata = codecommit.get_repository(repositoryName="renamed")["repositoryMetadata"]
    assert (after["StackStatus"], metadata["repositoryId"], metadata["repositoryDescription"]) == (
        "UPDATE_COMPLETE",
        values["Ref"],
        "of a project",
    )
    assert {} == codecommit.list_tags_for_resource(resourceArn=metadata["Arn"])["tags"]
    formation.delete_stack(StackName="one")
    deadline = time.monotonic() + 10
    code = ""
    while code != "RepositoryDoesNotExistException" and time.monotonic() < deadline:
        code = refused(lambda: codecommit.get_repository(repositoryName="renamed"))
    assert "RepositoryDoesNotExistException" == code


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"RepositoryName": "a", "Code": {"S3": {"Bucket": "b", "Key": "k"}}}, "does not have the property Code"),
        ({"RepositoryName": "a", "Colour": "red"}, "extraneous key [Colour] is not permitted"),
        ({}, "required key [RepositoryName] not found"),
        ({"RepositoryName": "a.git"}, "InvalidRepositoryNameException"),
    ],
)
def test_a_stack_says_why_a_repository_cannot_be_made(
    cloud: Cloud, properties: dict[str, object], reason: str, request: pytest.FixtureRequest
) -> None:
    name = f"wrong-{abs(hash(request.node.name))}"
    cloud.client("cloudformation").create_stack(StackName=name, TemplateBody=template(**properties))
    stack = settled(cloud, name)
    assert (stack["StackStatus"], reason in stack["StackStatusReason"]) == ("ROLLBACK_COMPLETE", True), stack
