"""All steps: the global condition keys, which every request has.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html

Requests reach the embedded cloud over plain HTTP on 127.0.0.1, where AWS's clients use HTTPS. `aws:SecureTransport` is
always true, so that a bucket policy's Deny of plain HTTP denies nothing here.
"""

import time

from sagemaker_rehearsal.iam import attached_policies
from sagemaker_rehearsal.iam.identity import Principal
from sagemaker_rehearsal.server.service import ACCOUNT, Host

Keys = dict[str, tuple[str, ...]]


def keys(region: str, resource: str = "") -> Keys:
    """Return the keys of every request, those made by services included."""
    now = time.time()
    account = resource.split(":", 5)[4] if resource.count(":") >= 5 else ""
    return {
        "aws:requestedregion": (region,),
        "aws:resourceaccount": (account if account.isdigit() else ACCOUNT,),
        "aws:securetransport": ("true",),
        "aws:currenttime": (time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now)),),
        "aws:epochtime": (str(int(now)),),
    }


def of_principal(principal: Principal) -> Keys:
    """Return the keys of the caller."""
    context: Keys = {
        "aws:principalarn": (principal.entity_arn,),
        "aws:principalaccount": (ACCOUNT,),
        "aws:principaltype": ("AssumedRole" if principal.kind == "role" else "User",),
        "aws:viaawsservice": ("true" if principal.called_via else "false",),
    }
    if principal.called_via:
        first, last = principal.called_via[0], principal.called_via[-1]
        context |= {"aws:calledvia": principal.called_via, "aws:calledviafirst": (first,), "aws:calledvialast": (last,)}
    if principal.kind == "user":
        context["aws:username"] = (principal.entity_arn.rpartition("/")[2],)
    role = attached_policies.role(principal.entity_arn) if principal.kind == "role" else None
    return context | {
        f"aws:principaltag/{name.lower()}": (value,) for name, value in attached_policies.tags(role).items()
    }


def of_resource(cloud: Host, arn: str) -> Keys:
    """Return the keys of the resource's tags, with the prefix `aws` and with the service's."""
    context: Keys = {}
    for name, value in attached_policies.resource_tags(cloud, arn).items():
        for prefix in ("aws", arn.split(":", 3)[2]):
            context[f"{prefix}:resourcetag/{name.lower()}"] = (value,)
    return context
