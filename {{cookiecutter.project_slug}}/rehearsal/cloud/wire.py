"""Steps 4 to 10: read an AWS request off the wire, and write an answer or an error in the service's protocol."""

import io
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

import botocore.exceptions
from botocore.model import OperationModel, ServiceModel
from moto.core.model import ServiceModel as MotoServiceModel
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.serialize import get_serializer_class
from werkzeug.datastructures import MultiDict

from rehearsal.cloud.clients import session
from rehearsal.cloud.errors import AwsError

# Signing names that are no service names of botocore, or stand for several
SIGNING_NAMES = {"monitoring": "cloudwatch", "elasticloadbalancing": "elbv2", "states": "stepfunctions", "email": "ses"}


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
    """A request as it came, with what its signature says."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    signing_name: str
    region: str
    access_key: str

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
        return cls(environ["REQUEST_METHOD"], path, environ.get("QUERY_STRING", ""), headers, body, name, region, key)


def _scope(authorization: str) -> tuple[str, str, str]:
    """Access key, region and signing name of a version 4 signature; empty where unsigned."""
    try:
        credential = authorization.split("Credential=")[1].split(",")[0]
        key, _, region, name, _ = credential.split("/")
    except (IndexError, ValueError):
        return "", "us-east-1", ""
    return key, region, name.lower()


def find_operation(wire: Wire) -> OperationModel | None:
    """Tell which operation is asked for; None for S3 and for what botocore does not know."""
    name = SIGNING_NAMES.get(wire.signing_name, wire.signing_name)
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
    form = parse_qs(wire.body.decode("utf-8", "replace")) if model.protocol in ("query", "ec2") else {}
    return form.get("Action", parse_qs(wire.query).get("Action", [""]))[0]


def parse(wire: Wire, operation: OperationModel) -> dict[str, Any]:
    """Give the request's parameters as boto3 takes them.

    Raises:
        AwsError: when the body cannot be read.
    """
    protocol = operation.service_model.resolved_protocol
    if protocol == "json":
        try:
            read = json.loads(wire.body or b"{}")
        except ValueError as error:
            raise AwsError("SerializationException", f"The body is no JSON: {error}") from error
        if not isinstance(read, dict):
            raise AwsError("SerializationException", "The body must be a JSON object")
        return read
    values = MultiDict(
        (key, item)
        for key, items in parse_qs(wire.body.decode("utf-8", "replace"), keep_blank_values=True).items()
        for item in items
    )
    moto_operation = _moto_model(operation.service_model.service_name).operation_model(operation.name)
    parser = PROTOCOL_PARSERS[protocol](moto_operation)
    request: Any = {"method": wire.method, "values": values, "headers": wire.headers, "body": wire.body}
    return dict(parser.parse(request | {"url_path": wire.path, "url_params": {}}))


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
    body = written["body"].encode() if isinstance(written["body"], str) else bytes(written["body"])
    request_id = str(uuid.uuid4())
    headers = {**{key: str(value) for key, value in written["headers"].items()}, "x-amzn-RequestId": request_id}
    if model.resolved_protocol == "json":
        headers["Content-Type"] = f"application/x-amz-json-{model.metadata.get('jsonVersion', '1.1')}"
    return Answer(int(written["status_code"]), headers, body)


def error(error: AwsError, operation: OperationModel | None, wire: Wire) -> Answer:
    """Write an error in the service's protocol; where the service is unknown, in JSON, or XML for S3."""
    request_id = str(uuid.uuid4())
    protocol = (
        operation.service_model.resolved_protocol
        if operation
        else ("rest-xml" if wire.signing_name == "s3" else "json")
    )
    code, text = escape(error.code), escape(error.message)
    if protocol in ("query", "ec2"):
        body = (
            f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{text}</Message></Error>"
            f"<RequestId>{request_id}</RequestId></ErrorResponse>"
        )
        return Answer(error.status, {"Content-Type": "text/xml", "x-amzn-RequestId": request_id}, body.encode())
    if protocol == "rest-xml":
        body = f"<Error><Code>{code}</Code><Message>{text}</Message><RequestId>{request_id}</RequestId></Error>"
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
