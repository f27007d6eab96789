"""Steps 1 and 3: AWS::S3::Bucket and AWS::S3::BucketPolicy.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-bucket.html
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from sagemaker_rehearsal.cloudformation.api_type import ApiType
from sagemaker_rehearsal.cloudformation.properties import to_json, to_parameters
from sagemaker_rehearsal.cloudformation.resources import (
    Made,
    Properties,
    Resource,
    ResourceError,
    ResourceType,
    ignore_absence,
)
from sagemaker_rehearsal.server import protocols
from sagemaker_rehearsal.server.service import Host


@dataclass(frozen=True)
class Setting:
    """The request that sets a property of a bucket.

    Attributes:
        put: the operation that sets it.
        member: the operation's parameter.
        remove: the operation that removes it; empty where S3 has none, and `put` with `unset` does it.
        prepare: converts the property to the parameter, whose names may differ.
        unset: the parameter that removes the property where `remove` is empty.
    """

    put: str
    member: str
    remove: str = ""
    prepare: Callable[[Any], Any] = lambda value: value
    unset: Any = None


def _encryption(value: Mapping[str, Any]) -> dict[str, Any]:
    other = {"ServerSideEncryptionByDefault": "ApplyServerSideEncryptionByDefault"}
    rules = value["ServerSideEncryptionConfiguration"]
    return {"Rules": [{other.get(key, key): item for key, item in rule.items()} for rule in rules]}


def _lifecycle(value: Mapping[str, Any]) -> dict[str, Any]:
    return {"Rules": [_lifecycle_rule(dict(rule)) for rule in value["Rules"]]}


def _lifecycle_rule(rule: dict[str, Any]) -> dict[str, Any]:
    expiration = {"Days": rule.pop("ExpirationInDays", None), "Date": rule.pop("ExpirationDate", None)}
    expiration["ExpiredObjectDeleteMarker"] = rule.pop("ExpiredObjectDeleteMarker", None)
    settings = {key: item for key, item in expiration.items() if item is not None}
    prefix = rule.pop("Prefix", "")
    return {**rule, "Filter": {"Prefix": prefix}, **({"Expiration": settings} if settings else {})}


def _cors(value: Mapping[str, Any]) -> dict[str, Any]:
    other = {"ExposedHeaders": "ExposeHeaders", "MaxAge": "MaxAgeSeconds"}
    return {"CORSRules": [{other.get(key, key): item for key, item in rule.items()} for rule in value["CorsRules"]]}


# Canned ACLs, which CloudFormation calls otherwise; those that open a bucket to others are not there, because a new
# bucket blocks public access: https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#canned-acl
ACLS = {
    "Private": "private",
    "BucketOwnerFullControl": "bucket-owner-full-control",
    "BucketOwnerRead": "bucket-owner-read",
    "LogDeliveryWrite": "log-delivery-write",
}
SETTINGS = {
    "OwnershipControls": Setting(
        "put_bucket_ownership_controls", "OwnershipControls", "delete_bucket_ownership_controls"
    ),
    "AccessControl": Setting("put_bucket_acl", "ACL", prepare=lambda name: ACLS[name], unset="private"),
    "PublicAccessBlockConfiguration": Setting(
        "put_public_access_block", "PublicAccessBlockConfiguration", "delete_public_access_block"
    ),
    "VersioningConfiguration": Setting(
        "put_bucket_versioning", "VersioningConfiguration", unset={"Status": "Suspended"}
    ),
    "BucketEncryption": Setting(
        "put_bucket_encryption", "ServerSideEncryptionConfiguration", "delete_bucket_encryption", _encryption
    ),
    "LifecycleConfiguration": Setting(
        "put_bucket_lifecycle_configuration", "LifecycleConfiguration", "delete_bucket_lifecycle", _lifecycle
    ),
    "CorsConfiguration": Setting("put_bucket_cors", "CORSConfiguration", "delete_bucket_cors", _cors),
    "Tags": Setting("put_bucket_tagging", "Tagging", "delete_bucket_tagging", lambda tags: {"TagSet": tags}),
}


class Bucket(ResourceType):
    """A bucket; each property is set by one request."""

    name = "AWS::S3::Bucket"
    known = frozenset({"BucketName", *SETTINGS})
    named = "BucketName"
    longest = 63

    def check(self, logical: str, properties: Properties) -> None:
        """Check that AccessControl is possible: a new bucket has BucketOwnerEnforced, and so no ACL but its owner's.

        https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html
        """
        super().check(logical, properties)
        acl = properties.get("AccessControl", "Private")
        if acl not in ACLS:
            names = ", ".join(ACLS)
            raise ResourceError(
                f"{self.name}: the rehearsal does not have AccessControl {acl}, only {names}; see docs/parity.md"
            )
        rules = (properties.get("OwnershipControls") or {}).get("Rules") or [{}]
        if acl != "Private" and rules[0].get("ObjectOwnership", "BucketOwnerEnforced") == "BucketOwnerEnforced":
            raise ResourceError("Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting")

    def generated_name(self, stack_id: str, logical: str) -> str:
        """Return the name of a bucket without BucketName; bucket names are lower case."""
        return super().generated_name(stack_id, logical).lower()

    def make(self, cloud: Host, name: str, properties: Properties) -> Made:
        """Create a bucket; one that exists already is an error, whoever owns it."""
        if _is_there(cloud, name):
            raise ResourceError(f"{name} already exists")
        region = {} if cloud.region == "us-east-1" else {"LocationConstraint": cloud.region}
        s3 = cloud.client("s3")
        s3.create_bucket(Bucket=name, **({"CreateBucketConfiguration": region} if region else {}))
        try:
            _set(s3, name, {}, properties)
        except (ClientError, ResourceError):
            ignore_absence(lambda: s3.delete_bucket(Bucket=name))
            raise
        return name, _attributes(cloud.region, name)

    def change(self, cloud: Host, old: Resource, name: str, properties: Properties) -> Mapping[str, str]:
        """Update a bucket."""
        _set(cloud.client("s3"), old.physical_resource_id, old.properties, properties)
        return old.attributes

    def remove(self, cloud: Host, old: Resource) -> None:
        """Delete a bucket; one that contains objects, or versions of objects, makes the deletion fail."""
        ignore_absence(lambda: cloud.client("s3").delete_bucket(Bucket=old.physical_resource_id))


def _is_there(cloud: Host, name: str) -> bool:
    try:
        cloud.client("s3").head_bucket(Bucket=name)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("404", "NoSuchBucket"):
            return False
        if error.response["Error"]["Code"] in (
            "403",
            "AccessDenied",
        ):  # CreateBucket's error tells whether another account owns it
            return False
        raise
    return True


def _set(s3: Any, name: str, before: Properties, after: Properties) -> None:  # noqa: ANN401 (boto3 clients have no type)
    before, after = (
        {key: value for key, value in properties.items() if (key, value) != ("AccessControl", "Private")}
        for properties in (before, after)
    )
    for key, setting in SETTINGS.items():
        if before.get(key) == after.get(key):
            continue
        if after.get(key):
            getattr(s3, setting.put)(Bucket=name, **{setting.member: _parameter(setting, after[key])})
        elif setting.remove:
            getattr(s3, setting.remove)(Bucket=name)
        else:
            getattr(s3, setting.put)(Bucket=name, **{setting.member: setting.unset})


def _parameter(setting: Setting, value: Any) -> Any:  # noqa: ANN401 (JSON)
    model = protocols.service_model("s3")
    assert model is not None  # noqa: S101 (botocore has it)
    operation = "".join(part.capitalize() for part in setting.put.split("_"))
    return to_parameters(model.operation_model(operation).input_shape.members[setting.member], setting.prepare(value))


def _attributes(region: str, name: str) -> dict[str, str]:
    return {
        "Arn": f"arn:aws:s3:::{name}",
        "DomainName": f"{name}.s3.amazonaws.com",
        "RegionalDomainName": f"{name}.s3.{region}.amazonaws.com",
        "DualStackDomainName": f"{name}.s3.dualstack.{region}.amazonaws.com",
        "WebsiteURL": f"http://{name}.s3-website-{region}.amazonaws.com",
    }


RESOURCE_TYPES: tuple[ResourceType, ...] = (
    Bucket(),
    ApiType(
        name="AWS::S3::BucketPolicy",
        service="s3",
        create_operation="put_bucket_policy",
        update_operation="put_bucket_policy",
        delete_operation="delete_bucket_policy",
        fixed=frozenset({"Bucket"}),
        prepare=lambda properties: {"Bucket": properties["Bucket"], "Policy": to_json(properties["PolicyDocument"])},
        ref=lambda request, answer: str(request["Bucket"]),
        delete_request=lambda request: {"Bucket": request["Bucket"]},
    ),
)
