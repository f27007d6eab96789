"""Steps 1 to 3, 7 and 10: make, change and remove resources of all types: ours, and moto's own models.

Types that neither knows fail the stack.
"""

from typing import Any

from botocore.exceptions import ClientError
from moto.cloudformation import parsing

from sagemaker_rehearsal.cloudformation import dynamic_references
from sagemaker_rehearsal.cloudformation.reading import plain
from sagemaker_rehearsal.cloudformation.resources import (
    CUSTOM,
    Properties,
    Resource,
    ResourceError,
    explained,
    type_of,
)
from sagemaker_rehearsal.server.backends import alone
from sagemaker_rehearsal.server.service import ACCOUNT, Host

# In a service's words: what was to be removed is gone already
_ABSENT = ("Could not find", "NotFound", "does not exist", "NoSuch", "not found")


def known(cloud: Host, kind: str) -> bool:
    """Return whether a type can be made: by us, or by moto's model of it."""
    if kind.startswith(CUSTOM):
        return type_of(cloud.resource_types, kind) is not None
    return type_of(cloud.resource_types, kind) is not None or parsing.resource_class_from_type(kind) is not None


class Provider:
    """Makes, changes and removes resources of all types."""

    def __init__(self, cloud: Host, region: str) -> None:
        self._cloud = cloud
        self._region = region

    def dynamic(self, kind: str, properties: Properties) -> Properties:
        """Return a resource's properties with every dynamic reference resolved.

        Raises:
            ResourceError: one cannot be.
        """
        resolved: Properties = dynamic_references.resolve(self._cloud, kind, properties)
        return resolved

    def create(self, stack: str, stack_id: str, logical: str, kind: str, properties: Properties) -> Resource:
        """Make a resource and wait until it is usable.

        Raises:
            ResourceError: with the reason.
        """
        own = type_of(self._cloud.resource_types, kind)
        if own:
            return own.create(self._cloud, stack_id, logical, kind, properties)
        return self._native(stack, stack_id, logical, kind, properties)

    def update(self, stack: str, stack_id: str, old: Resource, properties: Properties) -> Resource:
        """Change a resource in place, or make another; the caller removes the old one if the physical ids differ.

        Raises:
            ResourceError: with the reason.
        """
        own = type_of(self._cloud.resource_types, old.cf_resource_type)
        return (
            own.update(self._cloud, stack_id, old, properties) if own else self._native_update(stack, old, properties)
        )

    def delete(self, resource: Resource) -> None:
        """Remove a resource; one that is gone already is no error.

        Raises:
            ResourceError: with the reason.
        """
        own = type_of(self._cloud.resource_types, resource.cf_resource_type)
        try:
            if own:
                own.delete(self._cloud, resource)
            else:
                _native_delete(resource, self._region)
        except ClientError as error:
            if not any(sign in str(error) for sign in _ABSENT):
                raise ResourceError(explained(error)) from error

    def _native(self, stack: str, stack_id: str, logical: str, kind: str, properties: Properties) -> Resource:
        model = parsing.resource_class_from_type(kind)
        if model is None or kind.startswith("Custom::"):
            raise ResourceError(f"Template error: the rehearsal does not know the type {kind}; see docs/parity.md")
        name = _name(kind, stack, logical, properties)
        marks = {"LogicalId": logical, "StackId": stack_id, "ResourceType": kind}
        body = {"Type": kind, "Properties": plain(properties)}
        try:
            with alone():
                native = model.create_from_cloudformation_json(name, body, ACCOUNT, self._region, **marks)
        except Exception as error:  # moto's models raise whatever their services raise
            raise ResourceError(f"{kind}: {error}") from error
        return _wrapped(native, kind, logical, properties)

    def _native_update(self, stack: str, old: Resource, properties: Properties) -> Resource:
        kind, logical = old.cf_resource_type, old.logical_resource_id
        model = parsing.resource_class_from_type(kind)
        name = _name(kind, stack, logical, properties)
        body = {"Type": kind, "Properties": plain(properties)}
        try:
            with alone():
                native = model.update_from_cloudformation_json(old.native, name, body, ACCOUNT, self._region)
        except Exception as error:  # as above
            raise ResourceError(f"{kind}: {error}") from error
        return _wrapped(native, kind, logical, properties) if native is not None else old


def _name(kind: str, stack: str, logical: str, properties: Properties) -> str:
    explicit = properties.get(parsing.resource_name_property_from_type(kind) or "")
    return str(explicit or parsing.generate_resource_name(kind, stack, logical))


def _wrapped(native: Any, kind: str, logical: str, properties: Properties) -> Resource:  # noqa: ANN401 (moto's models)
    native.logical_resource_id, native.cf_resource_type = logical, kind
    return Resource(kind, logical, native.physical_resource_id, properties, native=native)


def _native_delete(resource: Resource, region: str) -> None:
    body = {"Type": resource.cf_resource_type, "Properties": plain(resource.properties)}
    try:
        model = parsing.resource_class_from_type(resource.cf_resource_type)
        with alone():
            model.delete_from_cloudformation_json(resource.physical_resource_id, body, ACCOUNT, region)
    except Exception as error:  # moto's models raise whatever their services raise
        raise ResourceError(f"{resource.cf_resource_type}: {error}") from error
