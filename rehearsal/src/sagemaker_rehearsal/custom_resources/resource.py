"""Step 3: custom resources: CloudFormation invokes a function, and waits for its response at a pre-signed URL.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/template-custom-resources.html
"""

from __future__ import annotations

import json
import secrets
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, quote

from botocore.exceptions import ClientError

from sagemaker_rehearsal import lambda_
from sagemaker_rehearsal.cloudformation.resources import (
    CUSTOM,
    Properties,
    Resource,
    ResourceError,
    ResourceType,
    explained,
    generated_name,
)
from sagemaker_rehearsal.custom_resources.messages import Answer, AnswerError, parse, texts, timeout
from sagemaker_rehearsal.server.service import Host

ROUTE = "/custom-resource-response/"
# One byte more than the limit, to detect responses that are too long
READ = 4097
# Seconds to wait for a response after the function has ended without one, as another process may send it; AWS waits
# until the timeout. The cloud's option `custom_resource_patience` overrides it.
PATIENCE = 5.0
SILENT = (
    "CloudFormation did not receive a response from your Custom Resource. Please check your logs for requestId [{}]. "
    "If you are using the Python cfn-response module, you may need to update your Lambda function code so that "
    "CloudFormation can attach the updated version."
)


@dataclass
class Pending:
    """A request without a response so far."""

    signature: str
    arrived: threading.Event = field(default_factory=threading.Event)
    body: bytes = b""
    ended: str | None = None  # how the function ended without a response
    ended_at: float = 0.0


class Callbacks:
    """The response URLs of one cloud's pending requests."""

    def __init__(self, cloud: Host) -> None:
        self._cloud = cloud
        self._lock = threading.Lock()
        self._pending: dict[str, Pending] = {}
        lambda_.of(cloud).listeners.append(self._ended)

    def open(self, request: Mapping[str, Any]) -> tuple[str, Pending]:
        """Return a response URL for a request, of the form of CloudFormation's pre-signed URLs."""
        pending = Pending(secrets.token_urlsafe(24))
        with self._lock:
            self._pending[request["RequestId"]] = pending
        place = quote(f"{request['StackId']}|{request['LogicalResourceId']}|{request['RequestId']}", safe="")
        query = f"AWSAccessKeyId=REHEARSAL&Expires={int(time.time()) + 7200}&Signature={quote(pending.signature)}"
        return f"{self._cloud.url}{ROUTE}{place}?{query}", pending

    def close(self, request_id: str) -> None:
        """Stop accepting a response."""
        with self._lock:
            self._pending.pop(request_id, None)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Receive a response as S3 does at a pre-signed URL (WSGI); only the first one counts."""
        query = parse_qs(environ.get("QUERY_STRING", ""))
        body = environ["wsgi.input"].read(min(int(environ.get("CONTENT_LENGTH") or 0), READ))
        with self._lock:
            pending = self._pending.get(environ.get("PATH_INFO", "").rpartition("|")[2])
        # CloudFormation signs a PUT without a content type; any other request does not match the signature
        signed = environ["REQUEST_METHOD"] == "PUT" and not environ.get("CONTENT_TYPE")
        if pending is None or not signed or query.get("Signature") != [pending.signature]:
            code = "SignatureDoesNotMatch" if pending else "AccessDenied"
            document = (
                f"<Error><Code>{code}</Code><Message>The request is not the one that was signed.</Message></Error>"
            )
            start_response(
                "403 Forbidden", [("Content-Type", "application/xml"), ("Content-Length", str(len(document)))]
            )
            return [document.encode()]
        if not pending.arrived.is_set():
            pending.body = body
            pending.arrived.set()
        start_response("200 OK", [("Content-Length", "0")])
        return [b""]

    def _ended(self, event: Mapping[str, Any], last: lambda_.Invocation) -> None:
        """Record that a function's last attempt has ended."""
        request_id = event.get("RequestId") if isinstance(event, Mapping) else None
        with self._lock:
            pending = self._pending.get(str(request_id))
        if pending:
            pending.ended_at = time.monotonic()
            pending.ended = f"The function ended: {last.payload[:500]}" if last.error else "The function ended without."


class Custom(ResourceType):
    """The resource types that a function creates, updates and deletes."""

    def __init__(self, name: str) -> None:
        self.name = name

    def create(self, cloud: Host, stack_id: str, logical: str, kind: str, properties: Properties) -> Resource:
        """Send Create and wait for the response.

        Raises:
            ResourceError: it says FAILED, or there was none.
        """
        name = generated_name(stack_id, logical)
        request = _request("Create", stack_id, logical, kind, properties)
        try:
            answer = _invoke(cloud, request, properties)
        except Unanswered as error:
            raise ResourceError(str(error), _resource(request, name, properties, {})) from None
        resource = _resource(request, answer.physical, properties, answer.data)
        if answer.status == "FAILED":
            raise ResourceError(_failed(request, answer), resource)
        return resource

    def update(self, cloud: Host, stack_id: str, old: Resource, properties: Properties) -> Resource:
        """Send Update and wait for the response; another physical id in it means a replacement.

        Raises:
            ResourceError: it says FAILED, or there was none.
        """
        if properties.get("ServiceToken") != old.properties.get("ServiceToken"):
            raise ResourceError("Modifying service token is not allowed.")
        request = _request("Update", stack_id, old.logical_resource_id, old.cf_resource_type, properties)
        request["PhysicalResourceId"] = old.physical_resource_id
        request["OldResourceProperties"] = texts(old.properties)
        attempted = _resource(request, old.physical_resource_id, properties, old.attributes)
        try:
            answer = _invoke(cloud, request, properties)
        except Unanswered as error:
            raise ResourceError(str(error), attempted) from None
        if answer.status == "FAILED":
            raise ResourceError(_failed(request, answer), attempted)
        return _resource(request, answer.physical, properties, answer.data)

    def delete(self, cloud: Host, resource: Resource) -> None:
        """Send Delete and wait for the response.

        Raises:
            ResourceError: it says FAILED, or there was none.
        """
        logical, kind = resource.logical_resource_id, resource.cf_resource_type
        request = _request("Delete", str(resource.request["StackId"]), logical, kind, resource.properties)
        request["PhysicalResourceId"] = resource.physical_resource_id
        try:
            answer = _invoke(cloud, request, resource.properties)
        except Unanswered as error:
            raise ResourceError(str(error)) from None
        if answer.status == "FAILED":
            raise ResourceError(_failed(request, answer))


class CustomResource(Resource):
    """An existing custom resource; its attributes are the Data of its function's response."""

    def get_cfn_attribute(self, name: str) -> Any:  # noqa: ANN401 (moto's signature)
        """Return the value of Fn::GetAtt."""
        if name not in self.attributes:
            where = f"in object {self.request['StackId']}|{self.logical_resource_id}|{self.request['RequestId']}"
            raise ResourceError(f"CustomResource attribute error: Vendor response doesn't contain {name} key {where}")
        return self.attributes[name]


class Unanswered(Exception):  # noqa: N818 (nobody answered)
    """There was no valid response; the message is the stack event's reason."""


def _request(kind: str, stack_id: str, logical: str, type_name: str, properties: Properties) -> dict[str, Any]:
    """Return the request, without its response URL."""
    return {
        "RequestType": kind,
        "ServiceToken": properties.get("ServiceToken"),
        "ResponseURL": "",
        "StackId": stack_id,
        "RequestId": str(uuid.uuid4()),
        "LogicalResourceId": logical,
        "ResourceType": type_name,
        "ResourceProperties": texts(properties),
    }


def _invoke(cloud: Host, request: dict[str, Any], properties: Properties) -> Answer:
    """Invoke the function with the credentials of the stack operation, and wait for the response."""
    token = str(properties.get("ServiceToken") or "")
    if ":lambda:" not in token:
        raise ResourceError(f"Invalid service token: {token or 'none'} (the rehearsal calls functions only)")
    callbacks = of(cloud)
    try:
        seconds = timeout(properties)
        request["ResponseURL"], pending = callbacks.open(request)
        payload = json.dumps(request).encode()
        cloud.client("lambda").invoke(FunctionName=token, InvocationType="Event", Payload=payload)
        _await(cloud, pending, request, seconds)
        return parse(pending.body, request)
    except ClientError as error:
        raise ResourceError(explained(error)) from None
    except AnswerError as error:
        raise Unanswered(str(error)) from None
    finally:
        callbacks.close(request["RequestId"])


def _await(cloud: Host, pending: Pending, request: Mapping[str, Any], seconds: float) -> None:
    patience = float(cloud.options.get("custom_resource_patience", PATIENCE))
    deadline = time.monotonic() + seconds
    while not pending.arrived.wait(0.1 if pending.ended is None else 0.02):
        now = time.monotonic()
        if now > deadline:
            raise Unanswered(SILENT.format(request["RequestId"]))
        if pending.ended is not None and now > pending.ended_at + patience:
            waited = f"(AWS would have waited {seconds:.0f} s. {pending.ended})"
            raise Unanswered(f"{SILENT.format(request['RequestId'])} {waited}")


def _failed(request: Mapping[str, Any], answer: Answer) -> str:
    message = "Received response status [FAILED] from custom resource. Message returned:"
    return f"{message} {answer.reason} (RequestId: {request['RequestId']})"


def _resource(
    request: Mapping[str, Any], physical: str, properties: Properties, data: Mapping[str, Any]
) -> CustomResource:  # fmt: skip
    marks = {key: request[key] for key in ("StackId", "RequestId")}
    kind, logical = request["ResourceType"], request["LogicalResourceId"]
    return CustomResource(kind, logical, physical, properties, data, marks)


def of(cloud: Host) -> Callbacks:
    """Return a cloud's response URLs."""
    return cloud.state_of(Callbacks)


def answered(cloud: Host, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Receive a function's response (WSGI)."""
    return of(cloud)(environ, start_response)


RESOURCE_TYPES = (Custom(CUSTOM), Custom("AWS::CloudFormation::CustomResource"))
