"""Steps 4 and 6 to 10: validation of pipeline declarations on create and update. Pure functions.

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
    """Validate a declaration against CodePipeline's rules.

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


def _duplicates(names: Iterable[str]) -> list[str]:
    return sorted(name for name, count in Counter(names).items() if count > 1)


def _store(pipeline: Pipeline) -> None:
    """You must include either artifactStore or artifactStores in your pipeline, but you cannot use both."""
    stores = [key for key in ("artifactStore", "artifactStores") if pipeline.declared.get(key)]
    if len(stores) != 1:
        raise _structure("Pipeline must have exactly one of artifactStore and artifactStores")


def _numbers(pipeline: Pipeline) -> None:
    stages = pipeline.stages
    if len(stages) < 2:
        raise _structure(
            f"Pipeline has only {len(stages)} stage(s). There should be a minimum of 2 stages in a pipeline"
        )
    counts = [len(stage.actions) for stage in stages]
    for count, most, what in (
        (len(stages), MOST_STAGES, "stages in a pipeline"),
        (max(counts), MOST_ACTIONS_OF_A_STAGE, "actions in a stage"),
        (sum(counts), MOST_ACTIONS, "actions in a pipeline"),
    ):
        if count > most:
            raise AwsError("LimitExceededException", f"{count} {what}; there can be {most} at most")


def _stage_names(pipeline: Pipeline) -> None:
    twice = _duplicates(stage.name for stage in pipeline.stages)
    if twice:
        raise _stage(f"Stage names must be unique within the pipeline. {twice[0]} has been used more than once.")
    for stage in pipeline.stages:
        if not stage.actions:
            raise _stage(f"Stage {stage.name} has no actions; a stage must have at least one")
        same = _duplicates(action.name for action in stage.actions)
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
        problem = action_types.violation(action)
        if problem:
            raise _action(problem)
        if action.timeout_minutes is not None and action.category != "Approval":
            raise _action(f"Action {action.name}: timeoutInMinutes is only available for manual approval actions")


def _artifacts(pipeline: Pipeline) -> None:
    """Output artifact names are unique; every input is the output of a preceding action."""
    twice = _duplicates(name for _, action in pipeline.actions() for name in action.outputs)
    if twice:
        raise _action(
            f"Output Artifact Bundle name must be unique within the pipeline. {twice[0]} has been used more than once."
        )
    for action, before in _with_predecessors(pipeline):
        outputs = {name for predecessor in before for name in predecessor.outputs}
        lost = [name for name in action.inputs if name not in outputs]
        if lost:
            raise _action(
                f"Input Artifact Bundle {lost[0]} in action {action.name} is not declared as Output Artifact Bundle "
                "in any of the preceding actions"
            )


def _with_predecessors(pipeline: Pipeline) -> Iterable[tuple[Action, list[Action]]]:
    """Yield each action with the actions that have ended when it starts."""
    done: list[Action] = []
    for stage in pipeline.stages:
        for action in stage.actions:
            yield action, done + [other for other in stage.actions if other.order < action.order]
        done = done + list(stage.actions)


def _namespaces(pipeline: Pipeline) -> None:
    used = [action.namespace for _, action in pipeline.actions() if action.namespace]
    wrong = _duplicates([*used, *variables.RESERVED])
    for stage, action in pipeline.actions():
        if action.namespace in wrong:
            raise _action(
                "Namespaces must be unique across the pipeline definition. The following occur more than once in the "
                f"pipeline. StageName=[{stage.name}], ActionName=[{action.name}], Namespace=[{action.namespace}]"
            )


def _references(pipeline: Pipeline) -> None:
    names = {variable.name for variable in pipeline.variables}
    stages = {id(action): stage.name for stage, action in pipeline.actions()}
    for action, before in _with_predecessors(pipeline):
        known = {predecessor.namespace for predecessor in before if predecessor.namespace} | set(variables.RESERVED)
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
    """Variables, triggers and the modes QUEUED and PARALLEL need pipeline type V2.

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
    twice = _duplicates(variable.name for variable in pipeline.variables)
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
