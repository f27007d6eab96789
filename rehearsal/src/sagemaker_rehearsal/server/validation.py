"""Steps 4 to 10: hold each request against botocore's service model, also with the rules that boto3 leaves out.

boto3 checks types and required members; the service checks enums, patterns, lengths and unknown members too. The
messages have the form of AWS: "1 validation error detected: Value 'x' at 'name' failed to satisfy constraint: ...".
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from botocore.model import Shape

TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "character": (str,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "boolean": (bool,),
    "list": (list, tuple),
    "map": (dict,),
    "structure": (dict,),
}


def violations(shape: Shape | None, value: object, path: str = "") -> list[str]:
    """List every rule that a value breaks, each as the part of a sentence that AWS gives."""
    return [] if shape is None else list(_check(shape, value, path))


def message(violations: list[str]) -> str:
    """Join violations to the message of a ValidationException."""
    noun = "error" if len(violations) == 1 else "errors"
    return f"{len(violations)} validation {noun} detected: {'; '.join(violations)}"


def _check(shape: Shape, value: Any, path: str) -> Iterator[str]:  # noqa: ANN401 (of the shape's type)
    expected = TYPES.get(shape.type_name)
    if expected and (not isinstance(value, expected) or (isinstance(value, bool) and bool not in expected)):
        yield _failed(value, path, f"Member must be of type {shape.type_name}")
        return
    yield from _check_constraints(shape, value, path)
    if shape.type_name == "structure":
        yield from _check_members(shape, dict(value), path)
    elif shape.type_name == "list":
        for number, item in enumerate(value, start=1):
            yield from _check(shape.member, item, f"{path}.{number}.member")
    elif shape.type_name == "map":
        for key, item in value.items():
            yield from _check(shape.key, key, f"{path}.{key}.key")
            yield from _check(shape.value, item, f"{path}.{key}.member")


def _check_members(shape: Shape, value: dict[str, Any], path: str) -> Iterator[str]:
    prefix = f"{path}." if path else ""
    for name in shape.required_members:
        if value.get(name) is None:
            yield _failed(None, prefix + _lower(name), "Member must not be null")
    for name, item in value.items():
        if name not in shape.members:
            yield f"Unknown parameter '{prefix}{name}'"
        elif item is not None:
            yield from _check(shape.members[name], item, prefix + _lower(name))
    if shape.is_tagged_union and len([1 for item in value.values() if item is not None]) != 1:
        yield _failed(value, path, "Exactly one member must be set")


def _check_constraints(shape: Shape, value: Any, path: str) -> Iterator[str]:  # noqa: ANN401 (of the shape's type)
    enum = getattr(shape, "enum", None)
    if enum and value not in enum:
        yield _failed(value, path, f"Member must satisfy enum value set: [{', '.join(enum)}]")
    if shape.type_name in ("string", "list", "map", "blob"):
        yield from _check_range(shape, len(value), value, path, "length")
    elif shape.type_name in ("integer", "long", "float", "double"):
        yield from _check_range(shape, value, value, path, "value")
    text = shape.metadata.get("pattern") if shape.type_name == "string" else None
    pattern = _pattern(text) if text else None
    if pattern and not pattern.fullmatch(value):
        yield _failed(value, path, f"Member must satisfy regular expression pattern: {text}")


def _check_range(shape: Shape, measured: float, value: object, path: str, what: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and measured < least:
        yield _failed(value, path, f"Member must have {what} greater than or equal to {least}")
    if most is not None and measured > most:
        yield _failed(value, path, f"Member must have {what} less than or equal to {most}")


@lru_cache
def _pattern(text: str) -> re.Pattern[str] | None:
    """Compile a pattern of the model; None for one that Python does not read.

    Java's classes of letters, numbers and blanks are written as Python has them (every pattern that has them takes `_`
    too). A pattern that ends in `${1,256}` repeats its end, which means nothing.
    """
    for java, python in ((r"\p{L}", r"\w"), (r"\p{N}", r"\d"), (r"\p{Z}", " ")):
        text = text.replace(java, python)
    try:
        return re.compile(re.sub(r"\$\{\d+,\d+\}$", "$", text), re.DOTALL)
    except re.error:
        return None


def _failed(value: object, path: str, rule: str) -> str:
    shown = "null" if value is None else f"'{str(value)[:200]}'"
    return f"Value {shown} at '{path}' failed to satisfy constraint: {rule}"


def _lower(name: str) -> str:
    return name[:1].lower() + name[1:]
