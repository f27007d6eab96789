"""Who may not come in: pages in browsers, by DNS rebinding or across origins."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from urllib.parse import urlsplit

import pytest

from sagemaker_rehearsal.server import Cloud, door
from tests.server.conftest import BUCKET

pytestmark = pytest.mark.rehearsal
EVIL = "https://evil.example"
FORM = "application/x-www-form-urlencoded"
SIGNED = "AWS4-HMAC-SHA256 Credential=K/20260101/us-east-1/{}/aws4_request, SignedHeaders=host, Signature=0"
# An operation of each protocol, and paths that are no AWS API
REQUESTS = {
    "s3": ("GET", f"/{BUCKET}/model.tar.gz", {}, ""),
    "json": ("POST", "/", {"Authorization": SIGNED.format("sagemaker"), "X-Amz-Target": "SageMaker.ListModels"}, "{}"),
    "query": ("POST", "/", {"Authorization": SIGNED.format("iam"), "Content-Type": FORM}, "Action=ListRoles"),
    "rest-json": ("GET", "/2015-03-31/functions", {"Authorization": SIGNED.format("lambda")}, ""),
    "git": ("GET", "/v1/repos/r/info/refs?service=git-upload-pack", {}, ""),
    "response": ("PUT", "/custom-resource-response/x", {}, "{}"),
    "moto": ("POST", "/moto-api/reset", {}, ""),
}


def send(cloud: Cloud, method: str, path: str, headers: Mapping[str, str | None], body: str = "") -> tuple[int, str]:
    """Send a request with exactly these headers; a Host of None is left out."""
    connection = http.client.HTTPConnection(urlsplit(cloud.url).netloc, timeout=10)
    try:
        connection.putrequest(method, path, skip_host=True)
        for name, value in ({"Host": urlsplit(cloud.url).netloc} | dict(headers)).items():
            if value is not None:
                connection.putheader(name, value)
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body.encode())
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
@pytest.mark.parametrize("host", ["evil.example", "evil.example:{}", "127.0.0.1", "127.0.0.1:1", "", None,
                                  f"{BUCKET}.s3.amazonaws.com", f"{BUCKET}.localhost:{{}}"])  # fmt: skip
def test_another_host_than_the_bound_one_is_refused(
    cloud: Cloud, request_: tuple[str, str, dict[str, str], str], host: str | None
) -> None:
    method, path, headers, body = request_
    port = urlsplit(cloud.url).port
    status, text = send(cloud, method, path, {**headers, "Host": host and host.format(port)}, body)
    assert (status, f"the rehearsal answers at 127.0.0.1:{port} only" in text) == (403, True), text


def test_the_hosts_that_were_bound_are_answered(cloud: Cloud) -> None:
    for host in ("127.0.0.1", "localhost", "LOCALHOST"):
        named = f"{host}:{urlsplit(cloud.url).port}"
        assert send(cloud, "GET", f"/{BUCKET}", {"Host": named})[0] == 200


def test_the_port_of_http_may_be_left_out() -> None:
    assert door.host_refusal({"SERVER_PORT": "80", "HTTP_HOST": "localhost"}) == ""
    refusal = door.host_refusal({"SERVER_PORT": "81", "HTTP_HOST": "localhost"})
    assert refusal.startswith("The Host header is 'localhost'; the rehearsal answers at 127.0.0.1:81 only")


ORIGINS = [EVIL, "null", "http://127.0.0.1:1", "https://127.0.0.1:{}", "http://127.0.0.1:{}.evil.example"]


@pytest.mark.parametrize(
    "request_", [request_ for name, request_ in REQUESTS.items() if name != "s3"],
    ids=[name for name in REQUESTS if name != "s3"],
)  # fmt: skip
@pytest.mark.parametrize("origin", ORIGINS)
def test_a_page_of_another_origin_is_refused(
    cloud: Cloud, request_: tuple[str, str, dict[str, str], str], origin: str
) -> None:
    method, path, headers, body = request_
    named = origin.format(urlsplit(cloud.url).port)
    status, text = send(cloud, method, path, {**headers, "Origin": named}, body)
    assert (status, "pages of other origins are not answered" in text) == (403, True), text


def test_preflights_for_other_services_are_refused(cloud: Cloud) -> None:
    """A page's JSON request to SageMaker is preceded by one; it is taken for S3's, whose buckets have no rule."""
    asked = {"Origin": EVIL, "Access-Control-Request-Method": "POST"}
    for path in ("/", "/2015-03-31/functions", "/endpoints/e/invocations", "/v1/repos/r/info/refs"):
        assert send(cloud, "OPTIONS", path, asked)[0] in (403, 405)


def test_the_clouds_own_origin_is_not_foreign(cloud: Cloud) -> None:
    for origin in (cloud.url, cloud.url.replace("127.0.0.1", "localhost")):
        method, path, headers, body = REQUESTS["json"]
        assert send(cloud, method, path, {**headers, "Origin": origin}, body)[0] == 200


def test_a_page_writes_to_s3_only_where_the_buckets_rules_allow_it(cloud: Cloud) -> None:
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="door")
    address = s3.generate_presigned_url("put_object", Params={"Bucket": "door", "Key": "k"})
    path = address.removeprefix(cloud.url)
    status, text = send(cloud, "PUT", path, {"Origin": EVIL}, "x")
    assert (status, "pages of other origins are not answered" in text) == (403, True)
    rule = {"AllowedOrigins": [EVIL], "AllowedMethods": ["PUT"]}
    s3.put_bucket_cors(Bucket="door", CORSConfiguration={"CORSRules": [rule]})
    assert send(cloud, "PUT", path, {"Origin": EVIL}, "x")[0] == 200
    assert send(cloud, "DELETE", path, {"Origin": EVIL})[0] == 403
    assert send(cloud, "PUT", path, {"Origin": "https://other.example"}, "x")[0] == 403
    assert s3.get_object(Bucket="door", Key="k")["Body"].read() == b"x"
