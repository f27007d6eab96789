"""A cloud with CodeCommit, and helpers for its tests."""

from __future__ import annotations

import itertools
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from sagemaker_rehearsal import events as bus
from sagemaker_rehearsal.account import SERVICES
from sagemaker_rehearsal.server import Cloud

NUMBERS = itertools.count(1)


@dataclass
class Place:
    """A repository in a running cloud, with the events that it publishes."""

    cloud: Cloud
    name: str
    forgotten: int = 0

    @property
    def client(self) -> Any:  # noqa: ANN401 - boto3 clients have no type
        return self.cloud.client("codecommit")

    @property
    def url(self) -> str:
        return f"{self.cloud.url}/v1/repos/{self.name}"

    def ask(self, operation: str, **params: Any) -> dict[str, Any]:  # noqa: ANN401 - as boto3
        answer = getattr(self.client, operation)(repositoryName=self.name, **params)
        answer.pop("ResponseMetadata")
        return dict(answer)

    def code(self, operation: str, **params: Any) -> str:  # noqa: ANN401 - as boto3
        """Return the error code with which a request fails."""
        return refused(lambda: getattr(self.client, operation)(**{"repositoryName": self.name, **params}))

    def commit(self, *, branch: str = "main", parent: str | None = None, **files: bytes) -> str:
        """Commit files; in keyword names, two underscores are a slash."""
        puts = [{"filePath": path.replace("__", "/"), "fileContent": data} for path, data in files.items()]
        request = {"branchName": branch, "putFiles": puts, **({"parentCommitId": parent} if parent else {})}
        return str(self.ask("create_commit", **request)["commitId"])

    def tip(self, branch: str = "main") -> str:
        return str(self.ask("get_branch", branchName=branch)["branch"]["commitId"])

    @property
    def events(self) -> list[dict[str, Any]]:
        """Return the details of the repository's events, in their order."""
        about = [f"arn:aws:codecommit:us-east-1:123456789012:{self.name}"]
        kind = ("aws.codecommit", "CodeCommit Repository State Change")
        own = [event for event in bus.of(self.cloud).events if event["resources"] == about]
        return [event["detail"] for event in own if (event["source"], event["detail-type"]) == kind][self.forgotten :]

    def forget_events(self) -> None:
        """Drop the events so far from `events`."""
        self.forgotten += len(self.events)

    def told(self) -> list[tuple[str, str]]:
        """Return event type and reference of the published events."""
        return [(event["event"], event["referenceFullName"]) for event in self.events]


def refused(ask: Callable[[], object]) -> str:
    try:
        ask()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "accepted"


def place(cloud: Cloud, name: str = "") -> Place:
    """Create an empty repository."""
    repository = Place(cloud, name or f"sagemaker-adult-{next(NUMBERS)}")
    repository.client.create_repository(repositoryName=repository.name)

    return repository


@contextmanager
def running(state: Path) -> Iterator[Cloud]:
    with Cloud(state, services=SERVICES) as cloud:
        yield cloud


def git(folder: Path, *arguments: str, **more: str) -> str:
    """Run plain Git without any user or system settings."""
    who = {
        f"GIT_{role}_{what}": value
        for role in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "A"), ("EMAIL", "a@b.c"))
    }
    quiet = {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "HOME": str(folder),
    }
    env = {"PATH": os.environ["PATH"], "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", **who, **quiet, **more}
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return done.stdout.strip()
