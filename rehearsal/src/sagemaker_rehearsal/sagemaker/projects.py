"""Step 2: SageMaker's projects: made through Service Catalog, or straight from a template in S3.

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
from sagemaker_rehearsal.server.errors import AwsError, invalid
from sagemaker_rehearsal.server.service import Call, Host, operation

SERVICE = "sagemaker"
SIGNS = string.ascii_lowercase + string.digits


class Made(Protocol):
    """What a project was made of."""

    def status(self, cloud: Host) -> tuple[str, str]:
        """Give ProjectStatus, and the message of what stands behind it."""

    def update(self, call: Call, tags: list[dict[str, str]]) -> None:
        """Change it as the call's caller."""

    def delete(self, call: Call) -> None:
        """Remove it as the call's caller."""

    def described(self, cloud: Host) -> dict[str, Any]:
        """Give its part of DescribeProject."""


@dataclass
class Project:
    """A project."""

    name: str
    id: str
    arn: str
    description: str
    by: dict[str, Any]
    of: Made
    made: datetime = field(default_factory=lambda: datetime.now(UTC))
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
    found = of(call.cloud).by_name.get(call.params["ProjectName"])
    if found is None:
        raise invalid(f"Project {call.params['ProjectName']} does not exist")
    return found


def _settled(call: Call, project: Project, *also: str) -> None:
    """Refuse a request while another one is under way.

    Raises:
        AwsError: ConflictException.
    """
    status = project.of.status(call.cloud)[0]
    if status.endswith(("InProgress", *also)):
        raise AwsError("ConflictException", f"Project {project.name} is in status {status}")


def _who(call: Call) -> dict[str, Any]:
    arn = identity.principal_of(call.access_key).arn
    return {"IamIdentity": {"Arn": arn, "PrincipalId": arn.rpartition("/")[2] or arn}}


@operation(SERVICE, "CreateProject")
def create_project(call: Call) -> dict[str, Any]:
    """Provision what the project is made of; SageMaker adds the two parameters that every template must take.

    https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-projects-templates-custom.html
    """
    kept, params = of(call.cloud), call.params
    name = params["ProjectName"]
    sources = [key for key in ("ServiceCatalogProvisioningDetails", "TemplateProviders") if params.get(key)]
    if len(sources) != 1:
        raise invalid("Exactly one of ServiceCatalogProvisioningDetails and TemplateProviders must be given")
    with kept.lock:
        before = kept.by_name.get(name)
        if before and before.of.status(call.cloud)[0] != "DeleteCompleted":
            raise invalid(f"Project already exists: {before.arn}")
        number = "p-" + "".join(secrets.choice(SIGNS) for _ in range(12))
        given = {"SageMakerProjectName": name, "SageMakerProjectId": number}
        own = project_products.named({"sagemaker:project-name": name, "sagemaker:project-id": number})
        tags = [*(params.get("Tags") or []), *own]
        made: Made
        if params.get("TemplateProviders"):
            made = project_stacks.FromTemplate.make(call, f"SP-{name}-{number}", given, tags)
        else:
            made = project_products.FromProduct.make(call, f"{name}-{number}", given, tags)
        description, arn = params.get("ProjectDescription", ""), call.arn("project", name)
        project = kept.by_name[name] = Project(name, number, arn, description, _who(call), made)
    return {"ProjectArn": project.arn, "ProjectId": number}


@operation(SERVICE, "DescribeProject")
def describe_project(call: Call) -> dict[str, Any]:
    """Describe a project; one that was deleted is described as such."""
    one = _find(call)
    changed = {"LastModifiedTime": one.changed, "LastModifiedBy": one.changed_by} if one.changed else {}
    return {
        "ProjectArn": one.arn,
        "ProjectName": one.name,
        "ProjectId": one.id,
        "ProjectStatus": one.of.status(call.cloud)[0],
        "CreatedBy": one.by,
        "CreationTime": one.made,
        **({"ProjectDescription": one.description} if one.description else {}),
        **one.of.described(call.cloud),
        **changed,
    }


@operation(SERVICE, "ListProjects")
def list_projects(call: Call) -> dict[str, Any]:
    """List projects, the newest first unless told otherwise; a page holds ten unless told otherwise."""
    params = call.params
    part, after, before = (params.get(key) for key in ("NameContains", "CreationTimeAfter", "CreationTimeBefore"))
    found = [one for one in list(of(call.cloud).by_name.values()) if (part or "") in one.name]
    found = [one for one in found if _between(one.made, after, before)]
    by_name = params.get("SortBy") == "Name"
    found.sort(key=lambda one: one.name if by_name else one.made.isoformat())
    if params.get("SortOrder", "Descending") == "Descending":
        found.reverse()
    start, size = int(params.get("NextToken") or 0), int(params.get("MaxResults") or 10)
    more = {"NextToken": str(start + size)} if start + size < len(found) else {}
    return {"ProjectSummaryList": [_summary(call, one) for one in found[start : start + size]], **more}


def _between(made: datetime, after: float | None, before: float | None) -> bool:
    stamp = made.timestamp()
    return (after is None or stamp > float(after)) and (before is None or stamp < float(before))


def _summary(call: Call, one: Project) -> dict[str, Any]:
    return {
        "ProjectName": one.name,
        "ProjectArn": one.arn,
        "ProjectId": one.id,
        "CreationTime": one.made,
        "ProjectStatus": one.of.status(call.cloud)[0],
        **({"ProjectDescription": one.description} if one.description else {}),
    }


@operation(SERVICE, "UpdateProject")
def update_project(call: Call) -> dict[str, Any]:
    """Take another version of the product, other parameters, or another description."""
    with of(call.cloud).lock:
        one = _find(call)
        _settled(call, one, "CreateFailed", "DeleteCompleted")
        one.of.update(call, list(call.params.get("Tags") or []))
        one.description = call.params.get("ProjectDescription", one.description)
        one.changed, one.changed_by = datetime.now(UTC), _who(call)
    return {"ProjectArn": one.arn}


@operation(SERVICE, "DeleteProject")
def delete_project(call: Call) -> None:
    """Remove what the project was made of."""
    with of(call.cloud).lock:
        one = _find(call)
        _settled(call, one, "DeleteCompleted")
        one.of.delete(call)
        one.changed, one.changed_by = datetime.now(UTC), _who(call)
