"""Steps 1, 2 and 7: what another template or other parameters would change in a stack. Nothing is changed here.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChange.html
"""

from collections.abc import Iterator, Mapping
from typing import Any

from sagemaker_rehearsal.cloudformation import template as rules
from sagemaker_rehearsal.cloudformation.intrinsics import FunctionError
from sagemaker_rehearsal.cloudformation.resources import Resource, ResourceError, type_of
from sagemaker_rehearsal.cloudformation.stacks import EngineStack, Resources

# A cloud's resource types, by name
Types = Mapping[str, Any]
LATER = "{{changeSet:KNOWN_AFTER_APPLY}}"
ATTRIBUTES = ("Metadata", "CreationPolicy", "UpdatePolicy", "DeletionPolicy", "UpdateReplacePolicy")


class Preview(Resources):
    """The stack's resources as they would be: what does not exist yet is known later."""

    def reference(self, name: str) -> Any:  # noqa: ANN401 (a text or a list)
        """Answer Ref."""
        return LATER if self._later(name) else super().reference(name)

    def attribute(self, name: str, attribute: str) -> Any:  # noqa: ANN401 (a text or a list)
        """Answer Fn::GetAtt."""
        try:
            return LATER if self._later(name) else super().attribute(name, attribute)
        except ResourceError:
            return LATER

    def _later(self, name: str) -> bool:
        return name in self._resource_json_map and name not in self.existing()


def found(
    types: Types,
    stack: EngineStack,
    template: Mapping[str, Any],
    values: dict[str, str],
    tags: Mapping[str, str] | None,
) -> bool:
    """Return whether anything would change; comments and the template's form do not count."""
    outputs = [document.get("Outputs") or {} for document in (stack.template_dict, template)]
    return bool(outputs[0] != outputs[1] or tags not in (None, stack.tags) or changes(types, stack, template, values))


def changes(
    types: Types, stack: EngineStack | None, template: Mapping[str, Any], values: dict[str, str]
) -> list[dict[str, Any]]:
    """List what would change, as DescribeChangeSet returns it.

    Args:
        types: the cloud's resource types.
        stack: None for one that is not made yet.
        template: the other template.
        values: all parameters.
    """
    seen = Preview(
        stack.stack_id if stack else "stack",
        stack.name if stack else "stack",
        values,
        {},
        region_name=stack.region_name if stack else "us-east-1",
        account_id=stack.account_id if stack else "",
        template=dict(template),
        cross_stack_resources=stack.cross_stack_resources if stack else {},
    )
    seen.load()
    old = stack.resource_map.existing() if stack else {}
    for resource in old.values():
        seen.put(resource)
    before = stack.template_dict["Resources"] if stack else {}
    differences = _changes(types, seen, old, before, template["Resources"])
    return [{"Type": "Resource", "ResourceChange": change} for change in differences]


def _changes(
    types: Types,
    seen: Preview,
    old: Mapping[str, Resource],
    before: Mapping[str, Any],
    after: Mapping[str, Any],
) -> Iterator[dict[str, Any]]:
    for logical in rules.order(after, set(seen.resolved_parameters)):
        if not seen.wanted(logical):
            continue
        if logical not in old:
            yield {"Action": "Add", "LogicalResourceId": logical, "ResourceType": after[logical]["Type"], "Details": []}
            continue
        change = _modified(types, seen, old[logical], before.get(logical, {}), after[logical])
        if change:
            if change["Replacement"] == "True":
                seen.drop(logical)
            yield change
    for logical, resource in old.items():
        if not seen.wanted(logical):
            retained = str(before.get(logical, {}).get("DeletionPolicy", "Delete")).startswith("Retain")
            yield {
                **_named(resource),
                "Action": "Remove",
                "PolicyAction": "Retain" if retained else "Delete",
                "Details": [],
            }


def _named(resource: Resource) -> dict[str, Any]:
    return {
        "LogicalResourceId": resource.logical_resource_id,
        "PhysicalResourceId": resource.physical_resource_id,
        "ResourceType": resource.cf_resource_type,
    }


def _modified(
    types: Types, seen: Preview, old: Resource, before: Mapping[str, Any], after: Mapping[str, Any]
) -> dict[str, Any] | None:
    try:
        resolved = seen.resolved(old.logical_resource_id)
    except FunctionError:
        resolved = {LATER: LATER}
    declared = old.declared
    names = sorted(name for name in {*declared, *resolved} if declared.get(name) != resolved.get(name))
    other = [name for name in ATTRIBUTES if before.get(name) != after.get(name)]
    if not names and not other:
        return None
    replaced = bool(names) and replaces(types, old, set(names))
    scope = [*(["Properties"] if [name for name in names if name != "Tags"] else []), *other]
    details = [_detail(name, replaced=replaced and replaces(types, old, {name})) for name in names]
    return {
        **_named(old),
        "Action": "Modify",
        "Replacement": "True" if replaced else "False",
        "Scope": [*scope, *(["Tags"] if "Tags" in names else [])],
        "Details": details,
    }


def _detail(name: str, *, replaced: bool) -> dict[str, Any]:
    recreation = "Always" if replaced else "Never"
    target = {"Attribute": "Properties", "Name": name, "RequiresRecreation": recreation}
    if name == "Tags":
        target = {"Attribute": "Tags", "RequiresRecreation": "Never"}
    return {"Target": target, "Evaluation": "Static", "ChangeSource": "DirectModification"}


def replaces(types: Types, old: Resource, names: set[str]) -> bool:
    """Return whether a change of these properties makes another resource; moto's models change in place."""
    own = type_of(types, old.cf_resource_type)
    return own is not None and own.replaces(names)
