"""Steps 1 to 3: change sets, what is retained, and whose requests a stack makes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sagemaker_rehearsal.server import Cloud, clients
from sagemaker_rehearsal.server.service import Call
from tests.server.test_stacks import FAILING, alarm, alarms, group, groups, put, settle

pytestmark = pytest.mark.rehearsal

PARAMETERS = {"Name": {"Type": "String"}, "Least": {"Type": "Number", "Default": 1}}


def body(resources: dict[str, Any], **more: object) -> str:
    return json.dumps({"Parameters": PARAMETERS, "Resources": resources, **more})


def named(**values: str) -> list[dict[str, Any]]:
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]


def change_set(cloud: Cloud, stack: str, template: str, kind: str, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    client = cloud.client("cloudformation")
    client.create_change_set(
        StackName=stack, ChangeSetName="change", ChangeSetType=kind, TemplateBody=template, Parameters=parameters
    )
    return dict(client.describe_change_set(StackName=stack, ChangeSetName="change"))


def listed(found: dict[str, Any]) -> list[tuple[str, str, str]]:
    changes = [one["ResourceChange"] for one in found["Changes"]]
    return [(one["Action"], one["LogicalResourceId"], one.get("Replacement", "-")) for one in changes]


def execute(cloud: Cloud, stack: str) -> str:
    cloud.client("cloudformation").execute_change_set(StackName=stack, ChangeSetName="change")
    return settle(cloud, stack)


def test_change_sets_say_what_changes_and_keep_what_is_not_given(cloud: Cloud) -> None:
    least, name = {"Ref": "Least"}, {"Ref": "Name"}
    first = {"A": alarm(least, "sets-a"), "B": group(name)}  # type: ignore[arg-type]
    found = change_set(cloud, "sets", body(first), "CREATE", named(Name="sets-one"))
    assert listed(found) == [("Add", "A", "-"), ("Add", "B", "-")]
    assert cloud.client("cloudformation").describe_stacks(StackName="sets")["Stacks"][0]["StackStatus"] == (
        "REVIEW_IN_PROGRESS"
    )
    assert execute(cloud, "sets") == "CREATE_COMPLETE"
    kept = [{"ParameterKey": key, "UsePreviousValue": True} for key in ("Name", "Least")]
    second = {**first, "A": alarm("7", "sets-a"), "B": group("sets-two"), "C": alarm("1", "sets-c")}
    found = change_set(cloud, "sets", body(second), "UPDATE", kept)
    assert listed(found) == [("Modify", "A", "False"), ("Modify", "B", "True"), ("Add", "C", "-")]
    assert (execute(cloud, "sets"), alarms(cloud, "sets-"), groups(cloud, "sets-")) == (
        "UPDATE_COMPLETE",
        {"sets-a": 7.0, "sets-c": 1.0},
        ["sets-two"],
    )


def test_a_change_set_without_changes_fails_and_so_does_the_update(cloud: Cloud) -> None:
    """Another form of the same template, and a parameter that changes nothing, are no changes."""
    put(cloud, "unchanged", {"A": alarm("1", "unchanged-a")})
    template = json.dumps({"Resources": {"A": alarm("1", "unchanged-a")}}, indent=1)
    found = change_set(cloud, "unchanged", template, "UPDATE", [])
    said = "The submitted information didn't contain changes. Submit different information to create a change set."
    assert (found["Status"], found["ExecutionStatus"], found["StatusReason"]) == ("FAILED", "UNAVAILABLE", said)
    with pytest.raises(ClientError, match="No updates are to be performed"):
        cloud.client("cloudformation").update_stack(StackName="unchanged", TemplateBody=template)


def test_a_resource_cannot_take_another_type(cloud: Cloud) -> None:
    put(cloud, "typed", {"A": alarm("1", "typed-a")})
    with pytest.raises(ClientError, match=r"modifies resource type of the following resources: \[A\]"):
        put(cloud, "typed", {"A": group("typed-a")}, update=True)


def test_policies_keep_resources(cloud: Cloud) -> None:
    """Retain outlives everything, RetainExceptOnCreate everything but the rollback of what made it."""
    kept = {**group("kept-one"), "DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    except_create = {**group("kept-two"), "DeletionPolicy": "RetainExceptOnCreate"}
    last = {**FAILING, "DependsOn": ["First", "Second"], "Properties": {"Of": "nothing"}}
    assert put(cloud, "kept", {"First": kept, "Second": except_create, "Third": last}) == "ROLLBACK_COMPLETE"
    assert groups(cloud, "kept-") == ["kept-one"]
    assert put(cloud, "kept-on", {"Second": except_create, "Fourth": alarm("1", "kept-a")}) == "CREATE_COMPLETE"
    assert put(cloud, "kept-on", {"Fourth": alarm("1", "kept-a")}, update=True) == "UPDATE_COMPLETE"
    events = cloud.client("cloudformation").describe_stack_events(StackName="kept-on")["StackEvents"]
    skipped = [one["LogicalResourceId"] for one in events if one["ResourceStatus"] == "DELETE_SKIPPED"]
    assert (sorted(groups(cloud, "kept-")), skipped) == (["kept-one", "kept-two"], ["Second"])


def test_replaced_resources_follow_their_own_policy(cloud: Cloud) -> None:
    def of(name: str, policy: str) -> dict[str, Any]:
        return {"A": {**group(name), "UpdateReplacePolicy": policy}}

    put(cloud, "policy", of("policy-1", "Delete"))
    assert put(cloud, "policy", of("policy-2", "Retain"), update=True) == "UPDATE_COMPLETE"
    assert put(cloud, "policy", of("policy-3", "Delete"), update=True) == "UPDATE_COMPLETE"
    assert sorted(groups(cloud, "policy-")) == ["policy-1", "policy-3"]


def test_an_output_that_cannot_be_resolved_fails_the_stack(cloud: Cloud) -> None:
    outputs = {"One": {"Value": {"Fn::GetAtt": ["A", "Nothing"]}}}
    assert put(cloud, "outputs", {"A": alarm("1", "outputs-a")}, Outputs=outputs) == "ROLLBACK_COMPLETE"
    assert alarms(cloud, "outputs-") == {}


def test_a_template_comes_from_s3_and_lists_are_described_as_texts(cloud: Cloud) -> None:
    template = (
        "Parameters: {Arns: {Type: CommaDelimitedList, Default: 'a,b'}}\nResources:\n  A:\n    Type: AWS::SageMaker::"
    )
    template += "ModelPackageGroup\n    Properties: {ModelPackageGroupName: !Join ['-', !Ref Arns]}\n"
    cloud.client("s3").put_object(Bucket="sagemaker-project-p-test", Key="t.yaml", Body=template + "# " + "x" * 60_000)
    url = "https://sagemaker-project-p-test.s3.us-east-1.amazonaws.com/t.yaml"
    client = cloud.client("cloudformation")
    client.create_stack(StackName="fetched", TemplateURL=url)
    assert (settle(cloud, "fetched"), groups(cloud, "a-b")) == ("CREATE_COMPLETE", ["a-b"])
    described = client.describe_stacks(StackName="fetched")["Stacks"][0]["Parameters"]
    assert described == [{"ParameterKey": "Arns", "ParameterValue": "a,b"}]
    found = [one for one in client.list_stacks()["StackSummaries"] if one.get("StackName") == "fetched"]
    assert [one["StackStatus"] for one in found] == ["CREATE_COMPLETE"]


def test_a_stack_makes_its_requests_as_its_role_or_as_whoever_asked(cloud: Cloud) -> None:
    """What a stack may do is what they may do."""
    seen: list[tuple[str, str]] = []

    def made(call: Call) -> dict[str, Any]:
        seen.append((call.access_key, call.token))
        return before(call) or {}

    before = cloud.operations["sagemaker", "CreateModelPackageGroup"]
    cloud.operations["sagemaker", "CreateModelPackageGroup"] = made
    known = cloud.session_keys
    cloud.session_keys = lambda _, role, name, service: {
        "AWS_ACCESS_KEY_ID": name + service,
        "AWS_SECRET_ACCESS_KEY": role,
    }
    try:
        caller = {"AWS_ACCESS_KEY_ID": "SOMEBODY", "AWS_SECRET_ACCESS_KEY": "x", "AWS_SESSION_TOKEN": "token"}
        client = clients.client(cloud.url, cloud.region, "cloudformation", caller)
        client.create_stack(StackName="as-caller", TemplateBody=json.dumps({"Resources": {"A": group("as-1")}}))
        settle(cloud, "as-caller")
        template = json.dumps({"Resources": {"A": group("as-2")}})
        client.create_stack(StackName="as-role", TemplateBody=template, RoleARN="arn:aws:iam::123456789012:role/some")
        settle(cloud, "as-role")
    finally:
        cloud.session_keys = known
        cloud.operations["sagemaker", "CreateModelPackageGroup"] = before
    assert seen == [("SOMEBODY", "token"), ("AWSCloudFormationcloudformation.amazonaws.com", "")]
