"""Steps 4 to 10: point unmodified AWS clients at the embedded cloud, and nowhere else."""

import os
import threading
from functools import lru_cache
from typing import Any

import boto3
import botocore.session
from botocore.config import Config

# Placeholders: no profile or role of this machine is ever asked for
KEYS = {"AWS_ACCESS_KEY_ID": "REHEARSAL", "AWS_SECRET_ACCESS_KEY": "rehearsal"}
# Of its own, so that no file or variable of this machine has a say; its models are loaded once for all clients
_NOWHERE = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}
session = botocore.session.Session(session_vars=_NOWHERE)
_making = threading.Lock()


def environment(url: str, region: str) -> dict[str, str]:
    """The variables that point AWS clients to a cloud at `url`."""
    return {
        **KEYS,
        "AWS_ENDPOINT_URL": url,
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }


def client(url: str, region: str, service: str, **config: Any) -> Any:  # noqa: ANN401 (boto3 clients have no type)
    """A boto3 client for the cloud at `url`, the same one each time; making one is not thread-safe, using one is."""
    with _making:
        return _client(url, region, service, tuple(sorted(config.items())))


@lru_cache(maxsize=64)
def _client(url: str, region: str, service: str, config: tuple[tuple[str, Any], ...]) -> Any:  # noqa: ANN401
    keys = (KEYS["AWS_ACCESS_KEY_ID"], KEYS["AWS_SECRET_ACCESS_KEY"])
    made = boto3.session.Session(*keys, region_name=region, botocore_session=session)
    settings = {"connect_timeout": 5, "read_timeout": 120, "proxies": {}, "retries": {"total_max_attempts": 1}}
    settings["max_pool_connections"] = 50
    return made.client(service, endpoint_url=url, config=Config(**{**settings, **dict(config)}))
