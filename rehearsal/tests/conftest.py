"""What all tests share: no AWS; and no socket, but where a test or its folder says that it starts servers."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import hypothesis
import pytest

# No test depends on how busy the machine is
hypothesis.settings.register_profile("engine", deadline=None)
hypothesis.settings.load_profile("engine")
# Before any SDK is imported
os.environ["AWS_DEFAULT_REGION"] = "us-east-1"
os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
    os.environ.pop(name, None)

# Most of these tests are about an embedded AWS
WITH_SOCKETS = {"services"}


@pytest.fixture(autouse=True)
def no_sockets(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every network connection of a test that is not marked `rehearsal`."""
    folder = request.path.relative_to(Path(__file__).parent).parts[0]
    if folder in WITH_SOCKETS or folder.endswith(".py") or request.node.get_closest_marker("rehearsal") is not None:
        return
    connect = socket.socket.connect

    def refuse(self: socket.socket, address: Any) -> None:  # noqa: ANN401
        if self.family in (socket.AF_INET, socket.AF_INET6):
            raise AssertionError(f"this test opens a socket to {address}; mark it `rehearsal`, or do without")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", refuse)
