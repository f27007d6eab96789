"""All steps: authorization of every request: its caller, the permissions it requires, the decision."""

from collections.abc import Mapping
from urllib.parse import parse_qs

from botocore.model import OperationModel

from sagemaker_rehearsal.iam import actions, attached_policies, identity, jobs, s3, signatures, trust, usage
from sagemaker_rehearsal.iam.actions import Needed, Place
from sagemaker_rehearsal.iam.decision import CODES, check
from sagemaker_rehearsal.iam.identity import Principal
from sagemaker_rehearsal.server.errors import AwsError
from sagemaker_rehearsal.server.protocols import Wire
from sagemaker_rehearsal.server.service import ACCOUNT, Host

Params = Mapping[str, object]
# Before these operations, the roles' grants are recorded, so that the list of unused grants still contains them
_REMOVALS = frozenset(("DeleteRole", "DeleteRolePolicy", "DetachRolePolicy", "DeletePolicy"))
_MISSING = ("MissingAuthenticationToken", "Request is missing Authentication Token")


class Enforcement:
    """Checks every request to a cloud, and every session of a role that a service starts."""

    def __init__(self, cloud: Host) -> None:
        self._cloud = cloud
        self._lookup = attached_policies.Lookup(cloud)

    def authorize(self, request: Wire, operation: OperationModel | None, params: Params) -> None:
        """Authorize a client's request."""
        usage.of(self._cloud).count()
        _authorize(self._cloud, self._lookup, request, operation, params)
        if operation and operation.service_model.service_name == "sagemaker":
            jobs.require(self._cloud, operation.name, params)
        _remember(self._cloud, operation)

    def secret_of(self, access_key: str) -> str:
        """Return the secret of an access key."""
        return identity.secret_of(access_key)

    def permit(self, access_key: str, service: str, operation: str, params: Params) -> None:
        """Authorize a request that never arrives here: a job's start, or the requests of the job itself."""
        principal, place = identity.principal_of(access_key), Place(self._cloud.region, ACCOUNT)
        for needed in actions.of_api(service, operation, params, place, self._lookup):
            check(self._cloud, principal, needed, self._cloud.region, service)
        if service == "sagemaker":
            jobs.require(self._cloud, operation, params)

    def require_trust(self, role_arn: str, service: str, source_arn: str) -> None:
        """Check that a role trusts a service."""
        trust.require_service(self._cloud, role_arn, service, source_arn)


def enforce(cloud: Host) -> None:
    """From now on, check every request to this cloud, and every session of a role that a service starts."""
    cloud.guard = Enforcement(cloud)


def _remember(cloud: Host, operation: OperationModel | None) -> None:
    if operation and operation.name in _REMOVALS and operation.service_model.service_name == "iam":
        usage.of(cloud).remember(cloud)


def _authorize(
    cloud: Host, lookup: attached_policies.Lookup, request: Wire, operation: OperationModel | None, params: Params
) -> None:
    access_key = request.access_key or _presigned(request.query)
    principal = identity.principal_of(access_key)
    service = operation.service_model.service_name if operation else request.signing_name or "s3"
    _authenticate(principal, request, service)
    signatures.verify(request, identity.secret_of(access_key), service, query_protocol=service in CODES)
    if principal.kind == "administrator":
        return
    for needed in _needed(lookup, request, service, operation, params):
        # AssumeRole depends on the role's trust policy too: `sessions` decides
        if needed.action != "sts:AssumeRole":
            check(cloud, principal, needed, request.region, service)
    if service == "s3":
        _hide_absence(cloud, principal, request)


def _needed(
    lookup: attached_policies.Lookup, request: Wire, service: str, operation: OperationModel | None, params: Params
) -> list[Needed]:
    place = Place(request.region, ACCOUNT)
    if service == "sagemaker-runtime":
        return actions.of_invocation(params, place)
    if operation is not None and service != "s3":
        return actions.of_api(service, operation.name, params, place, lookup)
    if service == "s3":
        return actions.of_s3(_asked(request), lookup)
    return [Needed(f"{service}:{request.method}{request.path}", "*")]


def _asked(request: Wire) -> s3.Asked:
    return s3.Asked.read(request.method, request.path, request.query, request.headers, request.body)


def _hide_absence(cloud: Host, principal: Principal, request: Wire) -> None:
    """Require s3:ListBucket to learn that an object does not exist.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
    """
    asked = _asked(request)
    reads = asked.key and request.method in ("GET", "HEAD") and "versionId" not in asked.query
    if reads and not attached_policies.is_object(asked.bucket, asked.key):
        check(cloud, principal, Needed("s3:ListBucket", f"arn:aws:s3:::{asked.bucket}"), request.region, "s3")


def _presigned(query: str) -> str:
    if "X-Amz-Credential" not in query and "AWSAccessKeyId" not in query:
        return ""
    values = parse_qs(query)
    credentials = values.get("X-Amz-Credential") or values.get("AWSAccessKeyId") or [""]
    return credentials[0].partition("/")[0]


def _authenticate(principal: Principal, request: Wire, service: str) -> None:
    """Reject unsigned requests, unknown access keys and wrong session tokens, with the service's own error."""
    query = parse_qs(request.query)
    token = request.headers.get("x-amz-security-token") or query.get("X-Amz-Security-Token", [""])[0]
    token = token or query.get("x-amz-security-token", [""])[0]
    if principal.kind != "unknown" and (not principal.token or principal.token == token):
        return
    if not request.access_key and not _presigned(request.query):
        code, message = ("AccessDenied", "Access Denied") if service == "s3" else _MISSING
        raise AwsError(code, message, 403)
    if service == "s3":
        message = "The AWS Access Key Id you provided does not exist in our records."
        raise AwsError("InvalidAccessKeyId", message, 403)
    code = "InvalidClientTokenId" if service in CODES else "UnrecognizedClientException"
    raise AwsError(code, "The security token included in the request is invalid.", 403)
