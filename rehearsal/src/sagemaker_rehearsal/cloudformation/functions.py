"""Steps 1, 2, 7 and 10: the form of a template's functions, checked before a stack is made. Pure.

The sentences are AWS's, as LocalStack recorded them (tests/aws/services/cloudformation/*.snapshot.json).
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sagemaker_rehearsal.cloudformation import dynamic_references, intrinsics
from sagemaker_rehearsal.cloudformation.form import invalid

PARITY = "see docs/parity.md"

GET_ATT = (
    "Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource "
    "attribute"
)
SELECT = "Template error: Fn::Select requires a list argument with two elements: an integer index and a list"
SPLIT = (
    "Template error: every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to be "
    "split or a function that returns a string to be split."
)
EQUALS = "Template error: every Fn::Equals object requires a list of 2 string parameters."
# In CloudFormation's order, as https://github.com/aws/aws-cli/pull/2746 quotes it; Fn::Cidr came later. Those of the
# transform AWS::LanguageExtensions (Fn::ToJsonString, Fn::Length, Fn::ForEach) are not among them.
SUPPORTED = (
    "Fn::Base64", "Fn::GetAtt", "Fn::GetAZs", "Fn::ImportValue", "Fn::Join", "Fn::Split", "Fn::FindInMap", "Fn::Select",
    "Ref", "Fn::Equals", "Fn::If", "Fn::Not", "Condition", "Fn::And", "Fn::Or", "Fn::Contains", "Fn::EachMemberEquals",
    "Fn::EachMemberIn", "Fn::ValueOf", "Fn::ValueOfAll", "Fn::RefAll", "Fn::Sub", "Fn::Cidr",
)  # fmt: skip
UNSUPPORTED = "Template error: Encountered unsupported function: {name} Supported functions are: [{names}]"
CONDITIONS = frozenset({"Fn::And", "Fn::Equals", "Fn::Not", "Fn::Or"})


def check(template: Mapping[str, Any]) -> None:
    """Check the functions of resources, outputs and conditions.

    Raises:
        AwsError: for the first one that has another form, or an Fn::If without its condition.
    """
    conditions = template.get("Conditions") or {}
    _check_known(template)
    elsewhere = dynamic_references.services([conditions, template.get("Outputs"), template.get("Rules")])
    if elsewhere:
        names = ", ".join(sorted(elsewhere))
        raise invalid(
            f"Template error: the rehearsal resolves {{{{resolve:{names}}}}} in resources' properties only; {PARITY}"
        )
    for name, argument in calls([template.get("Resources"), template.get("Outputs"), conditions]):
        if name in FORMS:
            rule, right = FORMS[name]
            if not right(argument):
                raise invalid(rule)
        if name == "Fn::If" and isinstance(argument, list) and argument and argument[0] not in conditions:
            raise invalid(f"Template error: unresolved condition dependency {argument[0]} in Fn::If")


def _check_known(template: Mapping[str, Any]) -> None:
    """Refuse functions that CloudFormation does not have, in its words, and those that the rehearsal does not have."""
    for section in ("Resources", "Outputs", "Conditions", "Rules"):
        here = intrinsics.FUNCTIONS.keys() | (CONDITIONS if section == "Conditions" else ())
        for name, _ in calls(template.get(section)):
            if name not in SUPPORTED and name != "Fn::Transform":
                raise invalid(UNSUPPORTED.format(name=name, names=", ".join(SUPPORTED)))
            if section != "Rules" and name not in here:
                raise invalid(f"Template error: the rehearsal does not know the function {name} in {section}; {PARITY}")


def check_mappings(template: Mapping[str, Any], values: Mapping[str, str]) -> None:
    """Check that each Fn::FindInMap finds something, where its keys are texts or parameters.

    Raises:
        AwsError: naming the first one that does not.
    """
    mappings = template.get("Mappings") or {}
    for name, argument in calls([template.get("Resources"), template.get("Outputs")]):
        if name != "Fn::FindInMap" or not isinstance(argument, list) or len(argument) != 3:
            continue
        keys = [values.get(str(key.get("Ref"))) if isinstance(key, Mapping) else key for key in argument]
        if any(not isinstance(key, str) for key in keys):
            continue
        mapping: Any = mappings
        for key in keys:
            mapping = mapping.get(key) if isinstance(mapping, Mapping) else None
        if mapping is None:
            raise invalid(f"Template error: Unable to get mapping for {'::'.join(map(str, keys))}")


def calls(node: object) -> Iterator[tuple[str, Any]]:
    """Yield each function of a part of a template, with its argument."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            if len(node) == 1 and str(key).startswith("Fn::"):
                yield key, value
            yield from calls(value)
    elif isinstance(node, list):
        for item in node:
            yield from calls(item)


def _is_get_att(argument: object) -> bool:
    parts = argument.split(".", 1) if isinstance(argument, str) else argument
    return isinstance(parts, list) and len(parts) == 2 and all(parts)


def _is_select(argument: object) -> bool:
    if not isinstance(argument, list) or len(argument) != 2:
        return False
    index, values = argument
    if isinstance(index, Mapping):
        return isinstance(values, (list, Mapping))
    if not str(index).isdigit():
        return False
    return isinstance(values, Mapping) or (isinstance(values, list) and int(index) < len(values))


def _is_split(argument: object) -> bool:
    return isinstance(argument, list) and len(argument) == 2 and isinstance(argument[0], str)


def _is_equals(argument: object) -> bool:
    return isinstance(argument, list) and len(argument) == 2


FORMS: dict[str, tuple[str, Callable[[object], bool]]] = {
    "Fn::GetAtt": (GET_ATT, _is_get_att),
    "Fn::Select": (SELECT, _is_select),
    "Fn::Split": (SPLIT, _is_split),
    "Fn::Equals": (EQUALS, _is_equals),
}
