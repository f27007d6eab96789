"""Steps 4 to 10: point unmodified AWS clients at the embedded cloud, and nowhere else."""

import os
import secrets
import threading
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import boto3
import botocore.session
from botocore.config import Config

# The administrator's, of this process alone, so that nobody else on this machine knows them; no profile or role of the
# machine is ever asked for
KEYS = {
    "AWS_ACCESS_KEY_ID": f"AKIA{secrets.token_hex(8).upper()}",
    "AWS_SECRET_ACCESS_KEY": secrets.token_urlsafe(30),
}
# Of its own, so that no file or variable of this machine has a say; its models are loaded once for all clients
_NOWHERE = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}
session = botocore.session.Session(session_vars=_NOWHERE)
# One for all: each further one would add S3's transfer methods once more, which boto3 refuses
_clients = boto3.session.Session(botocore_session=session)
_making = threading.Lock()


def environment(url: str, region: str, keys: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the variables that point AWS clients to a cloud.

    Args:
        url: where the cloud is.
        region: what requests are signed for.
        keys: variables with the administrator's keys; those of this process's cloud when None.
    """
    return {
        **(keys or KEYS),
        "AWS_ENDPOINT_URL": url,
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }


def client(url: str, region: str, service: str, keys: Mapping[str, str] | None = None, **config: Any) -> Any:  # noqa: ANN401
    """A boto3 client for the cloud at `url`, the same one each time; making one is not thread-safe, using one is.

    Args:
        url: where the cloud is.
        region: what requests are signed for.
        service: botocore's name of the service.
        keys: variables with the caller's access key, secret and session token; the administrator's when None.
        config: settings of `botocore.config.Config`.
    """
    credentials = keys or KEYS
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    chosen = tuple(credentials.get(name) for name in names)
    with _making:
        return _client(url, region, service, chosen, tuple(sorted(config.items())))


@lru_cache(maxsize=256)
def _client(
    url: str, region: str, service: str, keys: tuple[str | None, ...], config: tuple[tuple[str, Any], ...]
) -> Any:  # noqa: ANN401 (boto3 clients have no type)
    settings = {"connect_timeout": 5, "read_timeout": 120, "proxies": {}, "retries": {"total_max_attempts": 1}}
    settings["max_pool_connections"] = 50
    chosen = Config(**{**settings, **dict(config)})
    return _clients.client(service, region, None, True, None, url, *keys, config=chosen)
