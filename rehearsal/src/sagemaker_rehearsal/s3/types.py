"""Steps 1 and 3: AWS::S3::Bucket and AWS::S3::BucketPolicy.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-bucket.html
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from sagemaker_rehearsal.cloudformation import handler
from sagemaker_rehearsal.cloudformation.properties import to_parameters
from sagemaker_rehearsal.cloudformation.resources import (
    HANDLERS,
    Properties,
    Resource,
    ResourceError,
    ResourceType,
    register,
)
from sagemaker_rehearsal.server import protocols
from sagemaker_rehearsal.server.cloud import Cloud

BUCKET = "AWS::S3::Bucket"


@dataclass(frozen=True)
class Setting:
    """How a property of a bucket becomes a request.

    Attributes:
        put: the operation that sets it.
        member: the operation's parameter.
        remove: the operation that takes it away; empty where that is a request like the first.
        prepare: renames what S3's API calls otherwise.
        unset: the parameter where `remove` is empty.
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
    return {"Rules": [_lifecycle_rule(dict(one)) for one in value["Rules"]]}


def _lifecycle_rule(rule: dict[str, Any]) -> dict[str, Any]:
    expiration = {"Days": rule.pop("ExpirationInDays", None), "Date": rule.pop("ExpirationDate", None)}
    expiration["ExpiredObjectDeleteMarker"] = rule.pop("ExpiredObjectDeleteMarker", None)
    given = {key: item for key, item in expiration.items() if item is not None}
    prefix = rule.pop("Prefix", "")
    return {**rule, "Filter": {"Prefix": prefix}, **({"Expiration": given} if given else {})}


def _cors(value: Mapping[str, Any]) -> dict[str, Any]:
    other = {"ExposedHeaders": "ExposeHeaders", "MaxAge": "MaxAgeSeconds"}
    return {"CORSRules": [{other.get(key, key): item for key, item in rule.items()} for rule in value["CorsRules"]]}


SETTINGS = {
    "OwnershipControls": Setting(
        "put_bucket_ownership_controls", "OwnershipControls", "delete_bucket_ownership_controls"
    ),
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


class Buckets:
    """Makes, changes and removes buckets, one request for each property."""

    fixed = frozenset({"BucketName"})

    def create(self, cloud: Cloud, stack_id: str, logical: str, kind: str, properties: Properties) -> Resource:
        """Make a bucket; one that is there already is an error, whoever owns it."""
        handler.require_known(BUCKET, properties, {"BucketName", *SETTINGS})
        name = str(properties.get("BucketName") or handler.name_of(stack_id, logical, 63).lower())
        with handler.reasons():
            if _is_there(cloud, name):
                raise ResourceError(f"{name} already exists")
            region = {} if cloud.region == "us-east-1" else {"LocationConstraint": cloud.region}
            given = {"CreateBucketConfiguration": region} if region else {}
            cloud.client("s3").create_bucket(Bucket=name, **given)
        made = Resource(BUCKET, logical, name, properties, _attributes(cloud.region, name))
        try:
            _set(cloud, name, {}, properties)
        except ResourceError:
            self.delete(cloud, made)
            raise
        return made

    def update(self, cloud: Cloud, stack_id: str, old: Resource, properties: Properties) -> Resource:
        """Change a bucket, or make another for another name."""
        if properties.get("BucketName") != old.properties.get("BucketName"):
            return self.create(cloud, stack_id, old.logical_resource_id, BUCKET, properties)
        handler.require_known(BUCKET, properties, {"BucketName", *SETTINGS})
        _set(cloud, old.physical_resource_id, old.properties, properties)
        name = old.physical_resource_id
        return Resource(BUCKET, old.logical_resource_id, name, properties, old.attributes)

    def delete(self, cloud: Cloud, resource: Resource) -> None:
        """Remove a bucket; one that holds objects, or versions of objects, stays and fails the deletion."""
        with handler.reasons():
            s3, name = cloud.client("s3"), resource.physical_resource_id
            handler.gone(lambda: s3.delete_bucket(Bucket=name))


def _is_there(cloud: Cloud, name: str) -> bool:
    try:
        cloud.client("s3").head_bucket(Bucket=name)
    except ClientError as error:
        if handler.code(error) in ("404", "NoSuchBucket"):
            return False
        if handler.code(error) in ("403", "AccessDenied"):  # CreateBucket will say whether it is another account's
            return False
        raise
    return True


def _set(cloud: Cloud, name: str, before: Properties, after: Properties) -> None:
    client = cloud.client("s3")
    for prop, setting in SETTINGS.items():
        if before.get(prop) == after.get(prop):
            continue
        with handler.reasons():
            if after.get(prop):
                getattr(client, setting.put)(Bucket=name, **{setting.member: _parameter(setting, after[prop])})
            elif setting.remove:
                getattr(client, setting.remove)(Bucket=name)
            else:
                getattr(client, setting.put)(Bucket=name, **{setting.member: setting.unset})


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


HANDLERS[BUCKET] = Buckets()
register(
    ResourceType(
        name="AWS::S3::BucketPolicy",
        service="s3",
        create="put_bucket_policy",
        update="put_bucket_policy",
        delete="delete_bucket_policy",
        fixed=frozenset({"Bucket"}),
        prepare=lambda given: {"Bucket": given["Bucket"], "Policy": json.dumps(given["PolicyDocument"])},
        ref=lambda request, answer: str(request["Bucket"]),
        delete_request=lambda request: {"Bucket": request["Bucket"]},
    )
)
