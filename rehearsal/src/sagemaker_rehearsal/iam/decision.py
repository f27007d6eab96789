"""All steps: decide about one permission of one caller, note it, and give a denial AWS's words."""

from collections.abc import Mapping

from sagemaker_rehearsal.iam import attached_policies, request_context, usage
from sagemaker_rehearsal.iam.actions import Needed
from sagemaker_rehearsal.iam.identity import Principal
from sagemaker_rehearsal.iam.policy import Caller, Decision, Policies, Request, decide
from sagemaker_rehearsal.server.errors import AwsError
from sagemaker_rehearsal.server.service import ACCOUNT, Host

Keys = Mapping[str, tuple[str, ...]]
# What each service calls a denial, where it is not AccessDeniedException
CODES = {
    "cloudformation": "AccessDenied",
    "cloudwatch": "AccessDenied",
    "ec2": "UnauthorizedOperation",
    "iam": "AccessDenied",
    "s3": "AccessDenied",
    "sns": "AuthorizationError",
    "sqs": "AccessDenied",
    "sts": "AccessDenied",
}
# JSON services answer 400; these say Forbidden
_FORBIDDEN = frozenset((*CODES, "lambda", "scheduler", "sagemaker-runtime"))


def enforced(cloud: Host) -> bool:
    """Return whether requests to this cloud are checked."""
    return cloud.guard is not None


def require(
    cloud: Host, principal: Principal, action: str, resource: str, keys: Keys | None = None, service: str = ""
) -> None:
    """Check a permission that no request through the front stands for, as a push by Git, or a job that is started.

    Args:
        cloud: the embedded cloud; where nothing is enforced, everything is allowed.
        principal: who asks, see `identity.principal_of`.
        action: e.g. `codecommit:GitPush`.
        resource: its ARN.
        keys: condition keys, in lower case.
        service: botocore's name, for the form of the error; the action's prefix when empty.

    Raises:
        AwsError: when it is not allowed.
    """
    if enforced(cloud):
        named = service or action.partition(":")[0]
        check(cloud, principal, Needed(action, resource, keys or {}), cloud.region, named)


def check(cloud: Host, principal: Principal, needed: Needed, region: str, service: str) -> None:
    """Raise AwsError unless a caller has a permission; the administrator has all."""
    if principal.kind == "administrator":
        return
    decision = judge(cloud, principal, needed, region)
    ledger = usage.of(cloud)
    if decision.allowed:
        ledger.allow(principal.entity_arn, needed.action, needed.resource, decision.grants)
        return
    because = f"{decision.because} ({decision.by})" if decision.by else decision.because
    ledger.deny(principal.arn, needed.action, needed.resource, because)
    raise denial(principal.arn, needed.action, needed.resource, decision.because, service)


def judge(cloud: Host, principal: Principal, needed: Needed, region: str) -> Decision:
    """Decide by what moto's IAM holds."""
    session = principal.arn if principal.kind == "role" else ""
    caller = Caller(ACCOUNT, principal.entity_arn, session)
    context = {
        **request_context.keys(region, needed.resource),
        **request_context.of_principal(principal),
        **request_context.of_resource(cloud, needed.resource),
        **needed.keys,
    }
    own = policies_of(principal)
    resource = attached_policies.bucket_policy(needed.resource) if needed.resource.startswith("arn:aws:s3:::") else ()
    policies = Policies(own.identity, own.boundary, own.session, resource)
    return decide(Request(needed.action, needed.resource, caller, context), policies)


def policies_of(principal: Principal) -> Policies:
    """Gather a caller's own policies; nothing for one whose role or user is gone."""
    if principal.kind == "administrator":
        return attached_policies.EVERYTHING
    if principal.kind == "user":
        return attached_policies.of_user(principal.entity_arn.rpartition("/")[2])
    role = attached_policies.role(principal.entity_arn)
    return attached_policies.of_role(role, principal.policy) if role is not None else Policies()


def denial(who: str, action: str, resource: str, because: str, service: str) -> AwsError:
    """Give the error: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html."""
    named = f'"{resource}"' if service == "s3" else resource
    said = f"User: {who} is not authorized to perform: {action} on resource: {named} {because}"
    return AwsError(CODES.get(service, "AccessDeniedException"), said.strip(), 403 if service in _FORBIDDEN else 400)
