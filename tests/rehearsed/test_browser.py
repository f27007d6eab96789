"""Steps 2, 5 and 9: Studio's page reads a project's metrics and the catalogue's templates in the browser."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from catalog.bundle import ROOT
from rehearsal.tests.services.polling import until
from sagemaker_rehearsal.account import SERVICES
from sagemaker_rehearsal.cloudformation import reading
from sagemaker_rehearsal.server import Cloud

PAGE = "https://d-abc.studio.us-east-1.sagemaker.aws"
PROJECT = {"SageMakerProjectName": "n", "SageMakerProjectId": "p-000000000001"}
METRICS = "/sagemaker-project-p-000000000001/runs/1/evaluation/model_quality.json"
TEMPLATE = "/sagemaker-autopilot-artifacts-123456789012-us-east-1/studio/sagemaker-autopilot.yaml"
EXPOSED = "ETag, x-amz-delete-marker, x-amz-id-2, x-amz-request-id, x-amz-server-side-encryption, x-amz-version-id"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A cloud with the two buckets as the templates create them."""
    with Cloud(tmp_path_factory.mktemp("cloud"), services=SERVICES) as running:
        alone(running, "product", "Bucket", PROJECT)
        alone(running, "portfolio", "ArtifactBucket", {})
        running.client("s3").create_bucket(Bucket="sagemaker-project-p-without")
        running.client("s3").put_object(Bucket=METRICS.split("/")[1], Key=METRICS.split("/", 2)[2], Body=b"{}")
        yield running


def alone(cloud: Cloud, name: str, resource: str, values: dict[str, str]) -> None:
    """Create a stack of one resource of a template."""
    template: dict[str, Any] = reading.read((ROOT / "catalog" / f"{name}.yaml").read_text(encoding="utf-8"))
    parts = {part: template.get(part, {}) for part in ("Parameters", "Conditions")}
    body = json.dumps({**parts, "Resources": {resource: template["Resources"][resource]}})
    parameters = [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]
    client = cloud.client("cloudformation")
    client.create_stack(StackName=name, TemplateBody=body, Parameters=parameters)

    def ask() -> tuple[str, Any]:
        stack = client.describe_stacks(StackName=name)["Stacks"][0]
        return stack["StackStatus"], stack

    assert until(ask, "CREATE_COMPLETE", "ROLLBACK_COMPLETE")["StackStatus"] == "CREATE_COMPLETE"


def preflight(cloud: Cloud, path: str, origin: str = PAGE, method: str = "GET") -> tuple[int, dict[str, str], str]:
    """Send a browser's CORS preflight request, which is unsigned and lists the actual request's headers."""
    request_headers = {
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization,x-amz-date",
    }
    connection = http.client.HTTPConnection(urlsplit(cloud.url).netloc, timeout=10)
    try:
        connection.request("OPTIONS", path, headers={"Origin": origin, **request_headers})
        answer = connection.getresponse()
        headers = {name: value for name, value in answer.getheaders() if name.startswith("Access-Control-")}
        return answer.status, headers, answer.read().decode()
    finally:
        connection.close()


@pytest.mark.parametrize("path", [METRICS, TEMPLATE])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_studios_page_may_read(cloud: Cloud, path: str, method: str) -> None:
    """https://github.com/aws/amazon-sagemaker-feedback/issues/78: without CORS headers Studio shows no metrics."""
    status, headers, body = preflight(cloud, path, method=method)
    expected = {
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Allow-Headers": "authorization, x-amz-date",
        "Access-Control-Allow-Methods": "GET, HEAD",
        "Access-Control-Allow-Origin": PAGE,
        "Access-Control-Expose-Headers": EXPOSED,
        "Access-Control-Max-Age": "3000",
    }
    assert (status, headers, body) == (200, expected, "")


@pytest.mark.parametrize(
    ("path", "origin", "method", "message"),
    [
        (METRICS, "https://example.com", "GET", "CORSResponse: This CORS request is not allowed."),
        (
            METRICS,
            "http://d-abc.studio.us-east-1.sagemaker.aws",
            "GET",
            "CORSResponse: This CORS request is not allowed.",
        ),
        (METRICS, PAGE, "PUT", "CORSResponse: This CORS request is not allowed."),
        (TEMPLATE, PAGE, "PUT", "CORSResponse: This CORS request is not allowed."),
        ("/sagemaker-project-p-without/a", PAGE, "GET", "CORSResponse: CORS is not enabled for this bucket."),
    ],
)
def test_nothing_else_may(cloud: Cloud, path: str, origin: str, method: str, message: str) -> None:
    status, headers, body = preflight(cloud, path, origin, method)
    assert (status, headers, "<Code>AccessForbidden</Code>" in body, message in body) == (403, {}, True, True)


def test_the_object_itself_comes_with_the_headers(cloud: Cloud) -> None:
    bucket, key = METRICS[1:].split("/", 1)
    client = cloud.client("s3")
    seen: list[dict[str, str]] = []
    client.meta.events.register(
        "before-sign.s3.GetObject", lambda request, **_: request.headers.add_header("Origin", PAGE)
    )
    client.meta.events.register(
        "after-call.s3.GetObject", lambda http_response, **_: seen.append(dict(http_response.headers))
    )
    assert client.get_object(Bucket=bucket, Key=key)["Body"].read() == b"{}"
    assert (seen[0]["Access-Control-Allow-Origin"], seen[0]["Access-Control-Expose-Headers"]) == (PAGE, EXPOSED)
