"""Step 3: call AWS patiently while there is time, and say in a sentence why a call was refused."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

from catalog.hook.errors import (
    CodeCommitRefusesError,
    DeniedError,
    HookError,
    OutOfTimeError,
    RepositoryMissingError,
    ServiceError,
)

THROTTLED = {
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottled",
    "RequestThrottledException",
    "RequestLimitExceeded",
    "TooManyRequestsException",
    "SlowDown",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "InternalError",
    "InternalFailure",
    "EncryptionIntegrityChecksFailedException",
    "EncryptionKeyUnavailableException",
}
DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedException", "EncryptionKeyAccessDeniedException"}
FIRST_WAIT, LONGEST_WAIT = 0.2, 10.0
ADDRESS = re.compile(r"\S+://\S+")
OTHER_HOSTS = (
    "choose GitProvider github, gitlab or bitbucket with a CodeConnections connection, "
    "or ask AWS Support why CodeCommit refuses this account"
)


@dataclass(frozen=True)
class Deadline:
    """How long the function may still run.

    Args:
        remaining: returns the milliseconds until Lambda ends the function.
        margin: seconds kept for the answer to CloudFormation.
    """

    remaining: Callable[[], float]
    margin: float
    sleep: Callable[[float], None] = time.sleep
    passed: threading.Event = field(default_factory=threading.Event)

    def left(self) -> float:
        """Return the seconds in which work may still be done."""
        return 0.0 if self.passed.is_set() else self.remaining() / 1000 - self.margin

    def check(self) -> None:
        """Raise OutOfTimeError when there are none."""
        if self.left() <= 0:
            raise OutOfTimeError("the function ran out of time; retry: what was done so far is taken up again")

    def wait(self, seconds: float, what: str = "AWS kept asking to slow down") -> None:
        """Sleep, unless that would take the time for the answer.

        Raises:
            OutOfTimeError: it would; the sentence begins with what was waited for.
        """
        if seconds >= self.left():
            raise OutOfTimeError(f"{what} until time ran out; retry in some minutes")
        self.sleep(seconds)


@dataclass(frozen=True)
class Caller:
    """Calls operations of one boto3 client, waiting twice as long after each throttling."""

    client: Any
    deadline: Deadline

    def __call__(self, operation: str, **parameters: Any) -> Mapping[str, Any]:  # noqa: ANN401 - each operation has its own
        """Return the response.

        Raises:
            ClientError: AWS refused the call, for a reason other than haste.
            OutOfTimeError: there was no time left.
        """
        pause = FIRST_WAIT
        while True:
            self.deadline.check()
            try:
                response: Mapping[str, Any] = getattr(self.client, operation)(**parameters)
                return response
            except ClientError as error:
                if not passing(error):
                    raise
            except (ConnectionError, HTTPClientError):
                pass
            self.deadline.wait(pause)
            pause = min(2 * pause, LONGEST_WAIT)


def code_of(error: ClientError) -> str:
    """Return the error's code, such as NoSuchKey."""
    return str(error.response.get("Error", {}).get("Code", ""))


def passing(error: ClientError) -> bool:
    """Return whether the same call may succeed later."""
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return code_of(error) in THROTTLED or status == 429 or status >= 500


def explained(error: ClientError, what: str) -> HookError:
    """Return the sentence for a call that AWS refused.

    Args:
        error: what boto3 raised.
        what: what the call was about, such as `repository adult`.
    """
    code, operation = code_of(error), error.operation_name
    if code == "OperationNotAllowedException":
        return CodeCommitRefusesError(f"CodeCommit does not serve this account ({operation}: {code}); {OTHER_HOSTS}")
    if code == "RepositoryDoesNotExistException":
        return RepositoryMissingError(
            f"{what} does not exist; CloudFormation makes it before the seed "
            f"(if it could not: CodeCommit may not let this account make one; {OTHER_HOSTS})"
        )
    if code in DENIED:
        return DeniedError(
            f"{operation} was denied for {what} ({code}); "
            "the role of the function sagemaker-autopilot-seed must allow it: update the ops stack"
        )
    message = ADDRESS.sub("(address)", str(error.response.get("Error", {}).get("Message", "")))[:300]
    return ServiceError(f"{operation} failed for {what}: {code}: {message}; correct that and retry")
