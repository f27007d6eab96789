"""Step 4: the jobs that the executor ran, as SageMaker's Describe operations return them."""

import threading
from typing import Any


class Jobs:
    """Descriptions by kind (`processing`, `automl`, `transform`) and name; candidates by AutoML job."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._described: dict[tuple[str, str], dict[str, Any]] = {}
        self.candidates: dict[str, list[dict[str, Any]]] = {}

    def record(self, kind: str, name: str, described: dict[str, Any]) -> None:
        """Store a job's description, replacing an earlier one."""
        with self._lock:
            self._described[kind, name] = described

    def all(self, kind: str) -> list[dict[str, Any]]:
        """Return the descriptions of all jobs of a kind, the oldest first."""
        with self._lock:
            return [described for (recorded, _), described in self._described.items() if recorded == kind]

    def find(self, kind: str, name: str) -> dict[str, Any] | None:
        """Return a job's description; None when there is no such job."""
        with self._lock:
            return self._described.get((kind, name))
