"""Steps 4 and 6 to 10: a pipeline's declaration as values. Pure.

https://docs.aws.amazon.com/codepipeline/latest/userguide/reference-pipeline-structure.html
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Action:
    """One action of a stage, as it was declared."""

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
    """One stage: actions of one run order run side by side, the orders one after the other."""

    name: str
    actions: tuple[Action, ...]


@dataclass(frozen=True)
class Variable:
    """A pipeline-level variable; without a default it must be given at each start."""

    name: str
    default: str | None


@dataclass(frozen=True)
class Pipeline:
    """A declaration.

    Attributes:
        declared: as it was given, with defaults filled in; `GetPipeline` gives it.
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
        """Give every action with its stage, in the declared order."""
        return ((stage, action) for stage in self.stages for action in stage.actions)

    def stage(self, name: str) -> Stage | None:
        """Find a stage."""
        return next((stage for stage in self.stages if stage.name == name), None)

    def action(self, stage: str, name: str) -> Action:
        """Find an action; it must exist."""
        return next(action for one, action in self.actions() if one.name == stage and action.name == name)


def parse(declared: Mapping[str, Any], version: int) -> Pipeline:
    """Read a declaration that botocore's model allows; `rules.check` says whether CodePipeline takes it."""
    # "The default mode is SUPERSEDED"; CreatePipeline makes V1 pipelines where no type is given
    whole = {"pipelineType": "V1", "executionMode": "SUPERSEDED", **declared, "version": version}
    whole["stages"] = [_filled(stage) for stage in declared["stages"]]
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
            Stage(one["name"], tuple(_action(action) for action in one["actions"])) for one in whole["stages"]
        ),
        variables=tuple(Variable(one["name"], one.get("defaultValue")) for one in declared.get("variables") or ()),
        declared=whole,
    )


def _filled(stage: Mapping[str, Any]) -> dict[str, Any]:
    defaults: dict[str, Any] = {"runOrder": 1, "configuration": {}, "inputArtifacts": [], "outputArtifacts": []}
    return {**stage, "actions": [{**defaults, **action} for action in stage["actions"]]}


def _action(given: Mapping[str, Any]) -> Action:
    kind = given["actionTypeId"]
    return Action(
        name=given["name"],
        category=kind["category"],
        owner=kind["owner"],
        provider=kind["provider"],
        version=kind["version"],
        order=given["runOrder"],
        configuration=dict(given["configuration"]),
        inputs=tuple(one["name"] for one in given["inputArtifacts"]),
        outputs=tuple(one["name"] for one in given["outputArtifacts"]),
        namespace=given.get("namespace", ""),
        role_arn=given.get("roleArn", ""),
        region=given.get("region", ""),
        timeout_minutes=given.get("timeoutInMinutes"),
    )
