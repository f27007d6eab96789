"""Steps 1 to 3, 7 and 10: a resource of a stack, and what a resource type of CloudFormation is.

A room exports its types as values. `ResourceType` is the one form: a subclass makes, changes and removes a resource
with as many requests as that takes; `api_type.ApiType` is the one for types that a single operation makes.
"""

import secrets
import string
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, field
from typing import Any, cast

from botocore.exceptions import ClientError

from sagemaker_rehearsal.server.service import Host

Properties = Mapping[str, Any]
# What a resource is: its physical id, and the attributes that Fn::GetAtt returns
Made = tuple[str, Mapping[str, str]]
GONE = ("NoSuchEntity", "NoSuchBucket", "404", "NoSuchBucketPolicy", "ResourceNotFoundException")
SIGNS = string.ascii_letters + string.digits
CUSTOM = "Custom::"


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
    template: Properties | None = None

    @property
    def declared(self) -> Properties:
        """The properties before dynamic references were resolved, which are what a template is compared with."""
        return self.properties if self.template is None else self.template

    def get_cfn_attribute(self, name: str) -> Any:  # noqa: ANN401 (moto's signature)
        """Return what Fn::GetAtt refers to."""
        if self.native is not None:
            return self.native.get_cfn_attribute(name)
        if name not in self.attributes:
            kind = self.cf_resource_type
            raise ResourceError(f"Template error: resource {self.logical_resource_id} ({kind}) has no attribute {name}")
        return self.attributes[name]

    def is_created(self) -> bool:
        """Resources are listed when they exist."""
        return True


class ResourceType:
    """One type. A subclass makes, changes and removes a resource; names, unknown properties, replacement and errors
    are dealt with here.

    Attributes:
        name: e.g. `AWS::Events::Rule`; `Custom::` stands for all types that begin so.
        known: its properties; others are refused.
        required: properties that a template must give.
        named: the property that names a resource; CloudFormation makes a name where it is absent.
        longest: the longest name that it makes.
        fixed: properties whose change replaces the resource, besides its name.
    """

    name = ""
    known: frozenset[str] = frozenset()
    required: tuple[str, ...] = ()
    named = ""
    longest = 64
    fixed: frozenset[str] = frozenset()

    def make(self, cloud: Host, name: str, properties: Properties) -> Made:
        """Make a resource."""
        raise NotImplementedError

    def change(self, cloud: Host, old: Resource, name: str, properties: Properties) -> Mapping[str, str]:
        """Change a resource in place; return its attributes."""
        raise NotImplementedError

    def remove(self, cloud: Host, old: Resource) -> None:
        """Remove a resource."""
        raise NotImplementedError

    def check(self, logical: str, properties: Properties) -> None:
        """Check properties before anything is made.

        Raises:
            ResourceError: one is unknown or missing.
        """
        require_known(self.name, logical, properties, self.known)
        missing = [key for key in self.required if properties.get(key) in (None, "")]
        if missing:
            raise invalid_properties(logical, f"required key [{missing[0]}] not found")

    def generated_name(self, stack_id: str, logical: str) -> str:
        """Return the name of a resource to which the template gives none."""
        return generated_name(stack_id, logical, self.longest)

    def replaces(self, changed: Set[str]) -> bool:
        """Return whether a change of these properties makes another resource."""
        return bool(changed & {*self.fixed, self.named})

    def create(self, cloud: Host, stack_id: str, logical: str, kind: str, properties: Properties) -> Resource:
        """Make a resource for the engine of stacks, and wait until it is usable.

        Raises:
            ResourceError: with the reason.
        """
        self.check(logical, properties)
        name = str(properties.get(self.named) or self.generated_name(stack_id, logical))
        try:
            physical, attributes = self.make(cloud, name, properties)
        except ClientError as error:
            raise ResourceError(explained(error)) from error
        return Resource(kind, logical, physical, properties, attributes, {"name": name, "stack": stack_id})

    def update(self, cloud: Host, stack_id: str, old: Resource, properties: Properties) -> Resource:
        """Change a resource in place, or make the one that replaces it.

        Raises:
            ResourceError: with the reason.
        """
        kind, logical = old.cf_resource_type, old.logical_resource_id
        changed = {key for key in {*old.properties, *properties} if old.properties.get(key) != properties.get(key)}
        if self.replaces(changed):
            name = properties.get(self.named) if self.named not in changed else None
            if name:
                raise ResourceError(
                    "CloudFormation cannot update a stack when a custom-named resource requires replacing. "
                    f"Rename {name} and update the stack again."
                )
            return self.create(cloud, stack_id, logical, kind, properties)
        self.check(logical, properties)
        try:
            attributes = self.change(cloud, old, str(old.request["name"]), properties)
        except ClientError as error:
            raise ResourceError(explained(error)) from error
        return Resource(kind, logical, old.physical_resource_id, properties, attributes, old.request)

    def delete(self, cloud: Host, resource: Resource) -> None:
        """Remove a resource.

        Raises:
            ClientError: its service refused.
        """
        self.remove(cloud, resource)


def invalid_properties(logical: str, reason: str) -> ResourceError:
    """Return the error of a resource whose properties break its type's schema."""
    return ResourceError(f"Properties validation failed for resource {logical} with message: #: {reason}")


def require_known(name: str, logical: str, properties: Iterable[str], known: Iterable[str]) -> None:
    """Check that a resource has no property that would be ignored.

    Raises:
        ResourceError: naming the first.
    """
    unknown = sorted(set(properties) - set(known))
    if unknown:
        absent = f"{name}: the rehearsal does not have the property {unknown[0]}; see docs/parity.md"
        raise invalid_properties(logical, f"extraneous key [{unknown[0]}] is not permitted. {absent}")


def type_of(types: Mapping[str, Any], name: str) -> ResourceType | None:
    """Return one of a cloud's resource types; None for those that moto has, and those that nobody has."""
    return cast("ResourceType | None", types.get(CUSTOM if name.startswith(CUSTOM) else name))


def generated_name(stack_id: str, logical: str, longest: int = 64) -> str:
    """Return the name that CloudFormation makes where a template gives none: STACK-LOGICAL-RANDOM.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-name.html
    """
    stack, random = stack_id.split("/")[1], "".join(secrets.choice(SIGNS) for _ in range(12))
    room = longest - len(random) - 2
    logical = logical[: max(room // 2, room - len(stack))]
    return f"{stack[: room - len(logical)]}-{logical}-{random}"


def explained(error: ClientError) -> str:
    """Return an error of a service in the form that CloudFormation's events have."""
    details, meta = error.response["Error"], error.response.get("ResponseMetadata", {})
    facts = f"Status Code: {meta.get('HTTPStatusCode', 400)}, Request ID: {meta.get('RequestId', '')}"
    return f'Resource handler returned message: "{details.get("Message", "")} ({details["Code"]}; {facts})"'


def ignore_absence(request: Callable[[], object]) -> None:
    """Make a request to remove something; one that is gone already is no error."""
    try:
        request()
    except ClientError as error:
        if error.response["Error"]["Code"] not in GONE:
            raise


def tags_of(properties: Properties) -> dict[str, str]:
    """Return `Tags`, a list of Key and Value, as a map."""
    return {str(tag["Key"]): str(tag["Value"]) for tag in properties.get("Tags") or []}


def tag_list(properties: Properties) -> list[dict[str, str]]:
    """Return the tags as most services take them."""
    return [{"Key": key, "Value": value} for key, value in tags_of(properties).items()]


def chosen(properties: Properties, names: Iterable[str]) -> dict[str, Any]:
    """Return the properties of these names."""
    return {name: properties[name] for name in names if name in properties}


def without(properties: Properties, *names: str) -> dict[str, Any]:
    """Return all properties but those of these names."""
    return {key: value for key, value in properties.items() if key not in names}
