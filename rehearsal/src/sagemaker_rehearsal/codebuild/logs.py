"""Steps 3, 4, 6 and 8: follow a build's log file: send lines to CloudWatch Logs and detect phases."""

import threading
import time
from typing import Any

from botocore.exceptions import ClientError

from sagemaker_rehearsal.codebuild.build import ENTERED, Build

INTERVAL_SECONDS = 0.3
# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
MOST_EVENTS, MOST_CHARACTERS = 1000, 50_000


def open_stream(logs: Any, group: str, stream: str) -> None:  # noqa: ANN401 (boto3 clients have no type)
    """Create the log stream, and the log group where it is absent, which needs logs:CreateLogGroup.

    Raises:
        botocore.exceptions.ClientError: when the service role is not allowed.
    """
    try:
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        logs.create_log_group(logGroupName=group)
        logs.create_log_stream(logGroupName=group, logStreamName=stream)


class Follower:
    """Follows a build's log file, updates the build's phases and sends lines to CloudWatch Logs."""

    def __init__(self, build: Build, logs: Any) -> None:  # noqa: ANN401 (boto3 clients have no type)
        self._build = build
        self._logs = logs if build.group else None
        self._read = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, name=f"log-{build.id}", daemon=True)

    def __enter__(self) -> "Follower":
        """Start following."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Follow to the end of the file, then stop."""
        self._ended.set()
        self._thread.join()

    def _follow(self) -> None:
        while not self._ended.wait(INTERVAL_SECONDS):
            self._take()
        self._take(whole=True)

    def _take(self, whole: bool = False) -> None:
        if not self._build.log.exists():
            return
        with self._build.log.open("rb") as file:
            file.seek(self._read)
            text = file.read()
        complete = text if whole else text[: text.rfind(b"\n") + 1]
        self._read += len(complete)
        lines = complete.decode("utf-8", "replace").splitlines()
        for line in lines:
            phase = ENTERED.match(line)
            if phase:
                self._build.enter(phase[1].upper())
        for first in range(0, len(lines), MOST_EVENTS):
            self._put(lines[first : first + MOST_EVENTS])

    def _put(self, lines: list[str]) -> None:
        if self._logs is None or self._build.group is None:
            return
        now = int(time.time() * 1000)
        events = [{"timestamp": now, "message": line[:MOST_CHARACTERS] or " "} for line in lines]
        group, stream = self._build.group
        try:
            self._logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)
        except Exception as error:  # the file holds the complete log; the cloud may be stopping
            if isinstance(error, ClientError):
                self._build.fail_phase("CLIENT_ERROR", f"logs:PutLogEvents: {error}")
            self._logs = None
