"""Steps 1 to 3, 7 and 10: the resource types that one boto3 operation makes: the one that AWS itself calls for them.

botocore's input shape turns properties into parameters.
"""

import time
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from botocore import xform_name
from botocore.model import Shape

from sagemaker_rehearsal.cloudformation.properties import cast
from sagemaker_rehearsal.cloudformation.resources import (
    Made,
    Properties,
    Resource,
    ResourceError,
    ResourceType,
    require_known,
)
from sagemaker_rehearsal.server import protocols
from sagemaker_rehearsal.server.service import ACCOUNT, Host

WAIT_SECONDS = 180.0


@dataclass(frozen=True, kw_only=True)
class ApiType(ResourceType):
    """How a type is made.

    Attributes:
        name: e.g. `AWS::SageMaker::Model`.
        service: botocore's name of the service.
        create_operation: the operation, in boto3's spelling.
        update_operation: the operation for changes in place; None replaces the resource.
        delete_operation: the operation.
        named: the property that names it; CloudFormation makes a name where it is absent.
        longest: the longest name that it makes.
        fixed: properties whose change replaces the resource.
        ref: returns the physical id, from request and answer.
        attributes: returns what Fn::GetAtt can refer to, from request and answer.
        delete_request: returns the parameters of the operation that removes it.
        prepare: turns properties into parameters, where they differ.
        arn: the end of its ARN, with members of the request, where the answer does not have it: `alarm:{AlarmName}`.
        besides: calls what AWS's handler calls beside the operation that makes or changes it.
        ready: returns whether the resource is usable, or raises ResourceError.
    """

    name: str
    service: str
    create_operation: str
    delete_operation: str
    ref: Callable[[Properties, Properties], str]
    delete_request: Callable[[Properties], Properties]
    update_operation: str | None = None
    named: str = ""
    longest: int = 63
    fixed: frozenset[str] = frozenset()
    attributes: Callable[[Properties, Properties], Mapping[str, str]] = lambda request, answer: {}
    arn: str = ""
    prepare: Callable[[Properties], Properties] = lambda properties: properties
    besides: Callable[[Host, Properties], None] = lambda cloud, request: None
    ready: Callable[[Host, Properties], bool] = lambda cloud, request: True

    def replaces(self, changed: Set[str]) -> bool:
        """Return whether a change of these properties makes another resource."""
        return self.update_operation is None or bool(changed & self.fixed)

    def check(self, logical: str, properties: Properties) -> None:
        """Check that the operation takes every property."""
        require_known(self.name, logical, self.prepare(properties), _members(self.service, self.create_operation))

    def make(self, cloud: Host, name: str, properties: Properties) -> Made:
        """Make a resource and wait until it is usable."""
        request = self._request(name, properties)
        answer = self._call(cloud, self.create_operation, request)
        self._settle(cloud, request)
        return self.ref(request, answer), self._attributes(cloud, request, answer)

    def change(self, cloud: Host, old: Resource, name: str, properties: Properties) -> Mapping[str, str]:
        """Change a resource in place and wait until it is usable."""
        assert self.update_operation is not None  # noqa: S101 (else it is replaced)
        request, members = self._request(name, properties), _members(self.service, self.update_operation)
        changes = {key: value for key, value in request.items() if key in members}
        answer = self._call(cloud, self.update_operation, changes)
        self._settle(cloud, request)
        return {**old.attributes, **self._attributes(cloud, request, answer)}

    def remove(self, cloud: Host, old: Resource) -> None:
        """Remove a resource."""
        request = self._request(str(old.request["name"]), old.properties)
        self._call(cloud, self.delete_operation, self.delete_request(request))

    def _request(self, name: str, properties: Properties) -> Properties:
        members = _members(self.service, self.create_operation)
        parameters = {**({self.named: name} if self.named else {}), **self.prepare(properties)}
        return {key: cast(members[key], value) for key, value in parameters.items() if key in members}

    def _call(self, cloud: Host, operation: str, request: Properties) -> dict[str, Any]:
        return dict(getattr(cloud.client(self.service), operation)(**request))

    def _attributes(self, cloud: Host, request: Properties, answer: Properties) -> Mapping[str, str]:
        arn = f"arn:aws:{self.service}:{cloud.region}:{ACCOUNT}:{self.arn.format(**request)}"
        return {**self.attributes(request, answer), **({"Arn": arn} if self.arn else {})}

    def _settle(self, cloud: Host, request: Properties) -> None:
        """Do what is done beside the operation, then wait until the resource is usable."""
        self.besides(cloud, request)
        deadline = time.monotonic() + WAIT_SECONDS
        while not self.ready(cloud, request):
            if time.monotonic() > deadline:
                raise ResourceError(f"{self.name} was not ready within {WAIT_SECONDS:.0f} s")
            time.sleep(0.1)


@lru_cache(maxsize=64)
def _members(service: str, operation: str) -> Mapping[str, Shape]:
    """Return the parameters of an operation, by their names."""
    model = protocols.service_model(service)
    assert model is not None  # noqa: S101 (the types name services that exist)
    api_name = next(name for name in model.operation_names if xform_name(name) == operation)
    members: Mapping[str, Shape] = model.operation_model(api_name).input_shape.members
    return members
