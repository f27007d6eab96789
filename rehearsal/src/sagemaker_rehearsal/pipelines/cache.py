"""Step 4: reuse a step's earlier result, where its CacheConfig allows it.

The attributes that are compared are the service's:
https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-default-keys.html
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sagemaker_rehearsal.pipelines.errors import ExecutorError

ATTRIBUTES = {
    "Processing": ("AppSpecification", "Environment", "ProcessingInputs"),
    "AutoML": ("AutoMLJobConfig", "AutoMLJobObjective", "InputDataConfig", "ProblemType"),
    "Transform": ("DataProcessing", "Environment", "ModelName", "TransformInput"),
}
DURATION = re.compile(r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")
DAYS = (365, 30, 7, 1)


@dataclass(frozen=True)
class Entry:
    """The result of a step that succeeded, its execution and time."""

    properties: Mapping[str, Any]
    execution_arn: str
    at: datetime


class Cache:
    """The results of all executions of one cloud that may be reused."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str, str], Entry] = {}

    def find(self, pipeline: str, step: Mapping[str, Any], arguments: Mapping[str, Any]) -> Entry | None:
        """Return the newest entry with the same attributes that has not expired."""
        config = step.get("CacheConfig") or {}
        if not config.get("Enabled") or step["Type"] not in ATTRIBUTES:
            return None
        entry = self._entries.get((pipeline, step["Name"], key(step["Type"], arguments)))
        return entry if entry and datetime.now(UTC) - entry.at <= duration(config.get("ExpireAfter", "P30D")) else None

    def keep(self, pipeline: str, step: Mapping[str, Any], arguments: Mapping[str, Any], entry: Entry) -> None:
        """Store the result of a step that succeeded."""
        if step["Type"] in ATTRIBUTES:
            self._entries[pipeline, step["Name"], key(step["Type"], arguments)] = entry


def key(kind: str, arguments: Mapping[str, Any]) -> str:
    """Return the hash of the attributes by which two runs of a step are compared."""
    compared = {name: arguments.get(name) for name in ATTRIBUTES[kind]}
    return hashlib.sha256(json.dumps(compared, sort_keys=True).encode()).hexdigest()


def duration(text: str) -> timedelta:
    """Parse an ISO 8601 duration such as `P30D` or `PT1H`.

    Raises:
        ExecutorError: when it has another form.
    """
    match = DURATION.fullmatch(text.upper())
    if not match or not any(match.groups()):
        raise ExecutorError(f"Invalid pipeline definition: ExpireAfter {text!r} is no ISO 8601 duration such as P30D")
    *dates, hours, minutes, seconds = (int(number or 0) for number in match.groups())
    days = sum(number * length for number, length in zip(dates, DAYS, strict=True))
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
