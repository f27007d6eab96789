"""Steps 7, 8 and 10: InvokeEndpoint: pass requests to the endpoint's process, its answers and errors back as AWS does.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
"""

import http.client
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from sagemaker_rehearsal.server import validation
from sagemaker_rehearsal.server.errors import AwsError
from sagemaker_rehearsal.server.protocols import Answer, Wire, service_model

if TYPE_CHECKING:
    from sagemaker_rehearsal.sagemaker.worker import Worker
    from sagemaker_rehearsal.server.cloud import Cloud

PATH = re.compile(r"/endpoints/([^/]+)/invocations")
TIMEOUT_SECONDS = 65.0  # the container answers or gives up after 60
LIMIT_BYTES = 4 * 1024 * 1024  # serverless endpoints


def is_invocation(request: Wire) -> bool:
    """Tell whether the request is an InvokeEndpoint."""
    return request.signing_name in ("sagemaker", "") and PATH.fullmatch(request.path) is not None


def invoke(cloud: "Cloud", request: Wire) -> Answer:
    """Answer InvokeEndpoint.

    Raises:
        AwsError: ThrottlingException, ValidationError or ModelError, as the service gives them.
    """
    match = PATH.fullmatch(request.path)
    name = unquote(match[1]) if match else ""
    if request.method != "POST":
        raise AwsError("ValidationError", f"{request.method} is not allowed here; use POST", 405)
    found = _violations(name, request)
    if found:
        raise AwsError("ValidationError", validation.message(found))
    if len(request.body) > LIMIT_BYTES:
        said = f"Request of {len(request.body)} bytes exceeds the limit of {LIMIT_BYTES} bytes for serverless endpoints"
        raise AwsError("ValidationError", said)
    with cloud.endpoints.serving(name) as worker:
        wanted = request.headers.get("x-amzn-sagemaker-target-variant", worker.variant)
        if wanted != worker.variant:
            raise AwsError("ValidationError", f"Variant {wanted} of endpoint {name} not found.")
        status, content_type, body = _forward(worker, request)
        if status < 300:
            headers = {"Content-Type": content_type, "x-Amzn-Invoked-Production-Variant": worker.variant}
            return Answer(status, headers, body)
        raise _as_aws_says(name, status, body.decode("utf-8", "replace"))


def _violations(name: str, request: Wire) -> list[str]:
    """Hold the endpoint's name and the headers to the service's model."""
    model = service_model("sagemaker-runtime")
    shape = model.operation_model("InvokeEndpoint").input_shape if model else None
    members = shape.members if shape else {}
    headers = {key: one.serialization["name"].lower() for key, one in members.items() if "name" in one.serialization}
    given = {key: request.headers[header] for key, header in headers.items() if request.headers.get(header)}
    return validation.violations(shape, {**given, "EndpointName": name, "Body": b""})


def _forward(worker: "Worker", request: Wire) -> tuple[int, str, bytes]:
    sent = {"Content-Type": request.headers.get("content-type") or "application/octet-stream"}
    if request.headers.get("accept", "*/*") != "*/*":
        sent["Accept"] = request.headers["accept"]
    connection = http.client.HTTPConnection("127.0.0.1", worker.port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("POST", "/invocations", request.body, sent)
        got = connection.getresponse()
        return got.status, got.getheader("Content-Type", "application/octet-stream"), got.read()
    except OSError as error:
        return 500, "text/plain", f"Your invocation timed out or the container broke off: {error}".encode()
    finally:
        connection.close()


def _as_aws_says(name: str, status: int, body: str) -> AwsError:
    if status == 429:
        return AwsError(
            "ThrottlingException", f"Rate exceeded: endpoint {name} answers no more requests at a time", 429
        )
    if status == 413:
        return AwsError("ValidationError", f"The request exceeds the limit of {LIMIT_BYTES} bytes: {body}")
    kind = "client" if status < 500 else "server"
    log = f"/aws/sagemaker/Endpoints/{name}"
    message = (
        f'Received {kind} error ({status}) from primary with message "{body}". '
        f"See {log} in account 123456789012 for more information."
    )
    return AwsError("ModelError", message, 424, OriginalStatusCode=status, OriginalMessage=body, LogStreamArn=log)
