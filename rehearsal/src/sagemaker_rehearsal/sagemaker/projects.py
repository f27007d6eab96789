"""Step 2: SageMaker's projects, from a product of Service Catalog or a template in S3.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateProject.html
"""

import secrets
import string
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from sagemaker_rehearsal.iam import identity
from sagemaker_rehearsal.sagemaker import project_products, project_stacks
from sagemaker_rehearsal.sagemaker.lists import PAGES
from sagemaker_rehearsal.server.errors import AwsError, invalid
from sagemaker_rehearsal.server.service import Call, Host, operation

SERVICE = "sagemaker"
SIGNS = string.ascii_lowercase + string.digits


class Source(Protocol):
    """What a project was created from: a provisioned product or a stack."""

    def status(self, cloud: Host) -> tuple[str, str]:
        """Return ProjectStatus, and the message of the provisioned product or stack."""

    def update(self, call: Call, tags: list[dict[str, str]]) -> None:
        """Update it as the caller."""

    def delete(self, call: Call) -> None:
        """Delete it as the caller."""

    def describe(self, cloud: Host) -> dict[str, Any]:
        """Return its members of DescribeProject."""


@dataclass
class Project:
    """A project."""

    name: str
    id: str
    arn: str
    description: str
    created_by: dict[str, Any]
    source: Source
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    changed: datetime | None = None
    changed_by: dict[str, Any] | None = None


class Projects:
    """The projects of one account and region."""

    def __init__(self, _: Host) -> None:
        self.lock = threading.RLock()
        self.by_name: dict[str, Project] = {}


def of(cloud: Host) -> Projects:
    """Return a cloud's projects."""
    return cloud.state_of(Projects)


def _find(call: Call) -> Project:
    project = of(call.cloud).by_name.get(call.params["ProjectName"])
    if project is None:
        raise invalid(f"Project {call.params['ProjectName']} does not exist")
    return project


def _require_settled(call: Call, project: Project, *also: str) -> None:
    """Reject a request while another one is in progress.

    Raises:
        AwsError: ConflictException.
    """
    status = project.source.status(call.cloud)[0]
    if status.endswith(("InProgress", *also)):
        raise AwsError("ConflictException", f"Project {project.name} is in status {status}")


def _who(call: Call) -> dict[str, Any]:
    arn = identity.principal_of(call.access_key).arn
    return {"IamIdentity": {"Arn": arn, "PrincipalId": arn.rpartition("/")[2] or arn}}


@operation(SERVICE, "CreateProject")
def create_project(call: Call) -> dict[str, Any]:
    """Create a project; SageMaker adds two parameters, which every template must declare.

    https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-projects-templates-custom.html
    """
    projects, params = of(call.cloud), call.params
    name = params["ProjectName"]
    sources = [key for key in ("ServiceCatalogProvisioningDetails", "TemplateProviders") if params.get(key)]
    if len(sources) != 1:
        raise invalid("Exactly one of ServiceCatalogProvisioningDetails and TemplateProviders must be given")
    with projects.lock:
        before = projects.by_name.get(name)
        if before and before.source.status(call.cloud)[0] != "DeleteCompleted":
            raise invalid(f"Project already exists: {before.arn}")
        number = "p-" + "".join(secrets.choice(SIGNS) for _ in range(12))
        project_parameters = {"SageMakerProjectName": name, "SageMakerProjectId": number}
        own = project_products.key_value_list({"sagemaker:project-name": name, "sagemaker:project-id": number})
        tags = [*(params.get("Tags") or []), *own]
        source: Source
        if params.get("TemplateProviders"):
            source = project_stacks.FromTemplate.make(call, f"SP-{name}-{number}", project_parameters, tags)
        else:
            source = project_products.FromProduct.make(call, f"{name}-{number}", project_parameters, tags)
        description, arn = params.get("ProjectDescription", ""), call.arn("project", name)
        project = projects.by_name[name] = Project(name, number, arn, description, _who(call), source)
    return {"ProjectArn": project.arn, "ProjectId": number}


@operation(SERVICE, "DescribeProject")
def describe_project(call: Call) -> dict[str, Any]:
    """Describe a project; a deleted one has status DeleteCompleted."""
    project = _find(call)
    changed = {"LastModifiedTime": project.changed, "LastModifiedBy": project.changed_by} if project.changed else {}
    return {
        "ProjectArn": project.arn,
        "ProjectName": project.name,
        "ProjectId": project.id,
        "ProjectStatus": project.source.status(call.cloud)[0],
        "CreatedBy": project.created_by,
        "CreationTime": project.created,
        **({"ProjectDescription": project.description} if project.description else {}),
        **project.source.describe(call.cloud),
        **changed,
    }


@operation(SERVICE, "ListProjects")
def list_projects(call: Call) -> dict[str, Any]:
    """List projects, by default the newest first in pages of ten."""
    params = call.params
    part, after, before = (params.get(key) for key in ("NameContains", "CreationTimeAfter", "CreationTimeBefore"))
    matches = [project for project in list(of(call.cloud).by_name.values()) if (part or "") in project.name]
    matches = [project for project in matches if _between(project.created, after, before)]
    by_name = params.get("SortBy") == "Name"
    matches.sort(key=lambda project: project.name if by_name else project.created.isoformat())
    if params.get("SortOrder", "Descending") == "Descending":
        matches.reverse()
    page = PAGES.page(call, "ProjectSummaryList", matches, 10)
    return {**page, "ProjectSummaryList": [_summary(call, project) for project in page["ProjectSummaryList"]]}


def _between(created: datetime, after: float | None, before: float | None) -> bool:
    stamp = created.timestamp()
    return (after is None or stamp > float(after)) and (before is None or stamp < float(before))


def _summary(call: Call, project: Project) -> dict[str, Any]:
    return {
        "ProjectName": project.name,
        "ProjectArn": project.arn,
        "ProjectId": project.id,
        "CreationTime": project.created,
        "ProjectStatus": project.source.status(call.cloud)[0],
        **({"ProjectDescription": project.description} if project.description else {}),
    }


@operation(SERVICE, "UpdateProject")
def update_project(call: Call) -> dict[str, Any]:
    """Update a project's version, parameters or description."""
    with of(call.cloud).lock:
        project = _find(call)
        _require_settled(call, project, "CreateFailed", "DeleteCompleted")
        project.source.update(call, list(call.params.get("Tags") or []))
        project.description = call.params.get("ProjectDescription", project.description)
        project.changed, project.changed_by = datetime.now(UTC), _who(call)
    return {"ProjectArn": project.arn}


@operation(SERVICE, "DeleteProject")
def delete_project(call: Call) -> None:
    """Delete a project's provisioned product or stack."""
    with of(call.cloud).lock:
        project = _find(call)
        _require_settled(call, project, "DeleteCompleted")
        project.source.delete(call)
        project.changed, project.changed_by = datetime.now(UTC), _who(call)
