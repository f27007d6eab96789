"""Steps 3, 4 and 6: a function's log: in CloudWatch Logs, written with the function's role, and in a file."""

from __future__ import annotations

import threading
import time
from typing import Any

from botocore.exceptions import ClientError

from sagemaker_rehearsal.iam import identity
from sagemaker_rehearsal.lambda_.function import Function
from sagemaker_rehearsal.lambda_.sandbox import Answer, Sandbox
from sagemaker_rehearsal.server.service import Host

_writing = threading.Lock()


def lines(function: Function, request_id: str, answer: Answer, seconds: float) -> list[str]:
    """Return what Lambda logs of an invocation: what the function wrote, between its own lines.

    https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html
    """
    spent, billed = f"{seconds * 1000:.2f} ms", f"{-(-seconds * 1000 // 1):.0f} ms"
    memory = f"Memory Size: {function.settings['MemorySize']} MB\tMax Memory Used: {answer.memory} MB"
    written = answer.log.splitlines()
    if not answer.alive:
        written.append(f"RequestId: {request_id} Error: {answer.payload}")
    return [
        f"START RequestId: {request_id} Version: $LATEST",
        *written,
        f"END RequestId: {request_id}",
        f"REPORT RequestId: {request_id}\tDuration: {spent}\tBilled Duration: {billed}\t{memory}",
    ]


def keep(cloud: Host, sandbox: Sandbox, written: list[str]) -> None:
    """Append to the file and to the log group. As on AWS, a role that may not write loses the log without an error."""
    function = sandbox.function
    path = cloud.state / "logs" / "lambda" / f"{function.name}.log"
    with _writing:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write("\n".join(written) + "\n")
    client = identity.client_as(cloud, function.settings["Role"], function.name, "logs")
    try:
        _put(client, function.log_group, sandbox.stream, written)
    except ClientError as error:
        with _writing, path.open("a", encoding="utf-8") as file:
            file.write(f"(not in CloudWatch Logs: {error})\n")


def _put(client: Any, group: str, stream: str, written: list[str]) -> None:  # noqa: ANN401 (boto3's client)
    try:
        client.create_log_stream(logGroupName=group, logStreamName=stream)
    except client.exceptions.ResourceAlreadyExistsException:
        pass
    except client.exceptions.ResourceNotFoundException:
        client.create_log_group(logGroupName=group)
        client.create_log_stream(logGroupName=group, logStreamName=stream)
    now = int(time.time() * 1000)
    # CloudWatch Logs takes no empty message
    events = [{"timestamp": now, "message": line} for line in written if line]
    client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)
