"""Steps 4 and 6 to 10: the context that an action runs in, and how it ends."""

import secrets
import string
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from sagemaker_rehearsal.codebuild.artifacts import Location
from sagemaker_rehearsal.codepipeline.models import Passage, Run
from sagemaker_rehearsal.iam import keys_for, principal_of, require
from sagemaker_rehearsal.server import clients
from sagemaker_rehearsal.server.service import ACCOUNT, Host

POLL_SECONDS = 0.2


class Failed(Exception):  # noqa: N818 (the end of an action)
    """An action failed.

    Args:
        message: the message of the action's error details.
        code: one of https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_FailureDetails.html.
    """

    def __init__(self, message: str, code: str = "JobFailed") -> None:
        super().__init__(message)
        self.code = code


class Ended(Exception):  # noqa: N818 (not an error)
    """The cloud is being stopped, or the action was abandoned: its result is discarded."""


@dataclass
class Work:
    """One action to run."""

    cloud: Host
    passage: Passage
    run: Run
    folder: Path

    @property
    def configuration(self) -> dict[str, str]:
        """The action's configuration with every variable replaced."""
        return self.run.resolved

    @cached_property
    def _keys(self) -> dict[str, str]:
        """Credentials of a session of the action's role, or of the pipeline's role by default."""
        pipeline = self.passage.pipeline
        role = self.run.action.role_arn or pipeline.role_arn
        arn = f"arn:aws:codepipeline:{self.cloud.region}:{ACCOUNT}:{pipeline.name}"
        return keys_for(self.cloud, role, self.run.id, "codepipeline.amazonaws.com", arn)

    def client(self, service: str) -> Any:  # noqa: ANN401 (boto3 clients have no type)
        """Return a client with the credentials of the action's role."""
        return clients.client(self.cloud.url, self.cloud.region, service, self._keys)

    def require(self, action: str, resource: str, **keys: str) -> None:
        """Check a permission that no operation of the public API requires.

        Raises:
            AwsError: when the action's role is not allowed.
        """
        condition_keys = {key.replace("__", ":"): (value,) for key, value in keys.items()}
        require(self.cloud, principal_of(self._keys["AWS_ACCESS_KEY_ID"]), action, resource, condition_keys)

    def location(self, artifact: str) -> Location:
        """Choose an output artifact's key: PIPELINE/ARTIFACT/RANDOM, with the names truncated as CodePipeline does."""
        letters = string.ascii_letters + string.digits
        random = "".join(secrets.choice(letters) for _ in range(7))
        return Location(self.passage.pipeline.bucket, f"{self.passage.pipeline.name[:20]}/{artifact[:10]}/{random}")

    def polls(self) -> Iterator[None]:
        """Yield at every poll interval while the action is InProgress.

        Raises:
            Ended: when the action is over or the cloud is being stopped.
        """
        while not self.cloud.processes.stopped and self.run.status == "InProgress":
            yield
            time.sleep(POLL_SECONDS)
        raise Ended
