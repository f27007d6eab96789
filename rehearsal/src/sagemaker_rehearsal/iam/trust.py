"""All steps: trust policies: the principals that may assume a role.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics.html
"""

from sagemaker_rehearsal.iam import attached_policies, request_context, usage
from sagemaker_rehearsal.iam.decision import denial, policies_of
from sagemaker_rehearsal.iam.identity import Principal
from sagemaker_rehearsal.iam.policy import Caller, Policies, Request, trusted
from sagemaker_rehearsal.server.errors import AwsError
from sagemaker_rehearsal.server.service import ACCOUNT, Host

ACTION = "sts:AssumeRole"
# Services whose documentation shows trust policies with aws:SourceAccount; the others are assumed not to send it, so
# that a condition on it without IfExists denies them
SOURCE_KEY_SERVICES = frozenset(
    ("codebuild.amazonaws.com", "events.amazonaws.com", "sagemaker.amazonaws.com", "scheduler.amazonaws.com")
)
_BECAUSE = "because no resource-based policy allows the sts:AssumeRole action"


def require(cloud: Host, principal: Principal, role_arn: str, session: str, keys: request_context.Keys) -> None:
    """Raise AwsError unless a user, a role or the administrator may assume a role."""
    role = attached_policies.role(role_arn)
    context = {**request_context.keys(cloud.region), **request_context.of_principal(principal), **keys}
    context["sts:rolesessionname"] = (session,)
    caller = Caller(ACCOUNT, principal.entity_arn, principal.arn if principal.kind == "role" else "")
    reason, by = "", ""
    if role is not None:
        request = Request(ACTION, role_arn, caller, context)
        decision = trusted(request, attached_policies.trust(role), policies_of(principal))
        if decision.allowed:
            usage.of(cloud).allow(principal.entity_arn, ACTION, role_arn, decision.grants)
            return
        reason, by = (decision.because, decision.by) if decision.by else ("", "")
    usage.of(cloud).deny(principal.arn, ACTION, role_arn, f"{reason} ({by})" if by else _BECAUSE)
    raise denial(principal.arn, ACTION, role_arn, reason, "sts")


def require_service(cloud: Host, role_arn: str, service: str, source_arn: str) -> None:
    """Raise AwsError unless a service may assume a role; an empty name stands for any service that the role trusts."""
    role = attached_policies.role(role_arn)
    candidates = [service] if service else _services(role)
    if role is not None and any(_trusts(cloud, role, candidate, source_arn) for candidate in candidates):
        return
    who = service or ", ".join(candidates) or "a service"
    usage.of(cloud).deny(who, ACTION, role_arn, _BECAUSE if role is not None else "because the role does not exist")
    raise AwsError(
        "AccessDenied",
        f"{who} is not authorized to perform AssumeRole on role {role_arn}; does it exist and trust it?",
        403,
    )


def _services(role: attached_policies.Role) -> list[str]:
    if role is None:
        return []
    statements = attached_policies.trust(role).statements
    return [name for statement in statements for kind, name in statement.principals if kind == "Service"]


def _trusts(cloud: Host, role: attached_policies.Role, service: str, source_arn: str) -> bool:
    context = request_context.keys(cloud.region)
    if service in SOURCE_KEY_SERVICES:
        context["aws:sourceaccount"] = (ACCOUNT,)
        if source_arn:
            context["aws:sourcearn"] = (source_arn,)
    request = Request(ACTION, str(role.arn), Caller(ACCOUNT, service=service), context)
    return trusted(request, attached_policies.trust(role), Policies()).allowed
