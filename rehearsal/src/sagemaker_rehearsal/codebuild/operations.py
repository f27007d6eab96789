"""Steps 3, 4, 6 and 8: CodeBuild's API.

https://docs.aws.amazon.com/codebuild/latest/APIReference/Welcome.html
"""

from typing import Any

from sagemaker_rehearsal.codebuild.project import invalid
from sagemaker_rehearsal.codebuild.service import of
from sagemaker_rehearsal.iam import keys_for, principal_of
from sagemaker_rehearsal.server.errors import AwsError
from sagemaker_rehearsal.server.service import Call, operation

PAGE = 100


def _require_trust(call: Call) -> None:
    """CodeBuild tries the service role when a project is made or changed."""
    role = call.params.get("serviceRole")
    if role is None:
        return
    try:
        source = of(call.cloud).arn("project", call.params["name"])
        keys_for(call.cloud, role, "AWSCodeBuild", "codebuild.amazonaws.com", source)
    except AwsError as error:
        raise invalid(f"CodeBuild is not authorized to perform: sts:AssumeRole on {role}") from error


@operation("codebuild", "CreateProject")
def create_project(call: Call) -> dict[str, Any]:
    """Make a project."""
    _require_trust(call)
    return {"project": of(call.cloud).create(call.params)}


@operation("codebuild", "UpdateProject")
def update_project(call: Call) -> dict[str, Any]:
    """Change a project."""
    _require_trust(call)
    return {"project": of(call.cloud).update(call.params)}


@operation("codebuild", "DeleteProject")
def delete_project(call: Call) -> None:
    """Remove a project."""
    of(call.cloud).delete(call.params["name"])


@operation("codebuild", "BatchGetProjects")
def batch_get_projects(call: Call) -> dict[str, Any]:
    """Show projects; names that do not exist are listed apart."""
    builds, names = of(call.cloud), set(of(call.cloud).names())
    found = [name for name in call.params["names"] if name.rpartition("/")[2] in names]
    return {
        "projects": [builds.project(name) for name in found],
        "projectsNotFound": [name for name in call.params["names"] if name not in found],
    }


@operation("codebuild", "ListProjects")
def list_projects(call: Call) -> dict[str, Any]:
    """List the names of all projects."""
    names = of(call.cloud).names()
    return {"projects": names[::-1] if call.params.get("sortOrder") == "DESCENDING" else names}


def _initiator(arn: str) -> str:
    """Name who started a build: a user's name, ROLE/SESSION, or codepipeline/NAME for a pipeline's action.

    https://docs.aws.amazon.com/codebuild/latest/APIReference/API_Build.html
    """
    return arn.rpartition(":")[2].removeprefix("assumed-role/").removeprefix("user/")


@operation("codebuild", "StartBuild")
def start_build(call: Call) -> dict[str, Any]:
    """Start a build."""
    token = call.params.get("idempotencyToken", "")
    pipeline = token.rpartition("@")[0] if token.startswith("codepipeline/") else ""
    initiator = pipeline or _initiator(principal_of(call.access_key).arn)
    return {"build": of(call.cloud).start(call.params, initiator).shown(call.region)}


@operation("codebuild", "BatchGetBuilds")
def batch_get_builds(call: Call) -> dict[str, Any]:
    """Show builds; ids that do not exist are listed apart."""
    found = {name: of(call.cloud).find(name) for name in call.params["ids"]}
    return {
        "builds": [build.shown(call.region) for build in found.values() if build],
        "buildsNotFound": [name for name, build in found.items() if build is None],
    }


@operation("codebuild", "StopBuild")
def stop_build(call: Call) -> dict[str, Any]:
    """End a build early."""
    return {"build": of(call.cloud).stop(call.params["id"]).shown(call.region)}


@operation("codebuild", "ListBuilds", "ListBuildsForProject")
def list_builds(call: Call) -> dict[str, Any]:
    """List ids of builds, the newest first unless asked otherwise, by pages of 100."""
    found = [one.id for one in of(call.cloud).of_project(call.params.get("projectName"))]
    if call.params.get("sortOrder") == "ASCENDING":
        found.reverse()
    try:
        first = int(call.params.get("nextToken") or 0)
    except ValueError as error:
        raise invalid("Invalid next token") from error
    more = {"nextToken": str(first + PAGE)} if len(found) > first + PAGE else {}
    return {"ids": found[first : first + PAGE], **more}
