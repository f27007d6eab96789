"""All steps: the roles, policies and boundaries that the templates created in moto's IAM, parsed for evaluation."""

import threading
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError
from moto.cloudformation.models import cloudformation_backends
from moto.iam.models import iam_backends
from moto.s3.models import s3_backends
from moto.sagemaker.models import sagemaker_backends

from sagemaker_rehearsal.iam.policy import Policies, Policy, read
from sagemaker_rehearsal.server.backends import alone, serialised
from sagemaker_rehearsal.server.service import ACCOUNT, Host

# Moto's models have no types
Role = Any
# Allows nothing: the boundary of a role whose boundary policy was deleted
_NOTHING = Policy("deleted boundary", ())
# The administrator's policies
EVERYTHING = Policies(
    (
        read(
            '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}',
            "everything",
        ),
    )
)
_roles: dict[str, Role] = {}
_lock = threading.Lock()


def _iam() -> Any:  # noqa: ANN401 (moto's)
    return iam_backends[ACCOUNT]["aws"]


@serialised
def role(arn: str) -> Role | None:
    """Find a role by its ARN; None when there is none."""
    entity = _roles.get(arn)
    if entity is not None and _iam().roles.get(entity.id) is entity:
        return entity
    entity = next((candidate for candidate in list(_iam().roles.values()) if candidate.arn == arn), None)
    if entity is not None:
        with _lock:
            _roles[arn] = entity
    return entity


@serialised
def named(name: str) -> Role | None:
    """Find a role by its name; None when there is none."""
    return next((candidate for candidate in list(_iam().roles.values()) if candidate.name == name), None)


@serialised
def tags(entity: Role | None) -> dict[str, str]:
    """Return a role's tags."""
    values = getattr(entity, "tags", None) or {}
    pairs = values.values() if isinstance(values, dict) else values
    return {pair["Key"]: pair["Value"] for pair in pairs}


def trust(entity: Role) -> Policy:
    """Return a role's trust policy."""
    return read(entity.assume_role_policy_document, "trust policy")


@serialised
def of_role(entity: Role, session_policy: str = "") -> Policies:
    """Return the policies that apply to a role's session."""
    return Policies(tuple(_identity(entity)), _boundary(entity), _session(session_policy))


@serialised
def of_user(name: str) -> Policies:
    """Return the policies that apply to a user, those of its groups included."""
    user = _iam().users[name]
    groups = [group for group in _iam().groups.values() if any(member.name == name for member in group.users)]
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


def _boundary(entity: Role) -> Policy | None:
    arn = entity.permissions_boundary_arn
    if not arn:
        return None
    policy = _iam().managed_policies.get(arn)
    return _managed(policy) if policy else _NOTHING


def _session(text: str) -> Policy | None:
    return read(text, "session policy") if text else None


@serialised
def all_roles(cloud: Host) -> dict[str, list[Policy]]:
    """Return the policies of all roles, by ARN."""
    return {entity.arn: list(_identity(entity)) for entity in list(_iam().roles.values())}


@serialised
def bucket_policy(arn: str) -> tuple[Policy, ...]:
    """Return the policy of the bucket in an S3 ARN; an empty tuple where it has none."""
    bucket = s3_backends[ACCOUNT]["aws"].buckets.get(arn.removeprefix("arn:aws:s3:::").partition("/")[0])
    text = bucket.policy if bucket else None
    return (read(text.decode() if isinstance(text, bytes) else text, "bucket policy"),) if text else ()


@serialised
def is_object(bucket: str, key: str) -> bool:
    """Return whether an object exists; True where the bucket does not, so that S3 answers NoSuchBucket itself."""
    fake_bucket = s3_backends[ACCOUNT]["aws"].buckets.get(bucket)
    return fake_bucket is None or key in fake_bucket.keys


def resource_tags(cloud: Host, arn: str) -> dict[str, str]:
    """Return the tags of a SageMaker resource, a stack or a role, for `aws:ResourceTag`; empty for other resources."""
    service = arn.split(":", 3)[2] if arn.startswith("arn:") else ""
    if service == "iam" and ":role/" in arn:
        return tags(role(arn))
    if service == "cloudformation":
        stack = _stack(cloud, arn)
        return dict(stack.tags) if stack else {}
    return _of_sagemaker(cloud, arn) if service == "sagemaker" else {}


@serialised
def _stack(cloud: Host, arn: str) -> Any:  # noqa: ANN401 (moto's)
    name = arn.split("/")[1]
    stacks = cloudformation_backends[ACCOUNT][cloud.region].stacks
    return stacks.get(arn) or next((stack for stack in list(stacks.values()) if stack.name == name), None)


def _of_sagemaker(cloud: Host, arn: str) -> dict[str, str]:
    own_tags = cloud.tags_of(arn)
    if own_tags is not None:
        return dict(own_tags)
    try:
        with alone():
            pairs, _ = sagemaker_backends[ACCOUNT][cloud.region].list_tags(arn=arn)
    except Exception:  # a resource that does not exist has no tags; moto raises errors of several types for it
        return {}
    return {pair["Key"]: pair["Value"] for pair in pairs or []}


class Lookup:
    """Looks up what requests do not contain (see `actions.Facts`)."""

    def __init__(self, cloud: Host) -> None:
        self._cloud = cloud
        self._repositories: dict[str, str] = {}

    def role(self, name: str) -> str:
        """Return a role's ARN."""
        entity = named(name)
        return str(entity.arn) if entity else f"arn:aws:iam::{ACCOUNT}:role/{name}"

    def boundary(self, role: str) -> str:
        """Return the ARN of a role's boundary; empty when it has none."""
        entity = named(role)
        return str(entity.permissions_boundary_arn or "") if entity else ""

    def repository(self, pull_request: str) -> str:
        """Return the name of a pull request's repository; empty when there is none."""
        if pull_request not in self._repositories:
            try:
                response = self._cloud.client("codecommit").get_pull_request(pullRequestId=pull_request)
            except ClientError:
                return ""
            self._repositories[pull_request] = response["pullRequest"]["pullRequestTargets"][0]["repositoryName"]
        return self._repositories[pull_request]

    def stack(self, change_set: str) -> str:
        """Return the ARN of a change set's stack; empty when there is none."""
        fake_change_set = cloudformation_backends[ACCOUNT][self._cloud.region].change_sets.get(change_set)
        return str(fake_change_set.stack_id) if fake_change_set else ""

    @serialised
    def object_tags(self, bucket: str, key: str) -> dict[str, str]:
        """Return the tags of an object."""
        s3 = s3_backends[ACCOUNT]["aws"]
        fake_bucket = s3.buckets.get(bucket)
        version = fake_bucket.keys.get(key) if fake_bucket else None
        return dict(s3.tagger.get_tag_dict_for_resource(version.arn)) if version is not None else {}
