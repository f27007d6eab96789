"""Step 7: the limits of a serverless endpoint, and sentences for what breaks them. Pure."""

from __future__ import annotations

# https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html, "How it works" and "Memory size";
# ServerlessMemorySizeInMB and ServerlessMaxConcurrency in botocore's sagemaker model have the same bounds.
MEMORY_MB = range(1024, 6144 + 1, 1024)
MAX_CONCURRENCY = range(1, 200 + 1)
# https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html: "4 MB" of payload, 60 s of processing.
PAYLOAD_BYTES = 4 * 1024 * 1024
SECONDS = 60.0


class ServingError(Exception):
    """A model cannot be served, or one request cannot be answered; `status` is the HTTP status of the latter."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def check_memory(megabytes: int) -> int:
    """Return `megabytes` if serverless inference offers it.

    Raises:
        ServingError: it does not.
    """
    if megabytes not in MEMORY_MB:
        raise ServingError(
            f"endpoint.memory_mb: got {megabytes}; serverless inference offers {', '.join(map(str, MEMORY_MB))}; "
            "choose one"
        )
    return megabytes


def check_concurrency(count: int) -> int:
    """Return `count` if an endpoint may have that MaxConcurrency.

    Raises:
        ServingError: it may not.
    """
    if count not in MAX_CONCURRENCY:
        raise ServingError(f"endpoint.max_concurrency: got {count}; it must be 1 to 200; choose a number in that range")
    return count


def check_payload(size: int, what: str) -> None:
    """Refuse a request or a response (`what`) of more than 4 MB.

    Raises:
        ServingError: it is larger; status 413.
    """
    if size > PAYLOAD_BYTES:
        raise ServingError(
            f"the {what} has {size} bytes; a serverless endpoint takes at most {PAYLOAD_BYTES}; send fewer rows",
            413,
        )


def check_resident(used_mb: float, megabytes: int) -> None:
    """Refuse a process that holds more memory than the endpoint has.

    Raises:
        ServingError: it does; status 500, as the platform answers when it had to kill the container.
    """
    if used_mb > megabytes:
        raise ServingError(
            f"the loaded model holds {used_mb:.0f} MB of memory and the endpoint has {megabytes} MB; "
            "choose a larger endpoint.memory_mb",
            500,
        )
