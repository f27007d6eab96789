"""The hook's whole outside: S3 with the template, CodeCommit, CodeBuild, CloudFormation's address and the clock."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass, field
from typing import Any

from catalog.hook.archive import pack
from catalog.hook.artifact import Files
from catalog.hook.handler import World, respond
from tests.catalog.fakes.aws import Calls, Service, refused
from tests.catalog.fakes.codecommit import CodeCommit

URL = "https://cloudformation-custom-resource-response-useast1.s3.amazonaws.com/answers/1?X-Amz-Signature=secret"
STACK = (
    "arn:aws:cloudformation:us-east-1:123456789012:stack/SC-123456789012-pp-abc/11111111-2222-3333-4444-555555555555"
)
NAME = "sagemaker-adult-p-abc123"
BUCKET = "ops-bucket"


class Storage(Service):
    """S3: objects by bucket, key and version."""

    service = "s3"

    def __init__(self, calls: Calls) -> None:
        super().__init__(calls)
        self.objects: dict[tuple[str, str, str], bytes] = {}

    def _get_object(self, Bucket: str, Key: str, VersionId: str) -> dict[str, Any]:
        if (Bucket, Key, VersionId) not in self.objects:
            raise refused("NoSuchVersion", "GetObject", status=404)
        return {"Body": io.BytesIO(self.objects[Bucket, Key, VersionId])}

    def _put_object(self, Bucket: str, Key: str, Body: bytes) -> dict[str, Any]:
        self.objects[Bucket, Key, "1"] = Body
        return {"VersionId": "1"}


@dataclass
class Lambda:
    """An invocation's context; each reading of the clock takes some time."""

    milliseconds: float = 600_000.0
    aws_request_id: str = "11111111-2222-3333-4444-555555555555"
    per_look: float = 0.0

    def get_remaining_time_in_millis(self) -> float:
        self.milliseconds -= self.per_look
        return self.milliseconds


@dataclass
class Outside:
    """Everything that the hook reaches, with what was sent to CloudFormation."""

    template: Files
    calls: Calls = field(default_factory=Calls)
    statuses: list[int] = field(default_factory=list)
    sent: list[dict[str, Any]] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=lambda: {"AWS_SECRET_ACCESS_KEY": "hunter2"})

    def __post_init__(self) -> None:
        self.storage = Storage(self.calls)
        self.codecommit = CodeCommit(self.calls, NAME)
        self.services: dict[str, Any] = {"s3": self.storage, "codecommit": self.codecommit}
        self.sha256 = self.publish(pack(self.template))

    def publish(self, data: bytes, version: str = "1") -> str:
        """Put a template's zip into the artifact bucket, and return its digest."""
        self.storage.objects[BUCKET, "template/abc/template.zip", version] = data
        return hashlib.sha256(data).hexdigest()

    def event(self, kind: str = "Create", *, without: str = "", **properties: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
        """Return CloudFormation's event, in the form of
        https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requests.html
        """
        payload = {
            "ServiceToken": "arn:aws:lambda:us-east-1:123456789012:function:sagemaker-autopilot-seed",
            "Provider": "codecommit",
            "RepositoryName": NAME,
            "BranchName": "main",
            "Answers": {"project_slug": "adult"},
            "TemplateBucket": BUCKET,
            "TemplateKey": "template/abc/template.zip",
            "TemplateVersionId": "1",
            "TemplateSha256": self.sha256,
            **properties,
        }
        payload.pop(without, None)
        event = {
            "RequestType": kind,
            "ResponseURL": URL,
            "StackId": STACK,
            "RequestId": "req-0001",
            "ResourceType": "Custom::Seed",
            "LogicalResourceId": "Seed",
            "ResourceProperties": payload,
        }
        if kind != "Create":
            event["PhysicalResourceId"] = f"codecommit:{NAME}"
        if kind == "Update":
            event["OldResourceProperties"] = {**payload, "BranchName": "main", "RepositoryName": NAME}
        return event

    def world(self) -> World:
        """Return it as the hook sees it."""
        return World(self.services.__getitem__, self.send, self.environment, self.slept.append)

    def send(self, url: str, body: bytes) -> int:
        """Be CloudFormation's address."""
        assert url == URL
        assert len(body) <= 4096
        status = self.statuses.pop(0) if self.statuses else 200
        if status == 200:
            self.sent.append(json.loads(body))
        return status

    def invoke(self, event: object, context: Lambda | None = None) -> dict[str, Any]:
        """Invoke the hook, and return the one answer that it sent."""
        before = len(self.sent)
        respond(event, context or Lambda(), self.world())
        assert before + 1 == len(self.sent)
        return self.sent[-1]
