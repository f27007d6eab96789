"""Steps 3, 4 and 6: the functions of one cloud, with their policies and their settings for events."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from sagemaker_rehearsal.lambda_.function import Function, Invocation
from sagemaker_rehearsal.lambda_.names import arn_of
from sagemaker_rehearsal.lambda_.sandbox import Sandboxes
from sagemaker_rehearsal.server.errors import AwsError
from sagemaker_rehearsal.server.service import Host

KEPT = 10_000


class Functions:
    """Lambda's state in one cloud."""

    def __init__(self, cloud: Host) -> None:
        self.cloud = cloud
        self.sandboxes = Sandboxes(cloud)
        self.invocations: deque[Invocation] = deque(maxlen=KEPT)
        # Told of each event that was worked off in the background, with its last attempt
        self.listeners: list[Callable[[Mapping[str, Any], Invocation], None]] = []
        self._lock = threading.Lock()
        self._functions: dict[str, Function] = {}
        self._statements: dict[str, dict[str, dict[str, Any]]] = {}
        self._event_configs: dict[str, dict[str, Any]] = {}

    def get(self, name: str) -> Function:
        """Return a function.

        Raises:
            AwsError: there is none of the name.
        """
        with self._lock:
            function = self._functions.get(name)
        if function is None:
            arn = arn_of(self.cloud.region, name)
            raise AwsError("ResourceNotFoundException", f"Function not found: {arn}", 404, Type="User")
        return function

    def add(self, function: Function) -> None:
        """Keep a new function.

        Raises:
            AwsError: there is one of the name.
        """
        with self._lock:
            if function.name in self._functions:
                message = f"Function already exist: {function.name}"
                raise AwsError("ResourceConflictException", message, 409, Type="User")
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
        """Return all names, sorted."""
        with self._lock:
            return sorted(self._functions)

    def statements(self, name: str) -> dict[str, dict[str, Any]]:
        """Return the statements of a function's policy by their ids, to be changed under `changing`."""
        with self._lock:
            return self._statements.setdefault(name, {})

    def policy(self, name: str) -> dict[str, Any]:
        """Return a function's policy; empty when it has none.

        Raises:
            AwsError: there is no such function.
        """
        self.get(name)
        statements = list(self.statements(name).values())
        return {"Version": "2012-10-17", "Id": "default", "Statement": statements} if statements else {}

    def event_config(self, name: str) -> dict[str, Any]:
        """Return what was set for asynchronous invocations; empty for nothing."""
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
