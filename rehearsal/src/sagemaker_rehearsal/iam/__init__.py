"""All steps: identities, and authorization by AWS's rules.

Nothing is denied until `enforce(cloud)`. `usage.summary(cloud)` returns denied requests, and actions that were granted
and never used.
"""

from sagemaker_rehearsal.iam import document_checks, policy_types, role_types, sessions
from sagemaker_rehearsal.iam.decision import enforced, require
from sagemaker_rehearsal.iam.enforcement import enforce
from sagemaker_rehearsal.iam.identity import (
    ADMINISTRATOR,
    Principal,
    client_as,
    keys_for,
    on_behalf,
    principal_of,
    secret_of,
)
from sagemaker_rehearsal.iam.policy import allows_service
from sagemaker_rehearsal.server.service import Service, collect

__all__ = [
    "ADMINISTRATOR",
    "SERVICE",
    "Principal",
    "allows_service",
    "client_as",
    "enforce",
    "enforced",
    "keys_for",
    "on_behalf",
    "principal_of",
    "require",
    "secret_of",
]

SERVICE = Service(
    "iam",
    operations=collect(sessions, document_checks),
    resource_types=(role_types.Role(), policy_types.ManagedPolicy(), policy_types.InlinePolicy()),
    role_keys=keys_for,
)
