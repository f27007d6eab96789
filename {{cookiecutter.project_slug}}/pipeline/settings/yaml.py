"""Step 4: read YAML without its traps, and remember on which line each value stands.

Plain data only: aliases, anchors and tags are refused before anything is built from them, so neither a billion laughs
nor a Python object can come in; nesting and size are bounded for the same reason.
"""

import datetime
import re
from dataclasses import dataclass, field
from typing import Any

import yaml

Path = tuple[str, ...]
# YAML 1.1 also reads 010 as 8, 1:30 as 90 and 1_0 as 10; settings do not mean that, so these stay text.
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


@dataclass
class Document:
    """A mapping with positions.

    Attributes:
        value: dicts, lists and scalars; numbers, booleans and dates as YAML 1.1 reads them.
        lines: the line of each key or list item, from 1.
        texts: each scalar as it is written.
        duplicates: path, first line and later line of keys given twice.
    """

    value: dict[str, Any] = field(default_factory=dict)
    lines: dict[Path, int] = field(default_factory=dict)
    texts: dict[Path, str] = field(default_factory=dict)
    duplicates: list[tuple[Path, int, int]] = field(default_factory=list)

    def line(self, path: Path) -> int:
        """Return the line of a path, or of its nearest parent when it is absent."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def mapping(self, node: yaml.MappingNode, path: Path, loader: yaml.SafeLoader) -> dict[str, Any]:
        """Return the values of a mapping's node, and note their positions."""
        values: dict[str, Any] = {}
        for key, item in node.value:
            line = _line(key)
            if not isinstance(key, yaml.ScalarNode):
                raise YamlError(line, "a key must be one word, not a list or mapping; write `key: value`")
            child = (*path, key.value)
            if child in self.lines:
                self.duplicates.append((child, self.lines[child], line))
                continue
            self.lines[child] = line
            values[key.value] = self._value(item, child, loader)
        return values

    def _value(self, node: yaml.Node, path: Path, loader: yaml.SafeLoader) -> Any:  # noqa: ANN401 (YAML has no narrower type)
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, path, loader)
        if isinstance(node, yaml.SequenceNode):
            items = {(*path, str(at)): item for at, item in enumerate(node.value)}
            self.lines |= {child: _line(item) for child, item in items.items()}
            return [self._value(item, child, loader) for child, item in items.items()]
        self.texts[path] = node.value
        return _scalar(node, loader)


def read(data: bytes) -> Document:
    """Parse one YAML mapping: UTF-8 with or without BOM, any line ends; duplicate keys are reported in the document.

    Raises:
        YamlError: at the first thing that is not plain YAML.
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
        document = Document()
        document.value = document.mapping(node, (), loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        problem = error.problem or error.context
        raise YamlError(line, f"is not YAML (line {line}, column {column}): {problem}") from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise YamlError(1, f"is not YAML: {' '.join(str(error).split())}") from error
    return document


def _line(node: yaml.Node | yaml.Event) -> int:
    return node.start_mark.line + 1 if node.start_mark else 1


def _refuse_traps(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        tag, line = getattr(event, "tag", None), _line(event)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            rule = "aliases and anchors (`*name`, `&name`) are not allowed; write the value out where it is meant"
            raise YamlError(line, rule)
        if tag is not None:
            raise YamlError(line, f"tag {tag!r} is not allowed; settings are plain values; remove it")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            remedy = "settings have at most 3 levels; restore the template's form"
            raise YamlError(line, f"is nested more than {MAX_DEPTH} deep; {remedy}")


def _scalar(node: yaml.Node, loader: yaml.SafeLoader) -> Any:  # noqa: ANN401
    kind = node.tag.rpartition(":")[2]
    if kind == "timestamp":
        return datetime.date.min
    if kind in _PLAIN and not _PLAIN[kind].fullmatch(node.value):
        return node.value
    try:
        return loader.construct_object(node)
    except (ValueError, OverflowError, yaml.YAMLError):
        return node.value
