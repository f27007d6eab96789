"""Step 4: a node of a Data Wrangler flow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .errors import FlowError, at


@dataclass(frozen=True)
class Input:
    """An edge: the output `output_name` of the node `node_id` is the input `name`."""

    name: str
    node_id: str
    output_name: str


@dataclass(frozen=True)
class Node:
    """A node of the flow, as in the file."""

    node_id: str
    type: str
    operator: str
    name: str
    parameters: Mapping[str, Any]
    trained_parameters: Mapping[str, Any]
    inputs: tuple[Input, ...]
    outputs: tuple[str, ...]

    @property
    def dataset_name(self) -> str:
        """The name of a SOURCE node's data, which is also its folder in the job's container."""
        definition = self.parameters.get("dataset_definition")
        return str(definition.get("name", "")) if isinstance(definition, Mapping) else ""

    def problem(self, text: str) -> FlowError:
        """Return an error with `text` that names this node."""
        return at(self.node_id, self.operator, text)
