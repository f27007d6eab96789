"""Steps 7 and 10: make, change and remove a stack's resources in order; roll back as CloudFormation does."""

from collections.abc import Mapping, Sequence
from typing import Any

from sagemaker_rehearsal.cloudformation import dynamic_references
from sagemaker_rehearsal.cloudformation import template as rules
from sagemaker_rehearsal.cloudformation.intrinsics import FunctionError
from sagemaker_rehearsal.cloudformation.provider import Provider
from sagemaker_rehearsal.cloudformation.resources import Resource, ResourceError
from sagemaker_rehearsal.cloudformation.stacks import EngineStack, Outputs, Resources

__all__ = ["Engine", "EngineStack", "Resources"]


class Engine:
    """One change to one stack."""

    def __init__(self, stack: EngineStack, provider: Provider) -> None:
        self._stack = stack
        self._map: Resources = stack.resource_map
        self._provider = provider
        self._made: list[Resource] = []
        self._changed: list[tuple[Resource, Resource]] = []

    def create(self, on_failure: str = "ROLLBACK") -> bool:
        """Make all resources; on failure roll back, and tell whether it succeeded."""
        self._stack.output_map = Outputs(self._map, {}, self._stack.stack_id)
        failed = self._apply() or self._outputs()
        if not failed:
            self._stack.event(None, "CREATE_COMPLETE")
            return True
        if on_failure == "DO_NOTHING":
            self._stack.event(None, "CREATE_FAILED", failed)
            return False
        self._stack.event(None, "ROLLBACK_IN_PROGRESS", f"{failed} Rollback requested by user.")
        stuck = self._remove(list(reversed(self._made)), rules.kept(self._template(), "DeletionPolicy", made=True))
        self._stack.event(None, "ROLLBACK_FAILED" if stuck else "ROLLBACK_COMPLETE", stuck or failed)
        return False

    def update(self, template: str, parameters: dict[str, Any], tags: dict[str, str] | None) -> bool:
        """Take another template and parameters; on failure go back, and tell whether it succeeded."""
        stack = self._stack
        before, old = (str(stack.template), stack.parameters, dict(self._map.existing())), self._template()
        self._adopt(template, parameters)
        failed = self._apply() or self._outputs()
        if failed:
            self._go_back(before, failed)
            return False
        stack.tags = tags if tags is not None else stack.tags
        stack.event(None, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        self._clean_up(before[2], old)
        stack.event(None, "UPDATE_COMPLETE")
        return True

    def delete(self, retained: frozenset[str] = frozenset()) -> bool:
        """Remove all resources but those that are to be retained; tell whether it succeeded."""
        existing = self._map.existing()
        names = [name for name in reversed(self._order()) if name in existing]
        protected = retained | rules.kept(self._template(), "DeletionPolicy")
        stuck = self._remove([existing[name] for name in names], protected)
        self._stack.event(None, "DELETE_FAILED" if stuck else "DELETE_COMPLETE", stuck)
        return not stuck

    def _template(self) -> Mapping[str, Any]:
        return self._stack.template_dict

    def _outputs(self) -> str:
        """Show the outputs; return the reason why they cannot be, or an empty text."""
        try:
            self._stack.show_outputs()
        except ResourceError as error:
            return str(error)
        return ""

    def _adopt(self, template: str, parameters: dict[str, Any]) -> None:
        self._stack.template = template
        self._stack._parse_template()
        self._stack.parameters = parameters
        self._map.adopt(self._stack.template_dict, parameters)

    def _order(self) -> list[str]:
        return rules.order(
            self._stack.template_dict["Resources"], set(self._stack.template_dict.get("Parameters") or {})
        )

    def _apply(self) -> str:
        """Make or change what differs; return the reason of the first failure, or an empty text."""
        for logical in self._order():
            kind = self._template()["Resources"][logical]["Type"]
            try:
                if self._map.wanted(logical):
                    self._apply_one(logical, kind)
            except Exception as error:  # whatever a resource raises is its reason, and the stack rolls back
                reason = (
                    str(error)
                    if isinstance(error, ResourceError | FunctionError)
                    else f"{type(error).__name__}: {error}"
                )
                old = self._map.existing().get(logical)
                self._stack.event(old, "UPDATE_FAILED" if old else "CREATE_FAILED", reason, logical, kind)
                self._keep(old, getattr(error, "left", None))
                return f"The following resource(s) failed to {'update' if old else 'create'}: [{logical}]. {reason}"
        return ""

    def _keep(self, old: Resource | None, left: Resource | None) -> None:
        """Note what is left of a resource that failed, so that it is removed or changed back with the others."""
        if left is None:
            return
        if old and old.cf_resource_type == left.cf_resource_type:
            self._changed.append((old, left))
        else:
            self._made.append(left)
        self._map.put(left)

    def _apply_one(self, logical: str, kind: str) -> None:
        stack, declared = self._stack, self._map.resolved(logical)
        old = self._map.existing().get(logical)
        if old and old.cf_resource_type == kind:
            # A secret is looked up anew only where its resource changes, a parameter with every update of the stack:
            # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
            if old.declared == declared and "ssm" not in dynamic_references.services(declared):
                return
            properties = self._provider.dynamic(kind, declared)
            if old.properties == properties:
                old.template = declared
                return
            stack.event(old, "UPDATE_IN_PROGRESS")
            new = self._provider.update(stack.name, stack.stack_id, old, properties)
            self._changed.append((old, new))
        else:
            stack.event(None, "CREATE_IN_PROGRESS", "", logical, kind)
            properties = self._provider.dynamic(kind, declared)
            new = self._provider.create(stack.name, stack.stack_id, logical, kind, properties)
            self._made.append(new)
        new.template = declared
        self._map.put(new)
        stack.event(new, "UPDATE_COMPLETE" if old else "CREATE_COMPLETE")

    def _remove(self, resources: Sequence[Resource], retained: frozenset[str] = frozenset()) -> str:
        """Remove resources, last made first; return the reason of the first that stayed, or an empty text.

        Those that are kept by their policy are no longer the stack's, and stay.
        """
        reason = ""
        for resource in resources:
            if resource.logical_resource_id in retained:
                self._stack.event(resource, "DELETE_SKIPPED")
                self._forget(resource)
                continue
            self._stack.event(resource, "DELETE_IN_PROGRESS")
            try:
                self._provider.delete(resource)
            except Exception as error:  # the rest is removed nevertheless
                self._stack.event(resource, "DELETE_FAILED", str(error))
                reason = (
                    reason or f"The following resource(s) failed to delete: [{resource.logical_resource_id}]. {error}"
                )
                continue
            self._forget(resource)
            self._stack.event(resource, "DELETE_COMPLETE")
        return reason

    def _forget(self, resource: Resource) -> None:
        if self._map.existing().get(resource.logical_resource_id) is resource:
            self._map.drop(resource.logical_resource_id)

    def _clean_up(self, before: Mapping[str, Resource], template: Mapping[str, Any]) -> None:
        """After an update: remove what was replaced, and what the template no longer wants.

        https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-updatereplacepolicy.html
        """
        replaced = [old for old, new in self._changed if old.physical_resource_id != new.physical_resource_id]
        unwanted = [resource for name, resource in before.items() if not self._map.wanted(name)]
        self._remove([*reversed(unwanted)], rules.kept(template, "DeletionPolicy"))
        self._remove([*reversed(replaced)], rules.kept(self._template(), "UpdateReplacePolicy"))

    def _go_back(self, before: tuple[str, dict[str, Any], dict[str, Resource]], failed: str) -> None:
        stack = self._stack
        stack.event(None, "UPDATE_ROLLBACK_IN_PROGRESS", failed)
        for old, new in reversed(self._changed):
            if old.physical_resource_id == new.physical_resource_id:
                self._put_back(old, new)
        protected = rules.kept(self._template(), "DeletionPolicy", made=True)
        self._adopt(before[0], before[1])
        replacements = [new for old, new in self._changed if old.physical_resource_id != new.physical_resource_id]
        self._remove([*reversed(self._made)], protected)
        self._remove([*reversed(replacements)])
        for resource in before[2].values():
            self._map.put(resource)
        self._outputs()
        stack.event(None, "UPDATE_ROLLBACK_COMPLETE", failed)

    def _put_back(self, old: Resource, new: Resource) -> None:
        try:
            self._provider.update(self._stack.name, self._stack.stack_id, new, old.properties)
        except ResourceError as error:
            self._stack.event(None, "UPDATE_ROLLBACK_IN_PROGRESS", str(error))
