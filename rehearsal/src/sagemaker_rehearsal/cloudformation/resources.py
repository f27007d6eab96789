"""Steps 7 and 10: make CloudFormation resources through the boto3 operation that AWS itself calls for them.

One generic class serves every type in the table: botocore's input shape turns properties into parameters. Types that
are not in the table go to moto's own models; types that neither knows fail the stack.
"""

import secrets
import string
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from botocore.model import Shape
from moto.cloudformation import parsing

from sagemaker_rehearsal.server import protocols
from sagemaker_rehearsal.server.registry import ACCOUNT

if TYPE_CHECKING:
    from sagemaker_rehearsal.server.cloud import Cloud

Properties = Mapping[str, Any]
WAIT_SECONDS = 180.0


class ResourceError(Exception):
    """A resource could not be made, changed or removed; the message is the event's reason.

    Args:
        reason: the message.
        left: what there is of the resource nevertheless: when the stack rolls back, it is removed or changed back.
    """

    def __init__(self, reason: str, left: "Resource | None" = None) -> None:
        super().__init__(reason)
        self.left = left


@dataclass
class Resource:
    """A resource that exists. The attributes have moto's names, because moto lists resources by them."""

    cf_resource_type: str
    logical_resource_id: str
    physical_resource_id: str
    properties: Properties
    attributes: Mapping[str, str] = field(default_factory=dict)
    request: Properties = field(default_factory=dict)
    native: Any = None

    def get_cfn_attribute(self, name: str) -> Any:  # noqa: ANN401 (moto's signature)
        """Answer Fn::GetAtt."""
        if self.native is not None:
            return self.native.get_cfn_attribute(name)
        if name not in self.attributes:
            kind = self.cf_resource_type
            raise ResourceError(f"Template error: resource {self.logical_resource_id} ({kind}) has no attribute {name}")
        return self.attributes[name]

    def is_created(self) -> bool:
        """Resources are listed when they exist."""
        return True


@dataclass(frozen=True)
class ResourceType:
    """How a type is made.

    Attributes:
        name: e.g. `AWS::SageMaker::Model`.
        service: botocore's name of the service.
        create: the operation, in boto3's spelling.
        update: the operation for changes in place; None replaces the resource.
        delete: the operation.
        named: the property that names it; CloudFormation makes a name where it is absent.
        fixed: properties whose change replaces the resource.
        ref: gives the physical id from request and answer.
        attributes: gives what Fn::GetAtt can ask for.
        delete_request: gives the parameters of the delete operation.
        prepare: turns properties into parameters, where they differ.
        besides: calls what AWS's handler calls beside the operation that makes or changes it.
        ready: raises until the resource is usable: returns True when it is.
    """

    name: str
    service: str
    create: str
    delete: str
    ref: Callable[[Properties, Properties], str]
    delete_request: Callable[[Properties], Properties]
    update: str | None = None
    named: str = ""
    fixed: frozenset[str] = frozenset()
    attributes: Callable[[Properties, Properties], dict[str, str]] = lambda request, answer: {}
    prepare: Callable[[Properties], Properties] = lambda properties: properties
    besides: Callable[["Cloud", Properties], None] = lambda cloud, request: None
    ready: Callable[["Cloud", Properties], bool] = lambda cloud, request: True


TYPES: dict[str, ResourceType] = {}
# Handlers for types that no single operation makes, e.g. custom resources: by type, or by "Custom::"
Handler = Any
HANDLERS: dict[str, Handler] = {}


def register(kind: ResourceType) -> None:
    """Add a type, in the place of moto's model of it if there is one."""
    TYPES[kind.name] = kind


def known(kind: str) -> bool:
    """Tell whether a type can be made: by us, or by moto's model of it."""
    own = kind in TYPES or kind in HANDLERS or (kind.startswith("Custom::") and "Custom::" in HANDLERS)
    return own or (not kind.startswith("Custom::") and parsing.resource_class_from_type(kind) is not None)


class Provider:
    """Makes, changes and removes resources of all types."""

    def __init__(self, cloud: "Cloud", region: str) -> None:
        self._cloud = cloud
        self._region = region

    def create(self, stack: str, stack_id: str, logical: str, kind: str, properties: Properties) -> Resource:
        """Make a resource and wait until it is usable.

        Raises:
            ResourceError: with the reason.
        """
        if kind in TYPES:
            return self._generic(TYPES[kind], logical, properties, TYPES[kind].create)
        handler = HANDLERS.get(kind) or (HANDLERS.get("Custom::") if kind.startswith("Custom::") else None)
        if handler:
            return handler.create(self._cloud, stack_id, logical, kind, properties)  # type: ignore[no-any-return]
        return self._native(stack, stack_id, logical, kind, properties)

    def update(self, stack: str, stack_id: str, old: Resource, properties: Properties) -> Resource:
        """Change a resource in place, or make another; the caller removes the old one if the physical ids differ.

        Raises:
            ResourceError: with the reason.
        """
        kind, logical = old.cf_resource_type, old.logical_resource_id
        chosen = TYPES.get(kind)
        if chosen is None:
            handler = HANDLERS.get(kind) or (HANDLERS.get("Custom::") if kind.startswith("Custom::") else None)
            if handler:
                return handler.update(self._cloud, stack_id, old, properties)  # type: ignore[no-any-return]
            return self._native_update(stack, old, properties)
        changed = {key for key in {*old.properties, *properties} if old.properties.get(key) != properties.get(key)}
        if chosen.update is None or changed & chosen.fixed:
            named = properties.get(chosen.named) if chosen.named else None
            if named and named == old.properties.get(chosen.named):
                raise ResourceError(
                    f"CloudFormation cannot update a stack when a custom-named resource requires replacing. "
                    f"Rename {named} and update the stack again."
                )
            return self._generic(chosen, logical, properties, chosen.create)
        return self._generic(chosen, logical, properties, chosen.update, old)

    def delete(self, resource: Resource) -> None:
        """Remove a resource; one that is gone already is no error.

        Raises:
            ResourceError: with the reason.
        """
        kind = TYPES.get(resource.cf_resource_type)
        handler = HANDLERS.get(resource.cf_resource_type) or HANDLERS.get("Custom::")
        try:
            if kind:
                self._call(kind.service, kind.delete, kind.delete_request(resource.request))
            elif handler and resource.native is None:
                handler.delete(self._cloud, resource)
            else:
                _native_delete(resource, self._region)
        except ClientError as error:
            text = str(error)
            if not any(
                sign in text for sign in ("Could not find", "NotFound", "does not exist", "NoSuch", "not found")
            ):
                raise ResourceError(text) from error

    def _call(self, service: str, operation: str, request: Properties) -> dict[str, Any]:
        client = self._cloud.client(service)
        return dict(getattr(client, operation)(**request))

    def _generic(
        self, kind: ResourceType, logical: str, properties: Properties, operation: str, old: Resource | None = None
    ) -> Resource:
        given = dict(kind.prepare(properties))
        if kind.named:
            given.setdefault(kind.named, old.request[kind.named] if old else f"{logical[:40]}-{_random(12)}")
        model = protocols.service_model(kind.service)
        assert model is not None  # noqa: S101 (the table names services that exist)
        client = self._cloud.client(kind.service)
        shape = model.operation_model(client.meta.method_to_api_mapping[operation]).input_shape
        extraneous = [] if old else sorted(set(given) - set(shape.members))
        if extraneous:
            said = f"extraneous key [{extraneous[0]}] is not permitted"
            raise ResourceError(f"Properties validation failed for resource {logical}: {said}")
        request = {key: cast(shape.members[key], value) for key, value in given.items() if key in shape.members}
        try:
            answer = self._call(kind.service, operation, request)
            whole = {**(old.request if old else {}), **request}
            kind.besides(self._cloud, whole)
            self._await(kind, whole)
        except ClientError as error:
            raise ResourceError(str(error)) from error
        physical = old.physical_resource_id if old else kind.ref(whole, answer)
        attributes = {**(old.attributes if old else {}), **kind.attributes(whole, answer)}
        return Resource(kind.name, logical, physical, properties, attributes, whole)

    def _await(self, kind: ResourceType, request: Properties) -> None:
        deadline = time.monotonic() + WAIT_SECONDS
        while not kind.ready(self._cloud, request):
            if time.monotonic() > deadline:
                raise ResourceError(f"{kind.name} was not ready within {WAIT_SECONDS:.0f} s")
            time.sleep(0.1)

    def _native(self, stack: str, stack_id: str, logical: str, kind: str, properties: Properties) -> Resource:
        model = parsing.resource_class_from_type(kind)
        if model is None or kind.startswith("Custom::"):
            raise ResourceError(f"Template error: the rehearsal does not know the type {kind}; see docs/parity.md")
        name = _name(kind, stack, logical, properties)
        marks = {"LogicalId": logical, "StackId": stack_id, "ResourceType": kind}
        body = {"Type": kind, "Properties": dict(properties)}
        try:
            native = model.create_from_cloudformation_json(name, body, ACCOUNT, self._region, **marks)
        except Exception as error:  # moto's models raise whatever their services raise
            raise ResourceError(f"{kind}: {error}") from error
        return _wrapped(native, kind, logical, properties)

    def _native_update(self, stack: str, old: Resource, properties: Properties) -> Resource:
        kind, logical = old.cf_resource_type, old.logical_resource_id
        model = parsing.resource_class_from_type(kind)
        name = _name(kind, stack, logical, properties)
        body = {"Type": kind, "Properties": dict(properties)}
        try:
            native = model.update_from_cloudformation_json(old.native, name, body, ACCOUNT, self._region)
        except Exception as error:  # as above
            raise ResourceError(f"{kind}: {error}") from error
        return _wrapped(native, kind, logical, properties) if native is not None else old


def _name(kind: str, stack: str, logical: str, properties: Properties) -> str:
    given = properties.get(parsing.resource_name_property_from_type(kind) or "")
    return str(given or parsing.generate_resource_name(kind, stack, logical))


def _wrapped(native: Any, kind: str, logical: str, properties: Properties) -> Resource:  # noqa: ANN401 (moto's models)
    native.logical_resource_id, native.cf_resource_type = logical, kind
    return Resource(kind, logical, native.physical_resource_id, properties, native=native)


def _native_delete(resource: Resource, region: str) -> None:
    body = {"Type": resource.cf_resource_type, "Properties": dict(resource.properties)}
    try:
        model = parsing.resource_class_from_type(resource.cf_resource_type)
        model.delete_from_cloudformation_json(resource.physical_resource_id, body, ACCOUNT, region)
    except Exception as error:  # moto's models raise whatever their services raise
        raise ResourceError(f"{resource.cf_resource_type}: {error}") from error


def cast(shape: Shape, value: Any) -> Any:  # noqa: ANN401 (JSON)
    """Turn a template's value, often text, into what the operation's shape asks for.

    Raises:
        ResourceError: when it cannot be.
    """
    try:
        if shape.type_name == "structure":
            return {key: cast(shape.members[key], item) for key, item in value.items() if item is not None}
        if shape.type_name == "map":
            return {key: cast(shape.value, item) for key, item in value.items()}
        if shape.type_name == "list":
            return [cast(shape.member, item) for item in value if item is not None]
        if shape.type_name in ("integer", "long"):
            return int(value)
        if shape.type_name in ("float", "double"):
            return float(value)
        if shape.type_name == "boolean":
            return value if isinstance(value, bool) else {"true": True, "false": False}[str(value).lower()]
        return str(value) if shape.type_name == "string" else value
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ResourceError(f"Properties validation failed: {value!r} is no {shape.type_name} ({error})") from error


def _random(length: int) -> str:
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(length))
