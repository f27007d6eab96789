"""Steps 3, 4, 6 and 8: validation of CodeBuild projects and overrides of builds. Pure functions.

https://docs.aws.amazon.com/codebuild/latest/APIReference/API_CreateProject.html
"""

from collections.abc import Mapping
from typing import Any

from sagemaker_rehearsal.server.errors import AwsError

SOURCES = ("CODEPIPELINE", "NO_SOURCE", "CODECOMMIT", "S3")
ARTIFACTS = ("CODEPIPELINE", "NO_ARTIFACTS", "S3")
# https://docs.aws.amazon.com/codebuild/latest/userguide/create-project.html: defaults of 60 and 480 minutes
DEFAULTS = {"timeoutInMinutes": 60, "queuedTimeoutInMinutes": 480, "badge": {"badgeEnabled": False}}
# StartBuild's overrides, by the project's member
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
    """Return the error for an invalid request."""
    return AwsError("InvalidInputException", message)


def inline(buildspec: str) -> bool:
    """Return whether a value is a buildspec rather than the path of one."""
    return "\n" in buildspec or buildspec.lstrip().startswith(("version", "{"))


def check(project: Mapping[str, Any]) -> None:
    """Validate a project against CodeBuild's rules.

    Raises:
        AwsError: InvalidInputException for the first violation.
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
    names = [variable["name"] for variable in variables]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise invalid(f"Invalid environment: the variable {twice[0]} is given more than once")


def overridden(project: Mapping[str, Any], request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the project with a build's overrides.

    Raises:
        AwsError: for an override that is invalid or not supported.
    """
    changed = dict(project)
    changed["source"] = _put(project["source"], request, SOURCE_OVERRIDES)
    changed["environment"] = _put(project["environment"], request, ENVIRONMENT_OVERRIDES)
    changed = _put(changed, request, OVERRIDES)
    variables = {variable["name"]: variable for variable in changed["environment"].get("environmentVariables") or ()}
    _check_variables(request.get("environmentVariablesOverride") or ())
    variables.update({variable["name"]: variable for variable in request.get("environmentVariablesOverride") or ()})
    changed["environment"]["environmentVariables"] = list(variables.values())
    known = {*OVERRIDES, *SOURCE_OVERRIDES, *ENVIRONMENT_OVERRIDES}
    unknown = sorted(set(request) - known - {"projectName", "idempotencyToken", "environmentVariablesOverride"})
    if unknown:
        raise invalid(f"The rehearsal does not have {unknown[0]} of StartBuild; see docs/parity.md")
    check(changed)
    return changed


def _put(part: Mapping[str, Any], request: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {**part, **{own: request[name] for name, own in names.items() if name in request}}


def variables(project: Mapping[str, Any]) -> dict[str, str]:
    """Return a build's environment variables.

    Raises:
        ValueError: for a variable from Parameter Store or Secrets Manager, which are not supported.
    """
    values = {}
    for variable in project["environment"].get("environmentVariables") or ():
        if variable.get("type", "PLAINTEXT") != "PLAINTEXT":
            raise ValueError(f"{variable['name']}: the rehearsal has no {variable['type']}; give it as PLAINTEXT")
        values[variable["name"]] = variable["value"]
    return values


def log_group(project: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the log group and the stream prefix; None where logs are disabled.

    https://docs.aws.amazon.com/codebuild/latest/userguide/change-project.html#change-project-console-logs
    """
    config = (project.get("logsConfig") or {}).get("cloudWatchLogs") or {"status": "ENABLED"}
    if config["status"] != "ENABLED":
        return None
    return config.get("groupName") or f"/aws/codebuild/{project['name']}", config.get("streamName", "")
