"""All steps: decide on one permission of one caller, record the decision, and word a denial as AWS does."""

from collections.abc import Mapping

from sagemaker_rehearsal.iam import attached_policies, request_context, usage
from sagemaker_rehearsal.iam.actions import Needed
from sagemaker_rehearsal.iam.identity import Principal
from sagemaker_rehearsal.iam.policy import Caller, Decision, Policies, Request, decide
from sagemaker_rehearsal.server.errors import AwsError
from sagemaker_rehearsal.server.service import ACCOUNT, Host

Keys = Mapping[str, tuple[str, ...]]
# Each service's error code for a denial, where it is not AccessDeniedException
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
# Services that answer a denial with HTTP 403; the other JSON services answer 400
_FORBIDDEN = frozenset((*CODES, "lambda", "scheduler", "sagemaker-runtime"))


def enforced(cloud: Host) -> bool:
    """Return whether requests to this cloud are checked."""
    return cloud.guard is not None


def require(
    cloud: Host, principal: Principal, action: str, resource: str, keys: Keys | None = None, service: str = ""
) -> None:
    """Check a permission for which no API request arrives, e.g. of a Git push or of a job's start.

    Args:
        cloud: the embedded cloud; where nothing is enforced, everything is allowed.
        principal: the caller, see `identity.principal_of`.
        action: e.g. `codecommit:GitPush`.
        resource: its ARN.
        keys: condition keys, in lower case.
        service: botocore's name, for the error's code and status; the action's prefix when empty.

    Raises:
        AwsError: when it is not allowed.
    """
    if enforced(cloud):
        named = service or action.partition(":")[0]
        check(cloud, principal, Needed(action, resource, keys or {}), cloud.region, named)


def check(cloud: Host, principal: Principal, needed: Needed, region: str, service: str) -> None:
    """Raise AwsError unless a caller has a permission; the administrator has every permission."""
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
    """Decide by the policies in moto's IAM."""
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
    """Return a caller's own policies; none where its role was deleted."""
    if principal.kind == "administrator":
        return attached_policies.EVERYTHING
    if principal.kind == "user":
        return attached_policies.of_user(principal.entity_arn.rpartition("/")[2])
    role = attached_policies.role(principal.entity_arn)
    return attached_policies.of_role(role, principal.policy) if role is not None else Policies()


def denial(who: str, action: str, resource: str, because: str, service: str) -> AwsError:
    """Return the error of a denial: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html."""
    named = f'"{resource}"' if service == "s3" else resource
    message = f"User: {who} is not authorized to perform: {action} on resource: {named} {because}"
    return AwsError(CODES.get(service, "AccessDeniedException"), message.strip(), 403 if service in _FORBIDDEN else 400)
