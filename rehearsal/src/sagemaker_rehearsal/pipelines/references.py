"""Step 4: resolve the references in a step's arguments: Get, Std:Join, Std:JsonGet."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from sagemaker_rehearsal.pipelines.errors import ExecutorError

PART = re.compile(r"""\.?([^.\[\]]+)|\[(\d+)\]|\['([^']*)'\]|\["([^"]*)"\]""")
PropertyFile = Callable[[str, str], str]


class Scope:
    """The values that references resolve to.

    Args:
        parameters: the execution's parameter values.
        execution: `PipelineExecutionId`, `StartDateTime` and the like.
        steps: properties of the steps that have succeeded, by name.
        property_file: returns the text of a step's property file.
        text: returns the text at an S3 URI.
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
        """Return the value with every reference replaced.

        Raises:
            ExecutorError: when a reference cannot be resolved.
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
        value: Any = self._roots
        for key in parts(path):
            value = follow(value, key, path)
        return value

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
            value: Any = json.loads(text)
        except ValueError as error:
            raise ExecutorError(f"ClientError: {where} is no JSON: {error}") from error
        for key in parts(path):
            value = follow(value, key, f"{where}: {path}")
        if isinstance(value, Mapping | list):
            raise ExecutorError(
                f"ClientError: JsonGet of {path!r} in {where} gives {type(value).__name__}, not a single value"
            )
        return value


def as_text(value: object) -> str:
    """Return a value as text, as Std:Join writes it."""
    return json.dumps(value) if isinstance(value, bool | float | list | dict) else str(value)


def parts(path: str) -> list[str | int]:
    """Split a path into names, list indexes and quoted keys."""
    matches = [(match[1] or match[3] or match[4] or "", match[2]) for match in PART.finditer(path)]
    return [int(number) if number else name for name, number in matches]


def follow(value: Any, key: str | int, path: str) -> Any:  # noqa: ANN401 (JSON)
    """Return the value at one key; in a list of inputs, outputs or channels, also by name (`Outputs['train']`).

    Raises:
        ExecutorError: when there is no such key.
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
