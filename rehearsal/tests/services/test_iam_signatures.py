"""Signatures of requests: who does not know the secret access key, changes a request or comes too late, is refused."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import boto3
import botocore.auth
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from sagemaker_rehearsal import iam
from sagemaker_rehearsal.account import SERVICES
from sagemaker_rehearsal.iam import signatures
from sagemaker_rehearsal.server import clients
from sagemaker_rehearsal.server.cloud import Cloud

BUCKET = "signed"
KEY = "a b/ü+%~.json"


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    with Cloud(services=SERVICES) as cloud:
        iam.enforce(cloud)
        cloud.client("s3").create_bucket(Bucket=BUCKET)
        yield cloud


@pytest.fixture(scope="module")
def session(cloud: Cloud) -> dict[str, str]:
    """The keys of a role that may do everything with S3."""
    client = cloud.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sts:AssumeRole"}
    allowed = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    role = client.create_role(RoleName="r", AssumeRolePolicyDocument=policy(trust))["Role"]["Arn"]
    client.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=policy(allowed))
    return iam.keys_for(cloud, role, "me")


def policy(*statements: Mapping[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def client(cloud: Cloud, service: str, keys: Mapping[str, str], **config: Any) -> Any:  # noqa: ANN401 (boto3)
    return clients.client(cloud.url, cloud.region, service, keys, **config)


def code(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, int]:
    response: Any = error.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def opened(address: str, method: str = "GET", body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
    request = urllib.request.Request(address, body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_requests_of_each_form_are_accepted(cloud: Cloud, session: dict[str, str]) -> None:
    """Escapes in paths, headers and queries are the signer's and ours alike."""
    absent = f"arn:aws:lambda:{cloud.region}:123456789012:function:none"
    for keys in (session, clients.KEYS):
        s3 = client(cloud, "s3", keys)
        s3.put_object(Bucket=BUCKET, Key=KEY, Body=b"1", Metadata={"a_b": "c  d", "e": "f"})
        assert s3.get_object(Bucket=BUCKET, Key=KEY)["Body"].read() == b"1"
        listed = s3.list_objects_v2(Bucket=BUCKET, Prefix="a b/", Delimiter="+", EncodingType="url")
        assert listed["KeyCount"] == 1
        assert client(cloud, "iam", keys).list_roles(PathPrefix="/")["Roles"]
        assert "Functions" in client(cloud, "lambda", keys).list_functions(MaxItems=5)
        assert client(cloud, "sagemaker", keys).list_models(NameContains="a")["Models"] == []
        with pytest.raises(ClientError, match="ResourceNotFound"):
            client(cloud, "lambda", keys).get_function(FunctionName=absent)


@pytest.mark.parametrize(
    ("service", "operation", "expected"),
    [
        ("s3", "list_buckets", ("SignatureDoesNotMatch", 403)),
        ("iam", "list_roles", ("SignatureDoesNotMatch", 403)),
        ("sagemaker", "list_models", ("InvalidSignatureException", 403)),
        ("lambda", "list_functions", ("InvalidSignatureException", 403)),
    ],
)
def test_another_secret_is_refused(
    cloud: Cloud, session: dict[str, str], service: str, operation: str, expected: tuple[str, int]
) -> None:
    for keys in (session, clients.KEYS):
        with pytest.raises(ClientError) as error:
            getattr(client(cloud, service, {**keys, "AWS_SECRET_ACCESS_KEY": "guessed"}), operation)()
        assert code(error) == expected


@pytest.mark.parametrize(("service", "expected"), [("s3", "RequestTimeTooSkewed"), ("iam", "SignatureDoesNotMatch"),
                                                    ("sagemaker", "InvalidSignatureException")])  # fmt: skip
@pytest.mark.parametrize("minutes", [-16, 16])
def test_a_request_that_is_too_old_is_refused(cloud: Cloud, service: str, expected: str, minutes: int) -> None:
    operation = {"s3": "list_buckets", "iam": "list_roles", "sagemaker": "list_models"}[service]
    moment = datetime.now(UTC) + timedelta(minutes=minutes)
    with (
        mock.patch.object(botocore.auth, "get_current_datetime", return_value=moment.replace(tzinfo=None)),
        pytest.raises(ClientError) as error,
    ):
        getattr(cloud.client(service), operation)()
    assert code(error)[0] == expected


def test_a_changed_body_is_refused(cloud: Cloud) -> None:
    s3 = boto3.client(
        "s3", cloud.region, endpoint_url=cloud.url, config=Config(retries={"total_max_attempts": 1}),
        aws_access_key_id=clients.KEYS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=clients.KEYS["AWS_SECRET_ACCESS_KEY"],
    )  # fmt: skip

    def change(request: Any, **_: object) -> None:  # noqa: ANN401 (botocore's)
        request.body = b"2"

    s3.meta.events.register("before-send.s3.PutObject", change)
    with pytest.raises(ClientError) as error:
        s3.put_object(Bucket=BUCKET, Key="changed", Body=b"1")
    assert code(error)[0] == "XAmzContentSHA256Mismatch"


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_an_address_is_for_one_object_and_one_method(cloud: Cloud, session: dict[str, str], version: str) -> None:
    for keys in (session, clients.KEYS):
        s3 = client(cloud, "s3", keys, signature_version=version)
        there = {"Bucket": BUCKET, "Key": KEY}
        put = s3.generate_presigned_url("put_object", there)
        assert opened(put, "PUT", b"put", **{"Content-Type": ""})[0] == 200
        copy = {"Content-Type": "", "x-amz-copy-source": f"{BUCKET}/other"}
        assert opened(put, "PUT", b"", **copy)[0] == 403
        get = s3.generate_presigned_url("get_object", {**there, "ResponseContentType": "text/x; a=b"})
        assert opened(get) == (200, b"put")
        for address, method in ((get, "DELETE"), (get.replace("a%20b", "other"), "GET"), (get + "0", "GET")):
            status, text = opened(address, method)
            assert (status, b"<Code>SignatureDoesNotMatch</Code>" in text) == (403, True), text


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_an_address_expires(cloud: Cloud, version: str) -> None:
    s3 = client(cloud, "s3", clients.KEYS, signature_version=version)
    address = s3.generate_presigned_url("get_object", {"Bucket": BUCKET, "Key": KEY}, ExpiresIn=60)
    later = mock.Mock(wraps=datetime)
    later.now.return_value = datetime.now(UTC) + timedelta(seconds=61)
    assert opened(address)[0] == 200
    with mock.patch.object(signatures, "datetime", later):
        status, text = opened(address)
    assert (status, b"<Message>Request has expired</Message>" in text) == (403, True)


def test_users_keys_are_verified_too(cloud: Cloud) -> None:
    admin = cloud.client("iam")
    admin.create_user(UserName="anna")
    allowed = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    admin.put_user_policy(UserName="anna", PolicyName="own", PolicyDocument=policy(allowed))
    access_key = admin.create_access_key(UserName="anna")["AccessKey"]
    keys = {"AWS_ACCESS_KEY_ID": access_key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": access_key["SecretAccessKey"]}
    assert client(cloud, "s3", keys).list_buckets()["Buckets"]
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        client(cloud, "s3", {**keys, "AWS_SECRET_ACCESS_KEY": "guessed"}).list_buckets()


def test_keys_without_a_signature_are_refused(cloud: Cloud) -> None:
    key = clients.KEYS["AWS_ACCESS_KEY_ID"]
    for query in (f"AWSAccessKeyId={key}", f"X-Amz-Credential={key}/20260101/us-east-1/s3/aws4_request"):
        assert opened(f"{cloud.url}/{BUCKET}?{query}")[0] == 403
        assert opened(f"{cloud.url}/{BUCKET}?{query}&X-Amz-Signature=&Signature=")[0] == 403
    header = f"AWS4-HMAC-SHA256 Credential={key}/20260101/us-east-1/s3/aws4_request"
    assert opened(f"{cloud.url}/{BUCKET}", Authorization=header)[0] == 403
