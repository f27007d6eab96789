"""Steps 3, 4, 6 and 8: CodeBuild's API.

https://docs.aws.amazon.com/codebuild/latest/APIReference/Welcome.html
"""

from typing import Any

from sagemaker_rehearsal.codebuild.project import invalid
from sagemaker_rehearsal.codebuild.service import of
from sagemaker_rehearsal.iam import keys_for, principal_of
from sagemaker_rehearsal.server.errors import AwsError
from sagemaker_rehearsal.server.paging import Pages
from sagemaker_rehearsal.server.service import Call, operation

# A page has 100 rows; no request has a size
PAGES = Pages("nextToken", next="nextToken", error=invalid)


def _require_trust(call: Call) -> None:
    """Assume the service role, as CodeBuild does when a project is created or updated."""
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
    """Create a project."""
    _require_trust(call)
    return {"project": of(call.cloud).create(call.params)}


@operation("codebuild", "UpdateProject")
def update_project(call: Call) -> dict[str, Any]:
    """Update a project."""
    _require_trust(call)
    return {"project": of(call.cloud).update(call.params)}


@operation("codebuild", "DeleteProject")
def delete_project(call: Call) -> None:
    """Delete a project."""
    of(call.cloud).delete(call.params["name"])


@operation("codebuild", "BatchGetProjects")
def batch_get_projects(call: Call) -> dict[str, Any]:
    """Describe projects; absent names are listed separately."""
    builds, names = of(call.cloud), set(of(call.cloud).names())
    existing = [name for name in call.params["names"] if name.rpartition("/")[2] in names]
    return {
        "projects": [builds.project(name) for name in existing],
        "projectsNotFound": [name for name in call.params["names"] if name not in existing],
    }


@operation("codebuild", "ListProjects")
def list_projects(call: Call) -> dict[str, Any]:
    """List all project names."""
    names = of(call.cloud).names()
    if call.params.get("sortBy", "NAME") != "NAME":
        raise invalid("The rehearsal lists projects by NAME only; see docs/parity.md")
    return PAGES.page(call, "projects", names[::-1] if call.params.get("sortOrder") == "DESCENDING" else names)


def _initiator(arn: str) -> str:
    """Return a build's initiator: a user's name, ROLE/SESSION, or codepipeline/NAME for a pipeline's action.

    https://docs.aws.amazon.com/codebuild/latest/APIReference/API_Build.html
    """
    return arn.rpartition(":")[2].removeprefix("assumed-role/").removeprefix("user/")


@operation("codebuild", "StartBuild")
def start_build(call: Call) -> dict[str, Any]:
    """Start a build."""
    token = call.params.get("idempotencyToken", "")
    pipeline = token.rpartition("@")[0] if token.startswith("codepipeline/") else ""
    initiator = pipeline or _initiator(principal_of(call.access_key).arn)
    return {"build": of(call.cloud).start(call.params, initiator).describe(call.region)}


@operation("codebuild", "BatchGetBuilds")
def batch_get_builds(call: Call) -> dict[str, Any]:
    """Describe builds; absent ids are listed separately."""
    builds = {name: of(call.cloud).find(name) for name in call.params["ids"]}
    return {
        "builds": [build.describe(call.region) for build in builds.values() if build],
        "buildsNotFound": [name for name, build in builds.items() if build is None],
    }


@operation("codebuild", "StopBuild")
def stop_build(call: Call) -> dict[str, Any]:
    """Stop a build."""
    return {"build": of(call.cloud).stop(call.params["id"]).describe(call.region)}


@operation("codebuild", "ListBuilds", "ListBuildsForProject")
def list_builds(call: Call) -> dict[str, Any]:
    """List build ids in pages of 100, by default the newest first."""
    ids = [build.id for build in of(call.cloud).of_project(call.params.get("projectName"))]
    if call.params.get("sortOrder") == "ASCENDING":
        ids.reverse()
    return PAGES.page(call, "ids", ids)
