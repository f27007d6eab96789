"""Steps 4 to 10: the WSGI application in front of moto: parse, validate, answer ours, pass the rest on."""

import io
import json
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from botocore.exceptions import ClientError
from botocore.model import OperationModel
from moto.backends import list_of_moto_modules
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from sagemaker_rehearsal.server import backends, cors, door, protocols, validation
from sagemaker_rehearsal.server.errors import AwsError
from sagemaker_rehearsal.server.service import Call, Check, Guard, Handler, Host, Route, Validator

log = logging.getLogger(__name__)
SEE = "docs/parity.md lists what the rehearsal answers"
# What services call a request that breaks their model, where it is not ValidationException (JSON) or ValidationError
CODES = {
    "cloudwatch": "ValidationError",
    "logs": "InvalidParameterException",
    "sagemaker-runtime": "ValidationError",
}


class Tables(Host, Protocol):
    """The cloud with what its services answer."""

    guard: Guard | None
    operations: dict[tuple[str, str], Handler]
    validators: dict[str, Validator]
    checks: list[Check]
    routes: dict[str, Route]


class Front:
    """Answers every request that reaches the embedded cloud."""

    def __init__(self, cloud: Tables) -> None:
        self._cloud = cloud
        self._moto = DomainDispatcherApplication(create_backend_app)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request (WSGI)."""
        refusal, foreign = door.host_refusal(environ), door.origin_refusal(environ)
        route = self._route(environ.get("PATH_INFO", ""))
        if route is not None and not (refusal or foreign):
            return route(self._cloud, environ, start_response)
        request = protocols.Wire.read(environ)
        operation: OperationModel | None = None
        try:
            operation = protocols.find_operation(request)
            by_cors = route is None and operation is None and protocols.is_s3(request) and cors.admits(request)
            if refusal or (foreign and not by_cors):
                raise AwsError("AccessDenied", refusal or foreign, 403)
            answer = self._answer(request, operation, environ)
        except Passed as passed:
            answer = passed.answer
        except AwsError as error:
            answer = protocols.error(error, operation, request)
        except ClientError as error:  # of a request that an operation of ours made for its answer
            answer = protocols.error(_passed_on(error), operation, request)
        except (
            Exception
        ) as error:  # a fault of the rehearsal must reach the client as an error, not as a broken connection
            log.exception("%s %s", request.signing_name, operation.name if operation else request.path)
            answer = protocols.error(_fault(error, request, operation), operation, request)
        if operation is None and request.method != "OPTIONS" and protocols.is_s3(request):
            answer = cors.answered(request, answer)
        length = [] if "Content-Length" in answer.headers else [("Content-Length", str(len(answer.body)))]
        start_response(
            f"{answer.status} {'OK' if answer.status < 300 else 'Error'}", [*answer.headers.items(), *length]
        )
        return [b"" if request.method == "HEAD" else answer.body]

    def _route(self, path: str) -> Route | None:
        """Return the application of a path that is no AWS API, by the longest prefix."""
        routes = self._cloud.routes
        prefix = max((prefix for prefix in list(routes) if path.startswith(prefix)), key=len, default=None)
        return None if prefix is None else routes[prefix]

    def _answer(
        self, request: protocols.Wire, operation: OperationModel | None, environ: dict[str, Any]
    ) -> protocols.Answer:
        if operation is None and request.method == "OPTIONS" and protocols.is_s3(request):
            return cors.preflight(request)
        if operation is None:
            self._authorize(request, operation, {})
            for check in self._cloud.checks if protocols.is_s3(request) else ():
                check(request)
            return self._moto_answer(request, operation, environ)
        service = operation.service_model.service_name
        handler = self._cloud.operations.get((service, operation.name))
        readable = operation.service_model.resolved_protocol in ("json", "query", "rest-json")
        params = protocols.parse(request, operation) if readable or handler else {}
        if readable:
            self._cloud.validators.get(service, _require_valid)(operation, params)
        self._authorize(request, operation, params)
        if handler is None:
            return self._moto_answer(request, operation, environ)

        def to_moto(changed: Mapping[str, Any] | None = None) -> dict[str, Any]:
            return self._ask_moto(request, operation, environ, changed)

        token = request.headers.get("x-amz-security-token", "")
        call = Call(self._cloud, service, operation.name, params, request.region, request.access_key, to_moto, token)
        return protocols.answer(operation, handler(call))

    def _authorize(self, request: protocols.Wire, operation: OperationModel | None, params: Mapping[str, Any]) -> None:
        """Raise AwsError for what the caller may not do, where permissions are enforced."""
        if self._cloud.guard:
            self._cloud.guard.authorize(request, operation, params)

    def _ask_moto(
        self,
        request: protocols.Wire,
        operation: OperationModel,
        environ: dict[str, Any],
        changed: Mapping[str, Any] | None,
    ) -> dict[str, Any]:
        """Let moto answer a JSON operation, with other parameters if given; raise its error as ours."""
        body = request.body if changed is None else json.dumps(changed, default=str).encode()
        answer = self._moto_answer(request, operation, {**environ, "CONTENT_LENGTH": str(len(body))}, body)
        # A header has the code that such an error had in the query protocol, and that boto3 gives
        if operation.service_model.resolved_protocol != "json" or "x-amzn-query-error" in answer.headers:
            raise Passed(answer)
        read = dict(json.loads(answer.body or b"{}"))
        if answer.status >= 300:
            message = read.get("message") or read.get("Message") or ""
            raise AwsError(str(read.get("__type", "InternalFailure")).rpartition("#")[2], message, answer.status)
        return read

    def _moto_answer(
        self,
        request: protocols.Wire,
        operation: OperationModel | None,
        environ: dict[str, Any],
        body: bytes | None = None,
    ) -> protocols.Answer:
        got: dict[str, Any] = {}

        def start(status: str, headers: list[tuple[str, str]], *_: object) -> Callable[[bytes], object]:
            got.update(status=int(status.split()[0]), headers=headers)
            return lambda _: None

        if request.signing_name and not self._has(request):
            raise _absent(request, operation)
        passed = {**environ, "wsgi.input": io.BytesIO(request.body if body is None else body)}
        try:
            with backends.alone():
                parts = self._moto(passed, start)
                content = b"".join(parts)
                getattr(parts, "close", lambda: None)()
        except NotImplementedError as error:
            raise _absent(request, operation) from error
        headers = {key: value for key, value in got["headers"] if key.lower() not in ("connection", "server", "date")}
        if got["status"] in (404, 500, 501) and b"<!doctype html" in content[:200].lower():
            raise _absent(request, operation)
        if environ.get("REQUEST_METHOD") == "HEAD":
            return protocols.Answer(got["status"], headers, b"")
        return protocols.Answer(got["status"], headers, content)

    def _has(self, request: protocols.Wire) -> bool:
        host = f"http://{request.signing_name}.{request.region}.amazonaws.com"
        patterns = self._moto.backend_url_patterns
        known = request.signing_name in list_of_moto_modules() or request.signing_name in protocols.SIGNING_NAMES
        return known or any(pattern.match(host) for _, pattern in patterns)


class Passed(Exception):  # noqa: N818 (not an error)
    """Moto's answer goes back as it is: to a query operation, or an error that needs its headers."""

    def __init__(self, answer: protocols.Answer) -> None:
        super().__init__()
        self.answer = answer


def _require_valid(operation: OperationModel, params: Mapping[str, Any]) -> None:
    violations = validation.violations(operation.input_shape, params)
    if violations:
        model = operation.service_model
        usual = "ValidationException" if model.resolved_protocol in ("json", "rest-json") else "ValidationError"
        raise AwsError(CODES.get(model.service_name, usual), validation.message(violations))


def _passed_on(error: ClientError) -> AwsError:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
    return AwsError(error.response["Error"]["Code"], error.response["Error"].get("Message", str(error)), status)


def _absent(request: protocols.Wire, operation: OperationModel | None) -> AwsError:
    name = operation.name if operation else f"{request.method} {request.path}"
    return AwsError(
        "NotImplemented", f"The rehearsal does not have {request.signing_name or 'this service'}: {name}; {SEE}", 501
    )


def _fault(error: Exception, request: protocols.Wire, operation: OperationModel | None) -> AwsError:
    name = operation.name if operation else f"{request.method} {request.path}"
    # 501, because clients repeat a request that was answered with 500
    return AwsError("InternalFailure", f"The rehearsal failed in {request.signing_name}: {name}: {error!r}", 501)
