"""Steps 3, 4 and 6: functions run isolated, with their own code, variables, role and timeout; Lambda's errors."""

from __future__ import annotations

import base64
import io
import json
import os
import threading
import time
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from sagemaker_rehearsal import lambda_
from sagemaker_rehearsal.account import SERVICES
from sagemaker_rehearsal.iam import allows_service
from sagemaker_rehearsal.lambda_.names import arn_of, name_of
from sagemaker_rehearsal.server import Cloud
from sagemaker_rehearsal.server.errors import AwsError

ROLE = "arn:aws:iam::123456789012:role/sagemaker-function"
CODE = """
import json, logging, os, sys, time
import boto3

calls = 0
client = boto3.client("sts")

class Wrong(Exception):
    pass

def handler(event, context):
    global calls
    calls += 1
    do = event.get("do")
    print(f"do {do} in {context.aws_request_id}")
    if do == "look":
        return {"environment": dict(os.environ), "path": sys.path, "folder": os.getcwd(), "calls": calls}
    if do == "who":
        return client.get_caller_identity()["Arn"]
    if do == "import":
        return [can(name) for name in event["names"]]
    if do == "context":
        names = ("function_name", "function_version", "invoked_function_arn", "memory_limit_in_mb", "log_group_name")
        return {name: getattr(context, name) for name in names} | {"left": context.get_remaining_time_in_millis()}
    if do == "fail":
        raise Wrong("it is wrong")
    if do == "exit":
        os._exit(3)
    if do == "sleep":
        time.sleep(event["seconds"])
        return os.getpid()
    if do == "eat":
        return len(bytearray(event["bytes"]))
    if do == "large":
        return "x" * (6 * 1024 * 1024 + 100)
    if do == "odd":
        return {1, 2}
    if do == "log":
        logging.warning("be warned")
    return event

def can(name):
    try:
        __import__(name)
    except ImportError:
        return False
    return True
"""


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A cloud with the function `worker`, whose environment must not contain a secret of this process."""
    options = {"function_environment": {"RESPONSE_HOSTS": "127.0.0.1"}, "function_retry_seconds": (0.0,)}
    os.environ["A_SECRET_OF_OURS"] = "x"
    with Cloud(tmp_path_factory.mktemp("cloud"), services=SERVICES, options=options) as cloud:
        statement = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        trust = {"Version": "2012-10-17", "Statement": [statement]}
        other = {**trust, "Statement": [{**statement, "Principal": {"Service": "events.amazonaws.com"}}]}
        for name, who in (("sagemaker-function", trust), ("other", other)):
            cloud.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(who))
        create(cloud, "worker", Environment={"Variables": {"OWN": "1"}}, Timeout=10)
        yield cloud
    del os.environ["A_SECRET_OF_OURS"]


def packed(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def create(cloud: Cloud, name: str, code: str = CODE, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    request = {"FunctionName": name, "Runtime": "python3.13", "Handler": "app.handler", "Role": ROLE, "MemorySize": 256}
    source = more.pop("Code", {"ZipFile": packed({"app.py": code})})
    return dict(cloud.client("lambda").create_function(**{**request, "Code": source, **more}))


def call(cloud: Cloud, name: str = "worker", **event: object) -> tuple[str, Any]:
    """Invoke a function; return the kind of error and the payload."""
    answer = cloud.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
    return answer.get("FunctionError", ""), json.load(answer["Payload"])


def code_of(caught: pytest.ExceptionInfo[ClientError]) -> str:
    return str(caught.value.response["Error"]["Code"])


def test_a_function_has_its_own_environment_and_nothing_of_ours(cloud: Cloud) -> None:
    _, seen = call(cloud, do="look")
    environment, folder = seen["environment"], seen["folder"]
    picked = {
        key: environment.get(key) for key in ("OWN", "RESPONSE_HOSTS", "AWS_REGION", "_HANDLER", "A_SECRET_OF_OURS")
    }
    assert picked == {
        "OWN": "1",
        "RESPONSE_HOSTS": "127.0.0.1",
        "AWS_REGION": "us-east-1",
        "_HANDLER": "app.handler",
        "A_SECRET_OF_OURS": None,
    }
    assert (environment["AWS_EXECUTION_ENV"], environment["LAMBDA_TASK_ROOT"]) == ("AWS_Lambda_python3.13", folder)
    assert environment["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    assert environment["AWS_SESSION_TOKEN"]
    assert seen["path"][:2] == [folder, environment["LAMBDA_RUNTIME_DIR"]]
    assert not [path for path in seen["path"] if "site-packages" in path or path == os.getcwd()]


def test_a_function_is_its_role_and_has_the_runtimes_packages_only(cloud: Cloud) -> None:
    assert call(cloud, do="who") == ("", "arn:aws:sts::123456789012:assumed-role/sagemaker-function/worker")
    names = ["boto3", "botocore", "moto", "rehearsal", "catalog", "werkzeug", "yaml", "pytest"]
    assert call(cloud, do="import", names=names)[1] == [True, True, *[False] * 6]


def test_a_process_is_kept_warm_and_a_change_ends_it(cloud: Cloud) -> None:
    create(cloud, "warm")
    counts = [call(cloud, "warm", do="look")[1]["calls"] for _ in range(2)]
    cloud.client("lambda").update_function_configuration(FunctionName="warm", Description="changed")
    assert [*counts, call(cloud, "warm", do="look")[1]["calls"]] == [1, 2, 1]


def test_invocations_at_the_same_time_run_side_by_side(cloud: Cloud) -> None:
    pids: list[int] = []

    def invoke() -> None:
        pids.append(call(cloud, do="sleep", seconds=0.3)[1])

    threads = [threading.Thread(target=invoke) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(pids)) == 3


def test_the_context_says_what_it_is(cloud: Cloud) -> None:
    _, seen = call(cloud, do="context")
    assert 9000 < seen.pop("left") <= 10000
    assert seen == {
        "function_name": "worker",
        "function_version": "$LATEST",
        "invoked_function_arn": "arn:aws:lambda:us-east-1:123456789012:function:worker",
        "memory_limit_in_mb": "256",
        "log_group_name": "/aws/lambda/worker",
    }


def test_an_exception_is_answered_with_its_trace(cloud: Cloud) -> None:
    error, answer = call(cloud, do="fail")
    assert (error, answer["errorType"], answer["errorMessage"]) == ("Unhandled", "Wrong", "it is wrong")
    assert (set(answer), len(answer["stackTrace"])) == ({"errorMessage", "errorType", "requestId", "stackTrace"}, 1)


@pytest.mark.parametrize(
    ("event", "kind", "message"),
    [
        ({"do": "exit"}, "Runtime.ExitError", "Runtime exited with error: exit status 3"),
        ({"do": "large"}, "Function.ResponseSizeTooLarge", "maximum allowed payload size (6291556 bytes)."),
        ({"do": "odd"}, "Runtime.MarshalError", "Unable to marshal response"),
        ({"do": "eat", "bytes": 400 * 1024 * 1024}, "Runtime.OutOfMemory", "signal: killed"),
    ],
)
def test_what_lambda_ends_is_answered_as_lambda_does(
    cloud: Cloud, event: dict[str, Any], kind: str, message: str
) -> None:
    error, answer = call(cloud, **event)
    assert (error, answer["errorType"], message in answer["errorMessage"]) == ("Unhandled", kind, True)
    assert call(cloud, do="echo") == ("", {"do": "echo"})


def test_a_function_is_ended_at_its_time_out(cloud: Cloud) -> None:
    create(cloud, "slow", Timeout=1)
    began = time.monotonic()
    error, answer = call(cloud, "slow", do="sleep", seconds=30)
    assert (error, answer["errorType"], time.monotonic() - began < 8) == ("Unhandled", "Sandbox.Timedout", True)
    assert answer["errorMessage"].endswith("Error: Task timed out after 1.00 seconds")


@pytest.mark.parametrize(
    ("handler", "code", "kind", "message"),
    [
        ("app.absent", CODE, "Runtime.HandlerNotFound", "Handler 'absent' missing on module 'app'"),
        ("nothing.handler", CODE, "Runtime.ImportModuleError", "Unable to import module 'nothing'"),
        ("handler", CODE, "Runtime.MalformedHandlerName", "Bad handler 'handler'"),
        ("app.handler", "def (", "Runtime.UserCodeSyntaxError", "Syntax error in module 'app'"),
        ("app.handler", "import moto", "Runtime.ImportModuleError", "No module named 'moto'"),
    ],
)
def test_a_handler_that_cannot_be_loaded_is_explained(
    cloud: Cloud, handler: str, code: str, kind: str, message: str
) -> None:
    name = f"bad-{abs(hash((handler, code)))}"
    create(cloud, name, code, Handler=handler)
    error, answer = call(cloud, name)
    assert (error, answer["errorType"], message in answer["errorMessage"]) == ("Unhandled", kind, True)


def test_the_log_is_in_cloudwatch_in_a_file_and_in_the_answer(cloud: Cloud) -> None:
    create(cloud, "logging", LoggingConfig={"LogGroup": "/special/group"})
    client = cloud.client("lambda")
    answer = client.invoke(FunctionName="logging", Payload='{"do": "log"}', LogType="Tail")
    tail = base64.b64decode(answer["LogResult"]).decode()
    stream = cloud.client("logs").describe_log_streams(logGroupName="/special/group")["logStreams"][0]["logStreamName"]
    events = cloud.client("logs").get_log_events(logGroupName="/special/group", logStreamName=stream)["events"]
    file = (cloud.state / "logs" / "lambda" / "logging.log").read_text(encoding="utf-8")
    assert file == f"{tail}\n" == "\n".join(event["message"] for event in events) + "\n"
    first, *_, end, report = tail.splitlines()
    assert [line.split()[0] for line in (first, end, report)] == ["START", "END", "REPORT"]
    assert "[WARNING]" in tail
    assert "be warned" in tail


def test_code_comes_from_s3_and_a_new_version_of_it_is_used(cloud: Cloud) -> None:
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="code")
    s3.put_bucket_versioning(Bucket="code", VersioningConfiguration={"Status": "Enabled"})
    versions = [
        s3.put_object(Bucket="code", Key="f.zip", Body=packed({"app.py": f"def handler(e, c):\n    return {number}\n"}))
        for number in (1, 2)
    ]
    source = {"S3Bucket": "code", "S3Key": "f.zip"}
    create(cloud, "stored", Code={**source, "S3ObjectVersion": versions[0]["VersionId"]})
    first = call(cloud, "stored")
    cloud.client("lambda").update_function_code(FunctionName="stored", **source)
    assert (first, call(cloud, "stored")) == (("", 1), ("", 2))


def test_an_event_is_taken_and_run_in_the_background(cloud: Cloud) -> None:
    answer = cloud.client("lambda").invoke(FunctionName="worker", Payload='{"do": "behind"}', InvocationType="Event")
    log = cloud.state / "logs" / "lambda" / "worker.log"
    for _ in range(500):
        if "do behind" in log.read_text(encoding="utf-8"):
            break
        time.sleep(0.01)
    assert (answer["StatusCode"], "do behind" in log.read_text(encoding="utf-8")) == (202, True)


def test_a_failing_event_is_tried_three_times_with_the_same_id(cloud: Cloud) -> None:
    done: list[lambda_.Invocation] = []
    finished = threading.Event()

    def note(last: lambda_.Invocation) -> None:
        done.append(last)
        finished.set()

    lambda_.invoke_async(cloud, "worker", {"do": "fail"}, note)
    assert finished.wait(20)
    attempts = [
        invocation for invocation in lambda_.of(cloud).invocations if invocation.request_id == done[0].request_id
    ]
    assert [attempt.error for attempt in attempts] == ["Unhandled"] * 3


def test_destinations_get_a_record(cloud: Cloud) -> None:
    sqs, client = cloud.client("sqs"), cloud.client("lambda")
    url = sqs.create_queue(QueueName="records")["QueueUrl"]
    queue = "arn:aws:sqs:us-east-1:123456789012:records"
    create(cloud, "recorded")
    config = {"OnFailure": {"Destination": queue}, "OnSuccess": {"Destination": queue}}
    client.put_function_event_invoke_config(FunctionName="recorded", MaximumRetryAttempts=0, DestinationConfig=config)
    conditions = {}
    for do in ("echo", "fail"):
        client.invoke(FunctionName="recorded", Payload=json.dumps({"do": do}), InvocationType="Event")
        body = received(sqs, url)
        conditions[do] = (body["requestContext"]["condition"], body["requestContext"]["approximateInvokeCount"])
    assert conditions == {"echo": ("Success", 1), "fail": ("RetriesExhausted", 1)}


def received(sqs: Any, url: str) -> dict[str, Any]:  # noqa: ANN401
    for _ in range(500):
        messages = sqs.receive_message(QueueUrl=url).get("Messages")
        if messages:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=messages[0]["ReceiptHandle"])
            return dict(json.loads(messages[0]["Body"]))
        time.sleep(0.01)
    raise AssertionError("nothing came")


BAD: list[tuple[str, dict[str, Any], str]] = [
    ("create_function", {"FunctionName": "worker"}, "ResourceConflictException"),
    ("create_function", {"FunctionName": "a b"}, "ValidationException"),
    ("create_function", {"Runtime": "python3.8"}, "InvalidParameterValueException"),
    ("create_function", {"Runtime": "cobol"}, "InvalidParameterValueException"),
    ("create_function", {"Role": ROLE.replace("sagemaker-function", "absent")}, "InvalidParameterValueException"),
    ("create_function", {"Role": ROLE.replace("sagemaker-function", "other")}, "InvalidParameterValueException"),
    ("create_function", {"Role": "no-arn"}, "ValidationException"),
    ("create_function", {"Timeout": 901}, "ValidationException"),
    ("create_function", {"Timeout": 0}, "ValidationException"),
    ("create_function", {"MemorySize": 64}, "ValidationException"),
    ("create_function", {"MemorySize": 10241}, "ValidationException"),
    ("create_function", {"Environment": {"Variables": {"AWS_REGION": "x"}}}, "InvalidParameterValueException"),
    ("create_function", {"Environment": {"Variables": {"AB": "x" * 4096}}}, "InvalidParameterValueException"),
    ("create_function", {"Code": {"ZipFile": b"no zip"}}, "InvalidParameterValueException"),
    ("create_function", {"Code": {"S3Bucket": "absent", "S3Key": "k"}}, "InvalidParameterValueException"),
    ("create_function", {"Code": {}}, "InvalidParameterValueException"),
    ("create_function", {"Layers": ["arn:aws:lambda:us-east-1:1:layer:x:1"]}, "ValidationException"),
    ("invoke", {"FunctionName": "absent"}, "ResourceNotFoundException"),
    ("invoke", {"FunctionName": "worker", "Qualifier": "3"}, "ResourceNotFoundException"),
    ("invoke", {"FunctionName": "worker", "Payload": "{"}, "InvalidRequestContentException"),
    ("invoke", {"FunctionName": "worker", "Payload": '"' + "x" * 6291456 + '"'}, "RequestEntityTooLargeException"),
    ("invoke", {"FunctionName": "worker", "InvocationType": "Later"}, "ValidationException"),
    ("get_function", {"FunctionName": "absent"}, "ResourceNotFoundException"),
    ("get_policy", {"FunctionName": "worker"}, "ResourceNotFoundException"),
    ("remove_permission", {"FunctionName": "worker", "StatementId": "x"}, "ResourceNotFoundException"),
    ("get_function_event_invoke_config", {"FunctionName": "worker"}, "ResourceNotFoundException"),
    ("put_function_event_invoke_config", {"FunctionName": "worker", "MaximumRetryAttempts": 3}, "ValidationException"),
    ("publish_version", {"FunctionName": "worker"}, "NotImplemented"),
]


@pytest.mark.parametrize(("operation", "change", "code"), BAD)
def test_a_bad_request_is_refused(cloud: Cloud, operation: str, change: dict[str, Any], code: str) -> None:
    request = dict(change)
    if operation == "create_function":
        whole = {"FunctionName": "new", "Runtime": "python3.13", "Handler": "app.handler", "Role": ROLE}
        request = {**whole, "Code": {"ZipFile": packed({"app.py": CODE})}, **change}
    with pytest.raises(ClientError) as caught:
        getattr(cloud.client("lambda", parameter_validation=False), operation)(**request)
    assert code_of(caught) == code


def test_permissions_are_statements_of_the_functions_policy(cloud: Cloud) -> None:
    create(cloud, "open")
    client = cloud.client("lambda")
    rule = "arn:aws:events:us-east-1:123456789012:rule/sagemaker-*"
    request = {"FunctionName": "open", "StatementId": "rules", "Action": "lambda:InvokeFunction"}
    client.add_permission(**request, Principal="events.amazonaws.com", SourceArn=rule, SourceAccount="123456789012")
    statement = json.loads(client.get_policy(FunctionName="open")["Policy"])["Statement"]
    assert statement == [
        {
            "Sid": "rules",
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "lambda:InvokeFunction",
            "Resource": "arn:aws:lambda:us-east-1:123456789012:function:open",
            "Condition": {
                "StringEquals": {"AWS:SourceAccount": "123456789012"},
                "ArnLike": {"AWS:SourceArn": rule},
            },
        }
    ]
    with pytest.raises(ClientError) as caught:
        client.add_permission(**request, Principal="events.amazonaws.com")
    assert code_of(caught) == "ResourceConflictException"


def test_tags_are_kept(cloud: Cloud) -> None:
    client, arn = cloud.client("lambda"), create(cloud, "tagged", Tags={"a": "1"})["FunctionArn"]
    client.tag_resource(Resource=arn, Tags={"b": "2"})
    client.untag_resource(Resource=arn, TagKeys=["a"])
    response = client.get_function(FunctionName=arn)
    assert (response["Tags"], client.list_tags(Resource=arn)["Tags"]) == ({"b": "2"}, {"b": "2"})


@given(st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True))
def test_every_way_to_name_a_function_names_it(name: str) -> None:
    arn = arn_of("eu-central-1", name)
    for given_name in (name, arn, f"{arn}:$LATEST", f"{name}:$LATEST", f"123456789012:function:{name}"):
        assert name_of(given_name) == name


@pytest.mark.parametrize("given_name", ["", "a b", "arn:aws:s3:::bucket", "x" * 65])
def test_what_names_no_function_is_refused(given_name: str) -> None:
    with pytest.raises(AwsError):
        name_of(given_name)


EVENTS, INVOKE = "events.amazonaws.com", "lambda:InvokeFunction"
CONTEXT = {"aws:sourcearn": "arn:aws:events:us-east-1:1:rule/sagemaker-x", "aws:sourceaccount": "1"}
ALLOW = {"Effect": "Allow", "Principal": {"Service": EVENTS}, "Action": INVOKE, "Resource": "arn:f"}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, True),
        ({"Principal": "*"}, True),
        ({"Principal": {"Service": "s3.amazonaws.com"}}, False),
        ({"Principal": {"AWS": "arn:aws:iam::1:root"}}, False),
        ({"Action": "lambda:*"}, True),
        ({"Action": "lambda:GetFunction"}, False),
        ({"Resource": "arn:g"}, False),
        ({"Effect": "Deny"}, False),
        ({"Condition": {"ArnLike": {"AWS:SourceArn": "arn:aws:events:us-east-1:1:rule/sagemaker-*"}}}, True),
        ({"Condition": {"ArnLike": {"AWS:SourceArn": "arn:aws:events:us-east-1:1:rule/other-*"}}}, False),
        ({"Condition": {"StringEquals": {"AWS:SourceAccount": "2"}}}, False),
        ({"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o"}}}, False),
        ({"Condition": {"StringEqualsIfExists": {"aws:PrincipalOrgID": "o"}}}, True),
        ({"Condition": {"Bool": {"aws:sourceaccount": "1"}}}, False),
    ],
)
def test_a_policy_lets_a_service_in_or_not(change: dict[str, Any], expected: bool) -> None:
    policy = {"Version": "2012-10-17", "Statement": [{**ALLOW, **change}]}
    assert allows_service(policy, EVENTS, INVOKE, "arn:f", CONTEXT) is expected


def test_a_denial_is_stronger_than_a_permission() -> None:
    policy = {"Statement": [ALLOW, {**ALLOW, "Effect": "Deny"}]}
    assert (allows_service(policy, EVENTS, INVOKE, "arn:f", {}), allows_service({}, EVENTS, INVOKE, "arn:f", {})) == (
        False,
        False,
    )
