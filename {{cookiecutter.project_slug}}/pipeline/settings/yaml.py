"""Step 4: read YAML without its traps, and remember on which line each value stands.

Plain data only: aliases, anchors and tags are refused before anything is built from them, so neither a billion laughs
nor a Python object can come in; nesting and size are bounded for the same reason.
"""

import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

Path = tuple[str, ...]
# YAML 1.1 also reads 010 as 8, 1:30 as 90 and 1_0 as 10; nobody means that here, so these stay text.
_PLAIN = {
    "int": re.compile(r"[-+]?(0|[1-9][0-9]{0,30})"),
    "float": re.compile(r"[-+]?([0-9]*\.[0-9]*([eE][-+][0-9]+)?|\.(inf|Inf|INF|nan|NaN|NAN))"),
}
MAX_BYTES = 256 * 1024
MAX_DEPTH = 20


class YamlError(Exception):
    """The text is no plain YAML mapping; carries the line (from 1) and a sentence."""

    def __init__(self, line: int, sentence: str) -> None:
        super().__init__(sentence)
        self.line = line
        self.sentence = sentence


@dataclass(frozen=True)
class Document:
    """A mapping with positions.

    Attributes:
        value: dicts, lists and scalars; numbers, booleans and dates as YAML 1.1 reads them.
        lines: the line of each key or list item, from 1.
        texts: each scalar as it is written.
        duplicates: path, first line and later line of keys given twice.
    """

    value: dict[str, Any]
    lines: dict[Path, int] = field(default_factory=dict)
    texts: dict[Path, str] = field(default_factory=dict)
    duplicates: tuple[tuple[Path, int, int], ...] = ()

    def line(self, path: Path) -> int:
        """Return the line of a path, or of its nearest parent when it is absent."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read(data: bytes) -> Document:
    """Parse one YAML mapping.

    Args:
        data: the file's bytes; UTF-8 with or without BOM, any line ends.

    Raises:
        YamlError: at the first thing that is not plain YAML; a mapping's duplicate keys are reported in the document.
    """
    if len(data) > MAX_BYTES:
        raise YamlError(1, f"is {len(data)} bytes; settings take at most {MAX_BYTES}; was another file meant?")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise YamlError(line, f"is not UTF-8 (byte {error.start}); save the file as UTF-8") from error
    try:
        _refuse_traps(text)
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if not isinstance(node, yaml.MappingNode):
            raise YamlError(1, "top level must be a mapping of `key: value` lines; restore the file from the template")
        return _Builder(loader).document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise YamlError(
            line, f"is not YAML (line {line}, column {column}): {error.problem or error.context}"
        ) from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise YamlError(1, f"is not YAML: {' '.join(str(error).split())}") from error


def _refuse_traps(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise YamlError(
                line, "aliases and anchors (`*name`, `&name`) are not allowed; write the value out where it is meant"
            )
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise YamlError(line, f"tag {tag!r} is not allowed; settings are plain values; remove it")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise YamlError(
                line,
                f"is nested more than {MAX_DEPTH} deep; settings have at most 3 levels; restore the template's form",
            )


class _Builder:
    """Turns nodes into values and collects positions on the way."""

    def __init__(self, loader: yaml.SafeLoader) -> None:
        self._loader = loader
        self._lines: dict[Path, int] = {}
        self._texts: dict[Path, str] = {}
        self._duplicates: list[tuple[Path, int, int]] = []

    def document(self, node: yaml.MappingNode) -> Document:
        value = self._mapping(node, ())
        return Document(value, self._lines, self._texts, tuple(self._duplicates))

    def _value(self, node: yaml.Node, path: Path) -> Any:  # noqa: ANN401 (YAML has no narrower type)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, child) for item, child in self._items(node, path)]
        self._texts[path] = node.value
        return self._scalar(node)

    def _items(self, node: yaml.SequenceNode, path: Path) -> Iterator[tuple[yaml.Node, Path]]:
        for index, item in enumerate(node.value):
            child = (*path, str(index))
            self._lines[child] = item.start_mark.line + 1
            yield item, child

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise YamlError(line, "a key must be one word, not a list or mapping; write `key: value`")
            child = (*path, key_node.value)
            if child in self._lines:
                self._duplicates.append((child, self._lines[child], line))
                continue
            self._lines[child] = line
            values[key_node.value] = self._value(value_node, child)
        return values

    def _scalar(self, node: yaml.Node) -> Any:  # noqa: ANN401
        kind = node.tag.rpartition(":")[2]
        if kind == "timestamp":
            return datetime.date.min
        if kind in _PLAIN and not _PLAIN[kind].fullmatch(node.value):
            return node.value
        try:
            return self._loader.construct_object(node)
        except (ValueError, OverflowError, yaml.YAMLError):
            return node.value
