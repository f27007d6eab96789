"""Steps 7, 8 and 10: InvokeEndpoint: forward requests to the endpoint's process and map its errors as AWS does.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
"""

import http.client
from collections.abc import Mapping
from typing import Any

from sagemaker_rehearsal.sagemaker import endpoints
from sagemaker_rehearsal.sagemaker.worker import Worker
from sagemaker_rehearsal.server.errors import AwsError
from sagemaker_rehearsal.server.service import Call, operation

TIMEOUT_SECONDS = 65.0  # the container has a limit of 60
LIMIT_BYTES = 4 * 1024 * 1024  # serverless endpoints


@operation("sagemaker-runtime", "InvokeEndpoint")
def invoke_endpoint(call: Call) -> dict[str, Any]:
    """Forward a request to the endpoint's process; raise ThrottlingException, ValidationError or ModelError."""
    name, body = call.params["EndpointName"], call.params.get("Body") or b""
    if len(body) > LIMIT_BYTES:
        message = f"Request of {len(body)} bytes exceeds the limit of {LIMIT_BYTES} bytes for serverless endpoints"
        raise AwsError("ValidationError", message)
    with endpoints.of(call.cloud).serving(name) as worker:
        variant = call.params.get("TargetVariant", worker.variant)
        if variant != worker.variant:
            raise AwsError("ValidationError", f"Variant {variant} of endpoint {name} not found.")
        status, content_type, answer = _forward(worker, call.params, body)
        if status < 300:
            return {"Body": answer, "ContentType": content_type, "InvokedProductionVariant": worker.variant}
        raise _service_error(name, status, answer.decode("utf-8", "replace"))


def _forward(worker: Worker, params: Mapping[str, Any], body: bytes) -> tuple[int, str, bytes]:
    sent = {"Content-Type": params.get("ContentType") or "application/octet-stream"}
    if params.get("Accept", "*/*") != "*/*":
        sent["Accept"] = params["Accept"]
    connection = http.client.HTTPConnection("127.0.0.1", worker.port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("POST", "/invocations", body, sent)
        response = connection.getresponse()
        return response.status, response.getheader("Content-Type", "application/octet-stream"), response.read()
    except OSError as error:
        return 500, "text/plain", f"Your invocation timed out or the container broke off: {error}".encode()
    finally:
        connection.close()


def _service_error(name: str, status: int, body: str) -> AwsError:
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
