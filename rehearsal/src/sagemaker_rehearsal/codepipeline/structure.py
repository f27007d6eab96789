"""Steps 4 and 6 to 10: parse a pipeline's declaration. Pure functions.

https://docs.aws.amazon.com/codepipeline/latest/userguide/reference-pipeline-structure.html
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Action:
    """One action of a stage, as declared."""

    name: str
    category: str
    owner: str
    provider: str
    version: str
    order: int
    configuration: Mapping[str, str]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    namespace: str
    role_arn: str
    region: str
    timeout_minutes: int | None

    @property
    def type_id(self) -> dict[str, str]:
        """The action's type, as the API gives it."""
        return {"category": self.category, "owner": self.owner, "provider": self.provider, "version": self.version}


@dataclass(frozen=True)
class Stage:
    """One stage: actions of the same run order run in parallel, the run orders in sequence."""

    name: str
    actions: tuple[Action, ...]


@dataclass(frozen=True)
class Variable:
    """A pipeline-level variable; without a default, each start must pass a value."""

    name: str
    default: str | None


@dataclass(frozen=True)
class Pipeline:
    """A pipeline's declaration.

    Attributes:
        declared: the request's declaration with defaults, as GetPipeline returns it.
    """

    name: str
    version: int
    role_arn: str
    kind: str
    mode: str
    bucket: str
    stages: tuple[Stage, ...]
    variables: tuple[Variable, ...]
    declared: Mapping[str, Any]

    def actions(self) -> Iterator[tuple[Stage, Action]]:
        """Return all actions with their stages, in declared order."""
        return ((stage, action) for stage in self.stages for action in stage.actions)

    def stage(self, name: str) -> Stage | None:
        """Find a stage."""
        return next((stage for stage in self.stages if stage.name == name), None)

    def action(self, stage: str, name: str) -> Action:
        """Find an action; it must exist."""
        return next(action for parent, action in self.actions() if parent.name == stage and action.name == name)


def parse(declared: Mapping[str, Any], version: int) -> Pipeline:
    """Parse a declaration that is valid by botocore's model; `rules.check` validates the rest."""
    # "The default mode is SUPERSEDED"; CreatePipeline makes V1 pipelines where no type is given
    whole = {"pipelineType": "V1", "executionMode": "SUPERSEDED", **declared, "version": version}
    whole["stages"] = [_with_defaults(stage) for stage in declared["stages"]]
    stores = list((declared.get("artifactStores") or {}).values())
    store: Mapping[str, Any] = declared.get("artifactStore") or (stores[0] if stores else {})
    return Pipeline(
        name=declared["name"],
        version=version,
        role_arn=declared["roleArn"],
        kind=whole["pipelineType"],
        mode=whole["executionMode"],
        bucket=store.get("location", ""),
        stages=tuple(
            Stage(stage["name"], tuple(_action(action) for action in stage["actions"])) for stage in whole["stages"]
        ),
        variables=tuple(
            Variable(variable["name"], variable.get("defaultValue")) for variable in declared.get("variables") or ()
        ),
        declared=whole,
    )


def _with_defaults(stage: Mapping[str, Any]) -> dict[str, Any]:
    defaults: dict[str, Any] = {"runOrder": 1, "configuration": {}, "inputArtifacts": [], "outputArtifacts": []}
    return {**stage, "actions": [{**defaults, **action} for action in stage["actions"]]}


def _action(declared: Mapping[str, Any]) -> Action:
    kind = declared["actionTypeId"]
    return Action(
        name=declared["name"],
        category=kind["category"],
        owner=kind["owner"],
        provider=kind["provider"],
        version=kind["version"],
        order=declared["runOrder"],
        configuration=dict(declared["configuration"]),
        inputs=tuple(artifact["name"] for artifact in declared["inputArtifacts"]),
        outputs=tuple(artifact["name"] for artifact in declared["outputArtifacts"]),
        namespace=declared.get("namespace", ""),
        role_arn=declared.get("roleArn", ""),
        region=declared.get("region", ""),
        timeout_minutes=declared.get("timeoutInMinutes"),
    )
