"""Steps 7 and 10: stacks are made, changed, rolled back and removed as CloudFormation does it."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sagemaker_rehearsal.server import Cloud

pytestmark = pytest.mark.rehearsal


def alarm(threshold: object, name: str | None = None) -> dict[str, Any]:
    properties = {
        "Namespace": "N",
        "MetricName": "M",
        "Statistic": "Sum",
        "Period": "60",
        "EvaluationPeriods": "1",
        "Threshold": threshold,
        "ComparisonOperator": "GreaterThanThreshold",
    }
    return {"Type": "AWS::CloudWatch::Alarm", "Properties": {**properties, **({"AlarmName": name} if name else {})}}


def group(name: object) -> dict[str, Any]:
    return {"Type": "AWS::SageMaker::ModelPackageGroup", "Properties": {"ModelPackageGroupName": name}}


FAILING = {"Type": "AWS::CloudWatch::Alarm", "Properties": {"Of": {"Ref": "First"}}}


def settle(cloud: Cloud, name: str) -> str:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        status = str(cloud.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]["StackStatus"])
        if not status.endswith("_IN_PROGRESS"):
            return status
        time.sleep(0.05)
    raise AssertionError(f"stack {name} did not settle")


def put(cloud: Cloud, name: str, resources: dict[str, Any], update: bool = False, **more: object) -> str:
    client = cloud.client("cloudformation")
    body = json.dumps({"Resources": resources, **more})
    (client.update_stack if update else client.create_stack)(StackName=name, TemplateBody=body)
    return settle(cloud, name)


def alarms(cloud: Cloud, prefix: str) -> dict[str, float]:
    found = cloud.client("cloudwatch").describe_alarms(AlarmNamePrefix=prefix)["MetricAlarms"]
    return {one["AlarmName"]: one["Threshold"] for one in found}


def groups(cloud: Cloud, part: str) -> list[str]:
    found = cloud.client("sagemaker").list_model_package_groups(NameContains=part)["ModelPackageGroupSummaryList"]
    return [one["ModelPackageGroupName"] for one in found]


def test_a_resource_that_cannot_be_made_fails_the_stack_and_leaves_nothing(cloud: Cloud) -> None:
    status = put(cloud, "unknown", {"First": alarm("1", "unknown-first"), "Second": FAILING})
    events = cloud.client("cloudformation").describe_stack_events(StackName="unknown")["StackEvents"]
    reasons = [one["ResourceStatusReason"] for one in events if one["ResourceStatus"] == "CREATE_FAILED"]
    said = (
        "Properties validation failed for resource Second with message: #: extraneous key [Of] is not permitted. "
        "AWS::CloudWatch::Alarm: the rehearsal does not have the property Of; see docs/parity.md"
    )
    assert (status, reasons, alarms(cloud, "unknown-")) == ("ROLLBACK_COMPLETE", [said], {})


def test_text_becomes_what_the_operation_takes_and_changes_are_made_in_place(cloud: Cloud) -> None:
    assert put(cloud, "changed", {"A": alarm("1", "changed-a")}) == "CREATE_COMPLETE"
    assert (
        put(cloud, "changed", {"A": alarm("2.5", "changed-a"), "B": alarm(3, "changed-b")}, True) == "UPDATE_COMPLETE"
    )
    assert alarms(cloud, "changed-") == {"changed-a": 2.5, "changed-b": 3.0}
    assert put(cloud, "changed", {"B": alarm(3, "changed-b")}, True) == "UPDATE_COMPLETE"
    assert alarms(cloud, "changed-") == {"changed-b": 3.0}


def test_a_failed_update_goes_back(cloud: Cloud) -> None:
    put(cloud, "back", {"First": alarm(1, "back-first")})
    status = put(cloud, "back", {"First": alarm(2, "back-first"), "Second": FAILING}, True)
    assert (status, alarms(cloud, "back-")) == ("UPDATE_ROLLBACK_COMPLETE", {"back-first": 1.0})


def test_what_cannot_be_changed_is_replaced_the_new_one_first(cloud: Cloud) -> None:
    put(cloud, "replaced", {"G": group("replaced-one")})
    status = put(cloud, "replaced", {"G": group("replaced-two")}, True)
    resources = cloud.client("cloudformation").list_stack_resources(StackName="replaced")["StackResourceSummaries"]
    physical = [one["PhysicalResourceId"].rpartition("/")[2] for one in resources]
    assert (status, physical, groups(cloud, "replaced-")) == ("UPDATE_COMPLETE", ["replaced-two"], ["replaced-two"])


def test_a_change_that_changes_nothing_is_an_error(cloud: Cloud) -> None:
    put(cloud, "same", {"A": alarm(1, "same-a")})
    with pytest.raises(ClientError, match="No updates are to be performed"):
        put(cloud, "same", {"A": alarm(1, "same-a")}, True)


def test_a_removed_stack_leaves_only_what_is_to_be_retained(cloud: Cloud) -> None:
    kept = {**alarm(1, "removed-kept"), "DeletionPolicy": "Retain"}
    put(cloud, "removed", {"A": alarm(1, "removed-gone"), "B": kept})
    client = cloud.client("cloudformation")
    client.delete_stack(StackName="removed")
    client.get_waiter("stack_delete_complete").wait(StackName="removed", WaiterConfig={"Delay": 1})
    assert alarms(cloud, "removed-") == {"removed-kept": 1.0}


def test_outputs_conditions_and_moto_s_own_types_work(cloud: Cloud) -> None:
    resources = {
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "bucket-of-a-stack"}},
        "Never": {**alarm(1, "never"), "Condition": "No"},
    }
    outputs = {"Arn": {"Value": {"Fn::GetAtt": ["Bucket", "Arn"]}}, "None": {"Condition": "No", "Value": "x"}}
    conditions = {"No": {"Fn::Equals": ["a", "b"]}}
    status = put(cloud, "moto", resources, Outputs=outputs, Conditions=conditions)
    shown = cloud.client("cloudformation").describe_stacks(StackName="moto")["Stacks"][0]["Outputs"]
    values = {one["OutputKey"]: one["OutputValue"] for one in shown}
    assert (status, values, alarms(cloud, "never")) == (
        "CREATE_COMPLETE",
        {"Arn": "arn:aws:s3:::bucket-of-a-stack"},
        {},
    )


def test_a_change_set_makes_the_stack_when_it_is_executed(cloud: Cloud) -> None:
    client = cloud.client("cloudformation")
    body = json.dumps({"Resources": {"A": alarm(1, "set-a")}})
    client.create_change_set(StackName="set", ChangeSetName="first", ChangeSetType="CREATE", TemplateBody=body)
    assert alarms(cloud, "set-") == {}
    client.execute_change_set(StackName="set", ChangeSetName="first")
    assert (settle(cloud, "set"), alarms(cloud, "set-")) == ("CREATE_COMPLETE", {"set-a": 1.0})


SCALARS = """
Parameters:
  Flag: {Type: String, Default: true, AllowedValues: [true, false]}
  Rate: {Type: String, Default: 1.50}
  Level: {Type: Number, Default: 2.50}
Conditions:
  Flagged: !Equals [!Ref Flag, true]
  Rated: !Equals [!Ref Rate, 1.50]
  No: !Equals [!Ref Rate, 1.5]
Resources:
  Topic:
    Type: AWS::SNS::Topic
    Properties: {TopicName: scalars, Tags: [{Key: rate, Value: 1.50}, {Key: flag, Value: true}]}
  Alarm:
    Type: AWS::CloudWatch::Alarm
    Condition: Rated
    Properties:
      AlarmName: scalars
      Namespace: N
      MetricName: M
      Statistic: Sum
      Period: 60
      EvaluationPeriods: 1
      Threshold: !Ref Level
      ActionsEnabled: false
      ComparisonOperator: GreaterThanThreshold
  Rule:
    Type: AWS::Events::Rule
    Properties: {Name: scalars, EventPattern: {detail: {on: [true, 1.50, "1.50"]}}}
Outputs:
  Flag: {Value: true}
  Rate: {Value: 1.50}
  Joined: {Value: !Sub "${Flag} ${Rate} ${Level}"}
  Flagged: {Condition: Flagged, Value: 1}
  No: {Condition: No, Value: 1}
"""


@pytest.fixture(scope="module")
def scalars(cloud: Cloud) -> str:
    """Make the stack of SCALARS; return its name."""
    cloud.client("cloudformation").create_stack(StackName="scalars", TemplateBody=SCALARS)
    assert settle(cloud, "scalars") == "CREATE_COMPLETE"
    return "scalars"


def test_numbers_and_booleans_of_a_template_stay_the_text_that_was_written(cloud: Cloud, scalars: str) -> None:
    client = cloud.client("cloudformation")
    stack = client.describe_stacks(StackName=scalars)["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    parameters = {entry["ParameterKey"]: entry["ParameterValue"] for entry in stack["Parameters"]}
    assert parameters == {"Flag": "true", "Rate": "1.50", "Level": "2.50"}
    assert outputs == {"Flag": "true", "Rate": "1.50", "Joined": "true 1.50 2.50", "Flagged": "1"}
    declared = client.validate_template(TemplateBody=SCALARS)["Parameters"]
    assert {entry["ParameterKey"]: entry["DefaultValue"] for entry in declared} == parameters


def test_what_a_service_takes_as_number_or_boolean_is_one(cloud: Cloud, scalars: str) -> None:
    alarm_of_stack = cloud.client("cloudwatch").describe_alarms(AlarmNamePrefix=scalars)["MetricAlarms"][0]
    assert (alarm_of_stack["Threshold"], alarm_of_stack["ActionsEnabled"]) == (2.5, False)
    pattern = cloud.client("events").describe_rule(Name=scalars)["EventPattern"]
    assert json.loads(pattern) == {"detail": {"on": [True, 1.5, "1.50"]}}
    topic = f"arn:aws:sns:us-east-1:123456789012:{scalars}"
    tags = cloud.client("sns").list_tags_for_resource(ResourceArn=topic)["Tags"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"rate": "1.50", "flag": "true"}


def test_an_unknown_function_is_refused_by_the_request_and_not_by_a_rollback(cloud: Cloud) -> None:
    client = cloud.client("cloudformation")
    body = json.dumps({"Resources": {"A": alarm({"Fn::Nothing": "1"})}})
    for request in (client.create_stack, client.validate_template):
        with pytest.raises(ClientError, match="Encountered unsupported function: Fn::Nothing Supported functions are"):
            request(TemplateBody=body, **({"StackName": "nothing"} if request == client.create_stack else {}))
    names = [stack["StackName"] for stack in client.describe_stacks()["Stacks"]]
    assert "nothing" not in names


def topic(name: object) -> dict[str, Any]:
    return {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": name}}


def outputs_of(cloud: Cloud, name: str) -> dict[str, str]:
    stack = cloud.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def stored(kind: str, default: str) -> dict[str, str]:
    return {"Type": f"AWS::SSM::Parameter::{kind}", "Default": default}


def test_a_parameter_of_systems_manager_gives_what_is_stored_there(cloud: Cloud) -> None:
    ssm = cloud.client("ssm")
    ssm.put_parameter(Name="/stored/text", Value="first", Type="String")
    ssm.put_parameter(Name="/stored/list", Value="a,b", Type="StringList")
    parameters = {
        "Text": stored("Value<String>", "/stored/text"),
        "Items": stored("Value<List<String>>", "/stored/list"),
        "Name": stored("Name", "/stored/text"),
    }
    joined = {"Fn::Join": ["+", {"Ref": "Items"}]}
    outputs = {"Text": {"Value": {"Ref": "Text"}}, "Items": {"Value": joined}, "Name": {"Value": {"Ref": "Name"}}}
    resources = {"T": topic({"Fn::Sub": "stored-${Text}"})}
    assert put(cloud, "stored", resources, Parameters=parameters, Outputs=outputs) == "CREATE_COMPLETE"
    assert outputs_of(cloud, "stored") == {"Text": "first", "Items": "a+b", "Name": "/stored/text"}
    entries = cloud.client("cloudformation").describe_stacks(StackName="stored")["Stacks"][0]["Parameters"]
    assert {entry["ParameterKey"]: entry["ParameterValue"] for entry in entries} == {
        "Text": "/stored/text",
        "Items": "/stored/list",
        "Name": "/stored/text",
    }
    with pytest.raises(ClientError, match="No updates are to be performed"):
        put(cloud, "stored", resources, update=True, Parameters=parameters, Outputs=outputs)
    ssm.put_parameter(Name="/stored/text", Value="second", Type="String", Overwrite=True)
    assert put(cloud, "stored", resources, update=True, Parameters=parameters, Outputs=outputs) == "UPDATE_COMPLETE"
    assert outputs_of(cloud, "stored")["Text"] == "second"


def test_a_parameter_of_systems_manager_that_is_absent_or_secret_is_refused(cloud: Cloud) -> None:
    cloud.client("ssm").put_parameter(Name="/secret/text", Value="x", Type="SecureString")
    for kind, name, message in (
        ("Value<String>", "/absent", r"Unable to fetch parameters \[/absent\] from parameter store for this account\."),
        ("Name", "/absent", r"Unable to fetch parameters \[/absent\] from parameter store for this account\."),
        ("Value<String>", "/secret/text", "have types not supported by CloudFormation"),
    ):
        with pytest.raises(ClientError, match=message):
            put(cloud, "absent", {"T": topic("absent")}, Parameters={"P": stored(kind, name)})


def names_of_topics(cloud: Cloud, prefix: str) -> list[str]:
    arns = [entry["TopicArn"] for entry in cloud.client("sns").list_topics()["Topics"]]
    return sorted(arn.rpartition(":")[2] for arn in arns if arn.rpartition(":")[2].startswith(prefix))


def test_dynamic_references_are_resolved(cloud: Cloud) -> None:
    ssm, secrets = cloud.client("ssm"), cloud.client("secretsmanager")
    ssm.put_parameter(Name="/dynamic/name", Value="one", Type="String")
    ssm.put_parameter(Name="/dynamic/name", Value="two", Type="String", Overwrite=True)
    arn = secrets.create_secret(Name="dynamic", SecretString='{"name": "three"}')["ARN"]
    resources = {
        "A": topic("dynamic-{{resolve:ssm:/dynamic/name:1}}"),
        "B": topic({"Fn::Sub": "dynamic-{{resolve:ssm:/dynamic/${AWS::StackName}}}"}),
        "C": topic("dynamic-{{resolve:secretsmanager:dynamic:SecretString:name}}"),
        "D": topic(f"dynamic-x{{{{resolve:secretsmanager:{arn}:SecretString:name::}}}}"),
    }
    assert put(cloud, "name", resources) == "CREATE_COMPLETE"
    topics = ["dynamic-one", "dynamic-three", "dynamic-two", "dynamic-xthree"]
    assert names_of_topics(cloud, "dynamic-") == topics
    with pytest.raises(ClientError, match="No updates are to be performed"):
        put(cloud, "name", resources, update=True)


@pytest.mark.parametrize(
    ("number", "reference", "message"),
    [
        (1, "{{resolve:ssm:/nowhere}}", "Parameters: [ssm:/nowhere] cannot be found."),
        (
            2,
            "{{resolve:ssm-secure:/x:1}}",
            "SSM Secure reference is not supported in: [AWS::SNS::Topic/Properties/TopicName]",
        ),
        (3, "{{resolve:secretsmanager:nowhere}}", "Secrets Manager can't find the specified secret."),
        (5, "{{resolve:ssm:{x}}}", "has a dynamic reference of an unknown form"),
        (4, "{{resolve:other:x}}", "the rehearsal does not resolve {{resolve:other:x}}; see docs/parity.md"),
    ],
)
def test_a_dynamic_reference_that_cannot_be_resolved_fails_its_resource(
    cloud: Cloud, number: int, reference: str, message: str
) -> None:
    name = f"unresolved{number}"
    assert put(cloud, name, {"A": topic(f"{name}-{reference}")}) == "ROLLBACK_COMPLETE"
    events = cloud.client("cloudformation").describe_stack_events(StackName=name)["StackEvents"]
    reasons = [event["ResourceStatusReason"] for event in events if event["ResourceStatus"] == "CREATE_FAILED"]
    assert (len(reasons), message in reasons[0], names_of_topics(cloud, name)) == (1, True, [])


def test_a_dynamic_reference_outside_of_properties_is_refused(cloud: Cloud) -> None:
    outputs = {"A": {"Value": {"Fn::Sub": "{{resolve:ssm:/${AWS::StackName}}}"}}}
    with pytest.raises(ClientError, match="in resources' properties only; see docs/parity"):
        put(cloud, "outside", {"A": topic("outside")}, Outputs=outputs)
