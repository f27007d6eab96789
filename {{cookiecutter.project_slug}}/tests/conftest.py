"""What all tests share: no AWS, and no socket unless a test is marked to start a process or a server."""

from __future__ import annotations

import os
import socket
from typing import Any

import hypothesis
import pytest

# No test depends on how busy the machine is
hypothesis.settings.register_profile("repository", deadline=None)
hypothesis.settings.load_profile("repository")
# Set before any SDK is imported: its workflow modules read the region at import.
os.environ["AWS_DEFAULT_REGION"] = "us-east-1"
os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
    os.environ.pop(name, None)


@pytest.fixture(autouse=True)
def no_sockets(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every network connection of a test that is not marked `rehearsal`."""
    if request.node.get_closest_marker("rehearsal") is not None:
        return
    connect = socket.socket.connect

    def refuse(self: socket.socket, address: Any) -> None:  # noqa: ANN401
        if self.family in (socket.AF_INET, socket.AF_INET6):
            raise AssertionError(f"this test opens a socket to {address}; mark it `rehearsal`, or do without")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", refuse)
