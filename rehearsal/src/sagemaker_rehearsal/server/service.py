"""What a service of the embedded cloud consists of, and what it needs of the cloud.

A room exports its service as a value, and `Cloud(services=[...])` takes the values that an account has:

    @operation("codebuild", "StartBuild")
    def start_build(call: Call) -> dict[str, Any]:
        ...

    SERVICE = Service("codebuild", operations=collect(operations))
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol, TypeVar

from botocore.model import OperationModel

from sagemaker_rehearsal.processes import Processes
from sagemaker_rehearsal.server.protocols import Wire

ACCOUNT = "123456789012"
State = TypeVar("State")


class Guard(Protocol):
    """Decides who may do what; each method raises AwsError for what is denied."""

    def authorize(self, request: Wire, operation: OperationModel | None, params: Mapping[str, Any]) -> None:
        """Check a request; `operation` is None for S3, and for what botocore does not know."""

    def secret_of(self, access_key: str) -> str:
        """Return the secret with which requests of an access key are signed."""

    def permit(self, access_key: str, service: str, operation: str, params: Mapping[str, Any]) -> None:
        """Check a request that a service makes with a role's key, and that no client sends, as a job's start."""

    def require_trust(self, role_arn: str, service: str, source_arn: str) -> None:
        """Check that a role trusts a service, which acts for one of its resources."""


class Host(Protocol):
    """The cloud, as far as services need it."""

    region: str
    state: Path
    options: dict[str, Any]
    processes: Processes
    guard: Guard | None

    @property
    def url(self) -> str:
        """The address that clients use."""

    @property
    def resource_types(self) -> Mapping[str, Any]:
        """The resource types of CloudFormation, by name."""

    def environment(self) -> dict[str, str]:
        """Return the variables that point AWS clients here."""

    def client(self, service: str, **config: Any) -> Any:  # noqa: ANN401 (boto3 clients have no type)
        """Return a boto3 client of whoever acts in this thread."""

    def acting(self, keys: Mapping[str, str] | None) -> AbstractContextManager[None]:
        """Make requests of this thread with other keys; None is the administrator."""

    def state_of(self, factory: "Callable[[Host], State]") -> State:
        """Return what a service keeps for this cloud; the factory makes it once."""

    def role_keys(self, role_arn: str | None, name: str, service: str) -> Mapping[str, str] | None:
        """Return the keys of a role's session; None where there is no role, or no service that starts sessions."""

    def tags_of(self, arn: str) -> Mapping[str, str] | None:
        """Return the tags of a resource that one of our services keeps; None for the others."""


@dataclass(frozen=True)
class Call:
    """One request, parsed and valid.

    Attributes:
        cloud: the embedded cloud.
        service: botocore's name of the service.
        operation: the operation as AWS spells it.
        params: the parameters as boto3 takes them.
        region: from the signature.
        access_key: whose request it is.
        to_moto: lets moto answer, with other parameters if given; returns the parsed answer (JSON services).
        token: of the session, if the key is one's.
    """

    cloud: Host
    service: str
    operation: str
    params: Mapping[str, Any]
    region: str
    access_key: str
    to_moto: Callable[..., dict[str, Any]]
    token: str = ""

    @property
    def keys(self) -> dict[str, str]:
        """The keys with which a service makes further requests in its caller's name."""
        secret = self.cloud.guard.secret_of(self.access_key) if self.cloud.guard else "not verified"
        token = {"AWS_SESSION_TOKEN": self.token} if self.token else {}
        return {"AWS_ACCESS_KEY_ID": self.access_key, "AWS_SECRET_ACCESS_KEY": secret, **token}

    def arn(self, kind: str, name: str) -> str:
        """Return the ARN of a resource of this service."""
        return f"arn:aws:{self.service}:{self.region}:{ACCOUNT}:{kind}/{name}"


def keys_of(call: Call, role_arn: str | None, name: str) -> Mapping[str, str]:
    """Return the keys with which a service acts for a call: a role's session where it was given a role."""
    return call.cloud.role_keys(role_arn, name, f"{call.service}.amazonaws.com") or call.keys


Handler = Callable[[Call], "dict[str, Any] | None"]
Operations = Mapping[tuple[str, str], Handler]
# Checks a request and raises AwsError
Validator = Callable[[OperationModel, Mapping[str, Any]], None]
# Checks a request to S3, which moto answers, for what moto lets pass; raises AwsError
Check = Callable[[Wire], None]
# A WSGI application of a cloud
Route = Callable[[Host, dict[str, Any], Callable[..., Any]], Iterable[bytes]]
# Starts a session of a role: the cloud, the role's ARN, the session's name, the principal of the service that asks;
# returns its keys as environment variables
RoleKeys = Callable[[Host, str, str, str], Mapping[str, str]]
TagsOf = Callable[[Host, str], "Mapping[str, str] | None"]


class Named(Protocol):
    """A resource type of CloudFormation, as far as the cloud knows it."""

    @property
    def name(self) -> str:
        """E.g. `AWS::SNS::Topic`."""


@dataclass(frozen=True)
class Service:
    """What one room offers.

    Attributes:
        name: the room's.
        operations: by botocore's name of the service and AWS's of the operation; moto answers every other one.
        validators: by botocore's name of the service, where it has an error code for each rule (CodeCommit:
            InvalidRepositoryNameException); the others answer ValidationException.
        checks: of requests to S3.
        resource_types: of CloudFormation, in the place of moto's.
        routes: by prefix, paths that are no AWS API.
        role_keys: starts sessions of roles; without it services act as whoever calls them.
        tags_of: returns the tags of a resource that moto does not have, by its ARN.
        stop: ends what runs in the background.
    """

    name: str
    operations: Operations = field(default_factory=dict)
    validators: Mapping[str, Validator] = field(default_factory=dict)
    checks: Sequence[Check] = ()
    resource_types: Sequence[Named] = ()
    routes: Mapping[str, Route] = field(default_factory=dict)
    role_keys: RoleKeys | None = None
    tags_of: TagsOf | None = None
    stop: Callable[[Host], None] = lambda cloud: None


def operation(service: str, *names: str) -> Callable[[Handler], Handler]:
    """Mark a function as the answer to operations of a service (botocore's name, AWS's spelling); see `collect`.

    The function returns the answer as boto3 gives it, or None for an empty one, and raises AwsError. To let moto
    answer, it calls `call.to_moto()`.
    """

    def mark(handler: Handler) -> Handler:
        handler.answers = tuple((service, name) for name in names)  # type: ignore[attr-defined]
        return handler

    return mark


def collect(*modules: ModuleType) -> dict[tuple[str, str], Handler]:
    """Return the functions of modules that are marked as operations."""
    functions = [function for module in modules for function in vars(module).values()]
    return {key: function for function in functions for key in getattr(function, "answers", ()) if callable(function)}
