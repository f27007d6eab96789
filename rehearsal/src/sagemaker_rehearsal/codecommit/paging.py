"""Step 3: paging of long results."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import TypeVar

from sagemaker_rehearsal.codecommit.errors import service_error

Row = TypeVar("Row")


def page(rows: Sequence[Row], token: str | None, size: int) -> tuple[Sequence[Row], str | None]:
    """Return the rows of a page and the next page's token.

    Raises:
        AwsError: InvalidContinuationTokenException, InvalidMaxResultsException.
    """
    if size < 1:
        raise service_error("InvalidMaxResultsException")
    start = _position(token) if token is not None else 0
    if not 0 <= start <= len(rows):
        raise service_error("InvalidContinuationTokenException")
    end = start + size
    return rows[start:end], _token(end) if end < len(rows) else None


def _token(position: int) -> str:
    return base64.urlsafe_b64encode(f"page:{position}".encode()).decode()


def _position(token: str) -> int:
    try:
        kind, _, number = base64.urlsafe_b64decode(token.encode()).decode().partition(":")
        if kind == "page":
            return int(number)
    except (binascii.Error, ValueError):
        pass
    raise service_error("InvalidContinuationTokenException")
