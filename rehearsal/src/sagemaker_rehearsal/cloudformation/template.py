"""Steps 7 and 10: what CloudFormation checks before it touches a resource: parameters, rules, references. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sagemaker_rehearsal.cloudformation import form, functions
from sagemaker_rehearsal.server.errors import AwsError

PSEUDO = "AWS::"
SUBSTITUTED = re.compile(r"\$\{([^!}][^}]*)\}")
LIMIT_BYTES = 51_200  # of TemplateBody; larger ones must come from S3
invalid = form.invalid


def check(template: Mapping[str, Any], given: Mapping[str, str], capabilities: Sequence[str]) -> dict[str, str]:
    """Validate template and parameters, before a stack is made; return every parameter's value.

    Raises:
        AwsError: naming the first rule that is broken.
    """
    check_template(template)
    values = check_parameters(template.get("Parameters") or {}, given)
    check_rules(template.get("Rules") or {}, values)
    functions.check_mappings(template, values)
    check_capabilities(template["Resources"], capabilities)
    return values


def check_template(template: Mapping[str, Any]) -> None:
    """Validate what does not depend on the parameters' values.

    Raises:
        AwsError: naming the first rule that is broken.
    """
    if not isinstance(template, Mapping) or not template.get("Resources"):
        raise invalid("Template format error: At least one Resources member must be defined.")
    form.check(template)
    if "Transform" in template:
        raise invalid("Template format error: the rehearsal has no macros; see docs/parity.md")
    functions.check(template)
    order(template["Resources"], set(template.get("Parameters") or {}))
    form.check_conditions(template)
    form.check_outputs(template, references([output["Value"] for output in (template.get("Outputs") or {}).values()]))


# The properties by which a resource of IAM is named
NAMED = {"AWS::IAM::Role": "RoleName", "AWS::IAM::ManagedPolicy": "ManagedPolicyName", "AWS::IAM::User": "UserName"}


def check_capabilities(resources: Mapping[str, Any], capabilities: Sequence[str]) -> None:
    """Compare the acknowledged capabilities with what the template makes.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html

    Raises:
        AwsError: CAPABILITY_IAM or CAPABILITY_NAMED_IAM is missing.
    """
    needed = needed_capability(resources)
    if needed and needed not in capabilities and "CAPABILITY_NAMED_IAM" not in capabilities:
        raise AwsError("InsufficientCapabilitiesException", f"Requires capabilities : [{needed}]")


def needed_capability(resources: Mapping[str, Any]) -> str:
    """Return the acknowledgement that a template takes; empty for none."""
    iam = [resource for resource in resources.values() if resource.get("Type", "").startswith("AWS::IAM::")]
    named = any(NAMED.get(resource["Type"], "") in (resource.get("Properties") or {}) for resource in iam)
    return ("CAPABILITY_NAMED_IAM" if named else "CAPABILITY_IAM") if iam else ""


def check_parameters(declared: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, str]:
    """Return every parameter's value as text.

    Raises:
        AwsError: for one that is unknown, missing or breaks its constraints.
    """
    unknown = sorted(set(given) - set(declared))
    if unknown:
        raise invalid(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    missing = [name for name, rule in declared.items() if name not in given and "Default" not in rule]
    if missing:
        raise invalid(f"Parameters: [{', '.join(missing)}] must have values")
    values = {name: str(given.get(name, rule.get("Default", ""))) for name, rule in declared.items()}
    form.check_values(values)
    for name, rule in declared.items():
        if rule.get("Type") == "Number" and not _is_number(values[name]):
            raise invalid(f"Parameter '{name}' must be a number.")
        problem = _broken(rule, values[name])
        if problem:
            reason = rule.get("ConstraintDescription") or problem
            raise invalid(f"Parameter '{name}' failed to satisfy constraint: {reason}")
    return values


def _broken(rule: Mapping[str, Any], value: str) -> str:
    """Return the constraint that a value breaks; empty for none."""
    if rule.get("Type") == "CommaDelimitedList":  # both are held against each item
        return next(
            (problem for item in value.split(",") if (problem := _broken({**rule, "Type": "String"}, item.strip()))), ""
        )
    if "AllowedValues" in rule and value not in [str(allowed) for allowed in rule["AllowedValues"]]:
        return f"must be one of AllowedValues [{', '.join(map(str, rule['AllowedValues']))}]"
    if rule.get("Type") == "Number":
        return _broken_number(rule, value)
    if "AllowedPattern" in rule and not re.fullmatch(rule["AllowedPattern"], value):
        return f"must match pattern {rule['AllowedPattern']}"
    if len(value) < int(rule.get("MinLength", 0)):
        return f"must contain at least {rule['MinLength']} characters"
    if "MaxLength" in rule and len(value) > int(rule["MaxLength"]):
        return f"must contain at most {rule['MaxLength']} characters"
    return ""


def _is_number(value: str) -> bool:
    try:
        return bool(value) and float(value) is not None
    except ValueError:
        return False


def _broken_number(rule: Mapping[str, Any], value: str) -> str:
    number = float(value)
    if "MinValue" in rule and number < float(rule["MinValue"]):
        return f"must be a number not less than {rule['MinValue']}"
    if "MaxValue" in rule and number > float(rule["MaxValue"]):
        return f"must be a number not greater than {rule['MaxValue']}"
    return ""


def check_rules(rules: Mapping[str, Any], values: Mapping[str, str]) -> None:
    """Validate the parameters against the template's Rules.

    Raises:
        AwsError: with the description of the assertion that failed.
    """
    for name, rule in rules.items():
        if "RuleCondition" in rule and not _decide(rule["RuleCondition"], values):
            continue
        for assertion in rule.get("Assertions", []):
            if not _decide(assertion["Assert"], values):
                raise invalid(
                    f"Template validation error: rule {name}: {assertion.get('AssertDescription', 'assertion failed')}"
                )


def _decide(node: Any, values: Mapping[str, str]) -> bool:  # noqa: ANN401 (JSON)
    (function, arguments), *_ = node.items()
    if function == "Fn::Equals":
        return _value(arguments[0], values) == _value(arguments[1], values)
    if function == "Fn::Not":
        return not _decide(arguments[0], values)
    if function in ("Fn::And", "Fn::Or"):
        return (all if function == "Fn::And" else any)([_decide(operand, values) for operand in arguments])
    if function == "Fn::Contains":
        return _value(arguments[1], values) in [_value(operand, values) for operand in arguments[0]]
    raise invalid(f"Template validation error: the rehearsal does not decide {function} in Rules")


def _value(node: Any, values: Mapping[str, str]) -> str:  # noqa: ANN401 (JSON)
    return values.get(node["Ref"], "") if isinstance(node, Mapping) else str(node)


def references(node: object) -> Iterator[str]:
    """Yield the logical names and parameters that a part of a template refers to."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            if key == "Ref" and isinstance(value, str):
                yield value
            elif key == "Fn::GetAtt":
                yield value[0] if isinstance(value, list) else str(value).split(".")[0]
            elif key == "Fn::Sub":
                yield from _substituted(value)
            else:
                yield from references(value)
    elif isinstance(node, list):
        for item in node:
            yield from references(item)


def _substituted(value: Any) -> Iterator[str]:  # noqa: ANN401 (JSON)
    text, variables = (value[0], value[1]) if isinstance(value, list) else (value, {})
    yield from references(variables)
    yield from (name.split(".")[0].strip() for name in SUBSTITUTED.findall(text) if name not in variables)


def check_types(before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Refuse that a resource takes another type.

    Raises:
        AwsError: naming those that would.
    """
    changed = [name for name, resource in after.items() if name in before and before[name]["Type"] != resource["Type"]]
    if changed:
        raise invalid(
            "Template format error: Update of resource type is not permitted. The new template modifies resource type "
            f"of the following resources: [{', '.join(changed)}]"
        )


def kept(template: Mapping[str, Any], attribute: str, *, made: bool = False) -> frozenset[str]:
    """Name the resources that stay when the stack lets go of them.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html

    Args:
        template: the template.
        attribute: `DeletionPolicy` or `UpdateReplacePolicy`.
        made: whether the operation that is rolled back made them, which RetainExceptOnCreate does not keep.
    """
    signs = {"Retain"} if made else {"Retain", "RetainExceptOnCreate"}
    return frozenset(name for name, resource in template["Resources"].items() if resource.get(attribute) in signs)


def order(resources: Mapping[str, Any], parameters: set[str]) -> list[str]:
    """Sort resources so that each comes after what it refers to.

    Raises:
        AwsError: for a reference that leads nowhere, or a circle.
    """
    waiting = {}
    for name, resource in resources.items():
        depends = resource.get("DependsOn", [])
        names = {*references(resource.get("Properties", {})), *([depends] if isinstance(depends, str) else depends)}
        lost = sorted(
            name for name in names if name not in resources and name not in parameters and not name.startswith(PSEUDO)
        )
        if lost:
            raise invalid(
                f"Template format error: Unresolved resource dependencies [{', '.join(lost)}] "
                "in the Resources block of the template"
            )
        waiting[name] = {name for name in names if name in resources}
    sorted_names: list[str] = []
    while ready := [name for name, needed in waiting.items() if not needed & waiting.keys()]:
        sorted_names += ready
        for name in ready:
            del waiting[name]
    if waiting:
        raise invalid(f"Circular dependency between resources: [{', '.join(waiting)}]")
    return sorted_names
