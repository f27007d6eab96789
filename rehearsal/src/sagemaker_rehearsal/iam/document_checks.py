"""Steps 1 and 3: checks of IAM's roles and policies: documents, quotas, and deletions that AWS refuses.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

import json
from collections.abc import Iterable
from typing import Any

from moto.iam.exceptions import MalformedPolicyDocument
from moto.iam.models import iam_backends
from moto.iam.policy_validation import IAMTrustPolicyDocumentValidator

from sagemaker_rehearsal.iam import attached_policies, documents
from sagemaker_rehearsal.iam.policy import read
from sagemaker_rehearsal.server.errors import AwsError
from sagemaker_rehearsal.server.service import ACCOUNT, Call, operation

AWS_OWN = "arn:aws:iam::aws:policy/"


def _policy(arn: str) -> Any | None:  # noqa: ANN401 (moto's)
    return iam_backends[ACCOUNT]["aws"].managed_policies.get(arn)


def _limit(message: str) -> AwsError:
    return AwsError("LimitExceeded", message, 409)


def _require_small(what: str, quota: str, most: int, texts: Iterable[str]) -> None:
    if sum(map(documents.size, texts)) > most:
        raise _limit(f"Maximum policy size of {most} bytes exceeded for {what} (quota {quota})")


def _require_trust(name: str, document: str) -> None:
    try:
        json.loads(document)
    except ValueError as error:
        raise AwsError("MalformedPolicyDocument", "This policy contains invalid Json") from error
    try:
        IAMTrustPolicyDocumentValidator(document).validate()
    except MalformedPolicyDocument as error:
        raise AwsError("MalformedPolicyDocument", str(error.message)) from error
    if any(not (statement.principals or statement.not_principals) for statement in read(document, name).statements):
        raise AwsError("MalformedPolicyDocument", "Trust Policy statement must contain principals.")
    _require_small(f"role {name}", "AssumeRolePolicySize", documents.TRUST, [document])


def _require_boundary(arn: str | None) -> None:
    if arn and not arn.startswith(AWS_OWN) and _policy(arn) is None:
        raise AwsError("NoSuchEntity", f"Scope ARN: {arn} does not exist or is not attachable.", 404)


@operation("iam", "CreateRole")
def create_role(call: Call) -> dict[str, Any]:
    """Create a role; its trust policy must be valid and its boundary must exist."""
    if attached_policies.named(call.params["RoleName"]) is None:
        _require_trust(call.params["RoleName"], call.params["AssumeRolePolicyDocument"])
        _require_boundary(call.params.get("PermissionsBoundary"))
    return call.to_moto()


@operation("iam", "UpdateAssumeRolePolicy")
def update_assume_role_policy(call: Call) -> dict[str, Any]:
    """Replace a role's trust policy."""
    _require_trust(call.params["RoleName"], call.params["PolicyDocument"])
    return call.to_moto()


@operation("iam", "PutRolePermissionsBoundary")
def put_role_permissions_boundary(call: Call) -> dict[str, Any]:
    """Set a role's boundary; the policy must exist."""
    _require_boundary(call.params["PermissionsBoundary"])
    return call.to_moto()


@operation("iam", "PutRolePolicy")
def put_role_policy(call: Call) -> dict[str, Any]:
    """Put an inline policy into a role, within the quota for all its inline policies."""
    name, params = call.params["RoleName"], call.params
    role = attached_policies.named(name)
    if role is not None:
        whole = {**role.policies, params["PolicyName"]: params["PolicyDocument"]}
        _require_small(f"role {name}", "RolePolicySize", documents.INLINE, whole.values())
    return call.to_moto()


@operation("iam", "AttachRolePolicy")
def attach_role_policy(call: Call) -> dict[str, Any]:
    """Attach a policy to a role, within the quota of managed policies."""
    role = attached_policies.named(call.params["RoleName"])
    held = set(role.managed_policies) if role is not None else set()
    if len(held | {call.params["PolicyArn"]}) > documents.ATTACHED:
        raise _limit(f"Cannot exceed quota for PoliciesPerRole: {documents.ATTACHED}")
    return call.to_moto()


@operation("iam", "CreatePolicy", "CreatePolicyVersion")
def create_policy(call: Call) -> dict[str, Any]:
    """Create a policy, or a version of one, within the quota for its size."""
    if documents.size(call.params["PolicyDocument"]) > documents.MANAGED:
        raise _limit(f"Cannot exceed quota for PolicySize: {documents.MANAGED}")
    return call.to_moto()


def _is_boundary(arn: str) -> bool:
    roles = list(iam_backends[ACCOUNT]["aws"].roles.values())
    return any(role.permissions_boundary_arn == arn for role in roles)


@operation("iam", "DeletePolicy")
def delete_policy(call: Call) -> dict[str, Any]:
    """Delete a policy that is not attached and has only its default version."""
    arn = call.params["PolicyArn"]
    policy = _policy(arn)
    if policy is None:
        raise AwsError("NoSuchEntity", f"Policy {arn} was not found.", 404)
    # AWS has the same message for a policy that is only a boundary: https://github.com/gruntwork-io/cloud-nuke/issues/972
    if policy.attachment_count or _is_boundary(arn):
        raise AwsError("DeleteConflict", "Cannot delete a policy attached to entities.", 409)
    if len(policy.versions) > 1:
        message = (
            "This policy has more than one version. Before you delete a policy, you must delete the policy's versions."
        )
        raise AwsError("DeleteConflict", f"{message} The default version is deleted with the policy.", 409)
    return call.to_moto()
