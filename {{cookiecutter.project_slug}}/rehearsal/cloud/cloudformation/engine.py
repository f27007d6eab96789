"""Steps 7 and 10: make, change and remove a stack's resources in order; roll back as CloudFormation does."""

from typing import Any

from moto.cloudformation.models import Event, Stack
from moto.cloudformation.parsing import OutputMap, ResourceMap, clean_json

from rehearsal.cloud.cloudformation import template as rules
from rehearsal.cloud.cloudformation.resources import Provider, Resource, ResourceError


class Resources(ResourceMap):
    """Moto's map of a stack's resources, which resolves references but makes nothing by itself."""

    def __getitem__(self, key: str) -> Any:  # noqa: ANN401 (moto's signature)
        """Give a resource, parameter or mapping; None for a resource that does not exist."""
        if key in self._parsed_resources or key in self._resource_json_map:
            return self._parsed_resources.get(key)
        raise KeyError(key)

    @property
    def resources(self) -> list[str]:
        """The logical names of the resources that exist."""
        return [name for name in self._resource_json_map if isinstance(self._parsed_resources.get(name), Resource)]

    def validate_outputs(self) -> None:
        """References in outputs are resolved when the stack is complete."""

    def condition(self, logical: str) -> bool:
        """Tell whether the template wants this resource with these parameters."""
        name = self._resource_json_map[logical].get("Condition")
        return name is None or bool(self.lazy_condition_map[name])

    def resolved(self, logical: str) -> dict[str, Any]:
        """Give a resource's properties with every intrinsic replaced."""
        return dict(clean_json(self._resource_json_map[logical].get("Properties", {}), self))

    def put(self, resource: Resource) -> None:
        """Let references find a resource."""
        self._parsed_resources[resource.logical_resource_id] = resource

    def existing(self) -> dict[str, Resource]:
        """Give all resources that exist, also those that the template no longer names."""
        return {name: one for name, one in self._parsed_resources.items() if isinstance(one, Resource)}

    def drop(self, logical: str) -> None:
        """Let references no longer find a resource."""
        self._parsed_resources.pop(logical, None)

    def retained(self, logical: str) -> bool:
        """Tell whether the template wants the resource kept when it is removed."""
        return str(self._resource_json_map.get(logical, {}).get("DeletionPolicy", "Delete")).startswith("Retain")

    def adopt(self, template: dict[str, Any], parameters: dict[str, Any]) -> None:
        """Take another template and other parameters."""
        self._template, self._resource_json_map = template, template["Resources"]
        self.input_parameters, self.resolved_parameters = parameters, {}
        self.load()


class EngineStack(Stack):
    """A stack of moto's whose resources are made by the engine."""

    resource_map: Resources

    @staticmethod
    def cloudformation_name_type() -> str:
        """Stacks in stacks go to moto."""
        return ""

    def is_created(self) -> bool:
        """Its events tell."""
        return True

    def _create_resource_map(self) -> Resources:
        made = Resources(
            self.stack_id,
            self.name,
            self.parameters,
            self.tags,
            account_id=self.account_id,
            region_name=self.region_name,
            template=self.template_dict,
            cross_stack_resources=self.cross_stack_resources,
        )
        made.load()
        return made

    def event(
        self, resource: Resource | None, status: str, reason: str = "", logical: str = "", kind: str = ""
    ) -> None:
        """Add an event of a resource, or with None of the stack itself, whose status it becomes."""
        if resource is None and not logical:
            self.status = status
            self.stack_status_reason = reason or None
            self._add_stack_event(status, resource_status_reason=reason or None)
            return
        name = resource.logical_resource_id if resource else logical
        physical = resource.physical_resource_id if resource else ""
        kind = resource.cf_resource_type if resource else kind
        self.events.append(Event(self.stack_id, self.name, name, physical, kind, status, reason or None, None))

    def show_outputs(self) -> None:
        """Resolve the outputs, now that the resources exist."""
        self.output_map = OutputMap(self.resource_map, self.template_dict, self.stack_id)
        list(self.output_map.values())


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
        self._stack.output_map = OutputMap(self._map, {}, self._stack.stack_id)
        failed = self._apply()
        if not failed:
            self._stack.show_outputs()
            self._stack.event(None, "CREATE_COMPLETE")
            return True
        if on_failure == "DO_NOTHING":
            self._stack.event(None, "CREATE_FAILED", failed)
            return False
        self._stack.event(None, "ROLLBACK_IN_PROGRESS", f"{failed} Rollback requested by user.")
        stuck = self._remove(list(reversed(self._made)))
        self._stack.event(None, "ROLLBACK_FAILED" if stuck else "ROLLBACK_COMPLETE", stuck or failed)
        return False

    def update(self, template: str, parameters: dict[str, Any], tags: dict[str, str] | None) -> bool:
        """Take another template and parameters; on failure go back, and tell whether it succeeded."""
        stack = self._stack
        before = (str(stack.template), stack.parameters, dict(self._map.existing()))
        self._adopt(template, parameters)
        failed = self._apply()
        if failed:
            self._go_back(before, failed)
            return False
        stack.tags = tags if tags is not None else stack.tags
        stack.event(None, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        self._clean_up(before[2])
        stack.show_outputs()
        stack.event(None, "UPDATE_COMPLETE")
        return True

    def delete(self) -> bool:
        """Remove all resources but those that are to be retained; tell whether it succeeded."""
        existing = self._map.existing()
        names = [name for name in reversed(self._order()) if name in existing]
        stuck = self._remove([existing[name] for name in names if not self._map.retained(name)])
        self._stack.event(None, "DELETE_FAILED" if stuck else "DELETE_COMPLETE", stuck)
        return not stuck

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
        """Make or change what differs; give the reason of the first failure, or an empty text."""
        for logical in self._order():
            if not self._map.condition(logical):
                continue
            kind = self._stack.template_dict["Resources"][logical]["Type"]
            try:
                self._apply_one(logical, kind)
            except Exception as error:  # whatever a resource raises is its reason, and the stack rolls back
                said = str(error) if isinstance(error, ResourceError) else f"{type(error).__name__}: {error}"
                old = self._map.existing().get(logical)
                self._stack.event(old, "UPDATE_FAILED" if old else "CREATE_FAILED", said, logical, kind)
                return f"The following resource(s) failed to {'update' if old else 'create'}: [{logical}]. {said}"
        return ""

    def _apply_one(self, logical: str, kind: str) -> None:
        stack, properties = self._stack, self._map.resolved(logical)
        old = self._map.existing().get(logical)
        if old and old.cf_resource_type == kind:
            if old.properties == properties:
                return
            stack.event(old, "UPDATE_IN_PROGRESS")
            new = self._provider.update(stack.name, stack.stack_id, old, properties)
            self._changed.append((old, new))
        else:
            stack.event(None, "CREATE_IN_PROGRESS", "", logical, kind)
            new = self._provider.create(stack.name, stack.stack_id, logical, kind, properties)
            self._made.append(new)
        self._map.put(new)
        stack.event(new, "UPDATE_COMPLETE" if old else "CREATE_COMPLETE")

    def _remove(self, resources: list[Resource]) -> str:
        """Remove resources, last made first; give the reason of the first that stayed, or an empty text."""
        said = ""
        for one in resources:
            self._stack.event(one, "DELETE_IN_PROGRESS")
            try:
                self._provider.delete(one)
            except Exception as error:  # the rest is removed nevertheless
                self._stack.event(one, "DELETE_FAILED", str(error))
                said = said or f"The following resource(s) failed to delete: [{one.logical_resource_id}]. {error}"
                continue
            if self._map.existing().get(one.logical_resource_id) is one:
                self._map.drop(one.logical_resource_id)
            self._stack.event(one, "DELETE_COMPLETE")
        return said

    def _clean_up(self, before: dict[str, Resource]) -> None:
        """After an update: remove what was replaced, and what the template no longer wants."""
        replaced = [old for old, new in self._changed if old.physical_resource_id != new.physical_resource_id]
        named = set(self._stack.template_dict["Resources"])
        unwanted = [one for name, one in before.items() if name not in named or not self._map.condition(name)]
        self._remove([*reversed(unwanted), *reversed(replaced)])

    def _go_back(self, before: tuple[str, dict[str, Any], dict[str, Resource]], failed: str) -> None:
        stack = self._stack
        stack.event(None, "UPDATE_ROLLBACK_IN_PROGRESS", failed)
        for old, new in reversed(self._changed):
            if old.physical_resource_id == new.physical_resource_id:
                self._put_back(old, new)
        self._adopt(before[0], before[1])
        replacements = [new for old, new in self._changed if old.physical_resource_id != new.physical_resource_id]
        self._remove([*reversed(self._made), *reversed(replacements)])
        for one in before[2].values():
            self._map.put(one)
        stack.show_outputs()
        stack.event(None, "UPDATE_ROLLBACK_COMPLETE", failed)

    def _put_back(self, old: Resource, new: Resource) -> None:
        try:
            self._provider.update(self._stack.name, self._stack.stack_id, new, old.properties)
        except ResourceError as error:
            self._stack.event(None, "UPDATE_ROLLBACK_IN_PROGRESS", str(error))
