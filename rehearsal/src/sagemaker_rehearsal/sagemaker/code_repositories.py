"""Step 3: the repositories that Studio offers to clone, and AWS::SageMaker::CodeRepository.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateCodeRepository.html
"""

import threading
from datetime import UTC, datetime
from typing import Any

from sagemaker_rehearsal.cloudformation.api_type import ApiType
from sagemaker_rehearsal.sagemaker.lists import listed
from sagemaker_rehearsal.server.errors import invalid
from sagemaker_rehearsal.server.service import Call, Host, operation

SERVICE = "sagemaker"
_lock = threading.Lock()


def _new(_: Host) -> dict[str, dict[str, Any]]:
    return {}


def of(cloud: Host) -> dict[str, dict[str, Any]]:
    """Return a cloud's code repositories by name."""
    return cloud.state_of(_new)


def _find(call: Call) -> dict[str, Any]:
    name = call.params["CodeRepositoryName"]
    repository = of(call.cloud).get(name)
    if repository is None:
        raise invalid(f"Cannot find CodeRepository: {call.arn('code-repository', name)}")
    return repository


@operation(SERVICE, "CreateCodeRepository")
def create_code_repository(call: Call) -> dict[str, Any]:
    """Register a repository's URL; SageMaker does not check that it exists."""
    name, now = call.params["CodeRepositoryName"], datetime.now(UTC)
    repository = {
        "CodeRepositoryName": name,
        "CodeRepositoryArn": call.arn("code-repository", name),
        "CreationTime": now,
        "LastModifiedTime": now,
        "GitConfig": dict(call.params["GitConfig"]),
    }
    with _lock:
        if name in of(call.cloud):
            raise invalid(f"Cannot create already existing CodeRepository: {repository['CodeRepositoryArn']}")
        of(call.cloud)[name] = repository
    return {"CodeRepositoryArn": repository["CodeRepositoryArn"]}


@operation(SERVICE, "DescribeCodeRepository")
def describe_code_repository(call: Call) -> dict[str, Any]:
    """Describe a code repository."""
    return dict(_find(call))


@operation(SERVICE, "UpdateCodeRepository")
def update_code_repository(call: Call) -> dict[str, Any]:
    """Replace the secret of GitConfig."""
    repository = _find(call)
    repository["GitConfig"] = {**repository["GitConfig"], **call.params.get("GitConfig", {})}
    repository["LastModifiedTime"] = datetime.now(UTC)
    return {"CodeRepositoryArn": repository["CodeRepositoryArn"]}


@operation(SERVICE, "DeleteCodeRepository")
def delete_code_repository(call: Call) -> None:
    """Delete a code repository."""
    _find(call)
    of(call.cloud).pop(call.params["CodeRepositoryName"], None)


@operation(SERVICE, "ListCodeRepositories")
def list_code_repositories(call: Call) -> dict[str, Any]:
    """List code repositories by default by name."""
    rows = list(of(call.cloud).values())
    fields = {"Name": "CodeRepositoryName"} | {name: name for name in ("CreationTime", "LastModifiedTime")}
    return listed(call, "CodeRepositorySummaryList", rows, fields, sort_by="Name", order="Ascending")


CODE_REPOSITORY = ApiType(
    name="AWS::SageMaker::CodeRepository",
    service="sagemaker",
    create_operation="create_code_repository",
    update_operation="update_code_repository",
    delete_operation="delete_code_repository",
    named="CodeRepositoryName",
    # The API can only change GitConfig's secret, so any other change of GitConfig needs a replacement
    fixed=frozenset({"CodeRepositoryName", "GitConfig"}),
    ref=lambda request, answer: str(answer["CodeRepositoryArn"]),
    attributes=lambda request, answer: {"CodeRepositoryName": request["CodeRepositoryName"]},
    delete_request=lambda request: {"CodeRepositoryName": request["CodeRepositoryName"]},
)
