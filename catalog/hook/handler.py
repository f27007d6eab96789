"""Step 3: the Lambda function. Whatever happens, CloudFormation is answered before the function ends."""

from __future__ import annotations

import functools
import http.client
import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from catalog.hook import artifact, commit
from catalog.hook.answers import checked
from catalog.hook.calls import Caller, Deadline, explained
from catalog.hook.commit import Outcome
from catalog.hook.connection import Host
from catalog.hook.errors import ArtifactError, CallbackError, EventError, HookError, PropertyError
from catalog.hook.repository import Repository
from catalog.hook.request import Artifact, Reply, Request, kind_of, parse, quoted, reply
from catalog.hook.tree import Tree, render

MAX_ANSWER = 4096  # bytes; https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html
MARGIN = 8.0  # seconds kept for the answer
TRIES = 3


class Context(Protocol):
    """What Lambda says of an invocation."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> float:
        """Return the time until Lambda ends the function."""


@dataclass(frozen=True)
class World:
    """Everything outside the function: AWS, CloudFormation's address, the clock."""

    client: Callable[[str], Any]
    send: Callable[[str, bytes], int]
    environment: Mapping[str, str]
    sleep: Callable[[float], None] = time.sleep


@dataclass
class Answering:
    """Sends exactly one answer, from whichever thread is first."""

    world: World
    to: Reply
    sent: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, status: str, reason: str, data: Mapping[str, str] | None = None) -> None:
        """Answer CloudFormation, unless that was done.

        Raises:
            CallbackError: it could not be reached.
        """
        with self.lock:
            if self.sent:
                return
            body = answer(self.to, status, reason, data or {})
            log(status, reason, self.to)
            deliver(self.world, self.to.url, body)
            self.sent = True  # not before: what one thread could not deliver the other one must try


def handler(event: object, context: Context) -> None:
    """Lambda's entry point."""
    respond(event, context, World(client, put, os.environ))


def respond(event: object, context: Context, world: World) -> None:
    """Do what the event asks, and answer.

    Raises:
        CallbackError: CloudFormation could not be reached; Lambda then delivers the event again.
    """
    try:
        to = reply(event, frozenset(filter(None, world.environment.get("RESPONSE_HOSTS", "").split(","))))
    except EventError as error:
        return log("IGNORED", str(error), None)
    respond_to(to, event, context, world)  # type: ignore[arg-type] # reply() has seen that it is a mapping
    return None


def respond_to(to: Reply, event: Mapping[str, Any], context: Context, world: World) -> None:
    """Answer a request whose sender is known."""
    answering = Answering(world, to)
    deadline = Deadline(context.get_remaining_time_in_millis, MARGIN, world.sleep)
    alarm = threading.Timer(max(0.0, deadline.left()), out_of_time, [answering, deadline])
    alarm.daemon = True
    alarm.start()
    try:
        data = work(event, deadline, world)
        answering("SUCCESS", data["Summary"], data)
    except CallbackError:
        raise
    except HookError as error:
        answering("FAILED", str(error))
    except Exception as error:  # the stack would hang for an hour
        where = "; ".join(f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)[-6:])
        answering("FAILED", f"the hook has a defect ({type(error).__name__} at {where}); report it, with this text")
    finally:
        alarm.cancel()


def out_of_time(answering: Answering, deadline: Deadline) -> None:
    """Answer from the timer's thread, while the other one is stuck in a call."""
    deadline.passed.set()
    try:
        answering("FAILED", "the seed ran out of time; retry: what was done so far is taken up again")
    except CallbackError as error:
        log("FAILED", str(error), answering.to)


def work(event: Mapping[str, Any], deadline: Deadline, world: World) -> dict[str, str]:
    """Return the data of the resource, once its repository is as the event asks."""
    if kind_of(event) == "Delete":
        return {"Summary": "nothing to do: the repository belongs to its stack and to its team"}
    request = parse(event)
    deadline.check()
    tree = rendered(request, Caller(world.client("s3"), deadline), world.environment.get("TEMPLATE_BUCKET", ""))
    outcome = seeded(request, tree, deadline, world)
    return {
        "Repository": request.repository,
        "Branch": request.branch,
        "CommitId": outcome.commit,
        "TreeId": outcome.tree,
        "PullRequestId": outcome.pull_request,
        "Summary": outcome.summary,
    }


def seeded(request: Request, tree: Tree, deadline: Deadline, world: World) -> Outcome:
    """Bring the tree to the Git host."""
    if request.provider != "codecommit":
        return Host(Caller(world.client("s3"), deadline), Caller(world.client("codebuild"), deadline)).seed(
            tree, request
        )
    email = request.answers.get("author_email", "")
    repository = Repository(request.repository, Caller(world.client("codecommit"), deadline), email)
    return (commit.create if request.kind == "Create" else commit.update)(repository, tree, request)


def rendered(request: Request, s3: Caller, bucket: str) -> Tree:
    """Return the rendered repository; the template is fetched by version, and its digest checked before it is read."""
    if bucket and request.artifact.bucket != bucket:
        raise PropertyError(f"TemplateBucket: must be the artifact bucket {quoted(bucket)}, which the ops stack made")
    files = template(request.artifact, s3)
    questions = artifact.questions(files)
    answers = checked(questions, request.answers, request.branch, request.provider)
    return render(files, questions, answers)


def template(release: Artifact, s3: Caller) -> artifact.Files:
    """Return the template's files."""
    try:
        response = s3("get_object", Bucket=release.bucket, Key=release.key, VersionId=release.version)
        return artifact.read(artifact.verified(response["Body"], release))
    except ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchKey", "NoSuchVersion", "NoSuchBucket"):
            raise ArtifactError(
                f"TemplateKey, TemplateVersionId: {release.key} is not in the artifact bucket in this version; "
                "publish the template, and use the product version that names it"
            ) from None
        raise explained(error, f"s3://{release.bucket}/{release.key}") from None


def answer(to: Reply, status: str, reason: str, data: Mapping[str, str]) -> bytes:
    """Return the body for CloudFormation, shortened until it is small enough."""
    room = MAX_ANSWER
    while True:
        body = json.dumps(
            {
                "Status": status,
                "Reason": reason if len(reason) <= room else f"{reason[:room]} ... (shortened)",
                "PhysicalResourceId": to.physical_id,
                "StackId": to.stack_id,
                "RequestId": to.request_id,
                "LogicalResourceId": to.logical_id,
                "Data": dict(data),
            }
        ).encode()
        if len(body) <= MAX_ANSWER or room == 0:
            return body
        room = max(0, room - 256)


def deliver(world: World, url: str, body: bytes) -> None:
    """Send the answer, three times at most.

    Raises:
        CallbackError: no attempt was accepted. The text names no address: it is a credential.
    """
    problem = ""
    for attempt in range(TRIES):
        try:
            status = world.send(url, body)
            if status < 300:
                return
            problem = f"status {status}"
        except OSError as error:
            problem = type(error).__name__
        except http.client.HTTPException as error:
            problem = type(error).__name__
        if attempt < TRIES - 1:
            world.sleep(2.0**attempt / 4)
    raise CallbackError(
        f"CloudFormation could not be answered in {TRIES} attempts ({problem}); Lambda delivers the event again"
    )


def put(url: str, body: bytes) -> int:
    """Put the body to a pre-signed address, following nothing, and return the status."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(str(parts.hostname), parts.port, timeout=2)
    try:
        # The signature covers an empty content type.
        connection.request("PUT", f"{parts.path}?{parts.query}", body, {"Content-Type": ""})
        return connection.getresponse().status
    finally:
        connection.close()


@functools.cache
def client(service: str) -> Any:  # noqa: ANN401 - boto3 makes these classes at run time
    """Return a boto3 client whose patience is ours: one attempt a call, and an end to each."""
    import boto3
    from botocore.config import Config

    config = Config(retries={"total_max_attempts": 1}, connect_timeout=3, read_timeout=20)
    return boto3.client(service, config=config)


def log(status: str, text: str, to: Reply | None) -> None:
    """Write one line of JSON; never an address, an answer or a part of the environment."""
    row = {"level": "INFO" if status == "SUCCESS" else "ERROR", "status": status, "message": text}
    if to:
        row |= {"stack": to.stack_id, "request": to.request_id, "resource": to.logical_id}
    print(json.dumps(row), file=sys.stdout, flush=True)
