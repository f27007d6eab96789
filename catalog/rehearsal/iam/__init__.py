"""All steps: who calls, and whether AWS would let them.

Importing this registers sts:AssumeRole and the sessions of roles with which services act; nothing is denied until
`enforce(cloud)`. `usage.summary(cloud)` gives what was denied, and what was granted and never used.
"""

from rehearsal.cloud.registry import sessions as _sessions

from catalog.rehearsal.iam import sessions  # noqa: F401 (registers its operation)
from catalog.rehearsal.iam.enforcement import enforce
from catalog.rehearsal.iam.identity import ADMINISTRATOR, Principal, client_as, keys_for, on_behalf, principal_of
from catalog.rehearsal.iam.judging import enforced, require

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
