"""Wait for a status, as tests do."""

import time
from collections.abc import Callable
from typing import Any


def until(ask: Callable[[], tuple[str, Any]], *ends: str, seconds: float = 60) -> dict[str, Any]:
    """Poll until a status is one of the final ones; return the last response."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        status, answer = ask()
        if status in ends:
            return dict(answer)
        time.sleep(0.05)
    raise AssertionError(f"{status} after {seconds} s: {answer}")
