"""Steps 1 and 3: buckets, roles and policies are created, updated, replaced and deleted as by CloudFormation."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sagemaker_rehearsal.account import SERVICES
from sagemaker_rehearsal.server import Cloud
from tests.services.polling import until

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
BOUNDARY = "arn:aws:iam::123456789012:policy/boundary"
ENDS = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with Cloud(tmp_path_factory.mktemp("cloud"), services=SERVICES) as running:
        yield running


def put(cloud: Cloud, name: str, resources: dict[str, Any], **outputs: object) -> dict[str, Any]:
    """Create or update a stack; return its final description."""
    client = cloud.client("cloudformation")
    template = {"Resources": resources, "Outputs": {key: {"Value": value} for key, value in outputs.items()}}
    there = [stack for stack in client.describe_stacks()["Stacks"] if stack["StackName"] == name]
    ask = client.update_stack if there else client.create_stack
    ask(StackName=name, TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_NAMED_IAM"])
    return settled(cloud, name)


def settled(cloud: Cloud, name: str, *ends: str) -> dict[str, Any]:
    def ask() -> tuple[str, Any]:
        stack = cloud.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
        return stack["StackStatus"], stack

    return until(ask, *(ends or ENDS))


def values(stack: dict[str, Any]) -> dict[str, str]:
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def bucket(**properties: object) -> dict[str, Any]:
    return {"Type": "AWS::S3::Bucket", "Properties": properties}


def role(**properties: object) -> dict[str, Any]:
    return {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST, **properties}}


def allow(*actions: str) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]}


def refused(request: Callable[..., object], **params: object) -> str:
    with pytest.raises(ClientError) as caught:
        request(**params)
    return str(caught.value.response["Error"]["Code"])


def test_a_bucket_is_as_its_properties_say_and_changes_with_them(cloud: Cloud) -> None:
    name, s3 = "types-bucket", cloud.client("s3")
    lifecycle = [
        {"Id": "old", "Status": "Enabled", "NoncurrentVersionExpiration": {"NoncurrentDays": "30"}},
        {"Id": "seeds", "Status": "Enabled", "Prefix": "seed/", "ExpirationInDays": 30},
    ]
    cors = {"AllowedOrigins": ["https://*.sagemaker.aws"], "AllowedMethods": ["GET"], "ExposedHeaders": ["ETag"]}
    encryption = [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
    block = {
        "BlockPublicAcls": True,
        "BlockPublicPolicy": "true",
        "IgnorePublicAcls": True,
        "RestrictPublicBuckets": True,
    }
    whole = {
        "BucketName": name,
        "VersioningConfiguration": {"Status": "Enabled"},
        "BucketEncryption": {"ServerSideEncryptionConfiguration": encryption},
        "PublicAccessBlockConfiguration": block,
        "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        "LifecycleConfiguration": {"Rules": lifecycle},
        "CorsConfiguration": {"CorsRules": [{**cors, "MaxAge": 3000}]},
        "Tags": [{"Key": "sagemaker:project-name", "Value": "x"}],
    }
    get = [{"Fn::GetAtt": ["B", key]} for key in ("Arn", "RegionalDomainName", "DomainName")]
    stack = put(cloud, "bucket", {"B": bucket(**whole)}, One=get[0], Two=get[1], Three=get[2], Ref={"Ref": "B"})
    assert values(stack) == {
        "One": "arn:aws:s3:::types-bucket",
        "Two": "types-bucket.s3.us-east-1.amazonaws.com",
        "Three": "types-bucket.s3.amazonaws.com",
        "Ref": name,
    }
    rules = s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
    assert [rule.get("NoncurrentVersionExpiration") or rule["Expiration"] for rule in rules] == [
        {"NoncurrentDays": 30},
        {"Days": 30},
    ]
    assert s3.get_bucket_cors(Bucket=name)["CORSRules"] == [
        {
            "AllowedMethods": ["GET"],
            "AllowedOrigins": ["https://*.sagemaker.aws"],
            "ExposeHeaders": ["ETag"],
            "MaxAgeSeconds": 3000,
        }
    ]
    assert s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]["BlockPublicPolicy"] is True
    properties = ("BucketName", "BucketEncryption", "Tags")
    put(cloud, "bucket", {"B": bucket(**{key: whole[key] for key in properties})})
    assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Suspended"
    gone = [s3.get_bucket_lifecycle_configuration, s3.get_bucket_cors, s3.get_public_access_block]
    assert [refused(request, Bucket=name) for request in gone] == [
        "NoSuchLifecycleConfiguration",
        "NoSuchCORSConfiguration",
        "NoSuchPublicAccessBlockConfiguration",
    ]


def test_a_bucket_that_is_there_already_is_not_taken_over(cloud: Cloud) -> None:
    cloud.client("s3").create_bucket(Bucket="types-taken")
    failed = put(cloud, "taken", {"B": bucket(BucketName="types-taken")})
    assert failed["StackStatusReason"].endswith("[B]. types-taken already exists")
    assert cloud.client("s3").head_bucket(Bucket="types-taken")["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_a_bucket_with_objects_or_versions_of_objects_fails_the_deletion(cloud: Cloud) -> None:
    s3, client = cloud.client("s3"), cloud.client("cloudformation")
    put(cloud, "full", {"B": bucket(BucketName="types-full", VersioningConfiguration={"Status": "Enabled"})})
    version = s3.put_object(Bucket="types-full", Key="k", Body=b"")["VersionId"]
    marker = s3.delete_object(Bucket="types-full", Key="k")["VersionId"]
    client.delete_stack(StackName="full")
    failed = settled(cloud, "full", "DELETE_FAILED")
    assert ("BucketNotEmpty" in failed["StackStatusReason"], refused(s3.get_object, Bucket="types-full", Key="k")) == (
        True,
        "NoSuchKey",
    )
    for version_id in (version, marker):
        s3.delete_object(Bucket="types-full", Key="k", VersionId=version_id)
    client.delete_stack(StackName="full")
    settled_id = failed["StackId"]
    assert settled(cloud, settled_id, "DELETE_COMPLETE")["StackName"] == "full"
    assert refused(s3.head_bucket, Bucket="types-full") == "404"


def test_an_unknown_property_fails_and_leaves_no_bucket(cloud: Cloud) -> None:
    reason = put(cloud, "website", {"B": bucket(BucketName="types-web", WebsiteConfiguration={})})["StackStatusReason"]
    assert reason.endswith(
        "AWS::S3::Bucket: the rehearsal does not have the property WebsiteConfiguration; see docs/parity.md"
    )
    assert refused(cloud.client("s3").head_bucket, Bucket="types-web") == "404"


def test_a_property_that_s3_refuses_leaves_no_bucket(cloud: Cloud) -> None:
    rules = [{"Id": "x", "Status": "Enabled", "Nothing": 1}]
    failed = put(cloud, "odd", {"B": bucket(BucketName="types-odd", LifecycleConfiguration={"Rules": rules})})
    assert "extraneous key [Nothing] is not permitted" in failed["StackStatusReason"]
    assert refused(cloud.client("s3").head_bucket, Bucket="types-odd") == "404"


def test_a_bucket_without_a_name_gets_the_stacks(cloud: Cloud) -> None:
    name = values(put(cloud, "Unnamed", {"Store": bucket()}, Name={"Ref": "Store"}))["Name"]
    assert (name[:14], len(name), name) == ("unnamed-store-", 26, name.lower())


def test_a_bucket_policy_is_put_changed_and_removed(cloud: Cloud) -> None:
    def policy(effect: str) -> dict[str, Any]:
        statement = {"Effect": effect, "Principal": "*", "Action": "s3:*", "Resource": {"Fn::GetAtt": ["B", "Arn"]}}
        document = {"Version": "2012-10-17", "Statement": [statement]}
        return {"Type": "AWS::S3::BucketPolicy", "Properties": {"Bucket": {"Ref": "B"}, "PolicyDocument": document}}

    def effects() -> list[str]:
        policy = json.loads(cloud.client("s3").get_bucket_policy(Bucket="types-policy")["Policy"])
        return [statement["Effect"] for statement in policy["Statement"]]

    seen = []
    for effect in ("Deny", "Allow"):
        put(cloud, "policy", {"B": bucket(BucketName="types-policy"), "P": policy(effect)})
        seen.append(effects())
    put(cloud, "policy", {"B": bucket(BucketName="types-policy")})
    gone = refused(cloud.client("s3").get_bucket_policy, Bucket="types-policy")
    assert (seen, gone) == ([["Deny"], ["Allow"]], "NoSuchBucketPolicy")


def test_a_role_is_as_its_properties_say_and_changes_with_them(cloud: Cloud) -> None:
    iam, name = cloud.client("iam"), "sagemaker-x-p-1-exec"
    iam.create_policy(PolicyName="boundary", PolicyDocument=json.dumps(allow("*")))
    managed = iam.create_policy(PolicyName="other", PolicyDocument=json.dumps(allow("s3:List*")))["Policy"]["Arn"]
    policies = [{"PolicyName": policy_name, "PolicyDocument": allow("s3:GetObject")} for policy_name in ("a", "b")]
    first = role(
        RoleName=name,
        Description="first",
        PermissionsBoundary=BOUNDARY,
        Policies=policies,
        ManagedPolicyArns=[managed],
        Tags=[{"Key": "k", "Value": "1"}, {"Key": "l", "Value": "1"}],
    )
    stack = put(cloud, "role", {"R": first}, Arn={"Fn::GetAtt": ["R", "Arn"]}, Ref={"Ref": "R"})
    assert values(stack) == {"Arn": f"arn:aws:iam::123456789012:role/{name}", "Ref": name}
    attached = [policy["PolicyArn"] for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]]
    boundary = iam.get_role(RoleName=name)["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"]
    assert (iam.list_role_policies(RoleName=name)["PolicyNames"], attached, boundary) == (
        ["a", "b"],
        [managed],
        BOUNDARY,
    )
    changed = [{"PolicyName": "b", "PolicyDocument": allow("s3:PutObject")}]
    second = role(RoleName=name, Description="second", Policies=changed, Tags=[{"Key": "k", "Value": "2"}])
    assert put(cloud, "role", {"R": second})["StackStatus"] == "UPDATE_COMPLETE"
    described = iam.get_role(RoleName=name)["Role"]
    document = iam.get_role_policy(RoleName=name, PolicyName="b")["PolicyDocument"]
    assert (described["Description"], described["Tags"], described.get("PermissionsBoundary")) == (
        "second",
        [{"Key": "k", "Value": "2"}],
        None,
    )
    assert (iam.list_role_policies(RoleName=name)["PolicyNames"], document) == (["b"], allow("s3:PutObject"))
    assert iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"] == []
    cloud.client("cloudformation").delete_stack(StackName="role")
    settled(cloud, stack["StackId"], "DELETE_COMPLETE")
    assert refused(iam.get_role, RoleName=name) == "NoSuchEntity"


def test_a_role_with_another_name_is_another_role(cloud: Cloud) -> None:
    iam = cloud.client("iam")
    put(cloud, "renamed", {"R": role(RoleName="renamed-1")})
    put(cloud, "renamed", {"R": role(RoleName="renamed-2")})
    assert (iam.get_role(RoleName="renamed-2")["Role"]["RoleName"], refused(iam.get_role, RoleName="renamed-1")) == (
        "renamed-2",
        "NoSuchEntity",
    )


@pytest.mark.parametrize(
    ("resource", "reason"),
    [
        (
            role(RoleName="r-long", Policies=[{"PolicyName": "p", "PolicyDocument": allow("s3:" + "x" * 10_240)}]),
            "Maximum policy size of 10240 bytes exceeded for role r-long (quota RolePolicySize)",
        ),
        (
            {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": allow("s3:" + "x" * 6_144)}},
            "Maximum policy size of 6144 bytes exceeded",
        ),
        (role(RoleName="r" * 65), "64"),
        (
            {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "r"}},
            "required key [AssumeRolePolicyDocument] not found",
        ),
        (role(RoleName="r-odd", Managed=[]), "the rehearsal does not have the property Managed"),
        (
            {"Type": "AWS::IAM::Policy", "Properties": {"PolicyName": "p", "PolicyDocument": allow("s3:*")}},
            "At least one of [Groups,Roles,Users] must be non-empty.",
        ),
    ],
)
def test_what_iam_refuses_fails_the_stack(cloud: Cloud, resource: dict[str, Any], reason: str) -> None:
    name = f"refused-{uuid.uuid4().hex}"
    failed = put(cloud, name, {"R": resource})
    assert (failed["StackStatus"], reason in failed["StackStatusReason"]) == ("ROLLBACK_COMPLETE", True)


def test_a_managed_policy_has_versions_and_is_detached_before_it_goes(cloud: Cloud) -> None:
    iam = cloud.client("iam")

    def resources(number: int) -> dict[str, Any]:
        properties = {
            "ManagedPolicyName": "types-managed",
            "PolicyDocument": allow(f"s3:Get{number}"),
            "Roles": [{"Ref": "R"}],
        }
        return {"R": role(RoleName="managed-role"), "P": {"Type": "AWS::IAM::ManagedPolicy", "Properties": properties}}

    stack = put(cloud, "managed", resources(0), Ref={"Ref": "P"})
    arn = values(stack)["Ref"]
    for number in range(1, 7):
        put(cloud, "managed", resources(number))
    versions = iam.list_policy_versions(PolicyArn=arn)["Versions"]
    default = [version["VersionId"] for version in versions if version["IsDefaultVersion"]]
    document = iam.get_policy_version(PolicyArn=arn, VersionId=default[0])["PolicyVersion"]["Document"]
    attached = iam.list_attached_role_policies(RoleName="managed-role")["AttachedPolicies"]
    assert (arn, len(versions), document, [policy["PolicyArn"] for policy in attached]) == (
        "arn:aws:iam::123456789012:policy/types-managed",
        5,
        allow("s3:Get6"),
        [arn],
    )
    cloud.client("cloudformation").delete_stack(StackName="managed")
    settled(cloud, stack["StackId"], "DELETE_COMPLETE")
    assert refused(iam.get_policy, PolicyArn=arn) == "NoSuchEntity"


def test_an_inline_policy_follows_its_roles(cloud: Cloud) -> None:
    iam = cloud.client("iam")

    def resources(*holders: str) -> dict[str, Any]:
        properties = {
            "PolicyName": "p",
            "PolicyDocument": allow("s3:*"),
            "Roles": [{"Ref": holder} for holder in holders],
        }
        roles = {name: role(RoleName=f"inline-{name}") for name in ("A", "B")}
        return {**roles, "P": {"Type": "AWS::IAM::Policy", "Properties": properties}}

    def seen() -> list[list[str]]:
        return [iam.list_role_policies(RoleName=f"inline-{name}")["PolicyNames"] for name in ("A", "B")]

    put(cloud, "inline", resources("A"))
    before = seen()
    put(cloud, "inline", resources("B"))
    assert (before, seen()) == ([["p"], []], [[], ["p"]])


def test_a_code_repository_is_kept_and_its_address_replaces_it(cloud: Cloud) -> None:
    client = cloud.client("sagemaker")

    def resources(name: str, url: str) -> dict[str, Any]:
        properties = {"CodeRepositoryName": name, "GitConfig": {"RepositoryUrl": url, "Branch": "main"}}
        return {"C": {"Type": "AWS::SageMaker::CodeRepository", "Properties": properties}}

    get = {"Fn::GetAtt": ["C", "CodeRepositoryName"]}
    stack = put(cloud, "code", resources("code-1", "https://example.com/one"), Ref={"Ref": "C"}, Name=get)
    assert values(stack) == {
        "Ref": "arn:aws:sagemaker:us-east-1:123456789012:code-repository/code-1",
        "Name": "code-1",
    }
    failed = put(cloud, "code", resources("code-1", "https://example.com/two"))
    assert "custom-named resource requires replacing" in failed["StackStatusReason"]
    put(cloud, "code", resources("code-2", "https://example.com/two"))
    summaries = client.list_code_repositories(NameContains="code")["CodeRepositorySummaryList"]
    assert [(summary["CodeRepositoryName"], summary["GitConfig"]["RepositoryUrl"]) for summary in summaries] == [
        ("code-2", "https://example.com/two")
    ]
    assert refused(client.describe_code_repository, CodeRepositoryName="code-1") == "ValidationException"
    again = {"CodeRepositoryName": "code-2", "GitConfig": {"RepositoryUrl": "https://example.com/two"}}
    assert refused(client.create_code_repository, **again) == "ValidationException"


def test_an_alarm_has_the_arn_of_its_region(tmp_path: Path) -> None:
    """The last test here, since another cloud starts with an empty account."""
    settings = {"MetricName": "M", "Namespace": "N", "Period": 60, "Statistic": "Sum", "Threshold": 1}
    settings |= {"EvaluationPeriods": 1, "ComparisonOperator": "GreaterThanThreshold", "AlarmName": "abroad"}
    alarm = {"Type": "AWS::CloudWatch::Alarm", "Properties": settings}
    with Cloud(tmp_path, "eu-central-1", services=SERVICES) as abroad:
        outputs = values(put(abroad, "abroad", {"A": alarm}, Arn={"Fn::GetAtt": ["A", "Arn"]}))
        (described,) = abroad.client("cloudwatch").describe_alarms(AlarmNames=["abroad"])["MetricAlarms"]
    arn = "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:abroad"
    assert (outputs, described["AlarmArn"]) == ({"Arn": arn}, arn)


def test_a_key_has_its_tags_and_changes_with_its_properties(cloud: Cloud) -> None:
    kms = cloud.client("kms")
    administrator = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}}
    policy = {"Version": "2012-10-17", "Statement": [{**administrator, "Action": "kms:*", "Resource": "*"}]}

    def key(rotation: bool, **tags: str) -> dict[str, Any]:
        listed = [{"Key": name, "Value": value} for name, value in tags.items()]
        properties = {"KeyPolicy": policy, "EnableKeyRotation": rotation, "Tags": listed, "Description": "d"}
        return {"K": {"Type": "AWS::KMS::Key", "Properties": properties}}

    outputs = {"Id": {"Ref": "K"}, "Arn": {"Fn::GetAtt": ["K", "Arn"]}}
    first = put(cloud, "key", key(True, a="1", b="2"), **outputs)
    name = values(first)["Id"]
    assert values(first)["Arn"].endswith(f":key/{name}")
    listed = [kms.list_resource_tags(KeyId=name)["Tags"]]
    rotated = [kms.get_key_rotation_status(KeyId=name)["KeyRotationEnabled"]]
    assert put(cloud, "key", key(False, a="3"), **outputs)["StackStatus"] == "UPDATE_COMPLETE"
    listed.append(kms.list_resource_tags(KeyId=name)["Tags"])
    rotated.append(kms.get_key_rotation_status(KeyId=name)["KeyRotationEnabled"])
    assert [{tag["TagKey"]: tag["TagValue"] for tag in tags} for tags in listed] == [{"a": "1", "b": "2"}, {"a": "3"}]
    assert rotated == [True, False]


def test_metadata_of_the_cdk_make_nothing(cloud: Cloud) -> None:
    metadata = {"Type": "AWS::CDK::Metadata", "Properties": {"Analytics": "v2:deflate64:x"}}
    assert put(cloud, "cdk-metadata", {"CDKMetadata": metadata})["StackStatus"] == "CREATE_COMPLETE"


OWNED = {"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]}}


@pytest.mark.parametrize(
    ("name", "properties", "reason"),
    [
        ("acl-private", {"AccessControl": "Private"}, ""),
        ("acl-logs", {"AccessControl": "LogDeliveryWrite", **OWNED}, ""),
        (
            "acl-enforced",
            {"AccessControl": "LogDeliveryWrite"},
            "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
        ),
        ("acl-public", {"AccessControl": "PublicRead"}, "the rehearsal does not have AccessControl PublicRead"),
    ],
)
def test_access_control_of_a_bucket(cloud: Cloud, name: str, properties: dict[str, Any], reason: str) -> None:
    stack = put(cloud, name, {"B": bucket(BucketName=name, **properties)})
    assert stack["StackStatus"] == ("ROLLBACK_COMPLETE" if reason else "CREATE_COMPLETE")
    assert reason in stack.get("StackStatusReason", "")
    if not reason:
        grants = cloud.client("s3").get_bucket_acl(Bucket=name)["Grants"]
        logs = [grant for grant in grants if "LogDelivery" in grant["Grantee"].get("URI", "")]
        assert bool(logs) is (name == "acl-logs")
