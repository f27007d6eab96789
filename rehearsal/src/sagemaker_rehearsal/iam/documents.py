"""Steps 1 and 3: policy documents as IAM's API accepts them, with its quotas. Pure.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

from collections.abc import Iterable, Mapping
from typing import Any

from sagemaker_rehearsal.cloudformation.properties import to_json
from sagemaker_rehearsal.cloudformation.resources import ResourceError

# Characters; IAM does not count white space
MANAGED, INLINE, TRUST = 6_144, 10_240, 2_048
ATTACHED = 10  # managed policies a role, by default


def text(document: Any) -> str:  # noqa: ANN401 (JSON)
    """Return a document as JSON text; text is returned unchanged."""
    return to_json(document)


def size(document: Any) -> int:  # noqa: ANN401 (JSON)
    """Count the characters of a document that IAM counts."""
    return sum(not sign.isspace() for sign in text(document))


def require_small(name: str, quota: str, most: int, documents: Iterable[Any]) -> None:
    """Check that documents together stay within a quota.

    Raises:
        ResourceError: with IAM's message.
    """
    if sum(map(size, documents)) > most:
        raise ResourceError(f"Maximum policy size of {most} bytes exceeded for {name} (quota {quota})")


def require_whole(role: Mapping[str, Any]) -> None:
    """Check a role's policies against IAM's quotas.

    Raises:
        ResourceError: naming the quota.
    """
    name = str(role.get("RoleName", "the role"))
    inline = [policy["PolicyDocument"] for policy in role.get("Policies") or []]
    require_small(f"role {name}", "RolePolicySize", INLINE, inline)
    require_small(f"role {name}", "AssumeRolePolicySize", TRUST, [role["AssumeRolePolicyDocument"]])
    if len(role.get("ManagedPolicyArns") or []) > ATTACHED:
        raise ResourceError(f"Cannot exceed quota for PoliciesPerRole: {ATTACHED}")
