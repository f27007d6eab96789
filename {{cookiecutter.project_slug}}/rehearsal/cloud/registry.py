"""Steps 4 to 10: the operations that the rehearsal answers itself; every other one goes to moto.

Another package adds its own by decorating functions, and passes its module's name to `Cloud(plugins=[...])`:

    @operation("codebuild", "StartBuild")
    def start_build(call: Call) -> dict[str, Any]:
        ...
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rehearsal.cloud.cloud import Cloud

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
    """

    cloud: "Cloud"
    service: str
    operation: str
    params: Mapping[str, Any]
    region: str
    access_key: str
    to_moto: Callable[..., dict[str, Any]]

    def arn(self, kind: str, name: str) -> str:
        """Give the ARN of a resource of this service."""
        return f"arn:aws:{self.service}:{self.region}:{ACCOUNT}:{kind}/{name}"


Handler = Callable[[Call], "dict[str, Any] | None"]
OPERATIONS: dict[tuple[str, str], Handler] = {}


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
