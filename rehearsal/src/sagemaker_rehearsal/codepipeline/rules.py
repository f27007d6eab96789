"""Steps 4 and 6 to 10: what CodePipeline refuses when a pipeline is made or changed. Pure.

https://docs.aws.amazon.com/codepipeline/latest/userguide/reference-pipeline-structure.html
https://docs.aws.amazon.com/codepipeline/latest/userguide/limits.html
"""

from collections import Counter
from collections.abc import Callable, Iterable

from sagemaker_rehearsal.codepipeline import action_types, variables
from sagemaker_rehearsal.codepipeline.structure import Action, Pipeline
from sagemaker_rehearsal.server.errors import AwsError

MOST_STAGES = 50
MOST_ACTIONS_OF_A_STAGE = 50
MOST_ACTIONS = 1000


def check(pipeline: Pipeline) -> None:
    """Hold a declaration to CodePipeline's rules.

    Raises:
        AwsError: for the first rule that is broken, with the code of the API.
    """
    for rule in RULES:
        rule(pipeline)


def _structure(message: str) -> AwsError:
    return AwsError("InvalidStructureException", message)


def _stage(message: str) -> AwsError:
    return AwsError("InvalidStageDeclarationException", message)


def _action(message: str) -> AwsError:
    return AwsError("InvalidActionDeclarationException", message)


def _repeated(names: Iterable[str]) -> list[str]:
    return sorted(name for name, count in Counter(names).items() if count > 1)


def _store(pipeline: Pipeline) -> None:
    """You must include either artifactStore or artifactStores in your pipeline, but you cannot use both."""
    given = [key for key in ("artifactStore", "artifactStores") if pipeline.declared.get(key)]
    if len(given) != 1:
        raise _structure("Pipeline must have exactly one of artifactStore and artifactStores")


def _numbers(pipeline: Pipeline) -> None:
    stages = pipeline.stages
    if len(stages) < 2:
        raise _structure(
            f"Pipeline has only {len(stages)} stage(s). There should be a minimum of 2 stages in a pipeline"
        )
    counts = [len(stage.actions) for stage in stages]
    for found, most, what in (
        (len(stages), MOST_STAGES, "stages in a pipeline"),
        (max(counts), MOST_ACTIONS_OF_A_STAGE, "actions in a stage"),
        (sum(counts), MOST_ACTIONS, "actions in a pipeline"),
    ):
        if found > most:
            raise AwsError("LimitExceededException", f"{found} {what}; there can be {most} at most")


def _stage_names(pipeline: Pipeline) -> None:
    twice = _repeated(stage.name for stage in pipeline.stages)
    if twice:
        raise _stage(f"Stage names must be unique within the pipeline. {twice[0]} has been used more than once.")
    for stage in pipeline.stages:
        if not stage.actions:
            raise _stage(f"Stage {stage.name} has no actions; a stage must have at least one")
        same = _repeated(action.name for action in stage.actions)
        if same:
            raise _action(
                f"Action names must be unique within a stage. {same[0]} occurs more than once in {stage.name}."
            )


def _sources(pipeline: Pipeline) -> None:
    """The first stage holds only source actions, and no other stage holds one."""
    first, *others = pipeline.stages
    if any(action.category != "Source" for action in first.actions):
        raise _structure("Pipeline should start with a stage that only contains source actions")
    for stage in others:
        if any(action.category == "Source" for action in stage.actions):
            raise _structure("Source actions can only be in the first stage of a pipeline")


def _kinds(pipeline: Pipeline) -> None:
    for _, action in pipeline.actions():
        said = action_types.violation(action)
        if said:
            raise _action(said)
        if action.timeout_minutes is not None and action.category != "Approval":
            raise _action(f"Action {action.name}: timeoutInMinutes is only available for manual approval actions")


def _artifacts(pipeline: Pipeline) -> None:
    """Every output has a name of its own; every input is the output of an action that runs before."""
    twice = _repeated(name for _, action in pipeline.actions() for name in action.outputs)
    if twice:
        raise _action(
            f"Output Artifact Bundle name must be unique within the pipeline. {twice[0]} has been used more than once."
        )
    for action, before in _with_predecessors(pipeline):
        made = {name for one in before for name in one.outputs}
        lost = [name for name in action.inputs if name not in made]
        if lost:
            raise _action(
                f"Input Artifact Bundle {lost[0]} in action {action.name} is not declared as Output Artifact Bundle "
                "in any of the preceding actions"
            )


def _with_predecessors(pipeline: Pipeline) -> Iterable[tuple[Action, list[Action]]]:
    """Give each action with those that have ended when it starts."""
    done: list[Action] = []
    for stage in pipeline.stages:
        for action in stage.actions:
            yield action, done + [one for one in stage.actions if one.order < action.order]
        done = done + list(stage.actions)


def _namespaces(pipeline: Pipeline) -> None:
    used = [action.namespace for _, action in pipeline.actions() if action.namespace]
    wrong = _repeated([*used, *variables.RESERVED])
    for stage, action in pipeline.actions():
        if action.namespace in wrong:
            raise _action(
                "Namespaces must be unique across the pipeline definition. The following occur more than once in the "
                f"pipeline. StageName=[{stage.name}], ActionName=[{action.name}], Namespace=[{action.namespace}]"
            )


def _references(pipeline: Pipeline) -> None:
    names = {one.name for one in pipeline.variables}
    stages = {id(action): stage.name for stage, action in pipeline.actions()}
    for action, before in _with_predecessors(pipeline):
        known = {one.namespace for one in before if one.namespace} | set(variables.RESERVED)
        for key, text in action.configuration.items():
            for inside, namespace, name in variables.references(text):
                undeclared = namespace == variables.PIPELINE and name not in names
                if namespace not in known or undeclared:
                    raise _action(
                        "Valid format for a pipeline execution variable reference is a namespace and a key separated "
                        "by a period (.). The following pipeline execution variables are referencing a namespace "
                        f"that does not exist. StageName=[{stages[id(action)]}], ActionName=[{action.name}], "
                        f"ActionConfigurationKey=[{key}], VariableReferenceText=[{inside}]"
                    )


def _only_v2(pipeline: Pipeline) -> None:
    """Variables, triggers and the modes QUEUED and PARALLEL are of type V2.

    https://docs.aws.amazon.com/codepipeline/latest/userguide/pipeline-types.html
    """
    if pipeline.kind == "V2":
        return
    for key in ("variables", "triggers"):
        if pipeline.declared.get(key):
            raise _structure(f"Pipelines of type {pipeline.kind} cannot have {key}; use pipelineType V2")
    if pipeline.mode != "SUPERSEDED":
        raise _structure(f"Execution mode {pipeline.mode} is only available for pipelines of type V2")


def _variable_names(pipeline: Pipeline) -> None:
    twice = _repeated(one.name for one in pipeline.variables)
    if twice:
        raise _structure(f"Variable names must be unique within the pipeline. {twice[0]} occurs more than once.")


def _triggers(pipeline: Pipeline) -> None:
    sources = {action.name: action.provider for action in pipeline.stages[0].actions}
    for trigger in pipeline.declared.get("triggers") or ():
        named = trigger["gitConfiguration"]["sourceActionName"]
        if sources.get(named) != trigger["providerType"]:
            raise _structure(f"Trigger names {named}, which is no source action of provider {trigger['providerType']}")


def _blockers(pipeline: Pipeline) -> None:
    for stage in pipeline.declared["stages"]:
        if stage.get("blockers"):
            raise AwsError(
                "InvalidBlockerDeclarationException", f"Stage {stage['name']}: blockers are reserved for use"
            )
        unknown = [key for key in ("onFailure", "onSuccess", "beforeEntry") if stage.get(key)]
        if unknown:
            raise _stage(f"Stage {stage['name']}: the rehearsal does not have {unknown[0]}; see docs/parity.md")


RULES: tuple[Callable[[Pipeline], None], ...] = (
    _store,
    _numbers,
    _stage_names,
    _sources,
    _kinds,
    _artifacts,
    _namespaces,
    _only_v2,
    _variable_names,
    _references,
    _triggers,
    _blockers,
)
