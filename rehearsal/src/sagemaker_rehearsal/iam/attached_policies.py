"""All steps: the roles, policies and boundaries that the templates made in moto's IAM, ready to be evaluated."""

import threading
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError
from moto.cloudformation.models import cloudformation_backends
from moto.iam.models import iam_backends
from moto.s3.models import s3_backends
from moto.sagemaker.models import sagemaker_backends

from sagemaker_rehearsal.iam.policy import Policies, Policy, read
from sagemaker_rehearsal.server.service import ACCOUNT, Host

# Moto's models have no types
Role = Any
# Allows nothing: what a role is left with whose boundary was deleted
_NOTHING = Policy("deleted boundary", ())
# The administrator's
EVERYTHING = Policies(
    (
        read(
            '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}',
            "everything",
        ),
    )
)
_found: dict[str, Role] = {}
_lock = threading.Lock()


def _iam() -> Any:  # noqa: ANN401 (moto's)
    return iam_backends[ACCOUNT]["aws"]


def role(arn: str) -> Role | None:
    """Find a role by its ARN; None when there is none."""
    found = _found.get(arn)
    if found is not None and _iam().roles.get(found.id) is found:
        return found
    found = next((one for one in list(_iam().roles.values()) if one.arn == arn), None)
    if found is not None:
        with _lock:
            _found[arn] = found
    return found


def named(name: str) -> Role | None:
    """Find a role by its name; None when there is none."""
    return next((one for one in list(_iam().roles.values()) if one.name == name), None)


def tags(found: Role | None) -> dict[str, str]:
    """Give a role's tags."""
    given = getattr(found, "tags", None) or {}
    pairs = given.values() if isinstance(given, dict) else given
    return {one["Key"]: one["Value"] for one in pairs}


def trust(found: Role) -> Policy:
    """Give a role's trust policy."""
    return read(found.assume_role_policy_document, "trust policy")


def of_role(found: Role, session_policy: str = "") -> Policies:
    """Give what decides about a role's session."""
    return Policies(tuple(_identity(found)), _boundary(found), _session(session_policy))


def of_user(name: str) -> Policies:
    """Give what decides about a user; groups count too."""
    user = _iam().users[name]
    groups = [group for group in _iam().groups.values() if any(one.name == name for one in group.users)]
    policies = [policy for holder in (user, *groups) for policy in _identity(holder)]
    return Policies(tuple(policies))


def _identity(holder: Any) -> Iterator[Policy]:  # noqa: ANN401 (moto's role, user or group)
    inline: Mapping[str, str] = holder.policies
    for name, text in list(inline.items()):
        yield read(text, name)
    for managed in list(holder.managed_policies.values()):
        yield _managed(managed)


def _managed(policy: Any) -> Policy:  # noqa: ANN401 (moto's)
    text = next(version.document for version in policy.versions if version.version_id == policy.default_version_id)
    return read(text, policy.name)


def _boundary(found: Role) -> Policy | None:
    arn = found.permissions_boundary_arn
    if not arn:
        return None
    policy = _iam().managed_policies.get(arn)
    return _managed(policy) if policy else _NOTHING


def _session(text: str) -> Policy | None:
    return read(text, "session policy") if text else None


def all_roles(cloud: Host) -> dict[str, list[Policy]]:
    """Give the policies of all roles, by ARN."""
    return {one.arn: list(_identity(one)) for one in list(_iam().roles.values())}


def bucket_policy(arn: str) -> tuple[Policy, ...]:
    """Give the policy of the bucket that an ARN of S3 is about; none where it has none."""
    bucket = s3_backends[ACCOUNT]["aws"].buckets.get(arn.removeprefix("arn:aws:s3:::").partition("/")[0])
    text = bucket.policy if bucket else None
    return (read(text.decode() if isinstance(text, bytes) else text, "bucket policy"),) if text else ()


def is_object(bucket: str, key: str) -> bool:
    """Tell whether an object exists; so as not to hide that a bucket does not, True where there is no such bucket."""
    found = s3_backends[ACCOUNT]["aws"].buckets.get(bucket)
    return found is None or key in found.keys


def resource_tags(cloud: Host, arn: str) -> dict[str, str]:
    """Give the tags of a resource of SageMaker, a stack or a role, for `aws:ResourceTag`; of others none are known."""
    service = arn.split(":", 3)[2] if arn.startswith("arn:") else ""
    if service == "iam" and ":role/" in arn:
        return tags(role(arn))
    if service == "cloudformation":
        found = _stack(cloud, arn)
        return dict(found.tags) if found else {}
    return _of_sagemaker(cloud, arn) if service == "sagemaker" else {}


def _stack(cloud: Host, arn: str) -> Any:  # noqa: ANN401 (moto's)
    name = arn.split("/")[1]
    stacks = cloudformation_backends[ACCOUNT][cloud.region].stacks
    return stacks.get(arn) or next((one for one in list(stacks.values()) if one.name == name), None)


def _of_sagemaker(cloud: Host, arn: str) -> dict[str, str]:
    kept = cloud.tags_of(arn)
    if kept is not None:
        return dict(kept)
    try:
        given, _ = sagemaker_backends[ACCOUNT][cloud.region].list_tags(arn=arn)
    except Exception:  # what does not exist has no tags; moto raises whatever comes of it
        return {}
    return {one["Key"]: one["Value"] for one in given or []}


class Lookup:
    """Answers what requests do not say (see `actions.Facts`)."""

    def __init__(self, cloud: Host) -> None:
        self._cloud = cloud
        self._repositories: dict[str, str] = {}

    def role(self, name: str) -> str:
        """Give a role's ARN."""
        found = named(name)
        return str(found.arn) if found else f"arn:aws:iam::{ACCOUNT}:role/{name}"

    def boundary(self, role: str) -> str:
        """Give the ARN of a role's boundary; empty when it has none."""
        found = named(role)
        return str(found.permissions_boundary_arn or "") if found else ""

    def repository(self, pull_request: str) -> str:
        """Give the name of a pull request's repository; empty when there is none."""
        if pull_request not in self._repositories:
            try:
                found = self._cloud.client("codecommit").get_pull_request(pullRequestId=pull_request)
            except ClientError:
                return ""
            self._repositories[pull_request] = found["pullRequest"]["pullRequestTargets"][0]["repositoryName"]
        return self._repositories[pull_request]

    def stack(self, change_set: str) -> str:
        """Give the ARN of a change set's stack; empty when there is none."""
        found = cloudformation_backends[ACCOUNT][self._cloud.region].change_sets.get(change_set)
        return str(found.stack_id) if found else ""

    def object_tags(self, bucket: str, key: str) -> dict[str, str]:
        """Give the tags of an object."""
        s3 = s3_backends[ACCOUNT]["aws"]
        found = s3.buckets.get(bucket)
        one = found.keys.get(key) if found else None
        return dict(s3.tagger.get_tag_dict_for_resource(one.arn)) if one is not None else {}
