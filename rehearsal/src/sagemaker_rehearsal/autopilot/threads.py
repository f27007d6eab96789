"""Step 4: one OpenMP thread for small tables: on a busy machine, waiting for a second one costs more than it gains."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

SMALL = 2000


@contextmanager
def threads_for(rows: int) -> Iterator[None]:
    """Limit a block to one thread if it works on fewer than SMALL rows."""
    if rows >= SMALL:
        yield
        return
    with _controller().limit(limits=1, user_api="openmp"):
        yield


@cache
def _controller() -> ThreadpoolController:
    """Inspect the loaded libraries once (it takes milliseconds); the first call is after an engine was imported."""
    return ThreadpoolController()
