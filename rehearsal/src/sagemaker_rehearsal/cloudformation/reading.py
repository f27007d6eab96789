"""Steps 1, 2, 7 and 10: read a CloudFormation template, in YAML with its short forms or in JSON. Pure."""

import json
from collections.abc import Hashable
from typing import Any

import yaml


class TemplateError(Exception):
    """A template that cannot be read; the message is CloudFormation's."""


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


_Loader.add_multi_constructor("!", _short)
_Loader.yaml_implicit_resolvers = {
    sign: [(tag, pattern) for tag, pattern in rules if tag != "tag:yaml.org,2002:timestamp"]
    for sign, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read(text: str) -> dict[str, Any]:
    """Return a template as plain data, functions in their long form.

    Raises:
        TemplateError: it cannot be read.
    """
    try:
        document = json.loads(text) if text.lstrip().startswith("{") else yaml.load(text, _Loader)  # noqa: S506 (safe)
    except (ValueError, yaml.YAMLError) as error:
        kind = "JSON" if text.lstrip().startswith("{") else "YAML"
        raise TemplateError(f"Template format error: {kind} not well-formed. ({error})") from error
    if not isinstance(document, dict):
        raise TemplateError("Template format error: unsupported structure.")
    return document
