"""Step 3: custom resources: the real hook seeds a stack's repository, and CloudFormation handles its responses."""

from __future__ import annotations

import http.client
import json
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from catalog import bundle
from sagemaker_rehearsal import lambda_
from sagemaker_rehearsal.account import SERVICES
from sagemaker_rehearsal.custom_resources import resource as custom_resources
from sagemaker_rehearsal.custom_resources.messages import AnswerError, parse, texts, timeout
from sagemaker_rehearsal.server import Cloud

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ],
}
OPTIONS = {"function_retry_seconds": (0.0,), "custom_resource_patience": 0.3}
ANSWERS = {
    "project_name": "Adult Income",
    "project_slug": "adult",
    "author_email": "ml-team@example.com",
    "aws_region": "us-east-1",
    "git_provider": "codecommit",
    "default_branch": "main",
    "problem_type": "BinaryClassification",
    "target_column": "income",
    "python_version": "3.12",
    "licence": "Apache-2.0",
}
# A function that responds to each request as its properties say
ECHO = """
import json, http.client, os
from urllib.parse import urlsplit

def handler(event, context):
    with open(os.environ["REQUESTS"], "a") as file:
        print(json.dumps(event), file=file)
    given = event["ResourceProperties"]
    mode = given.get(event["RequestType"], "SUCCESS")
    if mode == "crash":
        raise RuntimeError("the function is broken")
    if mode == "silent":
        return
    body = {name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
    body |= {"Status": mode, "Reason": "because", "PhysicalResourceId": given.get("Id", "made")}
    body["Data"] = {"Said": given.get("Say", ""), "Number": 7, "Request": json.dumps(sorted(event))}
    to = urlsplit(event["ResponseURL"])
    connection = http.client.HTTPConnection(to.hostname, to.port, timeout=5)
    connection.request("PUT", f"{to.path}?{to.query}", json.dumps(body).encode(), {"Content-Type": ""})
    assert connection.getresponse().status == 200
"""


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A cloud with a role for functions, and the function `echo`."""
    state = tmp_path_factory.mktemp("cloud")
    variables = {"RESPONSE_HOSTS": "127.0.0.1", "REQUESTS": str(state / "requests.jsonl")}
    options = {**OPTIONS, "function_environment": variables}
    with Cloud(state, services=SERVICES, options=options) as running:
        running.client("iam").create_role(RoleName="sagemaker-echo", AssumeRolePolicyDocument=json.dumps(TRUST))
        template = {"Resources": {"Echo": function("echo", {"ZipFile": ECHO}, "index.handler")}}
        assert deploy(running, "functions", template)["StackStatus"] == "CREATE_COMPLETE"
        yield running


def function(name: str, code: dict[str, Any], handler: str) -> dict[str, Any]:
    """Return a template's function resource."""
    properties = {
        "FunctionName": name,
        "Runtime": "python3.13",
        "Handler": handler,
        "Role": "arn:aws:iam::123456789012:role/sagemaker-echo",
        "Code": code,
        "MemorySize": 512,
        "Timeout": 60,
    }
    return {"Type": "AWS::Lambda::Function", "Properties": properties}


def deploy(cloud: Cloud, name: str, template: dict[str, Any]) -> dict[str, Any]:
    """Create or update a stack, wait, and describe it."""
    client = cloud.client("cloudformation")
    known = {stack["StackName"] for stack in client.describe_stacks()["Stacks"]}
    (client.update_stack if name in known else client.create_stack)(StackName=name, TemplateBody=json.dumps(template))
    return settled(cloud, name)


def settled(cloud: Cloud, name: str) -> dict[str, Any]:
    """Wait for a stack's final status and describe it."""
    for _ in range(1500):
        stack: dict[str, Any] = cloud.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
        if not stack["StackStatus"].endswith("_IN_PROGRESS"):
            return stack
        time.sleep(0.02)
    raise AssertionError(f"{name} does not end: {reasons(cloud, name)}")


def reasons(cloud: Cloud, name: str) -> list[str]:
    """Return the reasons of a stack's events, oldest first."""
    events = cloud.client("cloudformation").describe_stack_events(StackName=name)["StackEvents"]
    return [event["ResourceStatusReason"] for event in reversed(events) if event.get("ResourceStatusReason")]


def echo(**properties: object) -> dict[str, Any]:
    """Return a template with one custom resource of the function `echo`."""
    token = "arn:aws:lambda:us-east-1:123456789012:function:echo"
    resource = {"Type": "Custom::Echo", "Properties": {"ServiceToken": token, **properties}}
    value = {"Value": {"Fn::GetAtt": ["Echo", "Said"]}}
    return {"Resources": {"Echo": resource}, "Outputs": {"Said": value, "Id": {"Value": {"Ref": "Echo"}}}}


def requests(cloud: Cloud) -> list[dict[str, Any]]:
    """Return all requests to the function `echo`."""
    return [json.loads(line) for line in (cloud.state / "requests.jsonl").read_text(encoding="utf-8").splitlines()]


def outputs(stack: dict[str, Any]) -> dict[str, str]:
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


@pytest.fixture(scope="module")
def bundles() -> dict[str, bundle.Bundle]:
    """The zip archives that this working tree publishes."""
    return {archive.name: archive for archive in bundle.make(bundle.ROOT / "build" / "catalog" / "wheels")}


def published(cloud: Cloud, bundles: dict[str, bundle.Bundle]) -> dict[str, Any]:
    """Upload hook and template; return the template's location as the seed's properties."""
    s3, bucket = cloud.client("s3"), "sagemaker-autopilot-artifacts"
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    hook, template = bundles["hook"], bundles["template"]
    s3.put_object(Bucket=bucket, Key=hook.key, Body=hook.data)
    version = s3.put_object(Bucket=bucket, Key=template.key, Body=template.data)["VersionId"]
    place = {"Bucket": bucket, "Key": template.key, "VersionId": version, "Sha256": template.sha256}
    return {f"Template{name}": value for name, value in place.items()}


def seeding(repository: str, template: dict[str, Any], hook: str) -> dict[str, Any]:
    """Return a template of a hook, a repository and its seed."""
    code = {"S3Bucket": template["TemplateBucket"], "S3Key": hook}
    seed = {
        "ServiceToken": {"Fn::GetAtt": ["Hook", "Arn"]},
        "ServiceTimeout": 900,
        "Provider": "codecommit",
        "RepositoryName": {"Fn::GetAtt": ["Repository", "Name"]},
        "BranchName": "main",
        "Answers": ANSWERS,
        **template,
    }
    return {
        "Resources": {
            "Hook": function(f"hook-{repository}", code, "catalog.hook.handler.handler"),
            "Repository": {"Type": "AWS::CodeCommit::Repository", "Properties": {"RepositoryName": repository}},
            "Seed": {"Type": "Custom::Seed", "Properties": seed},
        },
        "Outputs": {"Commit": {"Value": {"Fn::GetAtt": ["Seed", "CommitId"]}}, "Id": {"Value": {"Ref": "Seed"}}},
    }


def test_the_published_hook_seeds_the_repository_of_a_stack(cloud: Cloud, bundles: dict[str, bundle.Bundle]) -> None:
    template = seeding("sagemaker-adult-p-000000000001", published(cloud, bundles), bundles["hook"].key)
    stack = deploy(cloud, "seeding", template)
    assert stack["StackStatus"] == "CREATE_COMPLETE", reasons(cloud, "seeding")
    branch = cloud.client("codecommit").get_branch(repositoryName="sagemaker-adult-p-000000000001", branchName="main")
    expected = {"Commit": branch["branch"]["commitId"], "Id": "codecommit:sagemaker-adult-p-000000000001"}
    assert expected == outputs(stack)


def test_a_seed_whose_artifact_is_another_fails_the_stack_with_the_hooks_sentence(
    cloud: Cloud, bundles: dict[str, bundle.Bundle], tmp_path: Path
) -> None:
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="others")
    s3.put_bucket_versioning(Bucket="others", VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket="others", Key=bundles["hook"].key, Body=bundles["hook"].data)
    version = s3.put_object(Bucket="others", Key="template.zip", Body=b"no zip")["VersionId"]
    place = {"TemplateBucket": "others", "TemplateKey": "template.zip", "TemplateVersionId": version}
    template_properties = {**place, "TemplateSha256": "0" * 64}
    stack = deploy(
        cloud, "tampered", seeding("sagemaker-adult-p-000000000002", template_properties, bundles["hook"].key)
    )
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    message = next(reason for reason in reasons(cloud, "tampered") if "Received response status [FAILED]" in reason)
    assert message.startswith("Received response status [FAILED] from custom resource. Message returned: ")
    assert "TemplateSha256" in message


def test_properties_are_sent_as_texts_and_data_can_be_asked_for(cloud: Cloud) -> None:
    stack = deploy(cloud, "texts", echo(Say="hello", Flag=True, Count=3, Deep={"List": [1, False]}))
    assert (stack["StackStatus"], outputs(stack)) == ("CREATE_COMPLETE", {"Said": "hello", "Id": "made"})
    sent = requests(cloud)[-1]
    properties = {key: sent["ResourceProperties"][key] for key in ("Flag", "Count", "Deep")}
    assert properties == {"Flag": "true", "Count": "3", "Deep": {"List": ["1", "false"]}}
    assert (sent["RequestType"], sent["ResourceType"], sent["StackId"]) == ("Create", "Custom::Echo", stack["StackId"])


def test_an_update_that_answers_another_id_replaces_and_then_deletes_the_old_one(cloud: Cloud) -> None:
    deploy(cloud, "replaced", echo(Id="first"))
    stack = deploy(cloud, "replaced", echo(Id="second"))
    assert (stack["StackStatus"], outputs(stack)["Id"]) == ("UPDATE_COMPLETE", "second")
    update, delete = requests(cloud)[-2:]
    assert (update["RequestType"], update["OldResourceProperties"]["Id"]) == ("Update", "first")
    assert (delete["RequestType"], delete["PhysicalResourceId"]) == ("Delete", "first")


def test_a_create_that_fails_is_deleted_when_the_stack_rolls_back(cloud: Cloud) -> None:
    stack = deploy(cloud, "failing", echo(Create="FAILED", Id="half"))
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    create, delete = requests(cloud)[-2:]
    assert (create["RequestType"], delete["RequestType"], delete["PhysicalResourceId"]) == ("Create", "Delete", "half")


def test_an_update_that_fails_is_changed_back(cloud: Cloud) -> None:
    deploy(cloud, "back", echo(Say="old"))
    stack = deploy(cloud, "back", echo(Say="new", Update="FAILED"))
    assert (stack["StackStatus"], outputs(stack)["Said"]) == ("UPDATE_ROLLBACK_COMPLETE", "old")
    tried, back = requests(cloud)[-2:]
    assert (tried["ResourceProperties"]["Say"], back["ResourceProperties"]["Say"]) == ("new", "old")
    assert back["OldResourceProperties"]["Say"] == "new"


@pytest.mark.parametrize(("mode", "expected"), [("crash", "the function is broken"), ("silent", "The function ended")])
def test_a_function_that_never_answers_fails_the_stack(cloud: Cloud, mode: str, expected: str) -> None:
    stack = deploy(cloud, f"never-{mode}", echo(Create=mode))
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    reason = next(
        candidate for candidate in reasons(cloud, f"never-{mode}") if "did not receive a response" in candidate
    )
    assert expected in reason


def test_the_time_out_of_the_resource_is_kept(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(cloud.options, "custom_resource_patience", 60.0)
    began = time.monotonic()
    stack = deploy(cloud, "late", echo(Create="silent", ServiceTimeout=1))
    assert (stack["StackStatus"], 1 <= time.monotonic() - began < 10) == ("ROLLBACK_COMPLETE", True)


def test_a_delete_that_fails_keeps_the_stack(cloud: Cloud) -> None:
    deploy(cloud, "staying", echo(Delete="FAILED"))
    cloud.client("cloudformation").delete_stack(StackName="staying")
    assert settled(cloud, "staying")["StackStatus"] == "DELETE_FAILED"


def test_a_function_that_is_absent_is_named(cloud: Cloud) -> None:
    template = echo()
    template["Resources"]["Echo"]["Properties"]["ServiceToken"] += "-absent"
    deploy(cloud, "absent", template)
    absent = "Function not found: arn:aws:lambda:us-east-1:123456789012:function:echo-absent"
    assert any(absent in reason for reason in reasons(cloud, "absent"))


def test_another_service_token_is_refused(cloud: Cloud) -> None:
    deploy(cloud, "token", echo())
    template = echo(Say="x")
    template["Resources"]["Echo"]["Properties"]["ServiceToken"] += "-other"
    deploy(cloud, "token", template)
    assert any("Modifying service token is not allowed." in reason for reason in reasons(cloud, "token"))


def test_only_the_signed_request_is_taken_and_the_first_answer_counts(cloud: Cloud) -> None:
    callbacks = custom_resources.of(cloud)
    request = {"StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/s/1", "LogicalResourceId": "Echo"}
    url, pending = callbacks.open({**request, "RequestId": "one"})
    signed = urlsplit(url)
    address = f"{signed.path}?{signed.query}"

    def send(path: str, kind: str = "", method: str = "PUT") -> int:
        connection = http.client.HTTPConnection("127.0.0.1", signed.port or 0, timeout=5)
        connection.request(method, path, b"answer", {"Content-Type": kind})
        return connection.getresponse().status

    refused = [send(f"{address}x"), send(address, "application/json"), send(address, method="POST")]
    assert (refused, send(address), pending.body) == ([403, 403, 403], 200, b"answer")
    callbacks.close("one")
    assert send(address) == 403


REQUEST = {"StackId": "s", "RequestId": "r", "LogicalResourceId": "l"}
GOOD = {**REQUEST, "Status": "SUCCESS", "PhysicalResourceId": "p"}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"no json", "Invalid response object"),
        (b"[]", "Invalid response object"),
        (json.dumps({**GOOD, "Data": {"x": "y" * 4096}}).encode(), "Response object is too long."),
        (json.dumps({**GOOD, "PhysicalResourceId": ""}).encode(), "doesn't contain PhysicalResourceId key"),
        (json.dumps({**GOOD, "PhysicalResourceId": "x" * 1025}).encode(), "Invalid PhysicalResourceId"),
        (json.dumps({**GOOD, "Status": "DONE"}).encode(), "invalid Status"),
        (json.dumps({**GOOD, "Status": "FAILED"}).encode(), "doesn't contain Reason key"),
        (json.dumps({**GOOD, "RequestId": "other"}).encode(), "another RequestId"),
        (json.dumps({**GOOD, "Data": ["x"]}).encode(), "Data that is no object"),
    ],
)
def test_an_answer_that_breaks_a_rule_is_not_taken(body: bytes, message: str) -> None:
    with pytest.raises(AnswerError, match=message):
        parse(body, REQUEST)


def test_values_are_sent_as_texts() -> None:
    assert texts({"a": [True, 1, 1.5, "x"]}) == {"a": ["true", "1", "1.5", "x"]}


@pytest.mark.parametrize("value", [0, 3601, "soon"])
def test_a_time_out_has_its_limits(value: object) -> None:
    with pytest.raises(AnswerError, match="ServiceTimeout"):
        timeout({"ServiceTimeout": value})


def test_the_functions_processes_end_with_the_cloud(tmp_path: Path) -> None:
    with Cloud(tmp_path, services=SERVICES, options=OPTIONS) as running:
        running.client("iam").create_role(RoleName="sagemaker-echo", AssumeRolePolicyDocument=json.dumps(TRUST))
        code = textwrap.dedent("""
            import os
            def handler(event, context):
                return os.getpid()
        """)
        deploy(running, "one", {"Resources": {"F": function("one", {"ZipFile": code}, "index.handler")}})
        pid = json.load(running.client("lambda").invoke(FunctionName="one")["Payload"])
        assert Path(f"/proc/{pid}").exists()
        assert lambda_.of(running).invocations[-1].error == ""
    assert not Path(f"/proc/{pid}").exists()
