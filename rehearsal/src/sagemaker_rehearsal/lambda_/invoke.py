"""Steps 3, 4 and 6: run a function for one event, and again where Lambda would."""

from __future__ import annotations

import json
import logging
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from sagemaker_rehearsal.iam import identity
from sagemaker_rehearsal.lambda_ import logs
from sagemaker_rehearsal.lambda_.function import Function, Invocation
from sagemaker_rehearsal.lambda_.names import name_of
from sagemaker_rehearsal.lambda_.sandbox import LOG_TAIL, Answer
from sagemaker_rehearsal.lambda_.store import of
from sagemaker_rehearsal.server.errors import AwsError
from sagemaker_rehearsal.server.service import Host

log = logging.getLogger(__name__)
# "Lambda attempts to run it two more times, with a one-minute wait between the first two attempts, and two minutes
# between the second and third": https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
# Here nobody waits as long; `function_retry_seconds` in the cloud's options are other pauses.
RETRIES, PAUSES = 2, (1.0, 2.0)
# The documentation has 6 MB. AWS allows 100 bytes more, and says so (LocalStack, test_lambda_too_large_response,
# recorded 2025-11-24)
MOST_RESULT = 6 * 1024 * 1024 + 100
Done = Callable[[Invocation], None]


def invoke(cloud: Host, function: Function, event: str, request_id: str = "") -> Invocation:
    """Run a function and wait for it.

    Args:
        cloud: the embedded cloud.
        function: the function.
        event: JSON.
        request_id: of an event that was tried before.
    """
    state, request_id = of(cloud), request_id or str(uuid.uuid4())
    began = time.monotonic()
    sandbox = state.sandboxes.take(function)
    answer = _bounded(sandbox.run(event, request_id))
    seconds = time.monotonic() - began
    written = logs.lines(function, request_id, answer, seconds)
    logs.keep(cloud, sandbox, written)
    if answer.alive:
        state.sandboxes.give_back(sandbox)
    else:
        sandbox.discard()
    tail = "\n".join(written)[-LOG_TAIL:]
    error = "" if answer.ok else "Unhandled"
    done = Invocation(function.name, request_id, error, answer.payload, seconds, tail)
    state.invocations.append(done)
    return done


def _bounded(answer: Answer) -> Answer:
    """Limit a result to the largest that Lambda sends back."""
    if len(answer.payload.encode()) <= MOST_RESULT:
        return answer
    message = f"Response payload size exceeded maximum allowed payload size ({MOST_RESULT} bytes)."
    payload = {"errorType": "Function.ResponseSizeTooLarge", "errorMessage": message}
    return Answer(False, json.dumps(payload), answer.memory, answer.log, answer.alive)


def invoke_async(cloud: Host, function_arn: str, event: dict[str, Any], done: Done | None = None) -> str:
    """Put an event into a function's queue; it is run in the background, three times if it fails.

    Args:
        cloud: the embedded cloud.
        function_arn: its ARN or name.
        event: what the handler gets.
        done: called at the end, with the last attempt.

    Returns:
        The request's id.

    Raises:
        AwsError: there is no such function.
    """
    function = of(cloud).get(name_of(function_arn))
    request_id = str(uuid.uuid4())
    arguments = (cloud, function.name, event, request_id, done)
    threading.Thread(target=_work_off, args=arguments, name=f"invoke-{function.name}", daemon=True).start()
    return request_id


def _work_off(cloud: Host, name: str, event: dict[str, Any], request_id: str, done: Done | None) -> None:
    try:
        last, attempts = _attempt(cloud, name, event, request_id)
        _send_on(cloud, of(cloud).get(name), event, last, attempts)
    except AwsError as error:  # the function was deleted meanwhile: its events are gone, as on AWS
        last = Invocation(name, request_id, error.code, json.dumps({"errorMessage": error.message}), 0.0, "")
    except Exception as fault:  # a fault of the rehearsal must be seen by whoever waits
        if cloud.processes.stopped:
            return
        log.exception("function %s", name)
        last = Invocation(name, request_id, "Unhandled", json.dumps({"errorMessage": repr(fault)}), 0.0, "")
    for listener in list(of(cloud).listeners):
        listener(event, last)
    if done:
        done(last)


def _attempt(cloud: Host, name: str, event: dict[str, Any], request_id: str) -> tuple[Invocation, int]:
    retries = int(of(cloud).event_config(name).get("MaximumRetryAttempts", RETRIES))
    pauses = tuple(cloud.options.get("function_retry_seconds", PAUSES))
    for attempt in range(1 + retries):
        with of(cloud).sandboxes.turns:
            last = invoke(cloud, of(cloud).get(name), json.dumps(event), request_id)
        if not last.error:
            break
        if attempt < retries:
            time.sleep(pauses[min(attempt, len(pauses) - 1)])
    return last, attempt + 1


def _send_on(cloud: Host, function: Function, event: Mapping[str, Any], last: Invocation, attempts: int) -> None:
    """Send a failed event to the dead-letter queue, and a record to the destination, with the function's role."""
    dead = (function.settings.get("DeadLetterConfig") or {}).get("TargetArn")
    chosen = "OnFailure" if last.error else "OnSuccess"
    destinations = of(cloud).event_config(function.name).get("DestinationConfig") or {}
    destination = (destinations.get(chosen) or {}).get("Destination")
    if dead and last.error:
        facts = {"RequestID": last.request_id, "ErrorCode": "200", "ErrorMessage": _said(last)}
        _send(cloud, function, dead, json.dumps(event), facts)
    if destination:
        _send(cloud, function, destination, json.dumps(_record(function, event, last, attempts)), {})


def _said(last: Invocation) -> str:
    payload = json.loads(last.payload)
    return str(payload.get("errorMessage", "") if isinstance(payload, dict) else "")[:1024] or "unknown"


def _record(function: Function, event: Mapping[str, Any], last: Invocation, attempts: int) -> dict[str, Any]:
    """https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html"""
    context = {
        "requestId": last.request_id,
        "functionArn": f"{function.arn}:$LATEST",
        "condition": "RetriesExhausted" if last.error else "Success",
        "approximateInvokeCount": attempts,
    }
    answered = {"statusCode": 200, "executedVersion": "$LATEST"}
    return {
        "version": "1.0",
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "requestContext": context,
        "requestPayload": dict(event),
        "responseContext": {**answered, "functionError": last.error} if last.error else answered,
        "responsePayload": json.loads(last.payload),
    }


def _send(cloud: Host, function: Function, arn: str, text: str, facts: Mapping[str, str]) -> None:
    attributes = {name: {"DataType": "String", "StringValue": value} for name, value in facts.items()}
    service = arn.split(":")[2]
    client = identity.client_as(cloud, function.settings["Role"], function.name, service)
    try:
        if service == "sns":
            client.publish(TopicArn=arn, Message=text, MessageAttributes=attributes)
        else:
            # The address is known from the ARN; the function's role needs no right to ask for it
            url = cloud.client("sqs").get_queue_url(QueueName=arn.rpartition(":")[2])["QueueUrl"]
            client.send_message(QueueUrl=url, MessageBody=text, MessageAttributes=attributes)
    except ClientError as error:
        log.warning("%s: the event could not be sent to %s: %s", function.name, arn, error)
