"""Steps 3, 4, 6 and 8: what CodeBuild refuses in a project, and what a build of it is made of. Pure.

https://docs.aws.amazon.com/codebuild/latest/APIReference/API_CreateProject.html
"""

from collections.abc import Mapping
from typing import Any

from sagemaker_rehearsal.server.errors import AwsError

SOURCES = ("CODEPIPELINE", "NO_SOURCE", "CODECOMMIT", "S3")
ARTIFACTS = ("CODEPIPELINE", "NO_ARTIFACTS", "S3")
# https://docs.aws.amazon.com/codebuild/latest/userguide/create-project.html: 60 and 480 minutes where none is given
DEFAULTS = {"timeoutInMinutes": 60, "queuedTimeoutInMinutes": 480, "badge": {"badgeEnabled": False}}
# Of a build that a caller may give for one build only
OVERRIDES = {
    "serviceRoleOverride": "serviceRole",
    "timeoutInMinutesOverride": "timeoutInMinutes",
    "artifactsOverride": "artifacts",
    "logsConfigOverride": "logsConfig",
    "sourceVersion": "sourceVersion",
}
SOURCE_OVERRIDES = {
    "sourceTypeOverride": "type",
    "sourceLocationOverride": "location",
    "buildspecOverride": "buildspec",
}
ENVIRONMENT_OVERRIDES = {
    "environmentTypeOverride": "type",
    "imageOverride": "image",
    "computeTypeOverride": "computeType",
}


def invalid(message: str) -> AwsError:
    """Give CodeBuild's answer to a request that breaks a rule."""
    return AwsError("InvalidInputException", message)


def inline(buildspec: str) -> bool:
    """Tell a buildspec from the path of one."""
    return "\n" in buildspec or buildspec.lstrip().startswith(("version", "{"))


def check(project: Mapping[str, Any]) -> None:
    """Hold a project to CodeBuild's rules.

    Raises:
        AwsError: InvalidInputException, naming the first rule that is broken.
    """
    source, artifacts = project["source"], project["artifacts"]
    if source["type"] not in SOURCES:
        raise invalid(f"The rehearsal builds no source of type {source['type']}: only {', '.join(SOURCES)}")
    if artifacts["type"] not in ARTIFACTS:
        raise invalid(f"Invalid artifacts: type must be one of {', '.join(ARTIFACTS)}")
    if (source["type"] == "CODEPIPELINE") != (artifacts["type"] == "CODEPIPELINE"):
        raise invalid("Invalid artifacts: type CODEPIPELINE goes with source type CODEPIPELINE, and only with it")
    if source["type"] in ("CODECOMMIT", "S3") and not source.get("location"):
        raise invalid(f"Invalid project source: location must be given for source type {source['type']}")
    if source["type"] == "NO_SOURCE" and not inline(source.get("buildspec", "")):
        raise invalid("Invalid project source: a buildspec must be given as text for source type NO_SOURCE")
    if artifacts["type"] == "S3" and not artifacts.get("location"):
        raise invalid("Invalid artifacts: location must be given for type S3")
    if project.get("secondarySources") or project.get("secondaryArtifacts"):
        raise invalid("The rehearsal has no secondary sources or artifacts; see docs/parity.md")
    _check_variables(project["environment"].get("environmentVariables") or ())


def _check_variables(variables: Any) -> None:  # noqa: ANN401 (JSON)
    names = [one["name"] for one in variables]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise invalid(f"Invalid environment: the variable {twice[0]} is given more than once")


def overridden(project: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Give the project as one build of it sees it.

    Raises:
        AwsError: for an override that breaks a rule, or that the rehearsal does not have.
    """
    changed = dict(project)
    changed["source"] = _put(project["source"], given, SOURCE_OVERRIDES)
    changed["environment"] = _put(project["environment"], given, ENVIRONMENT_OVERRIDES)
    changed = _put(changed, given, OVERRIDES)
    variables = {one["name"]: one for one in changed["environment"].get("environmentVariables") or ()}
    _check_variables(given.get("environmentVariablesOverride") or ())
    variables.update({one["name"]: one for one in given.get("environmentVariablesOverride") or ()})
    changed["environment"]["environmentVariables"] = list(variables.values())
    known = {*OVERRIDES, *SOURCE_OVERRIDES, *ENVIRONMENT_OVERRIDES}
    unknown = sorted(set(given) - known - {"projectName", "idempotencyToken", "environmentVariablesOverride"})
    if unknown:
        raise invalid(f"The rehearsal does not have {unknown[0]} of StartBuild; see docs/parity.md")
    check(changed)
    return changed


def _put(part: Mapping[str, Any], given: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {**part, **{own: given[name] for name, own in names.items() if name in given}}


def variables(project: Mapping[str, Any]) -> dict[str, str]:
    """Give the environment variables of a build.

    Raises:
        ValueError: for one that must come from a store, which the rehearsal does not have.
    """
    found = {}
    for one in project["environment"].get("environmentVariables") or ():
        if one.get("type", "PLAINTEXT") != "PLAINTEXT":
            raise ValueError(f"{one['name']}: the rehearsal has no {one['type']}; give it as PLAINTEXT")
        found[one["name"]] = one["value"]
    return found


def log_group(project: Mapping[str, Any]) -> tuple[str, str] | None:
    """Give the log group and the prefix of its streams; None where logs are not kept.

    https://docs.aws.amazon.com/codebuild/latest/userguide/change-project.html#change-project-console-logs
    """
    wanted = (project.get("logsConfig") or {}).get("cloudWatchLogs") or {"status": "ENABLED"}
    if wanted["status"] != "ENABLED":
        return None
    return wanted.get("groupName") or f"/aws/codebuild/{project['name']}", wanted.get("streamName", "")
