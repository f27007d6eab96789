"""Authorization of requests to the embedded AWS: roles and policies in moto's IAM, requests by boto3."""

import json
import time
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from sagemaker_rehearsal import iam
from sagemaker_rehearsal.account import SERVICES
from sagemaker_rehearsal.iam import usage
from sagemaker_rehearsal.server import clients
from sagemaker_rehearsal.server.cloud import Cloud
from sagemaker_rehearsal.server.errors import AwsError
from sagemaker_rehearsal.server.protocols import Wire

ACCOUNT = "123456789012"
BUCKET = "sagemaker-project-p-0123456789ab"
DENIED = "AccessDeniedException"
LIMIT_SECONDS = 0.001
_number = count()
Document = Mapping[str, Any]


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    with Cloud(services=SERVICES) as cloud:
        iam.enforce(cloud)
        cloud.client("s3").create_bucket(Bucket=BUCKET)
        for key in ("runs/1", "private/1"):
            cloud.client("s3").put_object(Bucket=BUCKET, Key=key, Body=b"1")
        yield cloud


def allow(*actions: str, on: str | list[str] = "*", when: Document | None = None, sid: str = "") -> Document:
    statement: dict[str, Any] = {"Effect": "Allow", "Action": list(actions), "Resource": on}
    return {**statement, **({"Condition": when} if when else {}), **({"Sid": sid} if sid else {})}


def document(*statements: Document) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trust(when: Document | None = None, **principal: str) -> Document:
    statement: dict[str, Any] = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return {**statement, **({"Condition": when} if when else {})}


def role(cloud: Cloud, *statements: Document, boundary: str = "", trusts: Document | None = None) -> str:
    """Create a role with a policy of these statements; return its ARN."""
    name = f"role-{next(_number)}"
    extra = {"PermissionsBoundary": boundary} if boundary else {}
    chosen = document(trusts or trust(Service="sagemaker.amazonaws.com"))
    role = cloud.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=chosen, **extra)["Role"]
    if statements:
        cloud.client("iam").put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document(*statements))
    return str(role["Arn"])


def acting(cloud: Cloud, service: str, *statements: Document, boundary: str = "") -> Any:  # noqa: ANN401 (boto3)
    return iam.client_as(cloud, role(cloud, *statements, boundary=boundary), "test", service)


def error_of(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, int, str]:
    """Return an error's code, status and message."""
    response: Any = error.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Message"]


# ---- Errors of denials


@pytest.mark.parametrize(
    ("service", "operation", "params", "code", "status", "resource"),
    [
        ("sagemaker", "describe_endpoint", {"EndpointName": "e"}, DENIED, 400, "sagemaker:{}:endpoint/e"),
        ("codepipeline", "get_pipeline", {"name": "p"}, DENIED, 400, "codepipeline:{}:p"),
        ("codecommit", "get_branch", {"repositoryName": "r", "branchName": "b"}, DENIED, 400, "codecommit:{}:r"),
        ("lambda", "get_function", {"FunctionName": "f"}, DENIED, 403, "lambda:{}:function:f"),
        ("scheduler", "get_schedule", {"Name": "s"}, DENIED, 403, "scheduler:{}:schedule/default/s"),
        ("cloudformation", "describe_stacks", {"StackName": "s"}, "AccessDenied", 403, "cloudformation:{}:stack/s/*"),
        ("iam", "get_role", {"RoleName": "r"}, "AccessDenied", 403, "iam::123456789012:role/r"),
        ("sns", "create_topic", {"Name": "t"}, "AuthorizationError", 403, "sns:{}:t"),
        ("sqs", "get_queue_url", {"QueueName": "q"}, "AccessDenied", 403, "sqs:{}:q"),
        ("s3", "get_object", {"Bucket": BUCKET, "Key": "runs/1"}, "AccessDenied", 403, f'"s3:::{BUCKET}/runs/1"'),
        ("logs", "create_log_group", {"logGroupName": "g"}, DENIED, 400, "logs:{}:log-group:g:log-stream:"),
    ],
)  # fmt: skip
def test_denials_have_each_services_form(
    cloud: Cloud, service: str, operation: str, params: Mapping[str, str], code: str, status: int, resource: str
) -> None:
    client = acting(cloud, service)
    with pytest.raises(ClientError) as error:
        getattr(client, operation)(**params)
    name = resource.format(f"us-east-1:{ACCOUNT}")
    arn = f'"arn:aws:{name[1:]}' if name.startswith('"') else f"arn:aws:{name}"
    action = f"{service}:{client.meta.method_to_api_mapping[operation]}"
    who = f"arn:aws:sts::{ACCOUNT}:assumed-role/role-{next(_number) - 1}/test"
    because = f"because no identity-based policy allows the {action} action"
    assert error_of(error) == (
        code,
        status,
        f"User: {who} is not authorized to perform: {action} on resource: {arn} {because}",
    )


def test_a_denied_head_has_no_body(cloud: Cloud) -> None:
    with pytest.raises(ClientError) as error:
        acting(cloud, "s3").head_object(Bucket=BUCKET, Key="runs/1")
    assert error_of(error) == ("403", 403, "Forbidden")


def test_the_administrator_may_do_everything(cloud: Cloud) -> None:
    assert cloud.client("s3").get_object(Bucket=BUCKET, Key="private/1")["Body"].read() == b"1"
    assert iam.principal_of(clients.KEYS["AWS_ACCESS_KEY_ID"]) is iam.ADMINISTRATOR


# ---- Callers


def test_a_session_says_who_it_is(cloud: Cloud) -> None:
    arn = role(cloud)
    identity = iam.client_as(cloud, arn, "build-7", "sts").get_caller_identity()
    assert identity["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/{arn.rpartition('/')[2]}/build-7"


@pytest.mark.parametrize(
    ("service", "operation", "code", "status"),
    [
        ("s3", "list_buckets", "InvalidAccessKeyId", 403),
        ("iam", "list_roles", "InvalidClientTokenId", 403),
        ("sagemaker", "list_models", "UnrecognizedClientException", 403),
    ],
)
def test_keys_that_nobody_has_are_refused(cloud: Cloud, service: str, operation: str, code: str, status: int) -> None:
    for name in ("AKIANOBODYHASTHISKEY", "REHEARSAL"):
        keys = {"AWS_ACCESS_KEY_ID": name, "AWS_SECRET_ACCESS_KEY": "rehearsal"}
        with pytest.raises(ClientError) as error:
            getattr(clients.client(cloud.url, cloud.region, service, keys), operation)()
        assert error_of(error)[:2] == (code, status)


def test_a_sessions_key_needs_its_token(cloud: Cloud) -> None:
    keys = iam.keys_for(cloud, role(cloud, allow("s3:*")), "test")
    wrong = {**keys, "AWS_SESSION_TOKEN": "of another session"}
    with pytest.raises(ClientError) as error:
        clients.client(cloud.url, cloud.region, "s3", wrong).list_buckets()
    assert error_of(error)[0] == "InvalidAccessKeyId"


def test_unsigned_requests_are_refused(cloud: Cloud) -> None:
    unsigned = boto3.client("s3", "us-east-1", endpoint_url=cloud.url, config=Config(signature_version=UNSIGNED))
    with pytest.raises(ClientError) as error:
        unsigned.get_object(Bucket=BUCKET, Key="runs/1")
    assert error_of(error)[:2] == ("AccessDenied", 403)


def test_users_have_policies_too(cloud: Cloud) -> None:
    admin = cloud.client("iam")
    admin.create_user(UserName="anna")
    own = document(allow("s3:GetObject", on=f"arn:aws:s3:::{BUCKET}/runs/*"))
    admin.put_user_policy(UserName="anna", PolicyName="own", PolicyDocument=own)
    access_key = admin.create_access_key(UserName="anna")["AccessKey"]
    keys = {"AWS_ACCESS_KEY_ID": access_key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": access_key["SecretAccessKey"]}
    s3 = clients.client(cloud.url, cloud.region, "s3", keys)
    assert s3.get_object(Bucket=BUCKET, Key="runs/1")["Body"].read() == b"1"
    with pytest.raises(ClientError, match="user/anna is not authorized to perform: s3:GetObject"):
        s3.get_object(Bucket=BUCKET, Key="private/1")


# ---- Policies


def test_policies_name_resources(cloud: Cloud) -> None:
    s3 = acting(cloud, "s3", allow("s3:GetObject", on=f"arn:aws:s3:::{BUCKET}/runs/*"))
    assert s3.get_object(Bucket=BUCKET, Key="runs/1")["Body"].read() == b"1"
    with pytest.raises(ClientError, match="s3:GetObject"):
        s3.get_object(Bucket=BUCKET, Key="private/1")


def test_only_who_may_list_learns_that_an_object_is_not_there(cloud: Cloud) -> None:
    objects = allow("s3:GetObject", on=f"arn:aws:s3:::{BUCKET}/*")
    with pytest.raises(ClientError) as hidden:
        acting(cloud, "s3", objects).get_object(Bucket=BUCKET, Key="absent")
    with pytest.raises(ClientError) as shown:
        acting(cloud, "s3", objects, allow("s3:ListBucket", on=f"arn:aws:s3:::{BUCKET}")).get_object(
            Bucket=BUCKET, Key="absent"
        )
    assert (error_of(hidden)[0], error_of(shown)[0]) == ("AccessDenied", "NoSuchKey")


def test_listing_can_be_held_to_a_prefix(cloud: Cloud) -> None:
    when = {"StringLike": {"s3:prefix": "runs/*"}}
    s3 = acting(cloud, "s3", allow("s3:ListBucket", on=f"arn:aws:s3:::{BUCKET}", when=when))
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=BUCKET, Prefix="runs/")["Contents"]] == ["runs/1"]
    with pytest.raises(ClientError, match="s3:ListBucket"):
        s3.list_objects_v2(Bucket=BUCKET)


def test_a_boundary_limits_what_a_policy_grants(cloud: Cloud) -> None:
    name = f"boundary-{next(_number)}"
    text = document(allow("s3:GetObject", on="arn:aws:s3:::sagemaker-project-*"))
    boundary_arn = cloud.client("iam").create_policy(PolicyName=name, PolicyDocument=text)["Policy"]["Arn"]
    s3 = acting(cloud, "s3", allow("s3:*"), boundary=boundary_arn)
    assert s3.get_object(Bucket=BUCKET, Key="runs/1")["Body"].read() == b"1"
    with pytest.raises(ClientError, match="because no permissions boundary allows the s3:PutObject action"):
        s3.put_object(Bucket=BUCKET, Key="runs/2", Body=b"")


def test_roles_are_made_under_a_boundary_only(cloud: Cloud) -> None:
    """The launch role's condition: catalog/portfolio.yaml, Sid UnderTheBoundary."""
    boundary = f"arn:aws:iam::{ACCOUNT}:policy/sagemaker-autopilot-boundary"
    cloud.client("iam").create_policy(
        PolicyName="sagemaker-autopilot-boundary", PolicyDocument=document(allow("s3:GetObject"))
    )
    when = {"StringEquals": {"iam:PermissionsBoundary": boundary}}
    arn = f"arn:aws:iam::{ACCOUNT}:role/sagemaker-*-p-*"
    launch = acting(cloud, "iam", allow("iam:CreateRole", "iam:PutRolePolicy", on=arn, when=when))
    request = {"RoleName": "sagemaker-a-p-b", "AssumeRolePolicyDocument": document(trust(Service="x.amazonaws.com"))}
    with pytest.raises(ClientError, match="iam:CreateRole"):
        launch.create_role(**request)
    launch.create_role(**request, PermissionsBoundary=boundary)
    launch.put_role_policy(RoleName="sagemaker-a-p-b", PolicyName="p", PolicyDocument=document(allow("s3:GetObject")))
    cloud.client("iam").delete_role_permissions_boundary(RoleName="sagemaker-a-p-b")
    with pytest.raises(ClientError, match="iam:PutRolePolicy"):
        launch.put_role_policy(RoleName="sagemaker-a-p-b", PolicyName="p", PolicyDocument=document(allow("s3:*")))


def test_handing_on_a_role_needs_pass_role_for_that_service(cloud: Cloud) -> None:
    handed = role(cloud)
    create = allow("sagemaker:CreateModel")
    request = {"ModelName": "m", "ExecutionRoleArn": handed, "PrimaryContainer": {"Image": "123.dkr.ecr/x"}}
    for other in ((), (allow("iam:PassRole", when={"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}),)):
        with pytest.raises(ClientError) as error:
            acting(cloud, "sagemaker", create, *other).create_model(**request)
        assert error_of(error)[0] == "AccessDeniedException"
        assert f"iam:PassRole on resource: {handed} because no identity-based" in error_of(error)[2]
    passes = allow("iam:PassRole", on=handed, when={"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}})
    model = acting(cloud, "sagemaker", create, passes).create_model(**request)
    assert model["ModelArn"].endswith(":model/m")


def test_tags_of_resources_decide(cloud: Cloud) -> None:
    """The stack role's conditions: catalog/product.yaml."""
    tag = {"Key": "sagemaker:project-id", "Value": "p-1"}
    request = {"ExecutionRoleArn": role(cloud), "PrimaryContainer": {"Image": "123.dkr.ecr/x"}}
    cloud.client("sagemaker").create_model(ModelName="mine", Tags=[tag], **request)
    cloud.client("sagemaker").create_model(ModelName="theirs", Tags=[{**tag, "Value": "p-2"}], **request)
    describe = allow("sagemaker:DescribeModel", when={"StringEquals": {"aws:ResourceTag/sagemaker:project-id": "p-1"}})
    create = allow(
        "sagemaker:CreateModel",
        "sagemaker:AddTags",
        "iam:PassRole",
        when={"StringEqualsIfExists": {"aws:RequestTag/sagemaker:project-id": "p-1"}},
    )
    sagemaker = acting(cloud, "sagemaker", describe, create)
    assert sagemaker.describe_model(ModelName="mine")["ModelName"] == "mine"
    with pytest.raises(ClientError, match="sagemaker:DescribeModel"):
        sagemaker.describe_model(ModelName="theirs")
    sagemaker.create_model(ModelName="mine-too", Tags=[tag], **request)
    with pytest.raises(ClientError, match="sagemaker:CreateModel"):
        sagemaker.create_model(ModelName="false", Tags=[{**tag, "Value": "p-2"}], **request)


def test_a_bucket_policy_denies_even_who_may(cloud: Cloud) -> None:
    """The artifact bucket's: catalog/portfolio.yaml. `aws:SecureTransport` is always true."""
    bucket = "sagemaker-autopilot-artifacts"
    closed = role(cloud, allow("s3:*"))
    tls = {"Bool": {"aws:SecureTransport": "false"}}
    who = {"ArnLike": {"aws:PrincipalArn": f"{closed}*"}}
    arns = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    deny = {"Effect": "Deny", "Principal": "*", "Resource": arns}
    policy = document(
        {**deny, "Action": "s3:*", "Condition": tls}, {**deny, "Action": "s3:PutObject", "Condition": who}
    )
    cloud.client("s3").create_bucket(Bucket=bucket)
    cloud.client("s3").put_bucket_policy(Bucket=bucket, Policy=policy)
    acting(cloud, "s3", allow("s3:PutObject")).put_object(Bucket=bucket, Key="template/1", Body=b"1")
    s3 = iam.client_as(cloud, closed, "test", "s3")
    assert s3.get_object(Bucket=bucket, Key="template/1")["Body"].read() == b"1"
    with pytest.raises(ClientError, match="with an explicit deny in a resource-based policy"):
        s3.put_object(Bucket=bucket, Key="template/1", Body=b"2")


def test_deleting_many_objects_needs_the_permission_for_each(cloud: Cloud) -> None:
    s3 = acting(cloud, "s3", allow("s3:DeleteObject", on=f"arn:aws:s3:::{BUCKET}/runs/*"))
    with pytest.raises(ClientError, match=f's3:DeleteObject on resource: "arn:aws:s3:::{BUCKET}/private/1'):
        s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": "runs/none"}, {"Key": "private/1"}]})


def test_a_presigned_address_acts_as_who_signed_it(cloud: Cloud) -> None:
    import urllib.error
    import urllib.request

    s3 = acting(cloud, "s3", allow("s3:GetObject", on=f"arn:aws:s3:::{BUCKET}/runs/*"))
    address = {
        key: s3.generate_presigned_url("get_object", {"Bucket": BUCKET, "Key": f"{key}/1"})
        for key in ("runs", "private")
    }
    with urllib.request.urlopen(address["runs"]) as answer:
        assert answer.read() == b"1"
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(address["private"])


def test_invoking_an_endpoint_is_checked(cloud: Cloud) -> None:
    runtime = acting(
        cloud, "sagemaker-runtime", allow("sagemaker:InvokeEndpoint", on=f"arn:aws:sagemaker:*:{ACCOUNT}:endpoint/mine")
    )
    with pytest.raises(ClientError, match=r"sagemaker:InvokeEndpoint on resource: .*:endpoint/theirs because"):
        runtime.invoke_endpoint(EndpointName="theirs", Body=b"1")


def test_what_a_service_passes_on_is_called_via_it(cloud: Cloud) -> None:
    when = {"ForAnyValue:StringEquals": {"aws:CalledVia": "cloudformation.amazonaws.com"}}
    keys = iam.keys_for(cloud, role(cloud, allow("s3:GetObject", when=when)), "test")
    forwarded = iam.on_behalf(keys["AWS_ACCESS_KEY_ID"], "cloudformation.amazonaws.com")
    with pytest.raises(ClientError, match="s3:GetObject"):
        clients.client(cloud.url, cloud.region, "s3", keys).get_object(Bucket=BUCKET, Key="runs/1")
    s3 = clients.client(cloud.url, cloud.region, "s3", forwarded)
    assert s3.get_object(Bucket=BUCKET, Key="runs/1")["Body"].read() == b"1"


# ---- Sessions


@pytest.mark.parametrize(
    ("principal", "own", "is_allowed"),
    [("caller", (), True), (f"arn:aws:iam::{ACCOUNT}:root", (), False), (f"arn:aws:iam::{ACCOUNT}:root", ("*",), True)],
)
def test_a_role_is_assumed_by_whom_it_trusts(cloud: Cloud, principal: str, own: tuple[str], is_allowed: bool) -> None:
    caller = role(cloud, *(allow("sts:AssumeRole", on=arn) for arn in own))
    role_arn = role(cloud, allow("s3:GetObject"), trusts=trust(AWS=caller if principal == "caller" else principal))
    sts = iam.client_as(cloud, caller, "test", "sts")
    if not is_allowed:
        with pytest.raises(ClientError) as error:
            sts.assume_role(RoleArn=role_arn, RoleSessionName="one")
        assert error_of(error)[:2] == ("AccessDenied", 403)
        return
    session = sts.assume_role(
        RoleArn=role_arn, RoleSessionName="one", Policy=document(allow("s3:Get*", on="arn:aws:s3:::*/runs/*"))
    )
    names = {
        "AccessKeyId": "AWS_ACCESS_KEY_ID",
        "SecretAccessKey": "AWS_SECRET_ACCESS_KEY",
        "SessionToken": "AWS_SESSION_TOKEN",
    }
    s3 = clients.client(cloud.url, cloud.region, "s3", {names[key]: session["Credentials"][key] for key in names})
    with pytest.raises(ClientError, match="because no session policy allows the s3:GetObject action"):
        s3.get_object(Bucket=BUCKET, Key="private/1")


@pytest.mark.parametrize(
    ("service", "when", "is_allowed"),
    [
        ("codebuild.amazonaws.com", {"StringEquals": {"aws:SourceAccount": ACCOUNT}}, True),
        ("codebuild.amazonaws.com", {"StringEquals": {"aws:SourceAccount": "999999999999"}}, False),
        # A service that is not documented to send aws:SourceAccount
        ("cloudformation.amazonaws.com", {"StringEquals": {"aws:SourceAccount": ACCOUNT}}, False),
        ("cloudformation.amazonaws.com", {"StringEqualsIfExists": {"aws:SourceAccount": ACCOUNT}}, True),
        ("lambda.amazonaws.com", None, False),
    ],
)
def test_a_service_acts_with_roles_that_trust_it(
    cloud: Cloud, service: str, when: Document | None, is_allowed: bool
) -> None:
    trusted = "codebuild.amazonaws.com" if service == "lambda.amazonaws.com" else service
    arn = role(cloud, trusts=trust(when, Service=trusted))
    if is_allowed:
        assert set(iam.keys_for(cloud, arn, "test", service)) > {"AWS_SESSION_TOKEN"}
        return
    with pytest.raises(AwsError, match=f"{service} is not authorized to perform AssumeRole on role {arn}"):
        iam.keys_for(cloud, arn, "test", service)


def test_no_service_acts_with_a_role_that_does_not_exist(cloud: Cloud) -> None:
    with pytest.raises(AwsError, match="is not authorized to perform AssumeRole"):
        iam.keys_for(cloud, f"arn:aws:iam::{ACCOUNT}:role/nobody", "test")


def test_a_stack_is_made_with_its_role(cloud: Cloud) -> None:
    """CloudFormation calls with the role, and the failure's reason is the denial."""
    properties = {"ExecutionRoleArn": role(cloud), "PrimaryContainer": {"Image": "x"}}
    template = json.dumps({"Resources": {"Model": {"Type": "AWS::SageMaker::Model", "Properties": properties}}})
    arn = role(cloud, trusts=trust(Service="cloudformation.amazonaws.com"))
    cloudformation = cloud.client("cloudformation")
    cloudformation.create_stack(StackName="denied", TemplateBody=template, RoleARN=arn, OnFailure="DO_NOTHING")
    deadline = time.monotonic() + 10
    while (stack := cloudformation.describe_stacks(StackName="denied")["Stacks"][0])["StackStatus"].endswith(
        "PROGRESS"
    ):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    reasons = [
        event.get("ResourceStatusReason", "")
        for event in cloudformation.describe_stack_events(StackName="denied")["StackEvents"]
        if event["ResourceStatus"] == "CREATE_FAILED" and event["LogicalResourceId"] == "Model"
    ]
    assert stack["StackStatus"] == "CREATE_FAILED"
    assert ["is not authorized to perform: sagemaker:CreateModel" in reason for reason in reasons] == [True]


@pytest.mark.parametrize("lacking", ["cloudwatch:GetMetricData", "application-autoscaling:PutScalingPolicy", ""])
def test_a_stack_makes_a_scaling_policy_with_all_that_its_handler_lists(cloud: Cloud, lacking: str) -> None:
    """The registry's schema of AWS::ApplicationAutoScaling::ScalingPolicy, handlers create and update."""
    target = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/scaled-{next(_number)}/variant/AllTraffic",
        "ScalableDimension": "sagemaker:variant:DesiredProvisionedConcurrency",
    }
    cloud.client("application-autoscaling").register_scalable_target(**target, MinCapacity=1, MaxCapacity=2)
    metric = {"PredefinedMetricType": "SageMakerVariantProvisionedConcurrencyUtilization"}
    tracking = {"TargetValue": 0.7, "PredefinedMetricSpecification": metric}
    properties = {
        **target,
        "PolicyName": "warm",
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": tracking,
    }
    policy = {"Type": "AWS::ApplicationAutoScaling::ScalingPolicy", "Properties": properties}
    deny = [{"Effect": "Deny", "Action": lacking, "Resource": "*"}] if lacking else []
    rights = allow("application-autoscaling:*", "cloudwatch:*")
    arn = role(cloud, rights, *deny, trusts=trust(Service="cloudformation.amazonaws.com"))
    client, name = cloud.client("cloudformation"), f"scaled-{next(_number)}"
    text = json.dumps({"Resources": {"Policy": policy}})
    client.create_stack(StackName=name, TemplateBody=text, RoleARN=arn, OnFailure="DO_NOTHING")
    deadline = time.monotonic() + 10
    while (status := client.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]).endswith("PROGRESS"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    events = client.describe_stack_events(StackName=name)["StackEvents"]
    reasons = [event["ResourceStatusReason"] for event in events if event["ResourceStatus"] == "CREATE_FAILED"]
    assert status == ("CREATE_FAILED" if lacking else "CREATE_COMPLETE")
    assert any(f"not authorized to perform: {lacking} on resource" in reason for reason in reasons) is bool(lacking)


# ---- Permissions without a request, and the report


def test_permissions_are_checked_where_no_request_stands_for_them(cloud: Cloud) -> None:
    arn = f"arn:aws:codecommit:us-east-1:{ACCOUNT}:r"
    when = {"StringEquals": {"codecommit:References": "refs/heads/template"}}
    keys = iam.keys_for(cloud, role(cloud, allow("codecommit:GitPush", on=arn, when=when)), "test")
    who = iam.principal_of(keys["AWS_ACCESS_KEY_ID"])
    iam.require(cloud, who, "codecommit:GitPush", arn, {"codecommit:references": ("refs/heads/template",)})
    with pytest.raises(AwsError, match="codecommit:GitPush") as error:
        iam.require(cloud, who, "codecommit:GitPush", arn, {"codecommit:references": ("refs/heads/main",)})
    assert (error.value.code, error.value.status) == (DENIED, 400)


def test_a_pipelines_steps_fail_where_its_role_may_not_start_their_jobs(cloud: Cloud) -> None:
    sagemaker, arn = cloud.client("sagemaker"), role(cloud, allow("sagemaker:CreateProcessingJob"))
    cluster = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
    arguments = {
        "RoleArn": arn,
        "AppSpecification": {"ImageUri": "sagemaker-scikit-learn"},
        "ProcessingResources": {"ClusterConfig": cluster},
    }
    definition = {"Version": "2020-12-01", "Steps": [{"Name": "Split", "Type": "Processing", "Arguments": arguments}]}
    sagemaker.create_pipeline(
        PipelineName="p", PipelineDefinition=json.dumps(definition), RoleArn=arn, ClientRequestToken="x" * 32
    )
    execution = sagemaker.start_pipeline_execution(PipelineName="p")["PipelineExecutionArn"]
    deadline = time.monotonic() + 10
    while (
        sagemaker.describe_pipeline_execution(PipelineExecutionArn=execution)["PipelineExecutionStatus"] == "Executing"
    ):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    step = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=execution)["PipelineExecutionSteps"][0]
    assert step["FailureReason"] == (
        "ClientError: Failed to invoke sagemaker:CreateProcessingJob. Error Details: "
        f"User: arn:aws:sts::{ACCOUNT}:assumed-role/{arn.rpartition('/')[2]}/SageMaker is not authorized to perform: "
        f"iam:PassRole on resource: {arn} because no identity-based policy allows the iam:PassRole action"
    )


def test_a_check_takes_less_than_a_millisecond(cloud: Cloud) -> None:
    """With a role as large as the launch role, among two hundred others."""
    for _ in range(200):
        role(cloud)
    many = [allow(*(f"s3:Put{at}X{n}" for n in range(30)), on=f"arn:aws:s3:::b{at}-*-p-*/*") for at in range(20)]
    keys = iam.keys_for(cloud, role(cloud, *many, allow("s3:Get*", on=f"arn:aws:s3:::{BUCKET}/*")), "test")
    credentials = Credentials(*keys.values())
    signed = AWSRequest("GET", f"{cloud.url}/{BUCKET}/runs/1", {"host": cloud.url.removeprefix("http://")})
    S3SigV4Auth(credentials, "s3", "us-east-1").add_auth(signed)
    headers = {name.lower(): value for name, value in signed.headers.items()}
    target = ("GET", f"/{BUCKET}/runs/1", "", headers, b"", "s3", "us-east-1", keys["AWS_ACCESS_KEY_ID"])
    request = Wire(*target)
    assert cloud.guard is not None
    authorize = cloud.guard.authorize
    authorize(request, None, {})

    def timed() -> float:
        start = time.process_time()  # CPU time of this process, independent of the machine's load
        for _ in range(100):
            authorize(request, None, {})
        return (time.process_time() - start) / 100

    assert min(timed() for _ in range(5)) < LIMIT_SECONDS


# ---- Separate clouds: each starts with an empty account


def test_the_report_lists_what_was_denied_and_what_was_never_used() -> None:
    with Cloud(services=SERVICES) as cloud:
        iam.enforce(cloud)
        cloud.client("s3").create_bucket(Bucket=BUCKET)
        arn = role(
            cloud,
            allow("s3:PutObject", "s3:DeleteObject", on=f"arn:aws:s3:::{BUCKET}/*", sid="Data"),
            allow("s3:Get*", "sagemaker:*", sid="Wild"),
            allow("s3:PutObject", on="arn:aws:s3:::elsewhere/*"),
        )
        name = arn.rpartition("/")[2]
        s3 = iam.client_as(cloud, arn, "test", "s3")
        s3.put_object(Bucket=BUCKET, Key="x", Body=b"1")
        s3.get_object(Bucket=BUCKET, Key="x")
        for _ in range(2):
            with pytest.raises(ClientError):
                s3.list_objects_v2(Bucket=BUCKET)
        cloud.client("iam").delete_role_policy(RoleName=name, PolicyName="own")
        cloud.client("iam").delete_role(RoleName=name)
        denied = {
            "principal": f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/test",
            "action": "s3:ListBucket",
            "resource": f"arn:aws:s3:::{BUCKET}",
            "because": "because no identity-based policy allows the s3:ListBucket action",
            "times": 2,
        }
        unused = [
            {"policy": "own", "statement": "Data", "action": "s3:DeleteObject"},
            {"policy": "own", "statement": "Wild", "action": "sagemaker:*"},
            {"policy": "own", "statement": "2", "action": "s3:PutObject"},
        ]
        report = usage.summary(cloud)
        assert (report["denied"], report["unused"]) == ([denied], {name: unused})


def test_nothing_is_checked_before_it_is_enforced() -> None:
    with Cloud(services=SERVICES) as cloud:
        arn = f"arn:aws:iam::{ACCOUNT}:role/nobody"
        assert iam.client_as(cloud, arn, "test", "s3").list_buckets()["Buckets"] == []
        iam.require(cloud, iam.principal_of("nobody"), "s3:GetObject", "*")
        assert not iam.enforced(cloud)
