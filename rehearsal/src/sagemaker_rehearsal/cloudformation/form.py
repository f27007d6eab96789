"""Steps 1, 2, 7 and 10: the form of a template: its sections, names, counts, and what they refer to. Pure.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from sagemaker_rehearsal.server.errors import AwsError

SECTIONS = frozenset(
    {
        "AWSTemplateFormatVersion", "Description", "Metadata", "Parameters", "Rules", "Mappings", "Conditions",
        "Transform", "Resources", "Outputs",
    }
)  # fmt: skip
# What each entry of a section may hold; the words of the message for another one
MEMBERS = {
    "Parameters": (
        "parameter",
        frozenset(
            {
                "Type", "Default", "Description", "NoEcho", "AllowedValues", "AllowedPattern", "ConstraintDescription",
                "MinLength", "MaxLength", "MinValue", "MaxValue",
            }
        ),
    ),
    "Resources": (
        "resource",
        frozenset(
            {
                "Type", "Properties", "DependsOn", "Condition", "Metadata", "CreationPolicy", "UpdatePolicy",
                "DeletionPolicy", "UpdateReplacePolicy",
            }
        ),
    ),
    "Outputs": ("output", frozenset({"Description", "Value", "Export", "Condition"})),
}  # fmt: skip
MOST = {"Parameters": 200, "Mappings": 200, "Resources": 500, "Outputs": 200}
MOST_DESCRIPTION, MOST_VALUE, MOST_NAME = 1024, 4096, 255
LOGICAL = re.compile(r"[A-Za-z0-9]+")
STACK = re.compile(r"[A-Za-z][-A-Za-z0-9]*")
PARAMETER = re.compile(r"String|Number|CommaDelimitedList|List<Number>|List<AWS::[\w:]+>|AWS::[\w:]+(<[\w:<>]+>)?")


def invalid(message: str) -> AwsError:
    """Return CloudFormation's answer to a template or parameter that breaks a rule."""
    return AwsError("ValidationError", message)


def check(template: Mapping[str, Any]) -> None:
    """Validate a template against CloudFormation's form.

    Raises:
        AwsError: for the first rule that is broken.
    """
    unknown = sorted(set(template) - SECTIONS)
    if unknown:
        raise invalid(f"Invalid template property or properties [{', '.join(unknown)}]")
    if len(str(template.get("Description") or "").encode()) > MOST_DESCRIPTION:
        raise invalid(f"Template format error: 'Description' length is greater than {MOST_DESCRIPTION}.")
    for section, most in MOST.items():
        entries = template.get(section) or {}
        if len(entries) > most:
            message = f"Number of {section.lower()}, {len(entries)}, is greater than maximum allowed, {most}"
            raise invalid(f"Template format error: {message}")
    for section in ("Resources", "Outputs"):
        _check_nulls(template.get(section), f"/{section}")
    for section, (word, members) in MEMBERS.items():
        _check_entries(template.get(section) or {}, section, word, members)
    _check_types(template.get("Parameters") or {})
    _check_mappings(template.get("Mappings") or {})


def _check_nulls(node: object, path: str) -> None:
    if isinstance(node, Mapping):
        for name, value in node.items():
            if value is None:
                raise invalid(f"[{path}/{name}] 'null' values are not allowed in templates")
            _check_nulls(value, f"{path}/{name}")
    elif isinstance(node, list):
        for number, value in enumerate(node):
            _check_nulls(value, f"{path}/{number}")


def _check_mappings(mappings: Mapping[str, Any]) -> None:
    for entries in mappings.values():
        for name, entry in entries.items():
            if not isinstance(entry, Mapping):
                raise invalid(f"Template format error: Every Mappings member {name} must be a map")
            if any(isinstance(value, Mapping) for value in entry.values()):
                raise invalid("Template format error: Every Mappings attribute must be a String or a List.")


def _check_entries(entries: Mapping[str, Any], section: str, word: str, members: frozenset[str]) -> None:
    for name, entry in entries.items():
        if not LOGICAL.fullmatch(name) or len(name) > MOST_NAME:
            raise invalid(f"Template format error: {word.capitalize()} name {name} is non alphanumeric.")
        if not isinstance(entry, Mapping):
            raise invalid(f"Template format error: Any {section} member must be an object.")
        unknown = sorted(set(entry) - members)
        if unknown:
            raise invalid(f"Invalid template {word} property '{unknown[0]}'")
        if section == "Outputs" and "Value" not in entry:
            raise invalid("Template format error: Every Outputs member must contain a Value object")
        if section != "Outputs" and entry.get("Type") is None:
            message = f"[/{section}/{name}] Every {section} object must contain a Type member."
            raise invalid(f"Template format error: {message}")


def _check_types(parameters: Mapping[str, Any]) -> None:
    for name, rule in parameters.items():
        if not PARAMETER.fullmatch(str(rule["Type"])):
            raise invalid(f"Template format error: Unrecognized parameter type: {rule['Type']} (of {name})")


def check_values(values: Mapping[str, str]) -> None:
    """Validate the length of parameters' values.

    Raises:
        AwsError: naming the first one that is too long.
    """
    for name, value in values.items():
        if len(value.encode()) > MOST_VALUE:
            raise invalid(f"Parameter '{name}' is too long: a value has at most {MOST_VALUE} bytes")


def check_conditions(template: Mapping[str, Any]) -> None:
    """Refuse a resource or an output whose condition is not declared.

    Raises:
        AwsError: naming the condition.
    """
    declared = template.get("Conditions") or {}
    for section in ("Resources", "Outputs"):
        for entry in (template.get(section) or {}).values():
            name = entry.get("Condition")
            if name is not None and name not in declared:
                raise invalid(f"Template format error: Unresolved condition dependency {name} in the {section} block")


def check_outputs(template: Mapping[str, Any], references: Iterable[str]) -> None:
    """Refuse outputs that refer to what there is not.

    Raises:
        AwsError: naming it.
    """
    known = {*template["Resources"], *(template.get("Parameters") or {})}
    lost = sorted({name for name in references if name not in known and not name.startswith("AWS::")})
    if lost:
        # Without "Template format error: ", which stands before the same sentence about Resources
        raise invalid(f"Unresolved resource dependencies [{', '.join(lost)}] in the Outputs block of the template")


def check_stack_name(name: str) -> None:
    """Validate a new stack's name against CloudFormation's form.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html

    Raises:
        AwsError: it has another one.
    """
    violations = []
    if not STACK.fullmatch(name):
        violations.append(f"Member must satisfy regular expression pattern: {STACK.pattern}")
    if len(name) > 128:
        violations.append("Member must have length less than or equal to 128")
    if violations:
        noun = "error" if len(violations) == 1 else "errors"
        message = "; ".join(
            f"Value '{name}' at 'stackName' failed to satisfy constraint: {violation}" for violation in violations
        )
        raise invalid(f"{len(violations)} validation {noun} detected: {message}")
