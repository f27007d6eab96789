"""Step 7: Content-Type and Accept of an invocation. Pure."""

from __future__ import annotations

from email.message import Message

from sagemaker_rehearsal.serving.limits import ServingError

CSV, JSON = "text/csv", "application/json"
SUPPORTED = (CSV, JSON)


def request_type(header: str) -> str:
    """Name the media type of a body; letter case and parameters do not matter, but the charset must be UTF-8.

    Raises:
        ServingError: status 415.
    """
    message = Message()
    message["Content-Type"] = header.replace("\r", " ").replace("\n", " ")
    charset = str(message.get_param("charset", "utf-8")).lower()
    kind = header.split(";")[0].strip().lower()
    if kind not in SUPPORTED:
        raise ServingError(
            f"Content-Type: got {header[:80]!r}; the container takes {' or '.join(SUPPORTED)}; set one of them", 415
        )
    if charset not in ("utf-8", "utf8", "us-ascii", "ascii"):
        raise ServingError(f"Content-Type: got charset {charset[:40]!r}; the container takes utf-8; send that", 415)
    return kind


def response_type(accept: str, default: str) -> str:
    """Choose the media type of the answer: the first acceptable one that we have, `default` where any will do.

    Raises:
        ServingError: status 406.
    """
    accepted = [entry for entry in (part.strip().lower() for part in accept.split(",")) if entry]
    for entry in sorted(accepted, key=_weight, reverse=True):
        name = entry.split(";")[0].strip()
        match = next((kind for kind in (default, *SUPPORTED) if name in (kind, kind.split("/")[0] + "/*", "*/*")), None)
        if match and _weight(entry) > 0:
            return match
    if not accepted:
        return default
    raise ServingError(f"Accept: got {accept[:80]!r}; the container answers {' or '.join(SUPPORTED)}; ask for one", 406)


def _weight(entry: str) -> float:
    for parameter in entry.split(";")[1:]:
        name, _, value = parameter.strip().partition("=")
        if name.strip() == "q":
            return _number(value)
    return 1.0


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
