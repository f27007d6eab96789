"""All steps: sts:AssumeRole, authorized by the role's trust policy."""

import json
import re
from typing import Any

from sagemaker_rehearsal.iam import attached_policies, condition_keys, identity, trust
from sagemaker_rehearsal.iam.decision import enforced
from sagemaker_rehearsal.server.errors import AwsError
from sagemaker_rehearsal.server.service import Call, operation

ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/.+")
HOUR = 3600


@operation("sts", "AssumeRole")
def assume_role(call: Call) -> dict[str, Any]:
    """Start a session of a role; the trust policy must allow the administrator too."""
    role_arn, session = call.params["RoleArn"], call.params["RoleSessionName"]
    if call.params.get("PolicyArns"):
        raise AwsError("NotImplemented", "The rehearsal knows AssumeRole with Policy, not with PolicyArns", 501)
    if not ARN.fullmatch(role_arn):
        raise AwsError("ValidationError", f"{role_arn} is invalid")
    policy = call.params.get("Policy") or ""
    if policy:
        _require_json(policy)
    if enforced(call.cloud):
        principal = identity.principal_of(call.access_key)
        trust.require(call.cloud, principal, role_arn, session, condition_keys.of("sts", "AssumeRole", call.params))
    role = attached_policies.role(role_arn)
    longest = int(role.max_session_duration or HOUR) if role is not None else HOUR
    if int(call.params.get("DurationSeconds") or HOUR) > longest:
        message = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        raise AwsError("ValidationError", message)
    assumed = identity.begin(call.cloud, role_arn, session, policy)
    return {
        "Credentials": {
            "AccessKeyId": assumed.access_key_id,
            "SecretAccessKey": assumed.secret_access_key,
            "SessionToken": assumed.session_token,
            "Expiration": assumed.expiration,
        },
        "AssumedRoleUser": {"AssumedRoleId": assumed.user_id, "Arn": assumed.arn},
        "PackedPolicySize": 0,
    }


def _require_json(policy: str) -> None:
    try:
        json.loads(policy)
    except ValueError as error:
        raise AwsError("MalformedPolicyDocument", f"Syntax errors in policy: {error}") from error
