"""Steps 3, 4 and 6: the functions of one cloud, as Lambda describes them."""

from __future__ import annotations

import threading
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sagemaker_rehearsal.lambda_.code import Package
from sagemaker_rehearsal.lambda_.names import LATEST, arn_of
from sagemaker_rehearsal.server.errors import AwsError
from sagemaker_rehearsal.server.service import Host

if TYPE_CHECKING:
    from sagemaker_rehearsal.lambda_.sandbox import Sandboxes

KEPT = 10_000
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
        given = (self.settings.get("LoggingConfig") or {}).get("LogGroup")
        return str(given or f"/aws/lambda/{self.name}")

    def describe(self) -> dict[str, Any]:
        """Give what Lambda calls the function's configuration."""
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
        """Give the function after an update."""
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


class Functions:
    """Lambda's state in one cloud."""

    def __init__(self, cloud: Host) -> None:
        from sagemaker_rehearsal.lambda_.sandbox import Sandboxes

        self.cloud = cloud
        self.sandboxes: Sandboxes = Sandboxes(cloud)
        self.invocations: deque[Invocation] = deque(maxlen=KEPT)
        # Told of each event that was worked off in the background, with its last attempt
        self.listeners: list[Callable[[Mapping[str, Any], Invocation], None]] = []
        self._lock = threading.Lock()
        self._functions: dict[str, Function] = {}
        self._statements: dict[str, dict[str, dict[str, Any]]] = {}
        self._event_configs: dict[str, dict[str, Any]] = {}

    def get(self, name: str) -> Function:
        """Give a function.

        Raises:
            AwsError: there is none of the name.
        """
        with self._lock:
            found = self._functions.get(name)
        if found is None:
            arn = arn_of(self.cloud.region, name)
            raise AwsError("ResourceNotFoundException", f"Function not found: {arn}", 404, Type="User")
        return found

    def add(self, function: Function) -> None:
        """Keep a new function.

        Raises:
            AwsError: there is one of the name.
        """
        with self._lock:
            if function.name in self._functions:
                said = f"Function already exist: {function.name}"
                raise AwsError("ResourceConflictException", said, 409, Type="User")
            self._functions[function.name] = function

    def put(self, function: Function) -> None:
        """Keep a function's new state; what runs the old one ends when it is done."""
        with self._lock:
            self._functions[function.name] = function
        self.sandboxes.retire(function.name)

    def remove(self, name: str) -> None:
        """Forget a function, its policy and its configuration for events."""
        self.get(name)
        with self._lock:
            self._functions.pop(name)
            self._statements.pop(name, None)
            self._event_configs.pop(name, None)
        self.sandboxes.retire(name)

    def names(self) -> list[str]:
        """Give all names, sorted."""
        with self._lock:
            return sorted(self._functions)

    def statements(self, name: str) -> dict[str, dict[str, Any]]:
        """Give the statements of a function's policy by their ids, to be changed under `changing`."""
        with self._lock:
            return self._statements.setdefault(name, {})

    def policy(self, name: str) -> dict[str, Any]:
        """Give a function's policy; empty when it has none.

        Raises:
            AwsError: there is no such function.
        """
        self.get(name)
        found = list(self.statements(name).values())
        return {"Version": "2012-10-17", "Id": "default", "Statement": found} if found else {}

    def event_config(self, name: str) -> dict[str, Any]:
        """Give what was set for asynchronous invocations; empty for nothing."""
        with self._lock:
            return dict(self._event_configs.get(name, {}))

    def put_event_config(self, name: str, config: Mapping[str, Any] | None) -> None:
        """Set it, or with None remove it."""
        with self._lock:
            if config is None:
                self._event_configs.pop(name, None)
            else:
                self._event_configs[name] = dict(config)


def of(cloud: Host) -> Functions:
    """Return a cloud's functions."""
    return cloud.state_of(Functions)
