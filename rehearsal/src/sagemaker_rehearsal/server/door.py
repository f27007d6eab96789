"""All steps: which requests the embedded cloud takes at all: by their Host and Origin headers.

A page in a browser can reach servers on 127.0.0.1: by a name of its own that resolves to this address (DNS
rebinding), which shows in Host; or by a request across origins, which shows in Origin.
"""

from collections.abc import Mapping
from typing import Any

NAMES = ("127.0.0.1", "localhost")


def hosts(port: int) -> tuple[str, ...]:
    """Return the Host headers of a server that is bound to a port of this machine; HTTP's own port is left out."""
    return tuple(f"{name}:{port}" for name in NAMES) + (NAMES if port == 80 else ())


def host_refusal(environ: Mapping[str, Any]) -> str:
    """Return a sentence that refuses a request (WSGI) to another address than the one that was bound, else ''.

    S3's addresses with the bucket's name in the host are among the refused ones: boto3 and the aws CLI send paths to
    an IP address.
    """
    own = hosts(int(environ["SERVER_PORT"]))
    host = str(environ.get("HTTP_HOST", ""))
    if host.lower() in own:
        return ""
    return f"The Host header is {host[:100]!r}; the rehearsal answers at {own[0]} only, see `rehearse env`"


def origin_refusal(environ: Mapping[str, Any]) -> str:
    """Return a sentence that refuses a request (WSGI) of a page of another origin, else ''; S3 may take it by CORS."""
    origin = environ.get("HTTP_ORIGIN")
    own = [f"http://{host}" for host in hosts(int(environ["SERVER_PORT"]))]
    if origin is None or origin.lower() in own:
        return ""
    return (
        f"The Origin header is {origin[:100]!r}; pages of other origins are not answered, but by a bucket's CORS rule"
    )
