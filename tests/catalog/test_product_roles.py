"""Steps 3 to 10: every role of a project can do its job and no more; `make audit` holds them to parliament besides."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import cfnlint
import pytest

from tests.catalog.policies import Document, Stack, documents, listed, load
from tests.catalog.test_product import FULL, KEY, OTHER_HOST, PROJECT, SECURED, TEMPLATE, TEXT
from tests.tree import TEMPLATE as GENERATED

HERE = "eu-west-1:111122223333"
PROJECTS = ("sagemaker-adult-p-abc123def456", "adult-p-abc123def456", "sagemaker-project-p-abc123def456")
STACKS = [Stack(TEMPLATE, {**PROJECT, **host, **FULL, **SECURED}) for host in ({}, OTHER_HOST)]
POLICIES = {(document.where, number): document for number, stack in enumerate(STACKS) for document in documents(stack)}
IDENTITY = [entry for entry in POLICIES.values() if entry.kind == "identity"]
TRUST = [entry for entry in POLICIES.values() if entry.kind == "trust"]
ROLES = {
    name: resource["Properties"] for stack in STACKS for name, resource in stack.resources().items() if "Role" in name
}
# IAM takes no resource for these, by the service authorization reference; each says so where it stands.
STAR = {
    "application-autoscaling:DescribeScalableTargets",
    "application-autoscaling:DescribeScalingPolicies",
    "application-autoscaling:DescribeScheduledActions",
    "cloudwatch:GetMetricData",
    "cloudwatch:PutMetricData",
    "ecr:GetAuthorizationToken",
    "sagemaker:ListCandidatesForAutoMLJob",
}
# Four of these nine take one, and yet must have none: docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html
NETWORK = {
    "ec2:CreateNetworkInterface",
    "ec2:CreateNetworkInterfacePermission",
    "ec2:DeleteNetworkInterface",
    "ec2:DeleteNetworkInterfacePermission",
    "ec2:DescribeDhcpOptions",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
}
# Resources whose names AWS or other teams choose, and what else holds the statement to the project, if anything can.
NAMED_BY_AWS = {
    f"arn:aws:sagemaker:{HERE}:automl-job/*": "sagemaker:project-id",
    f"arn:aws:sagemaker:{HERE}:automl-job/pipelines-*": "",
    f"arn:aws:sagemaker:{HERE}:endpoint/pipelines-*": "",
    f"arn:aws:sagemaker:{HERE}:endpoint/sagemaker-clarify-endpoint-*": "",
    f"arn:aws:sagemaker:{HERE}:endpoint/sm-clarify-*": "",
    f"arn:aws:sagemaker:{HERE}:endpoint-config/pipelines-*": "",
    f"arn:aws:sagemaker:{HERE}:endpoint-config/sagemaker-clarify-endpoint-*": "",
    f"arn:aws:sagemaker:{HERE}:endpoint-config/sm-clarify-config-*": "",
    f"arn:aws:sagemaker:{HERE}:model/pipelines-*": "",
    f"arn:aws:sagemaker:{HERE}:processing-job/pipelines-*": "",
    f"arn:aws:sagemaker:{HERE}:training-job/pipelines-*": "",
    f"arn:aws:sagemaker:{HERE}:transform-job/pipelines-*": "",
    f"arn:aws:sagemaker:{HERE}:endpoint-config/*": "sagemaker:project-id",
    f"arn:aws:sagemaker:{HERE}:model/*": "sagemaker:project-id",
    f"arn:aws:application-autoscaling:{HERE}:scalable-target/*": "",
    f"arn:aws:logs:{HERE}:log-group:/aws/sagemaker/Endpoints/pipelines-*": "",
    f"arn:aws:logs:{HERE}:log-group:/aws/sagemaker/Endpoints/sagemaker-clarify-endpoint-*": "",
    f"arn:aws:logs:{HERE}:log-group:/aws/sagemaker/Endpoints/sm-clarify-*": "",
    f"arn:aws:logs:{HERE}:log-group:/aws/sagemaker/ProcessingJobs*": "",
    f"arn:aws:logs:{HERE}:log-group:/aws/sagemaker/TrainingJobs*": "",
    f"arn:aws:logs:{HERE}:log-group:/aws/sagemaker/TransformJobs*": "",
    "arn:aws:ecr:eu-west-1:*:repository/*": "aws:ResourceAccount",
    KEY: "",
}
# Of these it is not documented that they name the account for which they assume a role.
SILENT = {"cloudformation.amazonaws.com", "codepipeline.amazonaws.com"}


def where(document: Document) -> str:
    """Return the name of a policy, for the test's own name."""
    return document.where


def allowing(document: Document) -> list[dict[str, Any]]:
    """Return the statements that allow."""
    return [statement for statement in document.statements if statement["Effect"] == "Allow"]


def actions_of(role: str, service: str) -> set[str]:
    """Return what a role may do in one service."""
    actions_of = {
        action
        for document in IDENTITY
        if document.where.startswith(f"{role} ")
        for statement in allowing(document)
        for action in listed(statement["Action"])
    }
    return {action.partition(":")[2] for action in actions_of if action.startswith(f"{service}:")}


def called(*paths: str) -> set[str]:
    """Return the actions of SageMaker that files of the generated repository call, by boto3's methods."""
    text = "\n".join((GENERATED / path).read_text(encoding="utf-8") for path in paths)
    methods = set(re.findall(r"\b(?:sagemaker|runtime)\.(?!get_paginator)(\w+)\(", text))
    methods |= set(re.findall(r'\bsagemaker\.get_paginator\(\s*"(\w+)"', text))
    words = ["".join(word.title() for word in method.split("_")) for method in methods]
    return {word.replace("Ml", "ML") for word in words if word != "Boto3"}


# ---- Trust


def test_there_is_a_role_for_each_job() -> None:
    suffixes = {name: entry["RoleName"].removeprefix(f"{PROJECTS[0]}-") for name, entry in ROLES.items()}
    assert {
        "SeedRole": "seed",
        "BuildRole": "build",
        "ExecutionRole": "exec",
        "ScheduleRole": "sched",
        "DeployRole": "deploy",
        "EndpointRole": "serve",
        "StackRole": "stack",
        "PipelineRole": "pipe",
    } == suffixes


@pytest.mark.parametrize("name", ROLES)
def test_every_role_is_bounded_and_has_no_policies_but_its_own(name: str) -> None:
    assert "arn:aws:iam::111122223333:policy/sagemaker-autopilot-boundary" == ROLES[name]["PermissionsBoundary"]
    assert "ManagedPolicyArns" not in ROLES[name]
    assert 1 == len(ROLES[name]["Policies"])


@pytest.mark.parametrize("document", TRUST, ids=where)
def test_every_role_trusts_one_service_acting_for_this_account(document: Document) -> None:
    (statement,) = document.statements
    service = statement["Principal"]["Service"]
    assert {"Service": service} == statement["Principal"]
    operator = "StringEqualsIfExists" if service in SILENT else "StringEquals"
    assert {operator: {"aws:SourceAccount": "111122223333"}} == statement["Condition"]


# ---- Policies


@pytest.mark.parametrize("document", IDENTITY, ids=where)
def test_no_action_is_a_pattern(document: Document) -> None:
    assert [] == [entry for statement in document.statements for entry in listed(statement["Action"]) if "*" in entry]


@pytest.mark.parametrize("document", IDENTITY, ids=where)
def test_every_resource_is_of_this_project_or_has_a_reason(document: Document) -> None:
    for statement in allowing(document):
        for resource in listed(statement["Resource"]):
            if resource == "*":
                assert set(listed(statement["Action"])) <= STAR | NETWORK
            elif resource in NAMED_BY_AWS:
                assert NAMED_BY_AWS[resource] in str(statement.get("Condition", ""))
            elif ":connection/" in resource:
                assert {"team/adult-income"} == {
                    entry for row in statement["Condition"].values() for entry in row.values()
                }
            else:
                stage = re.search(r"[:/](TargetTracking-endpoint/)?adult-(staging|prod)(/|:\*|$)", resource)
                assert stage or any(re.search(rf"[:/]{name}(?=[-/:]|$)", resource) for name in PROJECTS)


def test_a_star_says_why_it_is_one() -> None:
    """The comment above the statement cites the service authorization reference, or the roles' own documentation."""
    conditional = r"(?:^ +- !If\n^ +- Has\w+\n)?"
    blocks = re.findall(rf"((?:^ +#.*\n)*){conditional}^ +- Sid: (\w+)\n((?:^ {{16,}}.*\n)+)", TEXT, re.MULTILINE)
    starred = {name: comment for comment, name, body in blocks if 'Resource: "*"' in body}
    assert "https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html" in starred.pop("Network")
    assert {"ImageLogin", "Metrics", "Leaderboard", "ScalingState", "ScalingMetrics"} == set(starred)
    assert [] == [name for name, comment in starred.items() if "No resource type" not in comment]
    assert 8 == TEXT.count('Resource: "*"\n')


def test_roles_are_passed_one_by_one_to_one_service() -> None:
    result = {
        (
            document.where.split()[0],
            statement["Resource"],
            statement["Condition"]["StringEquals"]["iam:PassedToService"],
        )
        for document in IDENTITY
        for statement in document.statements
        if "iam:PassRole" in listed(statement["Action"])
    }
    arn = f"arn:aws:iam::111122223333:role/{PROJECTS[0]}"
    assert {
        ("BuildRole", f"{arn}-exec", "sagemaker.amazonaws.com"),
        ("ExecutionRole", f"{arn}-exec", "sagemaker.amazonaws.com"),
        ("PipelineRole", f"{arn}-stack", "cloudformation.amazonaws.com"),
        ("StackRole", f"{arn}-serve", "sagemaker.amazonaws.com"),
    } == result


@pytest.mark.parametrize("document", IDENTITY, ids=where)
def test_a_project_cannot_change_roles_policies_or_its_own_pipelines(document: Document) -> None:
    result = {action for statement in document.statements for action in listed(statement["Action"])}
    assert {"iam:PassRole"} >= {action for action in result if action.startswith(("iam:", "sts:"))}
    assert not {"codepipeline:UpdatePipeline", "codepipeline:PutApprovalResult"} & result
    assert "sagemaker:UpdateModelPackage" not in result  # only people approve


@pytest.mark.parametrize("name", ROLES)
def test_policies_keep_iams_lengths(name: str) -> None:
    """10,240 characters for a role's policies, 2,048 for its trust, blanks not counted.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    """
    longest = {**FULL, **OTHER_HOST, **SECURED, "SageMakerProjectName": "z" * 32, "SageMakerProjectId": "p-" + "9" * 12}
    stack = Stack(TEMPLATE, longest, assume=None)
    spare = 1.2  # partitions and regions have longer names than these
    for document in (document for document in documents(stack) if document.where.startswith(f"{name} ")):
        limit = 2_048 if document.kind == "trust" else 10_240
        assert len(json.dumps(document.body, separators=(",", ":"))) * spare < limit


def test_the_approver_policy_names_its_pipelines_action_and_keeps_iams_length() -> None:
    """6,144 characters for a managed policy, with as many trainers as a sentence of a form holds."""
    long = {"SageMakerProjectName": "z" * 32, "SageMakerProjectId": "p-" + "9" * 12, **SECURED}
    trainers = ",".join(["arn:aws:iam::111122223333:role/service-role/" + "t" * 64] * 10)
    stack = Stack(TEMPLATE, {**long, "TrainerRoleArns": trainers})
    (document,) = [document for document in documents(stack) if document.kind == "managed"]
    assert len(json.dumps(document.body, separators=(",", ":"))) * 1.2 < 6_144
    result = Stack(TEMPLATE, PROJECT).resources()
    stages = result["DeployPipeline"]["Properties"]["Stages"]
    manual = [
        f"{result['DeployPipeline']['Properties']['Name']}/{stage['Name']}/{action['Name']}"
        for stage in stages
        for action in stage["Actions"]
        if action["ActionTypeId"]["Category"] == "Approval"
    ]
    statements = {
        entry["Sid"]: entry for entry in result["ApproverPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    }
    assert [statements["ApproveProduction"]["Resource"]] == [f"arn:aws:codepipeline:{HERE}:{entry}" for entry in manual]
    assert (
        f"arn:aws:s3:::{result['Bucket']['Properties']['BucketName']}/releases/*" in statements["Evidence"]["Resource"]
    )
    assert "FourEyes" not in statements


# ---- A key and a network of the team's own


def rights(values: dict[str, str], service: str) -> dict[tuple[str, str], set[str]]:
    """Return, by role and condition, what the roles of a project may do in one service."""
    rights: dict[tuple[str, str], set[str]] = {}
    for document in documents(Stack(TEMPLATE, {**PROJECT, **FULL, **values})):
        for statement in document.statements if document.kind == "identity" else []:
            ours = {action for action in listed(statement["Action"]) if action.startswith(f"{service}:")}
            if ours:
                key = document.where.split()[0], json.dumps(statement.get("Condition", {}))
                rights[key] = rights.get(key, set()) | ours
    return rights


def via(*services: str) -> str:
    """Return the condition that a service asks for the role, as `rights` has it."""
    hosts = [f"{service}.eu-west-1.amazonaws.com" for service in services]
    return json.dumps({"StringEquals": {"kms:ViaService": hosts if len(hosts) > 1 else hosts[0]}})


@pytest.mark.parametrize("service", ["kms", "ec2"])
def test_without_the_parameters_no_role_has_rights_to_keys_or_networks(service: str) -> None:
    assert {} == rights({}, service)
    assert {} == rights({"KmsKeyArn": KEY} if service == "ec2" else {"VpcAccess": "true"}, service)


def test_each_role_may_use_the_key_for_what_it_reads_and_writes() -> None:
    """Neither CodePipeline's artifacts nor results and dossiers are under it: nobody names a key for them."""
    data = {"kms:Decrypt", "kms:GenerateDataKey"}
    assert {
        ("BuildRole", via("s3")): data,
        ("ExecutionRole", via("s3", "sagemaker")): data | {"kms:GenerateDataKeyWithoutPlaintext"},
        ("ExecutionRole", "{}"): {"kms:DescribeKey", "kms:Encrypt"},
        ("ExecutionRole", json.dumps({"Bool": {"kms:GrantIsForAWSResource": "true"}})): {"kms:CreateGrant"},
        ("DeployRole", via("s3")): {"kms:Decrypt"},
        ("EndpointRole", via("s3")): {"kms:Decrypt"},
    } == rights({"KmsKeyArn": KEY}, "kms")
    statements = [statement for document in IDENTITY for statement in document.statements]
    assert {KEY} == {statement["Resource"] for statement in statements if "kms:" in str(statement["Action"])}
    stores = [
        resource["Properties"]["ArtifactStore"]
        for stack in STACKS
        for resource in stack.resources().values()
        if resource["Type"] == "AWS::CodePipeline::Pipeline"
    ]
    assert [{"Type": "S3", "Location": PROJECTS[2]}] * 4 == stores
    assert "kms" not in (GENERATED / "deploy" / "storage.py").read_text(encoding="utf-8").lower()


def test_only_the_jobs_may_use_the_network() -> None:
    """The list of the roles' documentation, in one statement, without a resource and without a condition."""
    assert {("ExecutionRole", "{}"): NETWORK} == rights({"VpcAccess": "true"}, "ec2")
    statements = [
        statement for document in IDENTITY for statement in document.statements if "ec2:" in str(statement["Action"])
    ]
    assert [("*", 9)] * 2 == [(statement["Resource"], len(statement["Action"])) for statement in statements]


# ---- What the jobs call


def test_the_build_role_allows_the_calls_of_the_pipelines_command() -> None:
    """ListPipelineExecutions is for `status`, which people run."""
    expected = called("pipeline/aws/service.py") - {"ListPipelineExecutions"}
    assert expected | {"AddTags"} == actions_of("BuildRole", "sagemaker")
    source = (GENERATED / "pipeline" / "aws" / "upload.py").read_text(encoding="utf-8")
    methods = set(re.findall(r"\bs3\.(\w+)\(", source))
    assert {"head_object", "upload_file"} == methods  # GetObject; PutObject and AbortMultipartUpload


def test_the_build_uploads_where_its_role_may_write() -> None:
    text = (GENERATED / "pipeline" / "aws" / "upload.py").read_text(encoding="utf-8")
    folders = set(re.findall(r'f"(\w+)/\{', text))
    (statement,) = [
        statement for statement in POLICIES["BuildRole build", 0].statements if statement["Sid"] == "Uploads"
    ]
    assert {f"arn:aws:s3:::{PROJECTS[2]}/{folder}/*" for folder in folders} == set(statement["Resource"])


def test_the_execution_role_makes_and_watches_the_pipelines_jobs() -> None:
    """Create and Describe for each kind of step; Autopilot's own jobs are training, processing and transform jobs.

    The shadow endpoint is Autopilot's: https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html
    https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-access.html
    """
    kinds = {"AutoMLJob", "ProcessingJob", "TrainingJob", "TransformJob"}
    jobs = {f"{verb}{kind}" for verb in ("Create", "Describe", "Stop") for kind in kinds}
    model = {"CreateModel", "DescribeModel", "DeleteModel"}
    verbs = ("Create", "Describe", "Delete")
    shadow = {f"{verb}{kind}" for verb in verbs for kind in ("Endpoint", "EndpointConfig")} | {"InvokeEndpoint"}
    registry = {"CreateModelPackage"} | called("pipeline/steps/champion.py")
    assert jobs | model | shadow | registry | {"AddTags", "ListTags"} == actions_of("ExecutionRole", "sagemaker")
    steps = set(re.findall(r"kinds\.(\w+)", (GENERATED / "pipeline" / "definition.py").read_text(encoding="utf-8")))
    enums = {"PROCESSING", "AUTOML", "CREATE_MODEL", "TRANSFORM", "REGISTER_MODEL", "CAPACITY_ERROR", "RESOURCE_LIMIT"}
    assert enums | {"INTERNAL_ERROR"} == steps  # a new kind of step needs permissions


def test_what_the_execution_role_may_do_to_endpoints_it_may_not_do_to_the_projects_own() -> None:
    """tests/rehearsed/test_job_roles.py asks the evaluation of policies, for projects of every kind of name."""
    (document,) = {entry.where: entry for entry in IDENTITY if entry.where.startswith("ExecutionRole ")}.values()
    by_name = {statement["Sid"]: statement for statement in document.statements}
    on_endpoints = {entry for entry in by_name["Shadow"]["Action"] if "EndpointConfig" not in entry}
    served = [f"arn:aws:sagemaker:{HERE}:endpoint/adult-{stage}" for stage in ("staging", "prod")]
    assert (on_endpoints, served) == (set(by_name["NeverServed"]["Action"]), by_name["NeverServed"]["Resource"])
    assert "Condition" not in by_name["NeverServed"]
    denying = [statement["Sid"] for statement in document.statements if statement["Effect"] == "Deny"]
    assert ["NeverServed", "NeverOthers"] == denying


def test_the_deploy_role_allows_the_calls_of_prepare_and_check() -> None:
    paths = [f"deploy/{path.name}" for path in (GENERATED / "deploy").glob("*.py")]
    assert called(*paths) == actions_of("DeployRole", "sagemaker")


def handlers(kind: str) -> set[str]:
    """Return what CloudFormation calls for a type of resource, by the schema that cfn-lint brings along."""
    folder = Path(cfnlint.__file__).parent / "data" / "schemas"
    index = json.loads((folder / "providers" / "us-east-1.json").read_text(encoding="utf-8"))
    schema: dict[str, Any] = json.loads((folder / "resources" / f"{index[kind]}.json").read_text(encoding="utf-8"))
    named = {name: handler["permissions"] for name, handler in schema["handlers"].items() if name != "list"}
    return {permission for permissions in named.values() for permission in permissions}


# What handlers ask for, and deploy/endpoint.yaml gives no cause for.
NEEDLESS = {
    "application-autoscaling:DeleteScheduledAction": "nothing is scheduled",
    "application-autoscaling:PutScheduledAction": "nothing is scheduled",
    "iam:CreateServiceLinkedRole": "the ops team makes it; projects make no roles",
    "kms:DescribeKey": "serverless endpoints have no volume",
    "lambda:DeleteProvisionedConcurrencyConfig": "another service's targets",
    "lambda:GetProvisionedConcurrencyConfig": "another service's targets",
    "lambda:PutProvisionedConcurrencyConfig": "another service's targets",
}


def test_the_stack_role_allows_what_cloudformation_calls_for_an_endpoint() -> None:
    kinds = {resource["Type"] for resource in load(GENERATED / "deploy" / "endpoint.yaml")["Resources"].values()}
    needed = {permission for kind in kinds for permission in handlers(kind)}
    services = ("application-autoscaling", "cloudwatch", "iam", "kms", "lambda", "sagemaker")
    ours = {f"{service}:{action}" for service in services for action in actions_of("StackRole", service)}
    assert set(NEEDLESS) == needed - ours
    # DescribeModelPackage to make a model of one, the last to register the variant with Application Auto Scaling
    assert {"sagemaker:DescribeModelPackage", "sagemaker:UpdateEndpointWeightsAndCapacities"} == ours - needed


def test_models_and_configurations_of_other_projects_are_out_of_reach() -> None:
    (policy,) = {entry.where: entry for entry in IDENTITY if entry.where.startswith("StackRole ")}.values()
    conditions = {
        statement["Sid"]: statement.get("Condition")
        for statement in policy.statements
        if "endpoint-config/*" in str(statement)
    }
    request, resource = (f"aws:{kind}Tag/sagemaker:project-id" for kind in ("Request", "Resource"))
    assert {
        "Make": {"StringEquals": {request: "p-abc123def456"}},
        "Use": {"StringEquals": {resource: "p-abc123def456"}},
        "Tag": {"StringEqualsIfExists": {request: "p-abc123def456", resource: "p-abc123def456"}},
        "Serve": {"StringEqualsIfExists": {resource: "p-abc123def456"}},
    } == conditions
    tags = str(load(GENERATED / "deploy" / "endpoint.yaml")["Resources"]["Model"]["Properties"]["Tags"])
    assert "{'Key': 'sagemaker:project-id', 'Value': {'Ref': 'SageMakerProjectId'}}" in tags


@pytest.mark.parametrize("number", [0, 1], ids=["codecommit", "github"])
def test_the_pipelines_read_code_from_their_host_only(number: int) -> None:
    document = POLICIES["PipelineRole pipelines", number]
    result = {action.partition(":")[0] for statement in document.statements for action in listed(statement["Action"])}
    hosts = {"codecommit", "codeconnections", "codestar-connections"}
    assert ({"codecommit"} if number == 0 else hosts - {"codecommit"}) == result & hosts


def test_only_staging_can_be_deleted_by_its_pipeline() -> None:
    statements = POLICIES["PipelineRole pipelines", 0].statements
    (deletes,) = [
        statement["Resource"] for statement in statements if "cloudformation:DeleteStack" in listed(statement["Action"])
    ]
    assert f"arn:aws:cloudformation:{HERE}:stack/{PROJECTS[0]}-staging/*" == deletes


def test_the_topic_takes_messages_of_events_and_of_this_projects_alarms() -> None:
    document = POLICIES["TopicPolicy PolicyDocument", 0]
    result = {statement["Principal"]["Service"]: statement.get("Condition", {}) for statement in document.statements}
    # EventBridge sends no condition keys: docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
    assert {
        "events.amazonaws.com": {},
        "cloudwatch.amazonaws.com": {
            "StringEquals": {"aws:SourceAccount": "111122223333"},
            "ArnLike": {"aws:SourceArn": f"arn:aws:cloudwatch:{HERE}:alarm:{PROJECTS[0]}-*"},
        },
    } == result
    assert {"sns:Publish"} == {statement["Action"] for statement in document.statements}
    assert {f"arn:aws:sns:{HERE}:{PROJECTS[0]}"} == {statement["Resource"] for statement in document.statements}
