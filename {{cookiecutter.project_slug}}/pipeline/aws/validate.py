"""Step 4: validate every request of a definition against the service's own model, offline.

AWS checks a definition's requests only when their steps run, hours apart. botocore carries the service's model, but its
ParamValidator passes over enumerations, patterns, upper bounds and unknown keys, so this looks at each of them. A
reference stands for a value of the member's type; a parameter's reference stands for its default, which is checked.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import botocore.session

# Step type: operation, and the name that the service adds itself
OPERATIONS = {
    "Processing": ("CreateProcessingJob", "ProcessingJobName"),
    "AutoML": ("CreateAutoMLJob", "AutoMLJobName"),
    "Model": ("CreateModel", "ModelName"),
    "Transform": ("CreateTransformJob", "TransformJobName"),
    "RegisterModel": ("CreateModelPackage", None),
}
_STEP = re.compile(r"Steps\.(?P<step>[^.]+)\.(?P<path>.+)")
_OUTPUT = re.compile(r"ProcessingOutputConfig\.Outputs\['(?P<name>[^']+)'\]\.S3Output\.S3Uri")
_KINDS: dict[str, tuple[type, ...]] = {
    **{"string": (str,), "integer": (int,), "long": (int,), "float": (int, float), "double": (int, float)},
    **{"boolean": (bool,), "structure": (dict,), "map": (dict,), "list": (list,)},
}


def problems(definition: Mapping[str, Any]) -> list[str]:
    """Find everything in a definition that the service would refuse; each is `STEP: PATH: sentence`."""
    defaults = {item["Name"]: item.get("DefaultValue") for item in definition["Parameters"]}
    steps = {step["Name"]: step for step in every_step(definition["Steps"])}
    mistakes = [problem for step in steps.values() for problem in _request_problems(step, defaults)]
    used = [*_references(definition["Steps"])]
    mistakes += [problem for reference in used for problem in _reference_problems(reference, defaults, steps)]
    idle = sorted(set(defaults) - {name.removeprefix("Parameters.") for name in used})
    return mistakes + [f"Parameters.{name}: is used nowhere; remove it" for name in idle]


def every_step(steps: list[Any]) -> Iterator[dict[str, Any]]:
    """Yield the steps in order, those inside conditions as well."""
    for step in steps:
        yield step
        for branch in ("IfSteps", "ElseSteps"):
            yield from every_step(step["Arguments"].get(branch, []))


def _request_problems(step: Mapping[str, Any], defaults: Mapping[str, Any]) -> Iterator[str]:
    if step["Type"] not in OPERATIONS:
        return
    operation, name = OPERATIONS[step["Type"]]
    request = {**step["Arguments"], **({name: "placeholder"} if name else {})}
    shape = _model().operation_model(operation).input_shape
    for path, sentence in _check(shape, request, "", defaults):
        yield f"{step['Name']}: {operation}{path}: {sentence}"


@cache
def _model() -> Any:  # noqa: ANN401 (botocore has no types)
    return botocore.session.Session().get_service_model("sagemaker")


def _is_reference(value: object) -> bool:
    return isinstance(value, dict) and len(value) == 1 and next(iter(value)) in ("Get", "Std:Join", "Std:JsonGet")


def _check(shape: Any, value: Any, path: str, defaults: Mapping[str, Any]) -> Iterator[tuple[str, str]]:  # noqa: ANN401
    if _is_reference(value):
        value = defaults.get(str(value.get("Get", "")).removeprefix("Parameters."))
        if value is None:
            return
    if not _is_of(shape.type_name, value):
        yield path, f"got {value!r:.80}; must be of type {shape.type_name}"
        return
    yield from ((path, sentence) for sentence in _limits(shape, value))
    for member, item, below in _members(shape, value, path):
        yield from _check(member, item, below, defaults)
    if shape.type_name == "structure":
        absent = (f"{path}.{name}" for name in shape.required_members if name not in value)
        unknown = (f"{path}.{name}" for name in value if name not in shape.members)
        yield from ((name, "is missing; the service requires it") for name in absent)
        yield from ((name, "is unknown to the service; remove it") for name in unknown)


def _members(shape: Any, value: Any, path: str) -> Iterator[tuple[Any, Any, str]]:  # noqa: ANN401
    """Yield shape, value and path of what is inside a list, map or structure."""
    if shape.type_name == "list":
        yield from ((shape.member, item, f"{path}[{index}]") for index, item in enumerate(value))
    elif shape.type_name == "map":
        yield from ((shape.key, key, f"{path}.{key}") for key in value)
        yield from ((shape.value, item, f"{path}.{key}") for key, item in value.items())
    elif shape.type_name == "structure":
        known = ((name, item) for name, item in value.items() if name in shape.members)
        yield from ((shape.members[name], item, f"{path}.{name}") for name, item in known)


def _is_of(type_name: str, value: object) -> bool:
    kinds = _KINDS.get(type_name)
    return kinds is None or (isinstance(value, kinds) and (type_name == "boolean" or not isinstance(value, bool)))


def _limits(shape: Any, value: Any) -> Iterator[str]:  # noqa: ANN401
    """Yield a sentence for each of enumeration, bounds and pattern that a value breaks."""
    rules, number = shape.metadata, isinstance(value, int | float)
    size, unit = (value, "") if number else (len(value), " long")
    if rules.get("enum") and value not in rules["enum"]:
        yield f"got {value!r}; must be one of {', '.join(rules['enum'][:20])}"
    if not isinstance(value, bool):
        if size < rules.get("min", size):
            yield f"got {value!r:.80}; must be at least {rules['min']}{unit}"
        if size > rules.get("max", size):
            yield f"got {value!r:.80}; must be at most {rules['max']}{unit}"
    pattern = _pattern(rules.get("pattern")) if isinstance(value, str) else None
    if pattern and not pattern.fullmatch(value):
        yield f"got {value!r:.80}; must match {rules['pattern']}"


@cache
def _pattern(text: str | None) -> re.Pattern[str] | None:
    """Compile a pattern of the model; the few that are no Python pattern (`${1,256}`) are passed over."""
    if not text:
        return None
    for category in "MSP":  # marks, symbols, punctuation: anything that is no letter or digit will do
        text = text.replace(rf"\p{{{category}}}", r"\W")
    for category, python in (("L", r"\w"), ("N", r"\d"), ("Z", r"\s")):
        text = text.replace(rf"\p{{{category}}}", python)
    try:
        return re.compile(text)
    except re.error:
        return None


def _references(value: Any) -> Iterator[str]:  # noqa: ANN401
    if isinstance(value, dict):
        if isinstance(value.get("Get"), str) and len(value) == 1:
            yield value["Get"]
        for item in value.values():
            yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)


def _reference_problems(reference: str, defaults: Mapping[str, Any], steps: Mapping[str, Any]) -> Iterator[str]:
    kind, _, name = reference.partition(".")
    if kind == "Parameters" and name not in defaults:
        yield f"{reference}: no such parameter is declared"
    match = _STEP.fullmatch(reference)
    if not match:
        return
    if match["step"] not in steps:
        yield f"{reference}: there is no step {match['step']!r}"
        return
    output = _OUTPUT.fullmatch(match["path"])
    if output:
        outputs = steps[match["step"]]["Arguments"]["ProcessingOutputConfig"]["Outputs"]
        if output["name"] not in [item["OutputName"] for item in outputs]:
            yield f"{reference}: step {match['step']!r} has no output {output['name']!r}"
