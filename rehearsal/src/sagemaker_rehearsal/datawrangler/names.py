"""Step 4: validation of a flow's names that become folders, and of its sources' addresses."""

from __future__ import annotations

import re
from collections.abc import Mapping

from .errors import shown
from .node import Node

_SAFE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9 ._()+=@-]{0,126}")
_S3 = re.compile(r"s3://[^/\x00-\x20\x7f]{3,}(/[^\x00-\x1f\x7f]*)?")
# Folders of the container besides the data sets.
TAKEN = frozenset({"flow", "output", "code"})


def safe(name: str) -> bool:
    """Return whether `name` is a safe folder name: no separator, no control character, no leading dot."""
    return _SAFE.fullmatch(name) is not None and ".." not in name


def check_dataset_name(node: Node) -> None:
    """Check that a SOURCE node's data set has a safe folder name and is in S3.

    Raises:
        FlowError: the name or the address is not allowed.
    """
    definition = node.parameters.get("dataset_definition")
    if not isinstance(definition, Mapping):
        raise node.problem(
            f"dataset_definition: got {shown(definition)}; a SOURCE says where its data is; import it again"
        )
    name = definition.get("name")
    if not isinstance(name, str) or not safe(name) or name in TAKEN:
        raise node.problem(
            f"dataset_definition.name: got {shown(name)}; the name becomes a folder of the job: letters, digits, "
            f"spaces and . _ - ( ), not {', '.join(sorted(TAKEN))}; rename the dataset"
        )
    _check_address(node, definition)


def _check_address(node: Node, definition: Mapping[str, object]) -> None:
    context = definition.get("s3ExecutionContext")
    if context is None and node.operator != "sagemaker.s3_source_0.1":
        return  # another kind of source: rejected by name when the operators are looked up
    uri = context.get("s3Uri") if isinstance(context, Mapping) else None
    if not isinstance(uri, str) or not _S3.fullmatch(uri):
        raise node.problem(
            f"dataset_definition.s3ExecutionContext.s3Uri: got {shown(uri)}; a source must be s3://bucket/key, "
            "no other place is read; put the data in S3 (the job's input takes its place when it runs)"
        )


def check_destination_name(node: Node) -> None:
    """Check that a DESTINATION's name (the part after `S3: `) is a safe folder name.

    Raises:
        FlowError: it has separators, control characters or leading dots.
    """
    label = node.name.removeprefix("S3:").strip(" ")
    if node.name and not safe(label):
        raise node.problem(
            f"name: got {shown(node.name)}; a destination's name makes a folder: no separators, control characters or "
            "leading dots; rename the destination"
        )
