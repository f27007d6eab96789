"""Steps 3, 4 and 6: events reach the targets that permit them, and no others."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.events.models import events_backends

from sagemaker_rehearsal import events
from sagemaker_rehearsal.account import SERVICES
from sagemaker_rehearsal.cloudformation.reading import read
from sagemaker_rehearsal.pipelines.records import Execution, StepRun
from sagemaker_rehearsal.sagemaker import state_events
from sagemaker_rehearsal.server import Cloud
from sagemaker_rehearsal.server.service import Call

ACCOUNT = "123456789012"
ARN = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:"
PRINCIPALS = ["lambda.amazonaws.com", "events.amazonaws.com", "scheduler.amazonaws.com"]
TRUST = {"Effect": "Allow", "Principal": {"Service": PRINCIPALS}, "Action": "sts:AssumeRole"}
CODE = """
def handler(event, context):
    if event.get("detail", {}).get("fail"):
        raise ValueError("no")
    print("got", event.get("detail", event))
"""
LONG = json.dumps({"a": "x" * 262144})
PATTERN = {"source": ["shop"], "detail": {"kind": ["wanted"]}}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A cloud with the role that targets and functions use."""
    options = {"function_retry_seconds": (0.0,)}
    with Cloud(tmp_path_factory.mktemp("cloud"), services=SERVICES, options=options) as running:
        trust = json.dumps({"Version": "2012-10-17", "Statement": [TRUST]})
        running.client("iam").create_role(RoleName="sagemaker-events", AssumeRolePolicyDocument=trust)
        yield running


@pytest.fixture(scope="module")
def stack(cloud: Cloud) -> dict[str, Any]:
    """The deployed stack: a rule, its targets and their policies."""
    return deploy(cloud, "bus", TEMPLATE)


@pytest.fixture
def started(cloud: Cloud) -> Iterator[list[dict[str, Any]]]:
    """The requests to StartPipelineExecution, which a stub records."""
    calls: list[dict[str, Any]] = []

    def start(call: Call) -> dict[str, Any]:
        params = {key: value for key, value in call.params.items() if key != "clientRequestToken"}
        calls.append({**params, "key": call.access_key[:4]})
        return {"pipelineExecutionId": "11111111-2222-3333-4444-555555555555"}

    before = cloud.operations.get(("codepipeline", "StartPipelineExecution"))
    cloud.operations["codepipeline", "StartPipelineExecution"] = start
    yield calls
    if before:
        cloud.operations["codepipeline", "StartPipelineExecution"] = before
    else:
        del cloud.operations["codepipeline", "StartPipelineExecution"]


def function(name: str, **more: object) -> dict[str, Any]:
    role = f"arn:aws:iam::{ACCOUNT}:role/sagemaker-events"
    properties = {
        "FunctionName": name,
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "Role": role,
        "MemorySize": 128,
    }
    return {"Type": "AWS::Lambda::Function", "Properties": {**properties, "Code": {"ZipFile": CODE}, **more}}


def permission(name: str, source: object) -> dict[str, Any]:
    properties = {"FunctionName": {"Ref": name}, "Action": "lambda:InvokeFunction", "Principal": "events.amazonaws.com"}
    return {
        "Type": "AWS::Lambda::Permission",
        "Properties": {**properties, "SourceArn": source, "SourceAccount": ACCOUNT},
    }


def attribute(name: str, of: str) -> dict[str, Any]:
    return {"Fn::GetAtt": [name, of]}


def allow(action: str, resource: object) -> dict[str, Any]:
    who = {"Service": "events.amazonaws.com"}
    statement = {"Effect": "Allow", "Principal": who, "Action": action, "Resource": resource}
    return {"Version": "2012-10-17", "Statement": [statement]}


def targets() -> list[dict[str, Any]]:
    transformer = {"InputPathsMap": {"kind": "$.detail.kind"}, "InputTemplate": '"It is <kind>"'}
    return [
        {"Id": "function", "Arn": attribute("Allowed", "Arn")},
        {"Id": "other", "Arn": attribute("Other", "Arn"), "DeadLetterConfig": {"Arn": attribute("Lost", "Arn")}},
        {"Id": "topic", "Arn": {"Ref": "Topic"}, "InputTransformer": transformer},
        {"Id": "queue", "Arn": attribute("Queue", "Arn"), "InputPath": "$.detail"},
    ]


TEMPLATE: dict[str, Any] = {
    "Resources": {
        "Lost": {
            "Type": "AWS::SQS::Queue",
            "Properties": {"MessageRetentionPeriod": 1209600, "SqsManagedSseEnabled": True},
        },
        "Failures": {
            "Type": "AWS::SQS::Queue",
            "Properties": {"QueueName": "failures", "Tags": [{"Key": "a", "Value": "b"}]},
        },
        "Queue": {"Type": "AWS::SQS::Queue"},
        "LostPolicy": {
            "Type": "AWS::SQS::QueuePolicy",
            "Properties": {
                "Queues": [{"Ref": "Lost"}, {"Ref": "Queue"}],
                "PolicyDocument": allow("sqs:SendMessage", "*"),
            },
        },
        "Allowed": function("allowed", DeadLetterConfig={"TargetArn": attribute("Failures", "Arn")}),
        "Other": function("other"),
        "AllowedPermission": permission("Allowed", f"arn:aws:events:us-east-1:{ACCOUNT}:rule/sagemaker-*"),
        "OtherPermission": permission("Other", f"arn:aws:events:us-east-1:{ACCOUNT}:rule/another-*"),
        "Topic": {
            "Type": "AWS::SNS::Topic",
            "Properties": {"TopicName": "told", "Subscription": [{"Protocol": "email", "Endpoint": "a@example.com"}]},
        },
        "TopicPolicy": {
            "Type": "AWS::SNS::TopicPolicy",
            "Properties": {"Topics": [{"Ref": "Topic"}], "PolicyDocument": allow("sns:Publish", {"Ref": "Topic"})},
        },
        "Rule": {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "Name": "sagemaker-shop",
                "EventPattern": PATTERN,
                "Targets": targets(),
                "Tags": [{"Key": "a", "Value": "b"}],
            },
        },
        "Logs": {
            "Type": "AWS::Logs::LogGroup",
            "Properties": {"LogGroupName": "/aws/lambda/allowed", "RetentionInDays": "90"},
        },
        "Retries": {
            "Type": "AWS::Lambda::EventInvokeConfig",
            "Properties": {"FunctionName": {"Ref": "Allowed"}, "Qualifier": "$LATEST", "MaximumRetryAttempts": 1},
        },
        "Schedule": {
            "Type": "AWS::Scheduler::Schedule",
            "Properties": {
                "Name": "sagemaker-train",
                "ScheduleExpression": "rate(7 days)",
                "FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": "15"},
                "Target": {
                    "Arn": f"arn:aws:codepipeline:us-east-1:{ACCOUNT}:sagemaker-shop-build",
                    "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/sagemaker-events",
                    "RetryPolicy": {"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 3600},
                },
            },
        },
    },
    "Outputs": {
        "Rule": {"Value": attribute("Rule", "Arn")},
        "Topic": {"Value": attribute("Topic", "TopicName")},
        "Lost": {"Value": {"Ref": "Lost"}},
        "Queue": {"Value": {"Ref": "Queue"}},
        "Failures": {"Value": attribute("Failures", "QueueName")},
    },
}


def deploy(cloud: Cloud, name: str, template: dict[str, Any]) -> dict[str, Any]:
    client = cloud.client("cloudformation")
    known = {stack["StackName"] for stack in client.describe_stacks()["Stacks"]}
    (client.update_stack if name in known else client.create_stack)(StackName=name, TemplateBody=json.dumps(template))
    return until(lambda: _settled(cloud, name))  # type: ignore[no-any-return]


def _settled(cloud: Cloud, name: str) -> dict[str, Any] | None:
    stack: dict[str, Any] = cloud.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    return None if stack["StackStatus"].endswith("_IN_PROGRESS") else stack


def until(ask: Callable[[], Any]) -> Any:  # noqa: ANN401
    """Poll until there is an answer."""
    for _ in range(1000):
        answer = ask()
        if answer:
            return answer
        time.sleep(0.02)
    raise AssertionError("nothing came")


def outputs(stack: dict[str, Any]) -> dict[str, str]:
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def put(cloud: Cloud, **detail: object) -> str:
    entry = {"Source": "shop", "DetailType": "Sale", "Detail": json.dumps({"kind": "wanted", **detail})}
    return str(cloud.client("events").put_events(Entries=[entry])["Entries"][0]["EventId"])


def delivered(cloud: Cloud, event: str, count: int = 4) -> dict[str, str]:
    """Return an event's delivery errors by target, empty for a delivery."""

    def all_of() -> dict[str, str] | None:
        errors = {
            delivery.target.rpartition(":")[2]: delivery.error
            for delivery in events.of(cloud).deliveries
            if delivery.event == event
        }
        return errors if len(errors) == count else None

    return until(all_of)  # type: ignore[no-any-return]


def received(cloud: Cloud, url: str) -> dict[str, Any]:
    """Receive a message from a queue."""

    def message() -> Any:  # noqa: ANN401
        response = cloud.client("sqs").receive_message(QueueUrl=url, MessageAttributeNames=["All"])
        return response.get("Messages")

    return until(message)[0]  # type: ignore[no-any-return]


def log(cloud: Cloud, name: str) -> str:
    path = cloud.state / "logs" / "lambda" / f"{name}.log"
    return path.read_text(encoding="utf-8") if path.exists() else ""


def test_the_stack_has_what_its_template_says(cloud: Cloud, stack: dict[str, Any]) -> None:
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack
    values = outputs(stack)
    attributes = cloud.client("sqs").get_queue_attributes(QueueUrl=values["Lost"], AttributeNames=["All"])["Attributes"]
    group = cloud.client("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/allowed")["logGroups"][0]
    schedule = cloud.client("scheduler").get_schedule(Name="sagemaker-train")
    assert (values["Rule"], values["Topic"], values["Failures"], attributes["MessageRetentionPeriod"]) == (
        f"arn:aws:events:us-east-1:{ACCOUNT}:rule/sagemaker-shop", "told", "failures", "1209600",
    )  # fmt: skip
    assert (group["retentionInDays"], schedule["FlexibleTimeWindow"]["MaximumWindowInMinutes"]) == (90, 15)


PUBLISHED = ("portfolio.yaml", "product.yaml")
OURS = ("AWS::Lambda::", "AWS::Events::", "AWS::Scheduler::", "AWS::SNS::", "AWS::SQS::", "AWS::Logs::")


def resources(kind: str) -> list[dict[str, Any]]:
    """Return the published templates' resources whose type has a prefix."""
    root = Path(__file__).parents[2] / "catalog"
    all_resources = [
        resource
        for name in PUBLISHED
        for resource in read((root / name).read_text(encoding="utf-8"))["Resources"].values()
    ]
    return [resource for resource in all_resources if resource["Type"].startswith(kind)]


@pytest.mark.parametrize("kind", OURS)
def test_every_property_of_the_published_templates_is_known(kind: str) -> None:
    matching = resources(kind)
    types = {kind.name: kind for service in SERVICES for kind in service.resource_types}
    several = {name: known for name, kind in types.items() if (known := getattr(kind, "known", None))}
    unknown = [
        (resource["Type"], set(resource["Properties"]) - several[resource["Type"]])
        for resource in matching
        if resource["Type"] in several
    ]
    assert matching
    assert [entry for entry in unknown if entry[1]] == []
    assert {resource["Type"] for resource in matching} <= types.keys()


def test_an_event_goes_to_each_target_that_may_have_it(cloud: Cloud, stack: dict[str, Any]) -> None:
    event = put(cloud, number=1)
    errors = delivered(cloud, event)
    refused = errors.pop("other")
    assert "the function's policy does not allow it" in refused
    assert set(errors.values()) == {""}
    assert json.loads(received(cloud, outputs(stack)["Queue"])["Body"]) == {"kind": "wanted", "number": 1}
    until(lambda: "'number': 1" in log(cloud, "allowed"))
    lost = received(cloud, outputs(stack)["Lost"])
    assert json.loads(lost["Body"])["id"] == event
    assert lost["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"


def test_a_text_reaches_a_topic_with_its_quotation_marks(cloud: Cloud, stack: dict[str, Any]) -> None:
    """As subscribers receive it by mail: https://github.com/aws/aws-cdk/issues/38121."""
    sqs, sns = cloud.client("sqs"), cloud.client("sns")
    url = sqs.create_queue(QueueName="reader")["QueueUrl"]
    topic = next(topic["TopicArn"] for topic in sns.list_topics()["Topics"] if topic["TopicArn"].endswith(":told"))
    arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:reader"
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    put(cloud)
    assert received(cloud, url)["Body"] == '"It is wanted"'
    sqs.delete_queue(QueueUrl=url)


def test_moto_keeps_rules_as_the_bus_reads_them(cloud: Cloud, stack: dict[str, Any]) -> None:
    rule = events_backends[ACCOUNT]["us-east-1"].event_buses["default"].rules["sagemaker-shop"]
    assert (rule.name, rule.state, json.loads(str(rule.event_pattern.dump()))) == ("sagemaker-shop", "ENABLED", PATTERN)
    assert (rule.arn, rule.targets[0]["Id"]) == (outputs(stack)["Rule"], "function")


def test_an_event_that_no_pattern_describes_goes_nowhere(cloud: Cloud, stack: dict[str, Any]) -> None:
    event = put(cloud, kind="unwanted")
    last = put(cloud)
    delivered(cloud, last)
    assert [delivery for delivery in events.of(cloud).deliveries if delivery.event == event] == []


def test_a_disabled_rule_delivers_nothing(cloud: Cloud, stack: dict[str, Any]) -> None:
    client = cloud.client("events")
    client.disable_rule(Name="sagemaker-shop")
    event = put(cloud)
    client.enable_rule(Name="sagemaker-shop")
    delivered(cloud, put(cloud))
    assert [delivery for delivery in events.of(cloud).deliveries if delivery.event == event] == []


def test_a_function_that_fails_is_run_again_and_its_event_kept(cloud: Cloud, stack: dict[str, Any]) -> None:
    put(cloud, fail=True)
    url = cloud.client("sqs").get_queue_url(QueueName="failures")["QueueUrl"]
    message = received(cloud, url)
    assert json.loads(message["Body"])["detail"] == {"kind": "wanted", "fail": True}
    assert message["MessageAttributes"]["ErrorMessage"]["StringValue"] == "no"
    # MaximumRetryAttempts is 1
    assert log(cloud, "allowed").count("[ERROR] ValueError: no") == 2


def test_an_event_has_the_form_of_every_event(cloud: Cloud, stack: dict[str, Any]) -> None:
    time_given = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    entry = {"Source": "shop", "DetailType": "Sale", "Detail": '{"a": 1}', "Resources": ["r"], "Time": time_given}
    event_id = cloud.client("events").put_events(Entries=[entry])["Entries"][0]["EventId"]
    event = next(candidate for candidate in events.of(cloud).events if candidate["id"] == event_id)
    assert event == {
        "version": "0",
        "id": event_id,
        "detail-type": "Sale",
        "source": "shop",
        "account": ACCOUNT,
        "time": "2026-01-02T03:04:05Z",
        "region": "us-east-1",
        "resources": ["r"],
        "detail": {"a": 1},
    }


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"Source": ""}, "InvalidArgument"),
        ({"DetailType": ""}, "InvalidArgument"),
        ({"Detail": ""}, "InvalidArgument"),
        ({"Detail": "no json"}, "MalformedDetail"),
        ({"Detail": "[]"}, "MalformedDetail"),
        ({"Source": "aws.codecommit"}, "NotAuthorizedForSourceException"),
    ],
)
def test_a_bad_entry_is_refused_and_the_others_are_taken(cloud: Cloud, change: dict[str, str], code: str) -> None:
    good = {"Source": "shop", "DetailType": "Sale", "Detail": "{}"}
    answer = cloud.client("events").put_events(Entries=[{**good, **change}, good])
    outcome = (answer["FailedEntryCount"], answer["Entries"][0]["ErrorCode"], "EventId" in answer["Entries"][1])
    assert outcome == (1, code, True)


@pytest.mark.parametrize(
    ("operation", "request_", "code"),
    [
        ("put_rule", {"Name": "r", "EventPattern": '{"a": "b"}'}, "InvalidEventPatternException"),
        ("put_rule", {"Name": "r", "EventPattern": json.dumps({"a": ["b" * 2100]})}, "LimitExceededException"),
        ("put_rule", {"Name": "r"}, "ValidationException"),
        ("put_rule", {"Name": "a b", "EventPattern": '{"a": ["b"]}'}, "ValidationException"),
        ("put_targets", {"Rule": "absent", "Targets": [{"Id": "1", "Arn": f"{ARN}f"}]}, "ResourceNotFoundException"),
        (
            "put_targets",
            {"Rule": "sagemaker-shop", "Targets": [{"Id": "1", "Arn": "arn:aws:kinesis:x"}]},
            "NotImplemented",
        ),
        ("test_event_pattern", {"EventPattern": '{"a": ["b"]}', "Event": "{}"}, "ValidationException"),
        ("put_events", {"Entries": [{"Source": "s", "DetailType": "d", "Detail": LONG}]}, "ValidationException"),
    ],
)
def test_a_bad_request_is_refused(
    cloud: Cloud, stack: dict[str, Any], operation: str, request_: dict[str, Any], code: str
) -> None:
    with pytest.raises(ClientError) as caught:
        getattr(cloud.client("events"), operation)(**request_)
    assert caught.value.response["Error"]["Code"] == code


def test_a_pattern_can_be_tried(cloud: Cloud) -> None:
    event = json.dumps({key: "x" for key in ("id", "account", "source", "time", "region", "resources", "detail-type")})
    ask = cloud.client("events").test_event_pattern
    results = [ask(EventPattern=json.dumps({"source": [source]}), Event=event)["Result"] for source in "xy"]
    assert results == [True, False]


def test_a_pipeline_is_started_with_its_targets_role(cloud: Cloud, started: list[dict[str, Any]]) -> None:
    client, role = cloud.client("events"), f"arn:aws:iam::{ACCOUNT}:role/sagemaker-events"
    client.put_rule(Name="pipes", EventPattern='{"source": ["pipes"]}')
    revisions = '[{"actionName": "Source", "revisionType": "COMMIT_ID", "revisionValue": <commit>}]'
    template = f'{{"sourceRevisions": {revisions}}}'
    transformer = {"InputPathsMap": {"commit": "$.detail.commit"}, "InputTemplate": template}
    arn = f"arn:aws:codepipeline:us-east-1:{ACCOUNT}:build"
    target = {"Id": "1", "Arn": arn, "RoleArn": role, "InputTransformer": transformer}
    client.put_targets(Rule="pipes", Targets=[target])
    entry = {"Source": "pipes", "DetailType": "Push", "Detail": '{"commit": "abc"}'}
    event = client.put_events(Entries=[entry])["Entries"][0]["EventId"]
    assert delivered(cloud, event, 1) == {"build": ""}
    revision = {"actionName": "Source", "revisionType": "COMMIT_ID", "revisionValue": "abc"}
    assert started == [{"name": "build", "sourceRevisions": [revision], "key": "ASIA"}]


def test_a_schedule_is_done_when_it_is_asked_for(
    cloud: Cloud, stack: dict[str, Any], started: list[dict[str, Any]]
) -> None:
    assert events.schedule_now(cloud, "sagemaker-train") == "11111111-2222-3333-4444-555555555555"
    assert started == [{"name": "sagemaker-shop-build", "key": "ASIA"}]


def test_approving_a_model_package_is_an_event(cloud: Cloud, stack: dict[str, Any]) -> None:
    sagemaker = cloud.client("sagemaker")
    sagemaker.create_model_package_group(ModelPackageGroupName="shop-p-1")
    arn = sagemaker.create_model_package(ModelPackageGroupName="shop-p-1")["ModelPackageArn"]
    sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
    created, approved = (event for event in events.of(cloud).events if event["resources"] == [arn])
    assert [event["detail"]["ModelApprovalStatus"] for event in (created, approved)] == [
        "PendingManualApproval",
        "Approved",
    ]
    assert (approved["source"], approved["detail-type"]) == ("aws.sagemaker", "SageMaker Model Package State Change")
    assert approved["detail"]["UpdatedModelPackageFields"] == ["ModelApprovalStatus"]
    assert approved["detail"]["ModelPackageGroupName"] == "shop-p-1"


def test_a_failed_step_is_an_event(cloud: Cloud, stack: dict[str, Any]) -> None:
    execution = Execution("arn:pipeline/p/execution/1", "arn:pipeline/p", "p")
    step = StepRun("GateFailed", "Fail", "Failed", reason="The gate failed", ended=datetime.now(UTC))
    state_events.step(cloud, execution, step)
    event = events.of(cloud).events[-1]
    detail = {key: event["detail"][key] for key in ("stepName", "currentStepStatus", "failureReason", "pipelineArn")}
    expected = {"stepName": "GateFailed", "currentStepStatus": "Failed", "failureReason": "The gate failed"}
    assert detail == {**expected, "pipelineArn": "arn:pipeline/p"}
    assert event["resources"] == ["arn:pipeline/p", "arn:pipeline/p/execution/1"]


def test_an_update_changes_rule_targets_and_the_rest_in_place(cloud: Cloud, stack: dict[str, Any]) -> None:
    changed = json.loads(json.dumps(TEMPLATE))
    rule = changed["Resources"]["Rule"]["Properties"]
    rule |= {"Targets": rule["Targets"][:1], "Description": "changed"}
    changed["Resources"]["Logs"]["Properties"]["RetentionInDays"] = 30
    changed["Resources"]["Allowed"]["Properties"]["Timeout"] = 9
    changed["Resources"]["Other"]["Properties"]["Code"] = {"ZipFile": "def handler(event, context):\n    return 2\n"}
    changed["Resources"]["Schedule"]["Properties"]["ScheduleExpression"] = "rate(1 days)"
    changed["Resources"]["Failures"]["Properties"]["Tags"] = [{"Key": "c", "Value": "d"}]
    assert deploy(cloud, "bus", changed)["StackStatus"] == "UPDATE_COMPLETE"
    client = cloud.client("lambda")
    settings = {
        "targets": [
            target["Id"] for target in cloud.client("events").list_targets_by_rule(Rule="sagemaker-shop")["Targets"]
        ],
        "description": cloud.client("events").describe_rule(Name="sagemaker-shop")["Description"],
        "retention": cloud.client("logs").describe_log_groups()["logGroups"][0]["retentionInDays"],
        "timeout": client.get_function(FunctionName="allowed")["Configuration"]["Timeout"],
        "returned": json.load(client.invoke(FunctionName="other")["Payload"]),
        "schedule": cloud.client("scheduler").get_schedule(Name="sagemaker-train")["ScheduleExpression"],
    }
    expected = {"targets": ["function"], "description": "changed", "retention": 30, "timeout": 9, "returned": 2}
    assert settings == {**expected, "schedule": "rate(1 days)"}


def test_a_custom_named_rule_is_not_replaced(cloud: Cloud, stack: dict[str, Any]) -> None:
    changed = json.loads(json.dumps(TEMPLATE))
    changed["Resources"]["Rule"]["Properties"]["EventBusName"] = "default"
    assert deploy(cloud, "bus", changed)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    reasons = [event.get("ResourceStatusReason", "") for event in _events(cloud, "bus")]
    assert any("Rename sagemaker-shop and update the stack again." in reason for reason in reasons)


def test_an_unknown_property_fails_the_stack(cloud: Cloud) -> None:
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"Nmae": "x"}}
    assert deploy(cloud, "wrong", {"Resources": {"Topic": topic}})["StackStatus"] == "ROLLBACK_COMPLETE"
    reasons = [event.get("ResourceStatusReason", "") for event in _events(cloud, "wrong")]
    assert any("#: extraneous key [Nmae] is not permitted" in reason for reason in reasons)


def _events(cloud: Cloud, name: str) -> list[dict[str, Any]]:
    return list(cloud.client("cloudformation").describe_stack_events(StackName=name)["StackEvents"])


def test_deleting_the_stack_leaves_nothing(cloud: Cloud, stack: dict[str, Any]) -> None:
    client = cloud.client("cloudformation")
    client.delete_stack(StackName="bus")
    until(lambda: "bus" not in {stack_summary["StackName"] for stack_summary in client.describe_stacks()["Stacks"]})
    left = {
        "rules": [rule["Name"] for rule in cloud.client("events").list_rules()["Rules"] if rule["Name"] != "pipes"],
        "functions": cloud.client("lambda").list_functions()["Functions"],
        "topics": cloud.client("sns").list_topics()["Topics"],
        "queues": cloud.client("sqs").list_queues().get("QueueUrls", []),
        "schedules": cloud.client("scheduler").list_schedules()["Schedules"],
    }
    assert left == {"rules": [], "functions": [], "topics": [], "queues": [], "schedules": []}
