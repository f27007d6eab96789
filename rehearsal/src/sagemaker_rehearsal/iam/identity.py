"""All steps: callers: sessions of roles, clients with their credentials, and the principal of an access key.

Sessions are created in moto's STS, so that GetCallerIdentity returns them. `enforcement` allows or denies.
"""

import secrets
import threading
from dataclasses import dataclass, replace
from typing import Any

from moto.core.base_backend import BackendDict
from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from sagemaker_rehearsal.server import backends, clients
from sagemaker_rehearsal.server.clients import KEYS
from sagemaker_rehearsal.server.service import ACCOUNT, Host

# The longest duration of a role's session: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use.html
SESSION_SECONDS = 43200


@dataclass(frozen=True)
class Principal:
    """The caller of a request.

    Attributes:
        kind: `administrator`, `role`, `user`, or `unknown` for an access key that does not exist.
        arn: as in AWS's messages and `sts:GetCallerIdentity`.
        entity_arn: the role's or user's own ARN, which is the condition key `aws:PrincipalArn`.
        session: the session's name.
        token: the session token that must accompany the access key.
        policy: the session policy, JSON, or empty.
        called_via: services that forward a request on this caller's behalf, the first one first (`aws:CalledVia`).
    """

    kind: str
    arn: str
    entity_arn: str = ""
    session: str = ""
    token: str = ""
    policy: str = ""
    called_via: tuple[str, ...] = ()


ADMINISTRATOR = Principal("administrator", f"arn:aws:iam::{ACCOUNT}:root", f"arn:aws:iam::{ACCOUNT}:root")
UNKNOWN = Principal("unknown", "")
_lock = threading.Lock()
_sessions: dict[str, tuple[Principal, str]] = {}  # access key -> principal, secret
_keys: dict[tuple[str, str, str], dict[str, str]] = {}  # (address, role, session) -> environment variables


def keys_for(cloud: Host, role_arn: str, session: str, service: str = "", source_arn: str = "") -> dict[str, str]:
    """Start a session of a role, as a service does that assumes it.

    Args:
        cloud: the embedded cloud.
        role_arn: the role.
        session: the session's name; each AWS service has its own form.
        service: e.g. `codebuild.amazonaws.com`; when empty, any service that the role trusts.
        source_arn: the resource on whose behalf the service assumes the role (`aws:SourceArn`).

    Returns:
        The variables AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN.

    Raises:
        AwsError: when permissions are enforced, and the role does not exist or does not trust the service.
    """
    if cloud.guard:
        cloud.guard.require_trust(role_arn, service, source_arn)
    assumed = begin(cloud, role_arn, session)
    return variables(assumed.access_key_id, assumed.secret_access_key, assumed.session_token)


def variables(access_key: str, secret: str, token: str) -> dict[str, str]:
    """Return the environment variables of credentials."""
    return {"AWS_ACCESS_KEY_ID": access_key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": token}


def on_behalf(access_key: str, service: str) -> dict[str, str]:
    """Return credentials with which a service forwards a caller's requests, as CloudFormation without a role does.

    The caller's policies apply to them, with `aws:CalledVia`.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/access_forward_access_sessions.html
    """
    principal = principal_of(access_key)
    if principal.kind in ("administrator", "unknown"):
        return dict(KEYS) if principal is ADMINISTRATOR else variables(access_key, "", "")
    forwarded = replace(principal, called_via=(*principal.called_via, service), token=secrets.token_hex(16))
    forwarded_key, secret = f"ASIA{secrets.token_hex(8).upper()}", secrets.token_urlsafe(30)
    with _lock:
        _sessions[forwarded_key] = (forwarded, secret)
    return variables(forwarded_key, secret, forwarded.token)


def begin(cloud: Host, role_arn: str, session: str, policy: str = "") -> Any:  # noqa: ANN401 (moto's AssumedRole)
    """Start a session in moto's STS and record its principal."""
    name = session[:64]
    with backends.alone():
        assumed = sts_backends[ACCOUNT]["aws"].assume_role(cloud.region, name, role_arn, policy, SESSION_SECONDS, "")
    principal = Principal("role", assumed.arn, role_arn, name, assumed.session_token, policy)
    with _lock:
        _sessions[assumed.access_key_id] = (principal, assumed.secret_access_key)
    return assumed


def client_as(cloud: Host, role_arn: str, session: str, service: str) -> Any:  # noqa: ANN401 (boto3 has no type)
    """Return a boto3 client with credentials of a role, whose session is reused.

    Raises:
        AwsError: as `keys_for`.
    """
    who = (cloud.url, role_arn, session)
    keys = _keys.get(who) or keys_for(cloud, role_arn, session)
    with _lock:
        keys = _keys.setdefault(who, keys)
    return clients.client(cloud.url, cloud.region, service, keys)


def principal_of(access_key: str) -> Principal:
    """Return the principal of an access key; the rehearsal's own key is the administrator's, who may do everything."""
    if access_key == KEYS["AWS_ACCESS_KEY_ID"]:
        return ADMINISTRATOR
    known = _sessions.get(access_key)
    return known[0] if known else _user_of(access_key)


def secret_of(access_key: str) -> str:
    """Return the secret of an access key; empty for a key that does not exist."""
    if access_key == KEYS["AWS_ACCESS_KEY_ID"]:
        return KEYS["AWS_SECRET_ACCESS_KEY"]
    session = _sessions.get(access_key)
    if session:
        return session[1]
    backends: BackendDict[Any] = iam_backends
    user = backends[ACCOUNT]["aws"].get_user_from_access_key_id(access_key)
    keys = user.access_keys if user else ()
    return next((str(key.secret_access_key) for key in keys if key.access_key_id == access_key), "")


def _user_of(access_key: str) -> Principal:
    users: BackendDict[Any] = iam_backends
    with backends.alone():
        user = users[ACCOUNT]["aws"].get_user_from_access_key_id(access_key)
    return Principal("user", user.arn, user.arn) if user else UNKNOWN
