"""What a browser is answered by S3: LocalStack's recordings of AWS, tests/aws/services/s3/test_s3_cors.snapshot.json.

https://github.com/localstack/localstack/blob/00e64fd606b8ddcbbdf789bb7349765b2e518b21/tests/aws/services/s3/test_s3_cors.snapshot.json
"""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest

from sagemaker_rehearsal.server import Cloud

pytestmark = pytest.mark.rehearsal
BUCKET, KEY = "sagemaker-project-p-cors", "runs/1/evaluation.json"
PAGE = "https://localhost:4200"
NOT_ALLOWED = (
    "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request method / "
    "Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec."
)
VARY = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"
METHOD, HEADERS = "Access-Control-Request-Method", "Access-Control-Request-Headers"


@pytest.fixture(scope="module")
def bucket(cloud: Cloud) -> Cloud:
    """A bucket with an object that everybody may read."""
    cloud.client("s3").create_bucket(Bucket=BUCKET)
    cloud.client("s3").put_object(Bucket=BUCKET, Key=KEY, Body=b"test-cors", ACL="public-read")
    return cloud


def configure(cloud: Cloud, *rules: Mapping[str, Any]) -> None:
    """Return the bucket CORS rules, or take them away."""
    s3: Any = cloud.client("s3")
    s3.delete_bucket_cors(Bucket=BUCKET)
    if rules:
        s3.put_bucket_cors(Bucket=BUCKET, CORSConfiguration={"CORSRules": list(rules)})


def rule(origin: str, *methods: str, **more: object) -> dict[str, Any]:
    return {"AllowedOrigins": [origin], "AllowedMethods": list(methods), **more}


def ask(cloud: Cloud, method: str, headers: Mapping[str, str], path: str = f"/{BUCKET}/{KEY}") -> tuple[int, Any]:
    """Send what a browser sends, unsigned; return the status, and the CORS headers or the error's members."""
    connection = http.client.HTTPConnection(urlsplit(cloud.url).netloc, timeout=10)
    try:
        connection.request(method, path, headers=dict(headers))
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    if answer.status >= 400:
        found = {one.tag: one.text for one in ElementTree.fromstring(body)}
        return answer.status, {name: found.get(name) for name in ("Code", "Message", "Method", "ResourceType")}
    wanted = ("access-control-", "vary")
    return answer.status, {name: value for name, value in answer.getheaders() if name.lower().startswith(wanted)}


def error(code: str, message: str, method: str | None = None, kind: str | None = None) -> dict[str, str | None]:
    return {"Code": code, "Message": message, "Method": method, "ResourceType": kind}


def allowed(methods: str, **more: str) -> dict[str, str]:
    """The headers of an answer that names the page."""
    extra = {f"Access-Control-{name.replace('_', '-')}": value for name, value in more.items()}
    origin = {"Access-Control-Allow-Origin": PAGE, "Access-Control-Allow-Credentials": "true", "Vary": VARY}
    return {**origin, "Access-Control-Allow-Methods": methods, **extra}


TWO = rule(PAGE, "GET", "PUT", MaxAgeSeconds=3000, AllowedHeaders=["*"])
ONE = rule(PAGE, "GET", MaxAgeSeconds=3000, AllowedHeaders=["*"])
THREE_HEADERS = rule(
    PAGE, "GET", AllowedHeaders=["x-amz-expected-bucket-owner", "x-AMZ-server-SIDE-encryption"], MaxAgeSeconds=3000
)
NO_ORIGIN = error("BadRequest", "Insufficient information. Origin request header needed.")
NOT_ENABLED = "CORSResponse: CORS is not enabled for this bucket."
REFUSED = "AccessForbidden"
RECORDED: list[tuple[str, list[dict[str, Any]], str, dict[str, str], tuple[int, Any]]] = [
    ("no config, no origin", [], "OPTIONS", {}, (400, NO_ORIGIN)),
    ("no config", [], "OPTIONS", {"Origin": "whatever", METHOD: "PUT"},
     (403, error(REFUSED, NOT_ENABLED, "PUT", "BUCKET"))),
    ("no config, no method", [], "OPTIONS", {"Origin": "whatever"},
     (403, error(REFUSED, NOT_ENABLED, "OPTIONS", "BUCKET"))),
    ("get, no config", [], "GET", {"Origin": "whatever"}, (200, {})),
    ("no origin", [TWO], "OPTIONS", {}, (400, NO_ORIGIN)),
    ("referer", [TWO], "OPTIONS", {"Referer": PAGE, METHOD: "PUT"}, (400, NO_ORIGIN)),
    ("get, no origin", [TWO], "GET", {}, (200, {})),
    ("right origin", [TWO], "OPTIONS", {"Origin": PAGE, METHOD: "PUT"}, (200, allowed("GET, PUT", Max_Age="3000"))),
    ("get, right origin", [TWO], "GET", {"Origin": PAGE}, (200, allowed("GET, PUT", Max_Age="3000"))),
    ("wrong origin", [TWO], "OPTIONS", {"Origin": "http://localhost:4200", METHOD: "PUT"},
     (403, error(REFUSED, NOT_ALLOWED, "PUT", "OBJECT"))),
    ("get, wrong origin", [TWO], "GET", {"Origin": "http://localhost:4200"}, (200, {})),
    ("any origin", [rule("*", "GET", "PUT", MaxAgeSeconds=3000)], "OPTIONS",
     {"Origin": "http://random:1234", METHOD: "PUT"},
     (200, {"Access-Control-Allow-Methods": "GET, PUT", "Access-Control-Allow-Origin": "*",
            "Access-Control-Max-Age": "3000", "Vary": VARY})),
    ("other method", [ONE], "OPTIONS", {"Origin": PAGE, METHOD: "PUT"},
     (403, error(REFUSED, NOT_ALLOWED, "PUT", "OBJECT"))),
    ("get that announces another method", [ONE], "GET", {"Origin": PAGE, METHOD: "PUT"}, (200, {})),
    ("two headers", [ONE], "OPTIONS",
     {"Origin": PAGE, METHOD: "GET", HEADERS: "x-amz-request-payer, x-amz-expected-bucket-owner"},
     (200, allowed("GET", Max_Age="3000", Allow_Headers="x-amz-request-payer, x-amz-expected-bucket-owner"))),
    ("a header that is not allowed", [THREE_HEADERS], "OPTIONS",
     {"Origin": PAGE, METHOD: "GET", HEADERS: "x-amz-request-payer"},
     (403, error(REFUSED, NOT_ALLOWED, "GET", "OBJECT"))),
    ("headers in other cases", [THREE_HEADERS], "OPTIONS",
     {"Origin": PAGE, METHOD: "GET", HEADERS: "X-AMZ-expected-BUCKET-owner, x-amz-server-side-encryption"},
     (200, allowed("GET", Max_Age="3000", Allow_Headers="x-amz-expected-bucket-owner, x-amz-server-side-encryption"))),
    ("no headers allowed", [rule("*", "GET")], "OPTIONS",
     {"Origin": PAGE, METHOD: "GET", HEADERS: "x-amz-request-payer"},
     (403, error(REFUSED, NOT_ALLOWED, "GET", "OBJECT"))),
    ("exposed headers", [rule("*", "GET", ExposeHeaders=["x-amz-id-2", "x-amz-request-id"])], "OPTIONS",
     {"Origin": PAGE, METHOD: "GET"},
     (200, {"Access-Control-Allow-Methods": "GET", "Access-Control-Allow-Origin": "*",
            "Access-Control-Expose-Headers": "x-amz-id-2, x-amz-request-id", "Vary": VARY})),
    ("the first rule that fits", [rule("https://other", "GET"), ONE], "OPTIONS", {"Origin": PAGE, METHOD: "GET"},
     (200, allowed("GET", Max_Age="3000"))),
]  # fmt: skip


@pytest.mark.parametrize(
    ("rules", "method", "headers", "expected"), [one[1:] for one in RECORDED], ids=[one[0] for one in RECORDED]
)
def test_a_browser_is_answered_as_aws_answered_it(
    bucket: Cloud, rules: list[dict[str, Any]], method: str, headers: dict[str, str], expected: tuple[int, Any]
) -> None:
    configure(bucket, *rules)
    assert ask(bucket, method, headers) == expected


def test_an_origin_with_a_wildcard_is_matched_as_a_whole(bucket: Cloud) -> None:
    """AWS's sample has `https://*.sagemaker.aws`; another scheme, or more behind it, is another origin."""
    configure(bucket, rule("https://*.sagemaker.aws", "GET", "HEAD"))
    studio = {"Origin": "https://d-abc.studio.us-east-1.sagemaker.aws", METHOD: "GET"}
    status, headers = ask(bucket, "OPTIONS", studio)
    assert (status, headers["Access-Control-Allow-Origin"]) == (200, studio["Origin"])
    for other in ("http://d-abc.studio.us-east-1.sagemaker.aws", "https://a.sagemaker.aws.example.com", "null"):
        assert ask(bucket, "OPTIONS", {**studio, "Origin": other})[0] == 403


def test_a_bucket_that_is_not_there_is_said_to_be_absent(bucket: Cloud) -> None:
    found = ask(bucket, "OPTIONS", {"Origin": PAGE}, "/sagemaker-project-p-absent/a")
    assert found == (403, error(REFUSED, "CORSResponse: Bucket not found", "OPTIONS", "BUCKET"))
