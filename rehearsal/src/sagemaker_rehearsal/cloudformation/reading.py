"""Steps 1, 2, 7 and 10: read a CloudFormation template, in YAML with its short forms or in JSON. Pure."""

import json
from collections.abc import Hashable, Mapping
from typing import Any

import yaml


class TemplateError(Exception):
    """A template that cannot be read; the message is CloudFormation's."""


class Scalar(str):
    """A number or boolean of a template: a text, as CloudFormation works on it, that knows what it stands for.

    CloudFormation sends custom resources' numbers and booleans as strings, and compares and puts out the text that
    the template's author wrote; a resource type's schema says what is a number or a boolean.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/crpg-ref-requesttypes-create.html
    """

    @property
    def value(self) -> bool | float | str:
        """Return the number or boolean, for JSON documents; the text where JSON has no such number."""
        if self.lower() in yaml.SafeLoader.bool_values:
            return bool(yaml.SafeLoader.bool_values[self.lower()])
        try:
            number: float = json.loads(self)
        except ValueError:
            return str(self)
        return number


def plain(node: Any) -> Any:  # noqa: ANN401 (JSON)
    """Return a part of a template as a JSON document, whose numbers and booleans are no texts."""
    if isinstance(node, Mapping):
        return {str(key): plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [plain(item) for item in node]
    return node.value if isinstance(node, Scalar) else node


class _Loader(yaml.SafeLoader):
    """Reads short forms as long ones; dates stay text, as an IAM policy's Version needs."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Refuse a key that stands twice, of which YAML would silently drop one."""
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        twice = sorted({key for key in keys if keys.count(key) > 1})
        if twice:
            line = node.start_mark.line + 1
            raise TemplateError(f"Template format error: YAML not well-formed. (line {line}: {twice[0]} stands twice)")
        return super().construct_mapping(node, deep)


def _short(loader: yaml.SafeLoader, tag: str, node: yaml.Node) -> dict[str, Any]:
    name = tag if tag in ("Ref", "Condition") else f"Fn::{tag}"
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        return {name: str(value).split(".", 1) if tag == "GetAtt" else value}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    assert isinstance(node, yaml.MappingNode)  # noqa: S101 (there is no fourth kind)
    return {name: loader.construct_mapping(node, deep=True)}


def _scalar(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> Scalar:
    return Scalar(loader.construct_scalar(node))


def _texts(node: Any) -> Any:  # noqa: ANN401 (JSON)
    """Return a JSON document with booleans as texts."""
    if isinstance(node, dict):
        return {key: _texts(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_texts(item) for item in node]
    return Scalar(json.dumps(node)) if isinstance(node, bool) else node


_Loader.add_multi_constructor("!", _short)
for _kind in ("int", "float", "bool"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_kind}", _scalar)
_Loader.yaml_implicit_resolvers = {
    sign: [(tag, pattern) for tag, pattern in rules if tag != "tag:yaml.org,2002:timestamp"]
    for sign, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read(text: str) -> dict[str, Any]:
    """Return a template as plain data, functions in their long form, numbers and booleans as texts.

    Raises:
        TemplateError: it cannot be read.
    """
    try:
        if text.lstrip().startswith("{"):
            document = _texts(json.loads(text, parse_int=Scalar, parse_float=Scalar))
        else:
            document = yaml.load(text, _Loader)  # noqa: S506 (safe)
    except (ValueError, yaml.YAMLError) as error:
        kind = "JSON" if text.lstrip().startswith("{") else "YAML"
        raise TemplateError(f"Template format error: {kind} not well-formed. ({error})") from error
    if not isinstance(document, dict):
        raise TemplateError("Template format error: unsupported structure.")
    return document
