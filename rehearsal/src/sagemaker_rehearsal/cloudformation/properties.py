"""Steps 2 to 10: properties of CloudFormation as parameters of an API, where only upper and lower case differ. Pure."""

import json
from collections.abc import Mapping
from typing import Any

from botocore.model import Shape

from sagemaker_rehearsal.cloudformation.reading import plain
from sagemaker_rehearsal.cloudformation.resources import ResourceError


def to_parameters(shape: Shape, value: Any, path: str = "") -> Any:  # noqa: ANN401 (JSON)
    """Rename a property's members, at every depth, to those of the API's shape, and cast texts to its types.

    Args:
        shape: botocore's shape of the parameter.
        value: the property.
        path: where it stands, for messages.

    Raises:
        ResourceError: for a property that the API does not have.
    """
    if shape.type_name == "structure" and isinstance(value, Mapping):
        return _members(shape, value, path)
    if shape.type_name == "list" and isinstance(value, list):
        return [to_parameters(shape.member, item, f"{path}/{number}") for number, item in enumerate(value)]
    if shape.type_name == "map" and isinstance(value, Mapping):
        return {key: to_parameters(shape.value, item, f"{path}/{key}") for key, item in value.items()}
    if shape.type_name == "string" and isinstance(value, bool):
        return str(value).lower()
    return cast(shape, value)


def _members(shape: Shape, value: Mapping[str, Any], path: str) -> dict[str, Any]:
    names = {name.lower(): name for name in shape.members}
    unknown = sorted(key for key in value if key.lower() not in names)
    if unknown:
        raise ResourceError(f"Properties validation failed: #{path}: extraneous key [{unknown[0]}] is not permitted")
    return {
        names[key.lower()]: to_parameters(shape.members[names[key.lower()]], item, f"{path}/{key}")
        for key, item in value.items()
        if item is not None
    }


def cast(shape: Shape, value: Any) -> Any:  # noqa: ANN401 (JSON)
    """Return a template's value, often a text, as the type of an operation's shape.

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


def to_json(document: object) -> str:
    """Return a JSON document as CloudFormation hands it on."""
    return document if isinstance(document, str) else json.dumps(plain(document), separators=(",", ":"))


def to_text(value: object) -> str:
    """Return an attribute as SNS and SQS take it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return to_json(value) if isinstance(value, dict) else str(value)
