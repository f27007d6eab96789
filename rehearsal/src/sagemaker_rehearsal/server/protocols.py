"""Steps 4 to 10: read an AWS request off the wire, and write an answer or an error in the service's protocol."""

import io
import json
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, unquote
from xml.sax.saxutils import escape

import botocore.exceptions
from botocore.model import OperationModel, ServiceModel
from moto.core.model import ServiceModel as MotoServiceModel
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.serialize import get_serializer_class
from werkzeug.datastructures import Headers, MultiDict

from sagemaker_rehearsal.server.clients import session
from sagemaker_rehearsal.server.errors import AwsError

# Signing names that are no service names of botocore, or stand for several
SIGNING_NAMES = {"monitoring": "cloudwatch", "elasticloadbalancing": "elbv2", "states": "stepfunctions", "email": "ses"}

_INVOCATION = re.compile(r"/endpoints/[^/]+/invocations")


@lru_cache(maxsize=64)
def service_model(name: str) -> ServiceModel | None:
    """Load botocore's model of a service; None when there is none of that name."""
    try:
        return session.get_service_model(name)
    except botocore.exceptions.UnknownServiceError:
        return None


@lru_cache(maxsize=64)
def _moto_model(name: str) -> MotoServiceModel:
    model = service_model(name)
    assert model is not None  # noqa: S101 (only asked for services that have one)
    return MotoServiceModel(model._service_description, name)


@dataclass(frozen=True)
class Wire:
    """A request as it came, with what its signature says; `raw_path` is the path before its escapes were read."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    signing_name: str
    region: str
    access_key: str
    raw_path: str = ""

    @classmethod
    def read(cls, environ: Mapping[str, Any]) -> "Wire":
        """Take a WSGI request apart; the body is read and put back for whoever comes next."""
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length) if length else b""
        environ["wsgi.input"] = io.BytesIO(body)  # type: ignore[index]
        key, region, name = _scope(environ.get("HTTP_AUTHORIZATION", ""))
        headers = {
            key[5:].replace("_", "-").lower(): value for key, value in environ.items() if key.startswith("HTTP_")
        }
        headers["content-type"] = environ.get("CONTENT_TYPE", "")
        path = environ.get("PATH_INFO", "/").encode("latin-1").decode("utf-8", "replace")
        raw = str(environ.get("RAW_URI") or environ.get("REQUEST_URI") or path).partition("?")[0]
        query = environ.get("QUERY_STRING", "")
        return cls(environ["REQUEST_METHOD"], path, query, headers, body, name, region, key, raw)


def _scope(authorization: str) -> tuple[str, str, str]:
    """Access key, region and signing name of a version 4 signature; empty where unsigned."""
    try:
        credential = authorization.split("Credential=")[1].split(",")[0]
        key, _, region, name, _ = credential.split("/")
    except (IndexError, ValueError):
        return "", "us-east-1", ""
    return key, region, name.lower()


def find_operation(wire: Wire) -> OperationModel | None:
    """Return the operation that is asked for; None for S3 and for what botocore does not know."""
    name = SIGNING_NAMES.get(wire.signing_name, wire.signing_name)
    if name in ("sagemaker", "") and _INVOCATION.fullmatch(wire.path):
        name = "sagemaker-runtime"  # it signs as `sagemaker`, and has paths where that has targets
        if wire.method != "POST":
            raise AwsError("ValidationError", f"{wire.method} is not allowed here; use POST", 405)
    if not name or name == "s3":
        return None
    model = service_model(name)
    if model is None:
        return None
    action = _action(wire, model)
    return model.operation_model(action) if action in model.operation_names else None


def _action(wire: Wire, model: ServiceModel) -> str:
    target = wire.headers.get("x-amz-target", "")
    if target:
        return target.rpartition(".")[2]
    if model.resolved_protocol == "rest-json":
        return _routed(wire, model)[0]
    form = parse_qs(wire.body.decode("utf-8", "replace")) if model.protocol in ("query", "ec2") else {}
    return form.get("Action", parse_qs(wire.query).get("Action", [""]))[0]


def _routed(wire: Wire, model: ServiceModel) -> tuple[str, dict[str, str]]:
    """Return the operation that a REST request's method and path name, and the path's labels; empty for none.

    https://smithy.io/2.0/spec/http-bindings.html#http-trait
    """
    for method, expression, name in _routes(model.service_name):
        match = expression.fullmatch(wire.raw_path or wire.path) if method == wire.method else None
        if match:
            return name, {label[1:]: unquote(value) for label, value in match.groupdict().items()}
    return "", {}


@lru_cache(maxsize=16)
def _routes(service: str) -> tuple[tuple[str, re.Pattern[str], str], ...]:
    """Return method, path and name of a service's operations; those with more literal parts come first."""
    model = service_model(service)
    assert model is not None  # noqa: S101 (only asked for services that have one)
    found = [(model.operation_model(name).http, name) for name in model.operation_names]
    routes = [(http["method"], http["requestUri"].partition("?")[0], name) for http, name in found]
    routes.sort(key=lambda route: (route[1].count("{"), -len(route[1])))
    return tuple((method, _expression(path), name) for method, path, name in routes)


def _expression(path: str) -> re.Pattern[str]:
    """Turn a path with labels, as `/functions/{Name}` or `{Key+}`, into an expression; a `_` leads each label."""
    parts = re.split(r"\{(\w+)(\+?)\}", path.rstrip("/"))
    texts = [re.escape(parts[0])]
    for name, greedy, text in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        texts += [f"(?P<_{name}>{'.+' if greedy else '[^/]+'})", re.escape(text)]
    return re.compile("".join(texts) + "/?")


def parse(wire: Wire, operation: OperationModel) -> dict[str, Any]:
    """Return the request's parameters as boto3 takes them.

    Raises:
        AwsError: when the body cannot be read.
    """
    protocol = operation.service_model.resolved_protocol
    if protocol == "json":
        return _object(wire.body)
    if protocol == "rest-json" and not _has_payload(operation):
        _object(wire.body)
    rest = protocol.startswith("rest-")
    form = wire.query if rest else wire.body.decode("utf-8", "replace")
    values = MultiDict((key, item) for key, items in parse_qs(form, keep_blank_values=True).items() for item in items)
    labels = _routed(wire, operation.service_model)[1] if protocol == "rest-json" else {}
    moto_operation = _moto_model(operation.service_model.service_name).operation_model(operation.name)
    parser = PROTOCOL_PARSERS[protocol](moto_operation)
    # Names of headers are in lower case here, and in the models as AWS writes them
    headers = Headers([(name, value) for name, value in wire.headers.items() if value]) if rest else wire.headers
    request: Any = {"method": wire.method, "values": values, "headers": headers, "body": wire.body}
    try:
        parsed = parser.parse(request | {"url_path": wire.path, "url_params": labels})
    except ValueError as error:
        raise AwsError("SerializationException", f"The request cannot be read: {error}") from error
    payload = operation.input_shape.serialization.get("payload") if operation.input_shape else None
    if payload and operation.input_shape.members[payload].type_name == "blob":
        parsed = {**parsed, payload: wire.body}  # moto takes an empty one for none
    return _given(parsed)


def _object(body: bytes) -> dict[str, Any]:
    try:
        read = json.loads(body or b"{}")
    except ValueError as error:
        raise AwsError("SerializationException", f"The body is no JSON: {error}") from error
    if not isinstance(read, dict):
        raise AwsError("SerializationException", "The body must be a JSON object")
    return read


def _has_payload(operation: OperationModel) -> bool:
    """Return whether the body is one member, and not an object of all members that have no other place."""
    return operation.input_shape is not None and "payload" in operation.input_shape.serialization


def _given(parsed: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in parsed.items() if value is not None}


@dataclass(frozen=True)
class Answer:
    """What goes back over the wire."""

    status: int
    headers: dict[str, str]
    body: bytes


def answer(operation: OperationModel, result: Mapping[str, Any] | None) -> Answer:
    """Write a result in the operation's protocol."""
    model = operation.service_model
    serializer = get_serializer_class(model.service_name, model.resolved_protocol)(
        _moto_model(model.service_name).operation_model(operation.name)
    )
    written = serializer.serialize(dict(result or {}))
    body = written["body"].encode() if isinstance(written["body"], str) else bytes(written["body"] or b"")
    request_id = str(uuid.uuid4())
    # Moto gives every body its own Content-Type, also where that is a member of the answer
    members = {key: str((result or {})[name]) for name, key in _header_members(operation) if name in (result or {})}
    headers = {key: str(value) for key, value in written["headers"].items()} | members
    headers["x-amzn-RequestId"] = request_id
    if model.resolved_protocol == "json":
        headers["Content-Type"] = f"application/x-amz-json-{model.metadata.get('jsonVersion', '1.1')}"
    return Answer(_status(operation, result or {}) or int(written["status_code"]), headers, body)


def _header_members(operation: OperationModel) -> Iterator[tuple[str, str]]:
    """Return the members of an answer that are headers, with the headers' names."""
    for name, shape in (operation.output_shape.members if operation.output_shape else {}).items():
        if shape.serialization.get("location") == "header":
            yield name, shape.serialization["name"]


def _status(operation: OperationModel, result: Mapping[str, Any]) -> int:
    """Return the status that a member of the result stands for, as with lambda's Invoke; 0 where there is none."""
    members = operation.output_shape.members if operation.output_shape else {}
    names = [name for name, shape in members.items() if shape.serialization.get("location") == "statusCode"]
    return int(result.get(names[0], 0)) if names else 0


def is_s3(wire: Wire) -> bool:
    """Requests without a signature's header are S3's: public, or signed in their query; but for InvokeEndpoint's."""
    return wire.signing_name == "s3" or not (wire.signing_name or wire.path.startswith("/endpoints/"))


def error(error: AwsError, operation: OperationModel | None, wire: Wire) -> Answer:
    """Write an error in the service's protocol; where the service is unknown, in JSON, or XML for S3."""
    request_id = str(uuid.uuid4())
    protocol = operation.service_model.resolved_protocol if operation else ("rest-xml" if is_s3(wire) else "json")
    code, text = escape(error.code), escape(error.message)
    if protocol in ("query", "ec2"):
        body = (
            f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{text}</Message></Error>"
            f"<RequestId>{request_id}</RequestId></ErrorResponse>"
        )
        return Answer(error.status, {"Content-Type": "text/xml", "x-amzn-RequestId": request_id}, body.encode())
    if protocol == "rest-xml":
        more = "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in error.fields.items())
        body = f"<Error><Code>{code}</Code><Message>{text}</Message>{more}<RequestId>{request_id}</RequestId></Error>"
        return Answer(error.status, {"Content-Type": "application/xml", "x-amzn-RequestId": request_id}, body.encode())
    fields = {"__type": error.code, "message": error.message, "Message": error.message, **error.fields}
    headers = {
        "Content-Type": "application/x-amz-json-1.1",
        "x-amzn-ErrorType": error.code,
        "x-amzn-RequestId": request_id,
    }
    return Answer(error.status, headers, json.dumps(fields, default=_plain).encode())


def _plain(value: object) -> object:
    return value.timestamp() if isinstance(value, datetime) else str(value)
