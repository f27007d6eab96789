"""Steps 1, 2, 7 and 10: a stack's template, parameters, resources and outputs, as moto lists and describes them."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from moto.cloudformation.models import Event, Stack
from moto.cloudformation.parsing import Export, Output, OutputMap, ResourceMap

from sagemaker_rehearsal.cloudformation import intrinsics
from sagemaker_rehearsal.cloudformation.dynamic_references import services
from sagemaker_rehearsal.cloudformation.intrinsics import FunctionError
from sagemaker_rehearsal.cloudformation.parameter_store import VALUE, Stored
from sagemaker_rehearsal.cloudformation.reading import Scalar, read
from sagemaker_rehearsal.cloudformation.resources import Resource, ResourceError
from sagemaker_rehearsal.server.backends import serialised


class Conditions(Mapping[str, bool]):
    """A template's conditions, each decided when it is asked for; moto asks by this form."""

    def __init__(self, scope: "Resources", expressions: Mapping[str, Any]) -> None:
        self._scope = scope
        self._expressions = expressions

    def __getitem__(self, name: str) -> bool:
        """Decide one."""
        if name not in self._expressions:
            raise FunctionError(f"Template format error: Unresolved condition dependency {name}")
        return intrinsics.decide(self._expressions[name], self._scope)

    def __iter__(self) -> Iterator[str]:
        """Name them all."""
        return iter(self._expressions)

    def __len__(self) -> int:
        """Count them."""
        return len(self._expressions)


class Resources(ResourceMap):
    """Moto's map of a stack's resources: references are resolved by us, and nothing is made by itself."""

    def __getitem__(self, key: str) -> Any:  # noqa: ANN401 (moto's signature)
        """Return a resource, parameter or mapping; None for a resource that does not exist."""
        if key in self._parsed_resources or key in self._resource_json_map:
            return self._parsed_resources.get(key)
        raise KeyError(key)

    @property
    def resources(self) -> list[str]:
        """The logical names of the resources that exist."""
        return [name for name in self._resource_json_map if isinstance(self._parsed_resources.get(name), Resource)]

    def validate_outputs(self) -> None:
        """References in outputs are resolved when the stack is complete."""

    def load_conditions(self) -> None:
        """Conditions are decided when they are asked for."""
        self.lazy_condition_map: Any = Conditions(self, self._template.get("Conditions") or {})

    def load_parameters(self) -> None:
        """Take the parameters that were given, and the defaults of the others."""
        self.no_echo_parameter_keys: list[str] = []
        for name, rule in (self._template.get("Parameters") or {}).items():
            text = self.input_parameters.get(name, rule.get("Default", ""))
            value = text.stored if isinstance(text, Stored) else str(text)
            self.resolved_parameters[name] = typed(rule.get("Type", "String"), value)
            if str(rule.get("NoEcho", "")).lower() == "true":
                self.no_echo_parameter_keys.append(name)
        self._parsed_resources.update(self.resolved_parameters)

    def reference(self, name: str) -> Any:  # noqa: ANN401 (a text or a list)
        """Answer Ref."""
        if name == "AWS::NoValue":
            return intrinsics.NO_VALUE
        resource = self._parsed_resources.get(name)
        if isinstance(resource, Resource):
            return resource.physical_resource_id
        if resource is None:
            raise FunctionError(f"Template format error: Unresolved resource dependencies [{name}] in the template")
        return resource

    def attribute(self, name: str, attribute: str) -> Any:  # noqa: ANN401 (a text or a list)
        """Answer Fn::GetAtt."""
        resource = self._parsed_resources.get(name)
        if not isinstance(resource, Resource):
            raise FunctionError(f"Template error: instance of Fn::GetAtt references undefined resource {name}")
        return resource.get_cfn_attribute(attribute)

    def mapping(self, name: str) -> Mapping[str, Any]:
        """Answer Fn::FindInMap."""
        mapping = (self._template.get("Mappings") or {}).get(name)
        if mapping is None:
            raise FunctionError(f"Template error: Mapping named '{name}' is not present in the 'Mappings' section")
        return cast(Mapping[str, Any], mapping)

    def imported(self, name: str) -> str:
        """Answer Fn::ImportValue."""
        values = [export.value for export in list((self.cross_stack_resources or {}).values()) if export.name == name]
        if not values:
            raise FunctionError(f"No export named {name} found.")
        return str(values[0])

    def condition(self, name: str) -> bool:
        """Decide a condition."""
        return bool(self.lazy_condition_map[name])

    def wanted(self, logical: str) -> bool:
        """Return whether the template wants this resource with these parameters."""
        resource = self._resource_json_map.get(logical)
        if resource is None:
            return False
        return "Condition" not in resource or self.condition(resource["Condition"])

    def resolved(self, logical: str) -> dict[str, Any]:
        """Return a resource's properties with every intrinsic replaced."""
        return dict(intrinsics.resolve(self._resource_json_map[logical].get("Properties") or {}, self))

    @serialised
    def put(self, resource: Resource) -> None:
        """Let references find a resource."""
        self._parsed_resources[resource.logical_resource_id] = resource

    @serialised
    def existing(self) -> dict[str, Resource]:
        """Return all resources that exist, also those that the template no longer names."""
        return {name: resource for name, resource in self._parsed_resources.items() if isinstance(resource, Resource)}

    @serialised
    def drop(self, logical: str) -> None:
        """Let references no longer find a resource."""
        self._parsed_resources.pop(logical, None)

    @serialised
    def adopt(self, template: dict[str, Any], parameters: dict[str, Any]) -> None:
        """Take another template and other parameters."""
        for name in self.resolved_parameters:
            self._parsed_resources.pop(name, None)
        self._template, self._resource_json_map = template, template["Resources"]
        self.input_parameters, self.resolved_parameters = parameters, {}
        self.load()


def typed(kind: str, text: str) -> str | list[str]:
    """Return a parameter as Ref gives it: a list for the types that are lists."""
    kind = kind.removeprefix(VALUE)
    if kind == "CommaDelimitedList" or kind.startswith("List<"):
        return [item.strip() for item in text.split(",")]
    return Scalar(text) if kind == "Number" else text


class Outputs(OutputMap):
    """Moto's map of a stack's outputs, with our functions."""

    def __init__(self, resources: Resources, template: Mapping[str, Any], stack_id: str) -> None:
        super().__init__(resources, dict(template), stack_id)
        self._scope = resources
        self._made: dict[str, Output | None] = {}

    def __getitem__(self, key: str) -> Output | None:
        """Return one; None where its condition does not hold."""
        if key not in self._made:
            output = self._output_json_map[key]
            applies = "Condition" not in output or self._scope.condition(output["Condition"])
            value = intrinsics.resolve(output["Value"], self._scope) if applies else None
            if services(value):  # by a parameter, for instance
                raise FunctionError(f"Template error: the rehearsal resolves {value} in resources' properties only")
            self._made[key] = Output(key, str(value), output.get("Description", "")) if applies else None
        return self._made[key]

    @property
    def exports(self) -> list[Export]:
        """Return what other stacks can import."""
        named = [
            (key, output["Export"]["Name"])
            for key, output in (self._output_json_map or {}).items()
            if "Export" in output
        ]
        pairs = [(self[key], intrinsics.resolve(name, self._scope)) for key, name in named if self[key]]
        return [Export(self._stack_id, str(name), output.value) for output, name in pairs if output]


class EngineStack(Stack):
    """A stack of moto's whose resources are made by the engine."""

    resource_map: Resources

    @staticmethod
    def cloudformation_name_type() -> str:
        """Stacks in stacks go to moto."""
        return ""

    @staticmethod
    def parse_template(template: str) -> dict[str, Any]:
        """Read a template as CloudFormation does, not as moto."""
        return read(template)

    def is_created(self) -> bool:
        """Its events tell."""
        return True

    @property
    def stack_name(self) -> str:
        """Its name, as ListStacks asks for it."""
        return str(self.name)

    @property
    def stack_status(self) -> str:
        """Its status, as ListStacks asks for it."""
        return str(self.status)

    @property
    def parameter_list(self) -> list[dict[str, Any]]:
        """The parameters as texts, as DescribeStacks gives them."""
        hidden = self.resource_map.no_echo_parameter_keys
        return [
            {"ParameterKey": key, **({"ParameterValue": "****"} if key in hidden else self._shown(key, value))}
            for key, value in self.resource_map.resolved_parameters.items()
        ]

    def _shown(self, key: str, value: str | list[str]) -> dict[str, str]:
        text = ",".join(value) if isinstance(value, list) else str(value)
        name = self.parameters.get(key)
        if isinstance(name, Stored):
            return {"ParameterValue": str(name), "ResolvedValue": name.stored}
        return {"ParameterValue": text}

    def _create_resource_map(self) -> Resources:
        resources = Resources(
            self.stack_id,
            self.name,
            self.parameters,
            self.tags,
            account_id=self.account_id,
            region_name=self.region_name,
            template=self.template_dict,
            cross_stack_resources=self.cross_stack_resources,
        )
        resources.load()
        return resources

    def _create_output_map(self) -> Outputs:
        return Outputs(self.resource_map, {}, self.stack_id)

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
        """Resolve the outputs, now that the resources exist.

        Raises:
            ResourceError: one cannot be.
        """
        outputs = Outputs(self.resource_map, self.template_dict, self.stack_id)
        try:
            list(outputs.values())
        except FunctionError as error:
            raise ResourceError(str(error)) from error
        self.output_map = outputs
