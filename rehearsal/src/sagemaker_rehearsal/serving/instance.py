"""Step 7: a serverless instance: MaxConcurrency, the 60 s limit, scale to zero with a cold start, the memory limit."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as Expired
from dataclasses import dataclass, field
from typing import Protocol

from sagemaker_rehearsal.serving import limits
from sagemaker_rehearsal.serving.container import Response, refusal
from sagemaker_rehearsal.serving.limits import ServingError
from sagemaker_rehearsal.serving.memory import resident_mb


class Invocable(Protocol):
    """What an instance runs: a Container."""

    def invoke(self, body: bytes, content_type: str, accept: str = "") -> Response:
        """Answer one request."""
        ...


@dataclass(frozen=True)
class Shape:
    """The limits of one endpoint.

    Attributes:
        max_concurrency: requests in work at once; one more is refused with 429.
        memory_mb: resident memory that the process may hold.
        idle_seconds: unload the model after so many seconds without a request; 0 never.
        cold_start_seconds: what a start from zero takes longer than loading here; 0 switches it off.
        seconds: a request in work longer than this is answered with 504.
    """

    max_concurrency: int
    memory_mb: int
    idle_seconds: float = 0.0
    cold_start_seconds: float = 0.0
    seconds: float = limits.SECONDS


@dataclass
class Instance:
    """Loads the container on the first request, and answers within the limits of `shape`."""

    load: Callable[[], Invocable]
    shape: Shape
    resident: Callable[[], float] = resident_mb
    clock: Callable[[], float] = time.monotonic
    cold_starts: int = 0
    _container: Invocable | None = None
    _in_work: int = 0
    _used: float = 0.0
    _count: threading.Lock = field(default_factory=threading.Lock)
    _loading: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._workers = ThreadPoolExecutor(self.shape.max_concurrency, thread_name_prefix="invocation")
        self._used = self.clock()

    def start(self) -> None:
        """Load the model before the first request, without the simulated part of a cold start.

        Raises:
            ServingError: there is no such model, or it holds more memory than the endpoint has.
        """
        self._container = self.load()
        limits.check_resident(self.resident(), self.shape.memory_mb)

    @property
    def state(self) -> dict[str, object]:
        """What GET /ping tells: whether a model is loaded, the memory held and allowed, the requests in work."""
        return {
            "status": "InService" if self._container else "ScaledToZero",
            "resident_mb": round(self.resident()),
            "memory_mb": self.shape.memory_mb,
            "in_work": self._in_work,
            "cold_starts": self.cold_starts,
        }

    def invoke(self, body: bytes, content_type: str, accept: str) -> Response:
        """Answer one request: the container's answer, or 413, 429, 500 or 504 of the platform around it."""
        if not self._enter():
            return refusal(
                ServingError(
                    f"{self.shape.max_concurrency} requests are in work, which is MaxConcurrency; try again", 429
                )
            )
        work = self._workers.submit(self._answer, body, content_type, accept)
        work.add_done_callback(self._leave)
        try:
            return work.result(timeout=self.shape.seconds)
        except Expired:
            return refusal(
                ServingError(f"no answer within {self.shape.seconds:g} s, the limit of a request; send fewer rows", 504)
            )
        except ServingError as error:
            return refusal(error)
        except Exception as error:  # the model's own failure: the container answers 500 and lives on
            return refusal(
                ServingError(f"the model failed with {type(error).__name__}; see whether the rows fit it", 500)
            )

    def _enter(self) -> bool:
        with self._count:
            if self._in_work >= self.shape.max_concurrency:
                return False
            self._in_work += 1
            return True

    def _leave(self, _: Future[Response]) -> None:
        with self._count:
            self._in_work -= 1
            self._used = self.clock()

    def _answer(self, body: bytes, content_type: str, accept: str) -> Response:
        response = self._loaded().invoke(body, content_type, accept)
        limits.check_payload(len(response.body), "response")
        try:
            limits.check_resident(self.resident(), self.shape.memory_mb)
        except ServingError:
            self._unload()
            raise
        return response

    def _loaded(self) -> Invocable:
        with self._loading:
            if self._container is None:
                self.cold_starts += 1
                time.sleep(self.shape.cold_start_seconds)
                self._container = self.load()
            return self._container

    def rest(self) -> bool:
        """Unload the model if no request came for `idle_seconds`; say whether it was unloaded."""
        with self._count:
            idle = self._in_work == 0 and self.clock() - self._used >= self.shape.idle_seconds
        if not self.shape.idle_seconds or not idle or self._container is None:
            return False
        self._unload()
        return True

    def _unload(self) -> None:
        with self._loading:
            self._container = None
        gc.collect()
