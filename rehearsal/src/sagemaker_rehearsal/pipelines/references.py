"""Step 4: replace the references in a step's arguments (Get, Std:Join, Std:JsonGet) by values."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from sagemaker_rehearsal.pipelines.errors import ExecutorError

PART = re.compile(r"""\.?([^.\[\]]+)|\[(\d+)\]|\['([^']*)'\]|\["([^"]*)"\]""")
PropertyFile = Callable[[str, str], str]


class Scope:
    """What references can get.

    Args:
        parameters: the execution's parameter values.
        execution: `PipelineExecutionId`, `StartDateTime` and the like.
        steps: properties of the steps that have succeeded, by name.
        property_file: gives the text of a property file of a step.
        text: gives the text at an S3 URI.
    """

    def __init__(
        self,
        parameters: Mapping[str, Any],
        execution: Mapping[str, Any],
        steps: Mapping[str, Any],
        property_file: PropertyFile,
        text: Callable[[str], str],
    ) -> None:
        self._roots = {"Parameters": parameters, "Execution": execution, "Steps": steps}
        self._property_file = property_file
        self._text = text

    def resolve(self, value: Any) -> Any:  # noqa: ANN401 (JSON)
        """Give the value with every reference replaced.

        Raises:
            ExecutorError: when a reference leads nowhere.
        """
        if isinstance(value, list):
            return [self.resolve(item) for item in value]
        if not isinstance(value, Mapping):
            return value
        if len(value) == 1:
            (key, inner), *_ = value.items()
            if key == "Get" and isinstance(inner, str):
                return self.get(inner)
            if key == "Std:Join":
                return self.resolve(inner["On"]).join(as_text(self.resolve(item)) for item in inner["Values"])
            if key == "Std:JsonGet":
                return self._json_get(inner)
        return {key: self.resolve(item) for key, item in value.items()}

    def get(self, path: str) -> Any:  # noqa: ANN401 (JSON)
        """Follow a path such as `Steps.Autopilot.BestCandidate.InferenceContainers[0].Image`."""
        found: Any = self._roots
        for key in parts(path):
            found = follow(found, key, path)
        return found

    def _json_get(self, inner: Mapping[str, Any]) -> Any:  # noqa: ANN401 (JSON)
        if "S3Uri" in inner:
            where = self.resolve(inner["S3Uri"])
            text = self._text(where)
        else:
            where = inner["PropertyFile"]["Get"]
            _, step, _, name = where.split(".", 3)
            text = self._property_file(step, name)
        path = as_text(self.resolve(inner["Path"]))
        try:
            found: Any = json.loads(text)
        except ValueError as error:
            raise ExecutorError(f"ClientError: {where} is no JSON: {error}") from error
        for key in parts(path):
            found = follow(found, key, f"{where}: {path}")
        if isinstance(found, Mapping | list):
            raise ExecutorError(
                f"ClientError: JsonGet of {path!r} in {where} gives {type(found).__name__}, not a single value"
            )
        return found


def as_text(value: object) -> str:
    """Write a value as Std:Join does."""
    return json.dumps(value) if isinstance(value, bool | float | list | dict) else str(value)


def parts(path: str) -> list[str | int]:
    """Take a path apart: names, numbers of list items, quoted keys."""
    found = [(match[1] or match[3] or match[4] or "", match[2]) for match in PART.finditer(path)]
    return [int(number) if number else name for name, number in found]


def follow(value: Any, key: str | int, path: str) -> Any:  # noqa: ANN401 (JSON)
    """Take one step of a path; a list of named things (`Outputs['train']`) is searched by name.

    Raises:
        ExecutorError: when it leads nowhere.
    """
    if isinstance(value, Mapping) and key in value:
        return value[key]
    if isinstance(value, list) and isinstance(key, int) and key < len(value):
        return value[key]
    if isinstance(value, list):
        for item in value:
            if isinstance(item, Mapping) and key in (
                item.get("OutputName"),
                item.get("InputName"),
                item.get("ChannelName"),
            ):
                return item
    raise ExecutorError(f"ClientError: the reference {path!r} cannot be resolved: there is no {key!r}")
