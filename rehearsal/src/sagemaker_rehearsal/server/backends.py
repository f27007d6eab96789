"""All steps: moto's backends are plain dictionaries, not made for threads: one thread at a time reads or changes them.

One lock for all services, because their backends read each other's: STS IAM's, SNS those of SQS, CloudFormation all.
Who holds it makes no request to the embedded cloud and waits for nobody, else both would wait for ever.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar

import requests
from moto.sns import models as sns_models
from moto.sqs.models import Queue

Returned = TypeVar("Returned")
_condition = threading.Condition(threading.RLock())
# How often ReceiveMessage looks again while it waits for messages
POLL_SECONDS = 0.05


@contextmanager
def alone() -> Iterator[None]:
    """Keep all other threads from moto's backends; re-entrant."""
    with _condition:
        yield


def serialised(function: Callable[..., Returned]) -> Callable[..., Returned]:
    """Let one thread at a time run a function that reads or changes moto's backends."""

    @wraps(function)
    def run(*arguments: Any, **named: Any) -> Returned:  # noqa: ANN401 (the function's own)
        with alone():
            return function(*arguments, **named)

    return run


class _Later:
    """Stands for `requests` in moto's SNS: a subscriber is told in the background, as on AWS, without the lock."""

    @staticmethod
    def post(*arguments: Any, **named: Any) -> None:  # noqa: ANN401 (requests' own)
        """Start to send a message."""
        threading.Thread(target=requests.post, args=arguments, kwargs={"timeout": 15, **named}, daemon=True).start()


def _wait_without_lock(self: Queue, timeout: int) -> None:
    """Let other threads in while ReceiveMessage waits: moto would wait with the lock, and nobody could send."""
    _condition.wait(min(timeout, POLL_SECONDS))


Queue.wait_for_messages = _wait_without_lock  # type: ignore[method-assign]
vars(sns_models)["requests"] = _Later
