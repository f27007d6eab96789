"""Steps 3, 4 and 6: a function as Lambda describes it, and what became of an invocation."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from sagemaker_rehearsal.lambda_.code import Package
from sagemaker_rehearsal.lambda_.names import LATEST

# https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
DEFAULTS: Mapping[str, Any] = {"Timeout": 3, "MemorySize": 128, "Description": "", "Architectures": ["x86_64"]}
FIXED: Mapping[str, Any] = {
    "Version": LATEST,
    "PackageType": "Zip",
    "State": "Active",
    "LastUpdateStatus": "Successful",
    "EphemeralStorage": {"Size": 512},
    "TracingConfig": {"Mode": "PassThrough"},
    "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
}


@dataclass(frozen=True)
class Function:
    """A function.

    Attributes:
        name: its name.
        arn: its ARN.
        settings: what CreateFunction and UpdateFunctionConfiguration were given, without code and tags.
        package: its code.
        tags: its tags.
        revision: changes with each update.
        modified: when it was last changed.
    """

    name: str
    arn: str
    settings: Mapping[str, Any]
    package: Package
    tags: Mapping[str, str] = field(default_factory=dict)
    revision: str = field(default_factory=lambda: str(uuid.uuid4()))
    modified: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def log_group(self) -> str:
        """Where its logs go."""
        configured = (self.settings.get("LoggingConfig") or {}).get("LogGroup")
        return str(configured or f"/aws/lambda/{self.name}")

    def describe(self) -> dict[str, Any]:
        """Return what Lambda calls the function's configuration."""
        logging = {"LogFormat": "Text", **(self.settings.get("LoggingConfig") or {}), "LogGroup": self.log_group}
        return {
            **FIXED,
            **{key: value for key, value in self.settings.items() if value is not None},
            "LoggingConfig": logging,
            "FunctionName": self.name,
            "FunctionArn": self.arn,
            "CodeSize": self.package.size,
            "CodeSha256": self.package.sha256,
            "LastModified": self.modified.strftime("%Y-%m-%dT%H:%M:%S.000+0000"),
            "RevisionId": self.revision,
        }

    def changed(self, **changes: Any) -> Function:  # noqa: ANN401 (its fields)
        """Return the function after an update."""
        return replace(self, revision=str(uuid.uuid4()), modified=datetime.now(UTC), **changes)


@dataclass(frozen=True)
class Invocation:
    """What became of one attempt to run a function.

    Attributes:
        function: its name.
        request_id: the same for all attempts at one event.
        error: `Unhandled`, or empty.
        payload: what the handler returned, or the error, as JSON.
        seconds: how long it took.
        log: the last 4 KB of the log.
    """

    function: str
    request_id: str
    error: str
    payload: str
    seconds: float
    log: str
