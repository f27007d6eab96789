"""Step 4: the permissions that AWS requires of a job's execution role, besides those to start the job."""

import json
import time
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sagemaker_rehearsal import iam
from sagemaker_rehearsal.account import SERVICES
from sagemaker_rehearsal.iam import usage
from sagemaker_rehearsal.iam.policy import Caller, Decision, Policies, Request, decide, read
from sagemaker_rehearsal.server.cloud import Cloud
from tests.catalog.policies import ROOT, Document, Stack, documents, load

ACCOUNT, REGION = "123456789012", "us-east-1"
HERE = f"{REGION}:{ACCOUNT}"
PROJECT = {"SageMakerProjectName": "adult", "SageMakerProjectId": "p-abc123def456", "VpcAccess": "true"}
TAGS = [{"Key": "sagemaker:project-id", "Value": PROJECT["SageMakerProjectId"]}]
# "Minimum permission policy" of CreateAutoMLJob's role, without what every job needs:
# https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html#sagemaker-roles-autopilot-perms
AUTOPILOT = (
    "CreateEndpoint",
    "CreateEndpointConfig",
    "CreateModel",
    "DeleteEndpoint",
    "DeleteEndpointConfig",
    "DeleteModel",
    "DescribeEndpoint",
    "DescribeEndpointConfig",
    "DescribeModel",
    "InvokeEndpoint",
    "ListTags",
)
# Of CreateProcessingJob's role, where the job has a VPC:
# https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html#sagemaker-roles-createprocessingjob-perms
NETWORK = (
    "CreateNetworkInterface",
    "CreateNetworkInterfacePermission",
    "DeleteNetworkInterface",
    "DeleteNetworkInterfacePermission",
    "DescribeDhcpOptions",
    "DescribeNetworkInterfaces",
    "DescribeSecurityGroups",
    "DescribeSubnets",
    "DescribeVpcs",
)
VPC = {"SecurityGroupIds": ["sg-0123456789abcdef0"], "Subnets": ["subnet-0123456789abcdef0"]}
_number = count()
Json = dict[str, Any]


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    with Cloud(services=SERVICES) as running:
        iam.enforce(running)
        yield running


def allow(actions: list[str], on: str = "*") -> Json:
    return {"Effect": "Allow", "Action": actions, "Resource": on}


def trust() -> str:
    principal = {"Service": "sagemaker.amazonaws.com"}
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def role(cloud: Cloud, policy: Mapping[str, Any], boundary: str = "") -> str:
    """Create a role with one policy; return its ARN."""
    extra = {"PermissionsBoundary": boundary} if boundary else {}
    name, client = f"job-role-{next(_number)}", cloud.client("iam")
    response = client.create_role(RoleName=name, AssumeRolePolicyDocument=trust(), **extra)
    client.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=json.dumps(policy))
    return str(response["Role"]["Arn"])


def role_of(cloud: Cloud, *statements: Json) -> str:
    return role(cloud, {"Version": "2012-10-17", "Statement": statements})


def automl(arn: str, **config: object) -> Json:
    channel = {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://none/rows/"}}}
    channels = [{**channel, "ChannelType": kind, "TargetAttributeName": "y"} for kind in ("training", "validation")]
    return {
        "InputDataConfig": channels,
        "OutputDataConfig": {"S3OutputPath": "s3://none/automl"},
        "AutoMLJobConfig": {"Mode": "ENSEMBLING", **config},
        "RoleArn": arn,
        "Tags": TAGS,
    }


def processing(arn: str, **config: object) -> Json:
    cluster = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
    application = {"ImageUri": "no such image"}
    resources = {"ClusterConfig": cluster}
    return {"RoleArn": arn, "AppSpecification": application, "ProcessingResources": resources, **config}


def model(arn: str, **config: object) -> Json:
    return {"ExecutionRoleArn": arn, "PrimaryContainer": {"Image": "123.dkr.ecr/x"}, **config}


def reason(cloud: Cloud, kind: str, arguments: Json, arn: str) -> str:
    """Run a pipeline of one step with a role; return the step's FailureReason."""
    sagemaker, name = cloud.client("sagemaker"), f"p-{next(_number)}"
    definition = {"Version": "2020-12-01", "Steps": [{"Name": "Train", "Type": kind, "Arguments": arguments}]}
    text = json.dumps(definition)
    sagemaker.create_pipeline(PipelineName=name, PipelineDefinition=text, RoleArn=arn, ClientRequestToken=name * 16)
    execution = sagemaker.start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"]
    deadline = time.monotonic() + 20
    while sagemaker.describe_pipeline_execution(PipelineExecutionArn=execution)["PipelineExecutionStatus"] not in (
        "Succeeded",
        "Failed",
    ):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    (step,) = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=execution)["PipelineExecutionSteps"]
    return str(step.get("FailureReason", ""))


def denial(arn: str, action: str, resource: str) -> str:
    who = f"arn:aws:sts::{ACCOUNT}:assumed-role/{arn.rpartition('/')[2]}/SageMaker"
    because = f"because no identity-based policy allows the {action} action"
    return f"User: {who} is not authorized to perform: {action} on resource: {resource} {because}"


# ---- Autopilot explains its best candidate on an endpoint of its own

JOB = ["iam:PassRole", "s3:*", "sagemaker:AddTags", "sagemaker:CreateAutoMLJob"]


@pytest.mark.parametrize("lacking", AUTOPILOT)
def test_an_automl_job_fails_without_a_right_that_autopilot_needs(cloud: Cloud, lacking: str) -> None:
    ours = [f"sagemaker:{action}" for action in AUTOPILOT if action != lacking]
    arn = role_of(cloud, allow([*JOB, *ours]))
    message = reason(cloud, "AutoML", automl(arn), arn)
    assert f"(AccessDeniedException) when calling the {lacking} operation: User: arn:aws:sts::{ACCOUNT}:" in message
    assert f"is not authorized to perform: sagemaker:{lacking} on resource: arn:aws:sagemaker:{HERE}:" in message


def test_an_automl_job_with_all_rights_gets_to_its_data(cloud: Cloud) -> None:
    arn = role_of(cloud, allow([*JOB, *(f"sagemaker:{action}" for action in AUTOPILOT)]))
    assert "not authorized" not in reason(cloud, "AutoML", automl(arn), arn)


def test_what_the_shadow_endpoint_is_called_is_not_known_so_each_form_must_be_allowed(cloud: Cloud) -> None:
    """The names that the job, Clarify's container and Clarify's documentation use."""
    rights = [f"sagemaker:{action}" for action in AUTOPILOT]
    for form in ("pipelines-*", "sm-clarify-*", "sagemaker-clarify-endpoint-*"):
        arn = f"arn:aws:sagemaker:{HERE}:endpoint/{form}"
        role_arn = role_of(
            cloud, allow([*JOB, *rights]), {"Effect": "Deny", "Action": "sagemaker:InvokeEndpoint", "Resource": arn}
        )
        message = reason(cloud, "AutoML", automl(role_arn), role_arn)
        assert f"sagemaker:InvokeEndpoint on resource: {arn[:-1]}" in message
        assert message.endswith(DENIED)


def test_clarify_tags_what_it_makes(cloud: Cloud) -> None:
    """As reported for a job whose role lacked it: AddTags on endpoint-config/sm-clarify-config-1746251067-14e5."""
    config = f"arn:aws:sagemaker:{HERE}:endpoint-config/sm-clarify-config-*"
    rights = [f"sagemaker:{action}" for action in AUTOPILOT]
    deny = {"Effect": "Deny", "Action": "sagemaker:AddTags", "Resource": config}
    arn = role_of(cloud, allow([*JOB, *rights]), deny)
    assert f"sagemaker:AddTags on resource: {config[:-1]}" in reason(cloud, "AutoML", automl(arn), arn)


# ---- A job in a VPC


@pytest.mark.parametrize("scoped", NETWORK)
def test_a_processing_job_in_a_vpc_fails_where_a_right_to_it_is_scoped(cloud: Cloud, scoped: str) -> None:
    """The roles' documentation: Don't scope in the policy with any conditions or resource filters."""
    others = [f"ec2:{action}" for action in NETWORK if action != scoped]
    start = ["iam:PassRole", "sagemaker:CreateProcessingJob"]
    arn = role_of(cloud, allow([*start, *others]), allow([f"ec2:{scoped}"], f"arn:aws:ec2:{HERE}:*"))
    message = reason(cloud, "Processing", processing(arn, NetworkConfig={"VpcConfig": VPC}), arn)
    error = "ClientError: Failed to invoke sagemaker:CreateProcessingJob. Error Details: "
    assert message == error + denial(arn, f"ec2:{scoped}", "*")
    assert "no such image" in reason(cloud, "Processing", processing(arn), arn)


@pytest.mark.parametrize(
    ("kind", "operation", "arguments"),
    [
        ("AutoML", "CreateAutoMLJob", lambda arn: automl(arn, SecurityConfig={"VpcConfig": VPC})),
        ("Model", "CreateModel", lambda arn: model(arn, VpcConfig=VPC)),
    ],
)
def test_every_job_in_a_vpc_needs_the_rights_to_it(cloud: Cloud, kind: str, operation: str, arguments: Any) -> None:  # noqa: ANN401
    arn = role_of(cloud, allow(["iam:PassRole", "s3:*", "sagemaker:*"]))
    message = reason(cloud, kind, arguments(arn), arn)
    assert denial(arn, "ec2:CreateNetworkInterface", "*") in message


def test_a_training_job_in_a_vpc_needs_the_rights_of_its_own_role_whoever_starts_it(cloud: Cloud) -> None:
    request = {
        "TrainingJobName": "one",
        "AlgorithmSpecification": {"TrainingImage": "123.dkr.ecr/x", "TrainingInputMode": "File"},
        "OutputDataConfig": {"S3OutputPath": "s3://none/out"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        "VpcConfig": VPC,
    }
    poor = role_of(cloud, allow(["s3:*"]))
    rich = role_of(cloud, allow([f"ec2:{action}" for action in NETWORK]))
    sagemaker = cloud.client("sagemaker")
    with pytest.raises(ClientError) as error:
        sagemaker.create_training_job(**request, RoleArn=poor)
    response: Any = error.value.response
    code, message = response["Error"]["Code"], response["Error"]["Message"]
    assert (code, message) == ("AccessDeniedException", denial(poor, "ec2:CreateNetworkInterface", "*"))
    # With the rights it comes as far as the rehearsal does: jobs that no pipeline starts are refused
    with pytest.raises(ClientError, match="The rehearsal does not run jobs of CreateTrainingJob"):
        sagemaker.create_training_job(**request, RoleArn=rich)


# ---- The product's own role


def here(policy: Mapping[str, Any]) -> Json:
    """Replace the account and region of the templates' tests by those of the embedded AWS."""
    text = json.dumps(policy).replace("111122223333", ACCOUNT).replace("eu-west-1", REGION)
    moved: Json = json.loads(text)
    return moved


def policy_of(role_name: str, **parameters: str) -> Json:
    """Return the policy of one of the product's roles."""
    stack = Stack(load(ROOT / "catalog" / "product.yaml"), {**PROJECT, **parameters})
    (document,) = [
        candidate
        for candidate in documents(stack)
        if candidate.where.startswith(f"{role_name} ") and candidate.kind == "identity"
    ]
    return here(document.body)


def boundary() -> Document:
    stack = Stack(load(ROOT / "catalog" / "portfolio.yaml"))
    (document,) = [candidate for candidate in documents(stack) if candidate.kind == "boundary"]
    return document


@pytest.fixture(scope="module")
def execution_role(cloud: Cloud) -> str:
    """Return the ARN of a role with the policy and boundary of the product's execution role."""
    text = json.dumps(here(boundary().body))
    response = cloud.client("iam").create_policy(PolicyName="sagemaker-autopilot-boundary", PolicyDocument=text)
    name = "sagemaker-adult-p-abc123def456-exec"
    cloud.client("iam").create_role(
        RoleName=name, AssumeRolePolicyDocument=trust(), PermissionsBoundary=response["Policy"]["Arn"]
    )
    text = json.dumps(policy_of("ExecutionRole"))
    cloud.client("iam").put_role_policy(RoleName=name, PolicyName="train", PolicyDocument=text)
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


def test_the_execution_role_has_what_autopilot_and_a_vpc_ask_of_it(cloud: Cloud, execution_role: str) -> None:
    before = usage.denied(cloud)
    network = {"SecurityConfig": {"VpcConfig": VPC}}
    failures = [
        reason(cloud, "AutoML", automl(execution_role, **network), execution_role),
        reason(cloud, "Processing", processing(execution_role, NetworkConfig={"VpcConfig": VPC}), execution_role),
    ]
    new = [denial_record for denial_record in usage.denied(cloud) if denial_record not in before]
    assert [denial_record for denial_record in new if not denial_record["action"].startswith("s3:")] == []
    assert [
        failure for failure in failures if "not authorized to perform: sagemaker:" in failure or "ec2:" in failure
    ] == []


def decision(action: str, kind: str, name: str, project: str = "adult", tag: str = "") -> Decision:
    """Evaluate a request of a project's execution role by its identity policy alone."""
    policy = read(json.dumps(policy_of("ExecutionRole", SageMakerProjectName=project)))
    context = {"aws:resourcetag/sagemaker:project-id": (tag,)} if tag else {}
    resource = f"arn:aws:sagemaker:{HERE}:{kind}/{name}"
    return decide(Request(f"sagemaker:{action}", resource, Caller(ACCOUNT), context), Policies((policy,)))


DENIED = "with an explicit deny in an identity-based policy"
ON_ENDPOINTS = ("AddTags", "CreateEndpoint", "DeleteEndpoint", "DescribeEndpoint", "InvokeEndpoint", "ListTags")
NEVER_GRANTED = ("DeleteTags", "UpdateEndpoint", "UpdateEndpointWeightsAndCapacities")


@pytest.mark.parametrize("project", ["adult", "pipelines-a", "sm-clarify-a", "sagemaker-clarify-endpoint-a"])
@pytest.mark.parametrize("stage", ["staging", "prod"])
def test_the_execution_role_never_touches_the_projects_own_endpoints(stage: str, project: str) -> None:
    """Not even where the project's name looks like Autopilot's and Clarify's endpoints."""
    name, tag = f"{project}-{stage}", PROJECT["SageMakerProjectId"]
    decisions = {action: decision(action, "endpoint", name, project, tag) for action in (*ON_ENDPOINTS, *NEVER_GRANTED)}
    assert [action for action, outcome in decisions.items() if outcome.allowed] == []
    assert {decisions[action].because for action in ON_ENDPOINTS} == {DENIED}


@pytest.mark.parametrize("action", ON_ENDPOINTS)
def test_the_execution_role_never_touches_what_is_another_projects(action: str) -> None:
    assert decision(action, "endpoint", "pipelines-b-prod", tag="p-other").because == DENIED
    assert decision(action, "endpoint", "pipelines-abc-shadow").allowed
    assert decision(action, "endpoint", "sm-clarify-x-1", tag=PROJECT["SageMakerProjectId"]).allowed


@pytest.mark.parametrize("action", ["DeleteModel", "DescribeModel", "DeleteEndpointConfig"])
def test_the_execution_role_never_touches_the_models_that_cloudformation_serves(action: str) -> None:
    """They carry the project's tag, so no permission on models or configurations may rely on the tag alone."""
    kind, logical = ("endpoint-config", "EndpointConfig") if action.endswith("Config") else ("model", "Model")
    assert not decision(action, kind, f"{logical}-AbCdEfGhIjKl", tag=PROJECT["SageMakerProjectId"]).allowed


@pytest.mark.parametrize("action", ["DescribeAutoMLJob", "StopAutoMLJob", "ListTags"])
def test_an_automl_job_is_known_by_name_or_by_tag(action: str) -> None:
    """Its name has at most 32 characters, and how Pipelines truncates longer names is not documented."""
    assert decision(action, "automl-job", "pipelines-abc123def456-x").allowed
    assert decision(action, "automl-job", "automl-x", tag=PROJECT["SageMakerProjectId"]).allowed
    assert not decision(action, "automl-job", "automl-x", tag="p-other").allowed
    assert not decision(action, "automl-job", "automl-x").allowed
