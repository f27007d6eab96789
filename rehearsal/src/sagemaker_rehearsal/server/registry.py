"""Steps 4 to 10: the operations that the rehearsal answers itself; every other one goes to moto.

Another package adds its own by decorating functions, and passes its module's name to `Cloud(plugins=[...])`:

    @operation("codebuild", "StartBuild")
    def start_build(call: Call) -> dict[str, Any]:
        ...
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.model import OperationModel

if TYPE_CHECKING:
    from sagemaker_rehearsal.server.cloud import Cloud
    from sagemaker_rehearsal.server.protocols import Wire

ACCOUNT = "123456789012"


@dataclass(frozen=True)
class Call:
    """One request, parsed and valid.

    Attributes:
        cloud: the embedded cloud, with its state.
        service: botocore's name of the service.
        operation: the operation as AWS spells it.
        params: the parameters as boto3 takes them.
        region: from the signature.
        access_key: whose request it is.
        to_moto: lets moto answer, with other parameters if given; returns the parsed answer (JSON services).
        token: of the session, if the key is one's.
    """

    cloud: "Cloud"
    service: str
    operation: str
    params: Mapping[str, Any]
    region: str
    access_key: str
    to_moto: Callable[..., dict[str, Any]]
    token: str = ""

    @property
    def keys(self) -> dict[str, str]:
        """What a service needs to make further requests in its caller's name; nobody checks a signature here."""
        token = {"AWS_SESSION_TOKEN": self.token} if self.token else {}
        return {"AWS_ACCESS_KEY_ID": self.access_key, "AWS_SECRET_ACCESS_KEY": "rehearsal", **token}

    def arn(self, kind: str, name: str) -> str:
        """Give the ARN of a resource of this service."""
        return f"arn:aws:{self.service}:{self.region}:{ACCOUNT}:{kind}/{name}"


# Starts a session of a role: the cloud, the role's ARN, the session's name, the principal of the service that asks;
# gives its keys as environment variables
SessionOf = Callable[["Cloud", str, str, str], Mapping[str, str]]
_sessions: list[SessionOf] = []


def sessions(function: SessionOf) -> SessionOf:
    """Register how services start sessions of roles; without it they act as whoever calls them."""
    _sessions[:] = [function]
    return function


def keys_of(call: Call, role_arn: str | None, name: str) -> Mapping[str, str]:
    """Give the keys with which a service acts for a call: a role's session where it was given a role."""
    return role_keys(call.cloud, role_arn, name, f"{call.service}.amazonaws.com") or call.keys


def role_keys(cloud: "Cloud", role_arn: str | None, name: str, service: str) -> Mapping[str, str] | None:
    """Give the keys of a role's session; None where there is no role, or nobody who starts sessions."""
    return _sessions[0](cloud, role_arn, name, service) if role_arn and _sessions else None


Handler = Callable[[Call], "dict[str, Any] | None"]
OPERATIONS: dict[tuple[str, str], Handler] = {}
# By botocore's name of the service: checks a request and raises AwsError, for a service that has an error code for each
# rule (CodeCommit: InvalidRepositoryNameException); all others answer ValidationException
VALIDATORS: dict[str, Callable[[OperationModel, Mapping[str, Any]], None]] = {}
# Hold requests to S3, which moto answers, to what moto lets pass; each raises AwsError
CHECKS: list[Callable[["Wire"], None]] = []


def operation(service: str, *names: str) -> Callable[[Handler], Handler]:
    """Register a function as the answer to operations of a service (botocore's name, AWS's spelling).

    The function returns the answer as boto3 gives it, or None for an empty one, and raises AwsError. To let moto
    answer, it calls `call.to_moto()`.
    """

    def register(handler: Handler) -> Handler:
        for name in names:
            OPERATIONS[service, name] = handler
        return handler

    return register
