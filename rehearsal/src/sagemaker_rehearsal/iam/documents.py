"""Steps 1 and 3: policy documents as IAM takes them, with its limits. Pure.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from sagemaker_rehearsal.cloudformation.resources import ResourceError

# Characters; IAM does not count white space
MANAGED, INLINE, TRUST = 6_144, 10_240, 2_048
ATTACHED = 10  # managed policies a role, by default


def text(document: Any) -> str:  # noqa: ANN401 (JSON)
    """Give a document as JSON; one that is text already stays as it is."""
    return document if isinstance(document, str) else json.dumps(document, separators=(",", ":"))


def size(document: Any) -> int:  # noqa: ANN401 (JSON)
    """Count the characters of a document that IAM counts."""
    return sum(not sign.isspace() for sign in text(document))


def require_small(name: str, quota: str, most: int, documents: Iterable[Any]) -> None:
    """Hold documents together to a limit.

    Raises:
        ResourceError: in IAM's words.
    """
    if sum(map(size, documents)) > most:
        raise ResourceError(f"Maximum policy size of {most} bytes exceeded for {name} (quota {quota})")


def require_whole(role: Mapping[str, Any]) -> None:
    """Hold what a role has to IAM's limits.

    Raises:
        ResourceError: naming the limit.
    """
    name = str(role.get("RoleName", "the role"))
    inline = [one["PolicyDocument"] for one in role.get("Policies") or []]
    require_small(f"role {name}", "RolePolicySize", INLINE, inline)
    require_small(f"role {name}", "AssumeRolePolicySize", TRUST, [role["AssumeRolePolicyDocument"]])
    if len(role.get("ManagedPolicyArns") or []) > ATTACHED:
        raise ResourceError(f"Cannot exceed quota for PoliciesPerRole: {ATTACHED}")
