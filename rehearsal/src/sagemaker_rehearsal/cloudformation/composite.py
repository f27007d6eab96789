"""Steps 1 and 3: CloudFormation types whose resources take several calls, as `AWS::Events::Rule` does (rule, targets).

A type says what to call; names, unknown properties, replacement and errors are dealt with here.
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from sagemaker_rehearsal.cloudformation.resources import HANDLERS, Properties, Resource, ResourceError

if TYPE_CHECKING:
    from sagemaker_rehearsal.server import Cloud

SIGNS = string.ascii_letters + string.digits


class Several:
    """One type. Its subclass makes, changes and removes one resource.

    Attributes:
        kind: e.g. `AWS::Events::Rule`.
        known: its properties; others are refused.
        named: the property that names a resource; CloudFormation makes a name where it is absent.
        longest: the longest name that it makes.
        fixed: properties whose change replaces the resource, beside its name.
    """

    kind = ""
    known: frozenset[str] = frozenset()
    named = ""
    longest = 64
    fixed: frozenset[str] = frozenset()

    def make(self, cloud: Cloud, name: str, given: Properties) -> tuple[str, dict[str, str]]:
        """Make a resource; give its physical id, and what Fn::GetAtt can ask for."""
        raise NotImplementedError

    def change(self, cloud: Cloud, old: Resource, name: str, given: Properties) -> dict[str, str]:
        """Change a resource in place; give what Fn::GetAtt can ask for."""
        raise NotImplementedError

    def remove(self, cloud: Cloud, old: Resource) -> None:
        """Remove a resource."""
        raise NotImplementedError

    def create(self, cloud: Cloud, stack_id: str, logical: str, kind: str, properties: Properties) -> Resource:
        """Make a resource, for the engine of stacks.

        Raises:
            ResourceError: with the reason.
        """
        self._refuse_unknown(logical, properties)
        name = str(properties.get(self.named) or made_name(stack_id, logical, self.longest))
        try:
            physical, attributes = self.make(cloud, name, properties)
        except ClientError as error:
            raise ResourceError(explained(error)) from error
        return Resource(kind, logical, physical, properties, attributes, {"name": name, "stack": stack_id})

    def update(self, cloud: Cloud, stack_id: str, old: Resource, properties: Properties) -> Resource:
        """Change a resource in place, or make the one that replaces it.

        Raises:
            ResourceError: with the reason.
        """
        kind, logical, name = old.cf_resource_type, old.logical_resource_id, str(old.request["name"])
        self._refuse_unknown(logical, properties)
        changed = {key for key in {*old.properties, *properties} if old.properties.get(key) != properties.get(key)}
        if changed & (self.fixed | {self.named}):
            if properties.get(self.named) and self.named not in changed:
                said = "CloudFormation cannot update a stack when a custom-named resource requires replacing."
                raise ResourceError(f"{said} Rename {properties[self.named]} and update the stack again.")
            return self.create(cloud, stack_id, logical, kind, properties)
        try:
            attributes = self.change(cloud, old, name, properties)
        except ClientError as error:
            raise ResourceError(explained(error)) from error
        return Resource(kind, logical, old.physical_resource_id, properties, attributes, old.request)

    def delete(self, cloud: Cloud, resource: Resource) -> None:
        """Remove a resource.

        Raises:
            ClientError: its service refused.
        """
        self.remove(cloud, resource)

    def _refuse_unknown(self, logical: str, properties: Properties) -> None:
        unknown = sorted(set(properties) - self.known)
        if unknown:
            said = f"#: extraneous key [{unknown[0]}] is not permitted"
            raise ResourceError(f"Properties validation failed for resource {logical} with message: {said}")


def register(kind: Several) -> None:
    """Let stacks have resources of a type."""
    HANDLERS[kind.kind] = kind


def made_name(stack_id: str, logical: str, longest: int = 64) -> str:
    """Give the name that CloudFormation makes where a template gives none: STACK-LOGICAL-RANDOM."""
    stack, last = stack_id.split("/")[1], "".join(secrets.choice(SIGNS) for _ in range(12))
    room = longest - len(last) - 2
    logical = logical[: max(room // 2, room - len(stack))]
    return f"{stack[: room - len(logical)]}-{logical}-{last}"


def explained(error: ClientError) -> str:
    """Give an error of a service the form that CloudFormation's events have."""
    found, meta = error.response["Error"], error.response.get("ResponseMetadata", {})
    facts = f"Status Code: {meta.get('HTTPStatusCode', 400)}, Request ID: {meta.get('RequestId', '')}"
    return f'Resource handler returned message: "{found.get("Message", "")} ({found["Code"]}; {facts})"'


def tags_of(properties: Properties) -> dict[str, str]:
    """Give `Tags`, a list of Key and Value, as a map."""
    return {str(tag["Key"]): str(tag["Value"]) for tag in properties.get("Tags") or []}


def without(given: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Give all but some properties."""
    return {key: value for key, value in given.items() if key not in names}
