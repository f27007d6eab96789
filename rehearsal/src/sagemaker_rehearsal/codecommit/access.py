"""Steps 3 and 4: authorization of Git's pulls and pushes, and Git's configuration for this cloud.

CodeCommit takes an access key as user name, with `%` and the session token where there is one, and a signature as
password: https://docs.aws.amazon.com/codecommit/latest/userguide/setting-up-https-unixes.html. Here the password is the
secret access key, as Git sends the same one with each request. Git without credentials acts as the administrator where
permissions are not enforced, and is refused where they are.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Iterator, Mapping
from typing import IO, Any, Protocol

from sagemaker_rehearsal.codecommit.repositories import Repository
from sagemaker_rehearsal.iam import enforced, principal_of, require, secret_of
from sagemaker_rehearsal.server import clients
from sagemaker_rehearsal.server.errors import AwsError
from sagemaker_rehearsal.server.service import Host

PULL, PUSH = "codecommit:GitPull", "codecommit:GitPush"
FLUSH = b"0000"


class Address(Protocol):
    """The address of an embedded cloud."""

    @property
    def url(self) -> str:
        """Its address."""

    @property
    def region(self) -> str:
        """Its region."""


def git_environment(cloud: Address, keys: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return environment variables that redirect CodeCommit's addresses (`cloneUrlHttp`) to this cloud in Git.

    https://git-scm.com/docs/git-config#ENVIRONMENT: GIT_CONFIG_COUNT, GIT_CONFIG_KEY_n, GIT_CONFIG_VALUE_n.

    Args:
        cloud: the embedded cloud.
        keys: variables with the caller's keys and session token; those of this process's administrator when None.
    """
    keys = keys or clients.KEYS
    user = "%".join(filter(None, (keys["AWS_ACCESS_KEY_ID"], keys.get("AWS_SESSION_TOKEN"))))
    token = base64.b64encode(f"{user}:{keys['AWS_SECRET_ACCESS_KEY']}".encode()).decode()
    settings = {
        f"url.{cloud.url}/.insteadOf": f"https://git-codecommit.{cloud.region}.amazonaws.com/",
        f"http.{cloud.url}/.extraHeader": f"Authorization: Basic {token}",
    }
    numbered = list(enumerate(settings.items()))
    names = {f"GIT_CONFIG_KEY_{number}": name for number, (name, _) in numbered}
    values = {f"GIT_CONFIG_VALUE_{number}": value for number, (_, value) in numbered}
    return {"GIT_CONFIG_COUNT": str(len(settings)), **names, **values}


def check(cloud: Host, environ: Mapping[str, Any], repository: Repository, service: str, body: IO[bytes]) -> None:
    """Authorize a request of Git: GitPush with `codecommit:References` for each reference, else GitPull.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscodecommit.html

    Raises:
        AwsError: the caller is not allowed, or the access key is unknown.
    """
    user, password = _credentials(environ.get("HTTP_AUTHORIZATION", ""))
    if not user and not enforced(cloud):
        return
    key, _, token = user.partition("%")
    principal = principal_of(key)
    known = principal.kind != "unknown" and principal.token == token
    if enforced(cloud) and not (known and hmac.compare_digest(password.encode(), secret_of(key).encode())):
        raise AwsError("UnrecognizedClientException", "The security token included in the request is invalid.")
    if service == "/git-upload-pack" or "git-upload-pack" in environ.get("QUERY_STRING", ""):
        require(cloud, principal, PULL, repository.arn)
    if service != "/git-receive-pack":
        return  # the references of a push are only in its second request
    for reference in references(body):
        require(cloud, principal, PUSH, repository.arn, {"codecommit:references": (reference,)})


def references(body: IO[bytes]) -> list[str]:
    """Return the references that a push changes; the body is rewound.

    https://git-scm.com/docs/pack-protocol#_reference_update_request_and_packfile_transfer
    """
    body.seek(0)
    rows = [line.partition(b"\0")[0].split(b" ", 2) for line in _lines(body)]
    body.seek(0)
    return [row[2].decode("utf-8", "replace").strip() for row in rows if len(row) == 3]


def _lines(body: IO[bytes]) -> Iterator[bytes]:
    while (length := body.read(4)) not in (b"", FLUSH):
        yield body.read(max(int(length, 16) - 4, 0))


def _credentials(authorization: str) -> tuple[str, str]:
    """Return user and password; empty where there are none."""
    kind, _, token = authorization.partition(" ")
    if kind.lower() != "basic":
        return "", ""
    try:
        user, _, password = base64.b64decode(token).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return user, password
