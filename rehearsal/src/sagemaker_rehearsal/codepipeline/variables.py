"""Steps 4 and 6 to 10: references such as #{Source.CommitId} and their values. Pure functions.

https://docs.aws.amazon.com/codepipeline/latest/userguide/reference-variables.html
"""

import json
import re
from collections.abc import Iterator, Mapping

REFERENCE = re.compile(r"#\{([^{}]*)\}")
WHOLE = re.compile(r"([A-Za-z0-9@\-_]+)\.([A-Za-z0-9@\-_:]+)")
# CodePipeline's own namespaces: the execution's id, and the pipeline-level variables
OWN, PIPELINE = "codepipeline", "variables"
RESERVED = (OWN, PIPELINE)

Scope = Mapping[str, Mapping[str, str]]


class Unresolved(Exception):  # noqa: N818 (a state of a value, which becomes the action's error)
    """A reference has no value; the message says which one."""


def references(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield (text between the braces, namespace, key) of each reference; the last two are empty for an invalid form."""
    for inside in REFERENCE.findall(text):
        whole = WHOLE.fullmatch(inside)
        yield (inside, whole[1], whole[2]) if whole else (inside, "", "")


def resolve(text: str, scope: Scope) -> str:
    """Replace references by their values.

    Values are not resolved again, so that a commit message with #{...} is taken literally.

    Raises:
        Unresolved: when a namespace or key has no value.
    """

    def value(reference: re.Match[str]) -> str:
        whole = WHOLE.fullmatch(reference[1])
        if whole is None or whole[2] not in scope.get(whole[1], {}):
            raise Unresolved(f"The variable #{{{reference[1]}}} could not be resolved: no action has given it a value")
        return scope[whole[1]][whole[2]]

    return REFERENCE.sub(value, text)


def resolve_all(configuration: Mapping[str, str], scope: Scope) -> dict[str, str]:
    """Resolve every value of an action's configuration; values inside JSON stay JSON.

    Raises:
        Unresolved: as `resolve`.
    """
    return {key: _resolve_json(text, scope) for key, text in configuration.items()}


def _resolve_json(text: str, scope: Scope) -> str:
    """Resolve within the strings of a JSON list or object, so that a quotation mark in a value keeps the JSON valid."""
    if not text.lstrip().startswith(("[", "{")):
        return resolve(text, scope)
    try:
        read = json.loads(text)
    except ValueError:
        return resolve(text, scope)
    return json.dumps(_walk(read, scope), separators=(",", ":"), ensure_ascii=False)


def _walk(node: object, scope: Scope) -> object:
    if isinstance(node, str):
        return resolve(node, scope)
    if isinstance(node, list):
        return [_walk(item, scope) for item in node]
    if isinstance(node, dict):
        return {key: _walk(item, scope) for key, item in node.items()}
    return node
