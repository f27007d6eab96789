"""Step 4: parse and validate a pipeline definition: its steps and their dependencies. Pure."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from sagemaker_rehearsal.pipelines.errors import ExecutorError

TYPES = ("Processing", "AutoML", "Model", "Transform", "Condition", "RegisterModel", "Fail")
Step = Mapping[str, Any]


def read(text: str) -> dict[str, Any]:
    """Parse and validate a definition.

    Raises:
        ExecutorError: naming the step and the rule it breaks.
    """
    try:
        definition = json.loads(text)
    except ValueError as error:
        raise ExecutorError(f"Invalid pipeline definition: it is no JSON ({error})") from error
    if not isinstance(definition, dict) or not isinstance(definition.get("Steps"), list):
        raise ExecutorError("Invalid pipeline definition: it must be a JSON object with a list of Steps")
    check(definition)
    return definition


def all_steps(steps: list[Step]) -> Iterator[Step]:
    """Yield every step, those in conditions' branches included."""
    for step in steps:
        yield step
        yield from all_steps(step.get("Arguments", {}).get("IfSteps", []) if step["Type"] == "Condition" else [])
        yield from all_steps(step.get("Arguments", {}).get("ElseSteps", []) if step["Type"] == "Condition" else [])


def references(value: object) -> Iterator[str]:
    """Yield the path of every `Get` in a value, e.g. `Steps.Split.ProcessingOutputConfig...`."""
    if isinstance(value, Mapping):
        if set(value) == {"Get"} and isinstance(value["Get"], str):
            yield value["Get"]
        else:
            for item in value.values():
                yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def own_arguments(step: Step) -> object:
    """Return a step's arguments; for a condition, without the steps in its branches."""
    arguments = step.get("Arguments", {})
    return arguments.get("Conditions", []) if step["Type"] == "Condition" else arguments


def dependencies(step: Step) -> set[str]:
    """Return the names of the steps that must succeed before this one: those that it refers to, and DependsOn."""
    got = {path.split(".")[1] for path in references(own_arguments(step)) if path.startswith("Steps.")}
    return got | set(step.get("DependsOn", []))


def check(definition: Mapping[str, Any]) -> None:
    """Validate a definition against CreatePipeline's rules.

    Raises:
        ExecutorError: naming the step and the rule it breaks.
    """
    steps = list(all_steps(definition["Steps"]))
    names = [step.get("Name", "") for step in steps]
    for step in steps:
        _check_step(step, names, {parameter["Name"] for parameter in definition.get("Parameters", [])})
    remaining = {step["Name"]: dependencies(step) for step in steps}
    while ready := [name for name, needed in remaining.items() if not needed & remaining.keys()]:
        for name in ready:
            del remaining[name]
    if remaining:
        raise ExecutorError(
            f"Invalid pipeline definition: steps depend on each other in a circle: {', '.join(sorted(remaining))}"
        )


def _check_step(step: Step, names: list[str], parameters: set[str]) -> None:
    name = step.get("Name")
    where = f"Invalid pipeline definition: step [{name}]"
    if names.count(name or "") != 1 or not name:
        raise ExecutorError(f"{where}: step names must be given and unique")
    if step.get("Type") not in TYPES:
        raise ExecutorError(f"{where}: the rehearsal executes steps of type {', '.join(TYPES)}; got {step.get('Type')}")
    for needed in dependencies(step):
        if needed not in names:
            raise ExecutorError(f"{where}: depends on [{needed}], which is no step of this pipeline")
    for path in references(own_arguments(step)):
        root, _, rest = path.partition(".")
        if root not in ("Parameters", "Steps", "Execution"):
            raise ExecutorError(f"{where}: gets {path!r}; a path starts with Parameters, Steps or Execution")
        if root == "Parameters" and rest not in parameters:
            raise ExecutorError(f"{where}: gets parameter {rest!r}, which is not declared")
