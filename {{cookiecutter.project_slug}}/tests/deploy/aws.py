"""A small AWS behind real boto3 clients: botocore checks every request, paginates and raises; no socket is opened."""

import functools
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import boto3
from botocore.model import OperationModel

Client = Any  # boto3 clients have no type

REGION = "us-east-1"
GROUP = "adult-income-p-abc123def456"
BUCKET = "sagemaker-project-p-abc123def456"
ARN = f"arn:aws:sagemaker:{REGION}:123456789012:model-package/{GROUP}"
START = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


class AwsError(Exception):
    """What a fake raises for the client to raise as ClientError."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.answer = {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {"HTTPStatusCode": status, "RetryAttempts": 0},
        }
        self.status = status


@functools.cache
def _session() -> boto3.Session:
    return boto3.Session(aws_access_key_id="x", aws_secret_access_key="x", region_name=REGION)


def client(service: str, operations: Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]]) -> Client:
    """Return a boto3 client whose operations are answered by functions of the request's parameters."""
    fake = _session().client(service)
    requests: list[dict[str, Any]] = []

    def remember(params: dict[str, Any], **_: object) -> None:
        requests.append(dict(params))

    def answer(model: OperationModel, **_: object) -> tuple[SimpleNamespace, dict[str, Any]]:
        try:
            return SimpleNamespace(status_code=200), operations[model.name](requests[-1])
        except AwsError as error:
            return SimpleNamespace(status_code=error.status), error.answer

    fake.meta.events.register_first(f"provide-client-params.{service}.*", remember)
    fake.meta.events.register_first(f"before-call.{service}.*", answer)
    return fake


def package(version: int, status: str = "Approved", minutes: int = 0, group: str = GROUP) -> dict[str, Any]:
    """One model package as the registry lists it, created so many minutes after the start."""
    return {
        "ModelPackageArn": f"{ARN.replace(GROUP, group)}/{version}",
        "ModelPackageGroupName": group,
        "ModelPackageVersion": version,
        "ModelPackageStatus": "Completed",
        "ModelApprovalStatus": status,
        "CreationTime": START + timedelta(minutes=minutes),
    }


@dataclass
class Registry:
    """A model registry with its endpoints; lists `page` packages at a time, honours filter and order."""

    packages: list[dict[str, Any]]
    page: int = 2
    served: str = f"{ARN}/3"
    status: str = "InService"
    candidates: list[dict[str, Any]] | None = None

    def client(self) -> Client:
        return client(
            "sagemaker",
            {
                "ListModelPackages": self.list,
                "DescribeModelPackage": self.describe,
                "DescribeEndpoint": self.endpoint,
                "DescribeEndpointConfig": lambda _: {
                    "ProductionVariants": [
                        {"ModelName": "m", "ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5}}
                    ]
                },
                "DescribeModel": lambda _: {"PrimaryContainer": {"ModelPackageName": self.served}},
                "ListCandidatesForAutoMLJob": self.list_candidates,
            },
        )

    def list(self, request: dict[str, Any]) -> dict[str, Any]:
        versions = [p for p in self.packages if p["ModelPackageGroupName"] == request["ModelPackageGroupName"]]
        if not versions:
            raise AwsError(
                "ValidationException", f"ModelPackageGroup {request['ModelPackageGroupName']} does not exist."
            )
        versions.sort(key=lambda p: p["CreationTime"], reverse=request.get("SortOrder") == "Descending")
        start = int(request.get("NextToken", "0"))
        status = request.get("ModelApprovalStatus")
        shown = [p for p in versions[start : start + self.page] if status in (None, p["ModelApprovalStatus"])]
        more = {"NextToken": str(start + self.page)} if start + self.page < len(versions) else {}
        return {"ModelPackageSummaryList": shown, **more}

    def describe(self, request: dict[str, Any]) -> dict[str, Any]:
        for version in self.packages:
            if version["ModelPackageArn"] == request["ModelPackageName"]:
                return version
        raise AwsError("ValidationException", f"ModelPackage {request['ModelPackageName']} does not exist.")

    def endpoint(self, request: dict[str, Any]) -> dict[str, Any]:
        if not self.status:
            raise AwsError("ValidationException", f"Could not find endpoint {request['EndpointName']}.")
        return {"EndpointStatus": self.status, "EndpointConfigName": "c", "FailureReason": "the image has no /ping"}

    def list_candidates(self, request: dict[str, Any]) -> dict[str, Any]:
        if self.candidates is None:
            raise AwsError("ResourceNotFound", f"AutoML job {request['AutoMLJobName']} not found.")
        return {"Candidates": self.candidates}


@dataclass
class Bucket:
    """Objects by `s3://` URI."""

    objects: dict[str, str] = field(default_factory=dict)

    def client(self) -> Client:
        return client("s3", {"GetObject": self.get, "PutObject": self.put, "ListObjectsV2": self.list})

    def get(self, request: dict[str, Any]) -> dict[str, Any]:
        uri = f"s3://{request['Bucket']}/{request['Key']}"
        if uri not in self.objects:
            raise AwsError("NoSuchKey", "The specified key does not exist.", 404)
        return {"Body": io.BytesIO(self.objects[uri].encode())}

    def put(self, request: dict[str, Any]) -> dict[str, Any]:
        self.objects[f"s3://{request['Bucket']}/{request['Key']}"] = request["Body"].decode()
        return {}

    def list(self, request: dict[str, Any]) -> dict[str, Any]:
        start = f"s3://{request['Bucket']}/{request['Prefix']}"
        keys = sorted(uri.removeprefix(f"s3://{request['Bucket']}/") for uri in self.objects if uri.startswith(start))
        return {"Contents": [{"Key": key} for key in keys]} if keys else {}

    def json(self, uri: str) -> Client:
        return json.loads(self.objects[uri])


@dataclass
class Runtime:
    """An endpoint that answers with `predict` for each line, refuses poisoned lines, is throttled `throttles` times."""

    predict: Callable[[str], str]
    throttles: int = 0
    poison: str = "\0"
    calls: list[int] = field(default_factory=list)

    def client(self) -> Client:
        return client("sagemaker-runtime", {"InvokeEndpoint": self.invoke})

    def invoke(self, request: dict[str, Any]) -> dict[str, Any]:
        lines = request["Body"].decode().splitlines()
        self.calls.append(len(lines))
        if self.throttles:
            self.throttles -= 1
            raise AwsError("ThrottlingException", "Rate exceeded", 429)
        if any(self.poison in line for line in lines):
            raise AwsError("ModelError", "Received client error (400) from primary", 424)
        return {
            "Body": io.BytesIO("".join(f"{self.predict(line)}\n" for line in lines).encode()),
            "ContentType": "text/csv",
        }
