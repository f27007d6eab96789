"""Steps 4 and 6 to 10: the supported action types, and what CodePipeline requires of each. Pure functions.

https://docs.aws.amazon.com/codepipeline/latest/userguide/reference-pipeline-structure.html (artifacts)
https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference.html (configuration)
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sagemaker_rehearsal.codepipeline.structure import Action

STACK_MODES = ("CHANGE_SET_EXECUTE", "CHANGE_SET_REPLACE", "CREATE_UPDATE", "DELETE_ONLY", "REPLACE_ON_FAILURE")


@dataclass(frozen=True)
class Kind:
    """The limits and configuration keys of one action type.

    Attributes:
        inputs: the least and the greatest number of input artifacts.
        outputs: the same of output artifacts.
        required: required configuration keys.
        optional: optional configuration keys.
        choices: the allowed values of a key.
    """

    inputs: tuple[int, int]
    outputs: tuple[int, int]
    required: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()
    choices: Mapping[str, tuple[str, ...]] | None = None


def _set(*names: str) -> frozenset[str]:
    return frozenset(names)


_FORMATS = {"OutputArtifactFormat": ("CODE_ZIP", "CODEBUILD_CLONE_REF")}
_BUILD = Kind(
    (1, 5),
    (0, 5),
    _set("ProjectName"),
    _set("PrimarySource", "BatchEnabled", "CombineArtifacts", "EnvironmentVariables"),
)
KINDS: dict[tuple[str, str], Kind] = {
    ("Source", "CodeCommit"): Kind(
        (0, 0),
        (1, 1),
        _set("RepositoryName", "BranchName"),
        _set("PollForSourceChanges", "OutputArtifactFormat"),
        {"PollForSourceChanges": ("true", "false"), **_FORMATS},
    ),
    ("Source", "CodeStarSourceConnection"): Kind(
        (0, 0),
        (1, 1),
        _set("ConnectionArn", "FullRepositoryId", "BranchName"),
        _set("DetectChanges", "OutputArtifactFormat"),
        {"DetectChanges": ("true", "false"), **_FORMATS},
    ),
    ("Build", "CodeBuild"): _BUILD,
    ("Test", "CodeBuild"): _BUILD,
    ("Deploy", "CloudFormation"): Kind(
        (0, 10),
        (0, 1),
        _set("ActionMode", "StackName"),
        _set(
            "Capabilities",
            "ChangeSetName",
            "OutputFileName",
            "ParameterOverrides",
            "RoleArn",
            "TemplateConfiguration",
            "TemplatePath",
        ),
        {"ActionMode": STACK_MODES},
    ),
    ("Approval", "Manual"): Kind(
        (0, 0), (0, 0), frozenset(), _set("CustomData", "ExternalEntityLink", "NotificationArn")
    ),
}


def kind_of(action: Action) -> Kind | None:
    """Return the requirements of an action's type; None where the rehearsal does not support it."""
    return KINDS.get((action.category, action.provider)) if (action.owner, action.version) == ("AWS", "1") else None


def violation(action: Action) -> str:
    """Return the reason CodePipeline would reject an action by itself; empty when it is valid."""
    kind = kind_of(action)
    if kind is None:
        return (
            f"ActionType (Category: '{action.category}', Provider: '{action.provider}', Owner: '{action.owner}', "
            f"Version: '{action.version}') in action '{action.name}' is not available; the rehearsal has "
            + ", ".join(f"{category} {provider}" for category, provider in KINDS)
        )
    problem = _numbers(action, "input", action.inputs, kind.inputs) or _numbers(
        action, "output", action.outputs, kind.outputs
    )
    return problem or _keys(action, kind) or _combination(action)


def _numbers(action: Action, which: str, names: tuple[str, ...], bounds: tuple[int, int]) -> str:
    for bad, limit, text in (
        (len(names) < bounds[0], bounds[0], "less than the minimum"),
        (len(names) > bounds[1], bounds[1], "more than the maximum"),
    ):
        if bad:
            return f"Action {action.name} declares {len(names)} {which} artifacts which is {text} count ({limit})"
    return ""


def _keys(action: Action, kind: Kind) -> str:
    configuration = action.configuration
    missing = sorted(kind.required - set(configuration))
    if missing:
        return f"Action configuration for action '{action.name}' is missing required configuration '{missing[0]}'"
    unknown = sorted(set(configuration) - kind.required - kind.optional)
    if unknown:
        return f"Action configuration for action '{action.name}' contains unknown configuration '{unknown[0]}'"
    for key, allowed in (kind.choices or {}).items():
        if key in configuration and configuration[key] not in allowed:
            return (
                f"Action configuration for action '{action.name}': {key} is {configuration[key]!r}; "
                f"it must be one of {', '.join(allowed)}"
            )
    return ""


def _combination(action: Action) -> str:
    """Validate the rules that span several keys.

    https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CloudFormation.html
    https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CodeBuild.html
    """
    configuration = action.configuration
    needed: list[str] = []
    if action.provider == "CloudFormation":
        mode = configuration["ActionMode"]
        needed += ["ChangeSetName"] if mode.startswith("CHANGE_SET") else []
        needed += ["RoleArn"] if mode != "CHANGE_SET_EXECUTE" else []
        needed += ["TemplatePath"] if mode in ("CREATE_UPDATE", "REPLACE_ON_FAILURE", "CHANGE_SET_REPLACE") else []
    if action.provider == "CodeBuild" and len(action.inputs) > 1:
        needed += ["PrimarySource"]
    missing = [key for key in needed if key not in configuration]
    if missing:
        return f"Action configuration for action '{action.name}' is missing required configuration '{missing[0]}'"
    if (
        action.provider == "CodeBuild"
        and len(action.inputs) > 1
        and configuration["PrimarySource"] not in action.inputs
    ):
        return f"Action '{action.name}': PrimarySource {configuration['PrimarySource']!r} is no input artifact of it"
    return _paths(action)


def _paths(action: Action) -> str:
    for key in ("TemplatePath", "TemplateConfiguration"):
        value = action.configuration.get(key)
        if value is None:
            continue
        artifact, separator, path = value.partition("::")
        if not separator or not path:
            return f"Action '{action.name}': {key} {value!r} must have the form Artifact::path"
        if artifact not in action.inputs:
            return f"Action '{action.name}': {key} names the artifact {artifact!r}, which is no input artifact of it"
    return ""
