"""Steps 5 and 9: what S3 answers a browser, by the bucket's CORS rules.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html

Studio draws a version's metrics in the browser, from the JSON in the project's bucket, so without rules nobody sees
them (https://github.com/aws/amazon-sagemaker-feedback/issues/78). moto keeps the rules, but answers preflights of
buckets without rules, and takes no notice of methods and headers. The answers here are those that LocalStack recorded
of AWS (tests/cloud/test_cors.py).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from moto.s3.models import s3_backends

from sagemaker_rehearsal.server import backends
from sagemaker_rehearsal.server.errors import AwsError
from sagemaker_rehearsal.server.protocols import Answer, Wire
from sagemaker_rehearsal.server.service import ACCOUNT

PREFIX = "access-control-"
VARY = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"
METHOD, HEADERS = "access-control-request-method", "access-control-request-headers"
NOT_ALLOWED = (
    "This CORS request is not allowed. This is usually because the evalution of Origin, request method / "
    "Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec."
)


@dataclass(frozen=True)
class Rule:
    """One rule of a bucket; a `*` in an origin or a header stands for any characters."""

    origins: Sequence[str]
    methods: Sequence[str]
    headers: Sequence[str]
    exposed: Sequence[str]
    max_age: str

    def allows(self, origin: str, method: str, headers: Sequence[str]) -> bool:
        """Return whether a request may be made; the case of header names does not matter."""
        return (
            any(_like(origin_pattern, origin) for origin_pattern in self.origins)
            and method in self.methods
            and all(any(_like(pattern.lower(), name) for pattern in self.headers) for name in headers)
        )

    def answer(self, origin: str, headers: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Yield the headers of an answer; a rule for every origin names none, and lets no credentials through."""
        anyone = "*" in self.origins
        yield "Access-Control-Allow-Origin", "*" if anyone else origin
        yield "Access-Control-Allow-Methods", ", ".join(self.methods)
        if headers:
            yield "Access-Control-Allow-Headers", ", ".join(headers)
        if self.exposed:
            yield "Access-Control-Expose-Headers", ", ".join(self.exposed)
        if self.max_age:
            yield "Access-Control-Max-Age", self.max_age
        if not anyone:
            yield "Access-Control-Allow-Credentials", "true"
        yield "Vary", VARY


def _like(pattern: str, value: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), value) is not None


@backends.serialised
def _rules(bucket: str) -> list[Rule] | None:
    """Read a bucket's rules; None where there is no such bucket."""
    bucket_record: Any = s3_backends[ACCOUNT]["aws"].buckets.get(bucket)
    if bucket_record is None:
        return None
    return [
        Rule(
            rule.allowed_origins,
            rule.allowed_methods,
            rule.allowed_headers or (),
            rule.exposed_headers or (),
            str(rule.max_age_seconds or ""),
        )
        for rule in bucket_record.cors or ()
    ]


def _place(request: Wire) -> tuple[str, str]:
    bucket, _, key = request.path.lstrip("/").partition("/")
    return bucket, key


def admits(request: Wire) -> bool:
    """Return whether a page's request goes on to S3: preflights and reads do, and writes that a rule allows.

    S3 answers a read without a rule too, but without the headers that let the page see the answer.
    """
    origin, method = request.headers.get("origin", ""), request.method
    rules = _rules(_place(request)[0]) or []
    return method in ("OPTIONS", "GET", "HEAD") or any(rule.allows(origin, method, ()) for rule in rules)


def preflight(request: Wire) -> Answer:
    """Answer OPTIONS, which a browser sends unsigned, and of which it does not matter whether the object exists.

    Raises:
        AwsError: with S3's code and words for what no rule allows.
    """
    bucket, key = _place(request)
    origin, method = request.headers.get("origin", ""), request.headers.get(METHOD, "")
    if not origin:
        raise AwsError("BadRequest", "Insufficient information. Origin request header needed.")
    rules = _rules(bucket)
    if rules is None:
        raise _refused("Bucket not found", method, "BUCKET")
    if not rules:
        raise _refused("CORS is not enabled for this bucket.", method, "BUCKET")
    headers = [header.strip().lower() for header in request.headers.get(HEADERS, "").split(",") if header.strip()]
    fitting = next((rule for rule in rules if rule.allows(origin, method, headers)), None)
    if fitting is None:
        raise _refused(NOT_ALLOWED, method, "OBJECT" if key else "BUCKET")
    return Answer(200, dict(fitting.answer(origin, headers)), b"")


def _refused(message: str, method: str, kind: str) -> AwsError:
    return AwsError("AccessForbidden", f"CORSResponse: {message}", 403, Method=method or "OPTIONS", ResourceType=kind)


def answered(request: Wire, answer: Answer) -> Answer:
    """Return the answer to any other request the headers of the first rule that allows it, in the place of moto's."""
    headers = {name: value for name, value in answer.headers.items() if not name.lower().startswith(PREFIX)}
    origin, method = request.headers.get("origin", ""), request.headers.get(METHOD) or request.method
    rules = (_rules(_place(request)[0]) or []) if origin else []
    fitting = next((rule for rule in rules if rule.allows(origin, method, ())), None)
    return replace(answer, headers={**headers, **(dict(fitting.answer(origin, ())) if fitting else {})})
