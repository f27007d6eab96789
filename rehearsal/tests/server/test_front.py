"""Steps 4 to 10: the embedded AWS answers unmodified clients, and refuses as AWS does."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.model import OperationModel

from sagemaker_rehearsal.server import Cloud
from sagemaker_rehearsal.server.errors import AwsError
from sagemaker_rehearsal.server.protocols import Wire
from sagemaker_rehearsal.server.service import Host

pytestmark = pytest.mark.rehearsal
ARTIFACT = "s3://sagemaker-project-p-test/model.tar.gz"
ROLE = "arn:aws:iam::123456789012:role/sagemaker-test"
SPECIFICATION = {
    "Containers": [{"Image": "image", "ModelDataUrl": ARTIFACT}],
    "SupportedContentTypes": ["text/csv"],
    "SupportedResponseMIMETypes": ["text/csv"],
}


def code(caught: pytest.ExceptionInfo[ClientError]) -> str:
    return str(caught.value.response["Error"]["Code"])


def register(cloud: Cloud, group: str, **more: object) -> str:
    request = {"ModelPackageGroupName": group, "InferenceSpecification": SPECIFICATION, **more}
    return str(cloud.client("sagemaker").create_model_package(**request)["ModelPackageArn"])


def test_a_package_keeps_its_metadata_when_it_is_approved(cloud: Cloud) -> None:
    sagemaker = cloud.client("sagemaker")
    sagemaker.create_model_package_group(ModelPackageGroupName="kept")
    arn = register(cloud, "kept", CustomerMetadataProperties={"Commit": "abc"})
    before = sagemaker.describe_model_package(ModelPackageName=arn)["ModelApprovalStatus"]
    sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved", ApprovalDescription="fine")
    after = sagemaker.describe_model_package(ModelPackageName=arn)
    seen = {key: after[key] for key in ("ModelApprovalStatus", "ApprovalDescription", "CustomerMetadataProperties")}
    expected = {
        "ModelApprovalStatus": "Approved",
        "ApprovalDescription": "fine",
        "CustomerMetadataProperties": {"Commit": "abc"},
    }
    assert (before, seen) == ("PendingManualApproval", expected)


def test_packages_are_listed_in_the_order_asked_for(cloud: Cloud) -> None:
    sagemaker = cloud.client("sagemaker")
    sagemaker.create_model_package_group(ModelPackageGroupName="ordered")
    for _ in range(3):
        register(cloud, "ordered")

    def versions(**order: str) -> list[int]:
        found = sagemaker.list_model_packages(ModelPackageGroupName="ordered", **order)["ModelPackageSummaryList"]
        return [one["ModelPackageVersion"] for one in found]

    assert (versions(), versions(SortOrder="Descending")) == ([1, 2, 3], [3, 2, 1])


def test_a_model_is_made_from_an_approved_package_only(cloud: Cloud) -> None:
    sagemaker = cloud.client("sagemaker")
    sagemaker.create_model_package_group(ModelPackageGroupName="gated")
    arn = register(cloud, "gated")
    request = {"PrimaryContainer": {"ModelPackageName": arn}, "ExecutionRoleArn": ROLE}
    with pytest.raises(ClientError, match="PendingManualApproval, not Approved") as caught:
        sagemaker.create_model(ModelName="gated", **request)
    assert code(caught) == "ValidationException"
    sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
    assert sagemaker.create_model(ModelName="gated", **request)["ModelArn"].endswith("model/gated")
    with pytest.raises(ClientError, match="already existing model"):
        sagemaker.create_model(ModelName="gated", **request)


def test_a_deleted_version_is_gone_and_its_number_is_not_given_again(cloud: Cloud) -> None:
    sagemaker = cloud.client("sagemaker")
    sagemaker.create_model_package_group(ModelPackageGroupName="numbered")
    first = register(cloud, "numbered")
    with pytest.raises(ClientError) as caught:
        sagemaker.delete_model_package_group(ModelPackageGroupName="numbered")
    assert code(caught) == "ConflictException"
    sagemaker.delete_model_package(ModelPackageName=first)
    second = register(cloud, "numbered")
    listed = sagemaker.list_model_packages(ModelPackageGroupName="numbered")["ModelPackageSummaryList"]
    assert ([one["ModelPackageArn"] for one in listed], second[-2:]) == ([second], "/2")
    with pytest.raises(ClientError, match="does not exist"):
        sagemaker.describe_model_package(ModelPackageName=first)


@pytest.mark.parametrize(
    ("service", "operation", "params", "expected"),
    [
        (
            "sagemaker",
            "describe_endpoint",
            {"EndpointName": "none"},
            ("ValidationException", 'Could not find endpoint "none".'),
        ),
        ("sagemaker", "describe_pipeline", {"PipelineName": "none"}, ("ResourceNotFound", "does not exist")),
        (
            "sagemaker",
            "list_model_packages",
            {"ModelPackageGroupName": "none"},
            ("ValidationException", "does not exist"),
        ),
        ("sagemaker", "create_workforce", {"WorkforceName": "w"}, ("NotImplemented", "sagemaker: CreateWorkforce")),
        (
            "sagemaker",
            "create_model_package_group",
            {"ModelPackageGroupName": "a_b"},
            ("ValidationException", "regular expression"),
        ),
        (
            "sagemaker-runtime",
            "invoke_endpoint",
            {"EndpointName": "none", "Body": b"1"},
            ("ValidationError", "not found"),
        ),
        ("braket", "search_jobs", {"filters": []}, ("NotImplemented", "braket")),
        (
            "iam",
            "create_role",
            {"RoleName": "a b", "AssumeRolePolicyDocument": "{}"},
            ("ValidationError", "regular expression"),
        ),
        (
            "cloudformation",
            "update_stack",
            {"StackName": "none", "TemplateBody": "{}"},
            ("ValidationError", "does not exist"),
        ),
    ],
)
def test_refusals_have_the_form_of_aws(
    cloud: Cloud, service: str, operation: str, params: dict[str, Any], expected: tuple[str, str]
) -> None:
    with pytest.raises(ClientError) as caught:
        getattr(cloud.client(service), operation)(**params)
    assert (code(caught), expected[1] in str(caught.value)) == (expected[0], True), str(caught.value)


def test_serverless_limits_are_held(cloud: Cloud) -> None:
    sagemaker = cloud.client("sagemaker")
    container = {"Image": "image", "ModelDataUrl": ARTIFACT}
    sagemaker.create_model(ModelName="sized", PrimaryContainer=container, ExecutionRoleArn=ROLE)

    def configure(name: str, **size: int) -> None:
        variant = {"VariantName": "AllTraffic", "ModelName": "sized", "ServerlessConfig": size}
        sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])

    configure("good", MemorySizeInMB=1024, MaxConcurrency=5, ProvisionedConcurrency=5)
    for name, size, said in [
        ("odd", {"MemorySizeInMB": 1500, "MaxConcurrency": 5}, "1024, 2048, 3072, 4096, 5120, 6144"),
        ("wide", {"MemorySizeInMB": 1024, "MaxConcurrency": 201}, "less than or equal to 200"),
        (
            "warm",
            {"MemorySizeInMB": 1024, "MaxConcurrency": 5, "ProvisionedConcurrency": 6},
            "less than or equal to MaxConc",
        ),
    ]:
        with pytest.raises(ClientError, match=said):
            configure(name, **size)


def test_an_endpoint_whose_container_dies_fails_with_the_reason(cloud: Cloud) -> None:
    """The artifact of this test is no model."""
    sagemaker = cloud.client("sagemaker")
    container = {"Image": "image", "ModelDataUrl": ARTIFACT}
    sagemaker.create_model(ModelName="empty", PrimaryContainer=container, ExecutionRoleArn=ROLE)
    variant = {
        "VariantName": "v",
        "ModelName": "empty",
        "ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1},
    }
    sagemaker.create_endpoint_config(EndpointConfigName="empty", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName="empty", EndpointConfigName="empty")
    deadline = time.monotonic() + 30
    while (found := sagemaker.describe_endpoint(EndpointName="empty"))["EndpointStatus"] == "Creating":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert (found["EndpointStatus"], "exit code 1" in found["FailureReason"]) == ("Failed", True)


def test_a_route_answers_the_paths_that_are_no_aws_api(cloud: Cloud) -> None:
    """The longest prefix answers, bodies of unknown length arrive whole, and all other paths stay AWS's."""

    def echo(name: str) -> Callable[..., list[bytes]]:
        def answer(_: Host, environ: dict[str, Any], start_response: Callable[..., object]) -> list[bytes]:
            start_response("200 OK", [("Content-Type", "text/plain")])
            return [f"{name} {environ['PATH_INFO']} ".encode(), environ["wsgi.input"].read()]

        return answer

    cloud.routes.update({"/echo/": echo("short"), "/echo/long/": echo("long")})
    try:
        said = [_posted(cloud, path) for path in ("/echo/one", "/echo/long/two")]
        buckets = cloud.client("s3").list_buckets()["Buckets"]
    finally:
        del cloud.routes["/echo/"], cloud.routes["/echo/long/"]
    assert (said, bool(buckets)) == ([b"short /echo/one in parts", b"long /echo/long/two in parts"], True)


def _posted(cloud: Cloud, path: str) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", int(cloud.url.rpartition(":")[2]), timeout=10)
    try:
        connection.request("POST", path, body=iter([b"in ", b"parts"]), encode_chunked=True,
                           headers={"Transfer-Encoding": "chunked"})  # fmt: skip
        return connection.getresponse().read()
    finally:
        connection.close()


def test_requests_can_be_refused_before_they_are_answered(cloud: Cloud) -> None:
    """The catalogue's rehearsal checks permissions so; the answer has the form of the service."""
    asked: list[tuple[str, str, dict[str, Any]]] = []

    class Refusal:
        def authorize(self, request: Wire, operation: OperationModel | None, params: Mapping[str, Any]) -> None:
            asked.append((request.method, operation.name if operation else request.path, dict(params)))
            raise AwsError("AccessDenied", "User: nobody is not authorized", 403)

        def secret_of(self, access_key: str) -> str:
            """Not called either."""
            return ""

        def permit(self, access_key: str, service: str, operation: str, params: Mapping[str, Any]) -> None:
            """Not called by a client's requests."""

        def require_trust(self, role_arn: str, service: str, source_arn: str) -> None:
            """As above."""

    cloud.guard = Refusal()
    try:
        for call in (
            lambda: cloud.client("sagemaker").describe_model(ModelName="m"),
            lambda: cloud.client("s3").head_bucket(Bucket="b"),
            lambda: cloud.client("sagemaker-runtime").invoke_endpoint(EndpointName="e", Body=b""),
        ):
            with pytest.raises(ClientError) as error:
                call()
            assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    finally:
        cloud.guard = None
    assert asked == [
        ("POST", "DescribeModel", {"ModelName": "m"}),
        ("HEAD", "/b", {}),
        ("POST", "InvokeEndpoint", {"EndpointName": "e", "Body": b""}),
    ]
