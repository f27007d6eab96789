"""Step 3: the repositories that Studio offers to clone, and AWS::SageMaker::CodeRepository.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateCodeRepository.html
"""

import threading
from datetime import UTC, datetime
from typing import Any

from sagemaker_rehearsal.cloudformation.api_type import ApiType
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
    found = of(call.cloud).get(name)
    if found is None:
        raise invalid(f"Cannot find CodeRepository: {call.arn('code-repository', name)}")
    return found


@operation(SERVICE, "CreateCodeRepository")
def create_code_repository(call: Call) -> dict[str, Any]:
    """Keep the address of a repository; it is not asked whether it is there."""
    name, now = call.params["CodeRepositoryName"], datetime.now(UTC)
    made = {
        "CodeRepositoryName": name,
        "CodeRepositoryArn": call.arn("code-repository", name),
        "CreationTime": now,
        "LastModifiedTime": now,
        "GitConfig": dict(call.params["GitConfig"]),
    }
    with _lock:
        if name in of(call.cloud):
            raise invalid(f"Cannot create already existing CodeRepository: {made['CodeRepositoryArn']}")
        of(call.cloud)[name] = made
    return {"CodeRepositoryArn": made["CodeRepositoryArn"]}


@operation(SERVICE, "DescribeCodeRepository")
def describe_code_repository(call: Call) -> dict[str, Any]:
    """Describe one."""
    return dict(_find(call))


@operation(SERVICE, "UpdateCodeRepository")
def update_code_repository(call: Call) -> dict[str, Any]:
    """Take another secret."""
    found = _find(call)
    found["GitConfig"] = {**found["GitConfig"], **call.params.get("GitConfig", {})}
    found["LastModifiedTime"] = datetime.now(UTC)
    return {"CodeRepositoryArn": found["CodeRepositoryArn"]}


@operation(SERVICE, "DeleteCodeRepository")
def delete_code_repository(call: Call) -> None:
    """Forget one."""
    _find(call)
    of(call.cloud).pop(call.params["CodeRepositoryName"], None)


@operation(SERVICE, "ListCodeRepositories")
def list_code_repositories(call: Call) -> dict[str, Any]:
    """List them all by name, on one page."""
    part = call.params.get("NameContains", "")
    return {"CodeRepositorySummaryList": [one for name, one in sorted(of(call.cloud).items()) if part in name]}


CODE_REPOSITORY = ApiType(
    name="AWS::SageMaker::CodeRepository",
    service="sagemaker",
    create_operation="create_code_repository",
    update_operation="update_code_repository",
    delete_operation="delete_code_repository",
    named="CodeRepositoryName",
    # Of GitConfig the API can change the secret alone; CloudFormation's handler does that, or makes another one
    fixed=frozenset({"CodeRepositoryName", "GitConfig"}),
    ref=lambda request, answer: str(answer["CodeRepositoryArn"]),
    attributes=lambda request, answer: {"CodeRepositoryName": request["CodeRepositoryName"]},
    delete_request=lambda request: {"CodeRepositoryName": request["CodeRepositoryName"]},
)
