"""Steps 3, 4, 6 and 8: a build's log: from its file to CloudWatch Logs while it is written, and its phases."""

import threading
import time
from typing import Any

from botocore.exceptions import ClientError

from sagemaker_rehearsal.codebuild.build import ENTERED, Build

INTERVAL_SECONDS = 0.3
# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
MOST_EVENTS, MOST_CHARACTERS = 1000, 50_000


def open_stream(logs: Any, group: str, stream: str) -> None:  # noqa: ANN401 (boto3 clients have no type)
    """Make the stream; the group too, where it is absent: a project without one of its own needs CreateLogGroup.

    Raises:
        botocore.exceptions.ClientError: when the service role may not.
    """
    try:
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        logs.create_log_group(logGroupName=group)
        logs.create_log_stream(logGroupName=group, logStreamName=stream)


class Follower:
    """Follows a build's log file: tells the build of its phases and CloudWatch Logs of its lines."""

    def __init__(self, build: Build, logs: Any) -> None:  # noqa: ANN401 (boto3 clients have no type)
        self._build = build
        self._logs = logs if build.group else None
        self._read = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, name=f"log-{build.id}", daemon=True)

    def __enter__(self) -> "Follower":
        """Begin to follow."""
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
        kept = text if whole else text[: text.rfind(b"\n") + 1]
        self._read += len(kept)
        lines = kept.decode("utf-8", "replace").splitlines()
        for line in lines:
            found = ENTERED.match(line)
            if found:
                self._build.enter(found[1].upper())
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
        except Exception as error:  # the file has it all; the cloud may be ending
            if isinstance(error, ClientError):
                self._build.fail_phase("CLIENT_ERROR", f"logs:PutLogEvents: {error}")
            self._logs = None
