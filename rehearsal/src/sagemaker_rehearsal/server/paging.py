"""Steps 1 to 10: pages of the lists that the rehearsal answers itself."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sagemaker_rehearsal.server.errors import AwsError, invalid
from sagemaker_rehearsal.server.service import Call


@dataclass(frozen=True)
class Pages:
    """How a service spells its pages.

    Attributes:
        token: the request's member with the next page's token.
        limit: the request's member with a page's size.
        next: the answer's member with the next page's token.
        size: of a page whose request has no size.
        error: returns the error for a token that the service never returned.
    """

    token: str = "NextToken"  # noqa: S105 (a member's name)
    limit: str = "MaxResults"
    next: str = "NextToken"
    size: int = 100
    error: Callable[[str], AwsError] = invalid

    def page(self, call: Call, member: str, rows: Sequence[Any], size: int = 0) -> dict[str, Any]:
        """Return the answer with the page of rows that a request names, and the next page's token if rows are left.

        Raises:
            AwsError: for a token that the service never returned.
        """
        token = call.params.get(self.token) or "0"
        if not (token.isascii() and token.isdigit()) or int(token) > len(rows):
            raise self.error(f"The {self.token} of {call.operation} is invalid: {token}")
        start, length = int(token), int(call.params.get(self.limit) or size or self.size)
        more = {self.next: str(start + length)} if start + length < len(rows) else {}
        return {member: list(rows[start : start + length]), **more}


def refuse_filters(call: Call, known: Sequence[str]) -> None:
    """Raise AwsError for a parameter that a list does not read, instead of answering as if it were absent."""
    unknown = sorted(name for name in call.params if name not in known)
    if unknown:
        message = f"The rehearsal's {call.operation} does not read {', '.join(unknown)}; see docs/parity.md"
        raise AwsError("NotImplemented", message, 501)
