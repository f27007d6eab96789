"""Steps 1 and 3: what resource types have in common that several requests make."""

import secrets
import string
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError

from sagemaker_rehearsal.cloudformation.resources import Properties, ResourceError

GONE = ("NoSuchEntity", "NoSuchBucket", "404", "NoSuchBucketPolicy", "ResourceNotFoundException")
SIGNS = string.ascii_letters + string.digits


@contextmanager
def reasons() -> Iterator[None]:
    """Turn a service's error into the reason of the stack's event.

    Raises:
        ResourceError: whenever a service raised ClientError.
    """
    try:
        yield
    except ClientError as error:
        raise ResourceError(f'Resource handler returned message: "{error}"') from error


def code(error: ClientError) -> str:
    """Give a service's error code."""
    return str(error.response["Error"]["Code"])


def gone(request: Callable[[], object]) -> None:
    """Make a request to remove something; what is gone already is no error."""
    try:
        request()
    except ClientError as error:
        if code(error) not in GONE:
            raise


def name_of(stack_id: str, logical: str, longest: int) -> str:
    """Make a name as CloudFormation does: stack, logical name and signs of chance.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-name.html
    """
    stack = stack_id.split("/")[1] if "/" in stack_id else stack_id
    chance = "".join(secrets.choice(SIGNS) for _ in range(12))
    return f"{f'{stack}-{logical}'[: longest - 13]}-{chance}"


def require_known(kind: str, properties: Properties, known: Iterable[str]) -> None:
    """Fail on properties that would be ignored.

    Raises:
        ResourceError: naming the first.
    """
    unknown = sorted(set(properties) - set(known))
    if unknown:
        raise ResourceError(f"{kind}: the rehearsal does not have the property {unknown[0]}; see docs/parity.md")


def require(properties: Properties, *names: str) -> None:
    """Fail where a required property is missing.

    Raises:
        ResourceError: naming it.
    """
    for name in names:
        if properties.get(name) in (None, ""):
            raise ResourceError(f"Properties validation failed: #: required key [{name}] not found")


def tags_of(properties: Properties) -> list[dict[str, str]]:
    """Give the tags as most services take them."""
    return [{"Key": str(one["Key"]), "Value": str(one["Value"])} for one in properties.get("Tags") or []]


def by_name(items: Iterable[Mapping[str, Any]], name: str) -> dict[str, Any]:
    """Give items by one of their members."""
    return {str(one[name]): one for one in items}
