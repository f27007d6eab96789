"""All steps: who calls, and whether AWS would let them.

Importing this registers sts:AssumeRole and the sessions of roles with which services act; nothing is denied until
`enforce(cloud)`. `usage.summary(cloud)` gives what was denied, and what was granted and never used.
"""

from sagemaker_rehearsal.iam import sessions  # noqa: F401 (registers its operation)
from sagemaker_rehearsal.iam.decision import enforced, require
from sagemaker_rehearsal.iam.enforcement import enforce
from sagemaker_rehearsal.iam.identity import ADMINISTRATOR, Principal, client_as, keys_for, on_behalf, principal_of
from sagemaker_rehearsal.server.registry import sessions as _sessions

__all__ = [
    "ADMINISTRATOR",
    "Principal",
    "client_as",
    "enforce",
    "enforced",
    "keys_for",
    "on_behalf",
    "principal_of",
    "require",
]
_sessions(keys_for)
