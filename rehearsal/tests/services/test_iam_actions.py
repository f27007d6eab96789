"""The permissions that requests require: compared with AWS's Service Authorization Reference, and case by case."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.model import Shape

from sagemaker_rehearsal.iam import actions, s3

ACCOUNT = "123456789012"
PLACE = actions.Place("us-east-1", ACCOUNT)
REFERENCE = json.loads((Path(__file__).parent / "fixtures/service-authorization.json").read_text(encoding="utf-8"))
ROLE = f"arn:aws:iam::{ACCOUNT}:role/sagemaker-a-p-b-exec"
EXECUTION = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:pipeline/p/execution/e"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/boundary"


class Known:
    """The facts of a small account."""

    def role(self, name: str) -> str:
        return f"arn:aws:iam::{ACCOUNT}:role/{name}"

    def boundary(self, role: str) -> str:
        return BOUNDARY if role == "bounded" else ""

    def repository(self, pull_request: str) -> str:
        return "of-pull-request"

    def stack(self, change_set: str) -> str:
        return f"arn:aws:cloudformation:us-east-1:{ACCOUNT}:stack/of-change-set/1"

    def object_tags(self, bucket: str, key: str) -> Mapping[str, str]:
        return {"Kind": "template"} if key == "tagged" else {}


def needed(service: str, operation: str, **params: object) -> list[actions.Needed]:
    return actions.of_api(service, operation, params, PLACE, Known())


def asked(service: str, operation: str, **params: object) -> list[tuple[str, str]]:
    """Return actions and resources, without the account and region."""
    permissions = needed(service, operation, **params)
    return [
        (permission.action, permission.resource.replace(f":us-east-1:{ACCOUNT}:", "::").replace(ACCOUNT, "A"))
        for permission in permissions
    ]


# ---- Against the reference

# Permissions without an API of the same name
NO_API = {
    "codeconnections:PassConnection",
    "codeconnections:UseConnection",
    "codestar-connections:PassConnection",
    "codestar-connections:UseConnection",
    "cloudformation:TagResource",
    "cloudformation:UntagResource",
    "codecommit:CancelUploadArchive",
    "codecommit:GetUploadArchiveStatus",
    "codecommit:GitPull",
    "codecommit:GitPush",
    "codecommit:UploadArchive",
    "iam:PassRole",
    "lambda:InvokeFunction",
    "sagemaker:InvokeEndpoint",
}
APIS = sorted(name for name in REFERENCE["actions"] if name not in NO_API and not name.startswith("s3:"))


# Parameters with the resource's ARN
ARNS = ("resourcearn", "topicarn", "targetarn", "connectionarn", "policyarn", "modelpackagearn", "resource")


def sample(shape: Shape, name: str, service: str, kinds: list[str], depth: int = 0) -> Any:  # noqa: ANN401 (JSON)
    """Return a sample value: one item for each list, every member of structures."""
    if shape.type_name == "structure":
        members = shape.members.items() if depth < 4 else ()
        return {key: sample(member, key, service, kinds, depth + 1) for key, member in members if "ags" not in key}
    if shape.type_name == "list":
        return [sample(shape.member, name, service, kinds, depth + 1)]
    if shape.type_name == "map":
        return {}
    if shape.type_name != "string":
        return 1
    return _text(name, service, kinds)


def _text(name: str, service: str, kinds: list[str]) -> str:
    if "role" in name.lower() and name.lower().endswith("arn"):
        return ROLE
    if name.lower() in ARNS and kinds:
        kind = next((candidate for candidate in kinds if candidate not in ("any",)), "")
        form = REFERENCE["arns"].get(f"{service}:{kind.rstrip('*')}", "arn:aws:sagemaker:us-east-1:1:model/x")
        return re.sub(r"\$\{(\w+)\}", _of_variable, form)
    if name == "PipelineExecutionArn":
        return f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:pipeline/x/execution/0123456789ab"
    if name == "QueueUrl":
        return f"https://sqs.us-east-1.amazonaws.com/{ACCOUNT}/name"
    return {"ids": "name:0001", "id": "name:0001", "Path": "/"}.get(name, "name")


def _of_variable(match: re.Match[str]) -> str:
    return {"Partition": "aws", "Region": "us-east-1", "Account": ACCOUNT}.get(match[1], "name")


def form(arn: str) -> str:
    """Convert the reference's ARN format to a regular expression."""
    parts = re.split(r"(\$\{\w+\})", arn)
    return "".join("[^ ]+" if part.startswith("${") else re.escape(part) for part in parts)


@pytest.mark.parametrize("action", APIS)
def test_requests_ask_for_resources_of_the_form_in_the_reference(action: str) -> None:
    """For the actions that the templates grant, and more: the API requires them, on an ARN of a type of the action."""
    service, _, operation = action.partition(":")
    model = botocore.session.get_session().get_service_model(service)
    shape = model.operation_model(operation).input_shape
    kinds = REFERENCE["actions"][action]
    params = sample(shape, operation, service, kinds) if shape else {}
    permissions = actions.of_api(service, operation, params, PLACE, Known())
    if action == "sts:GetCallerIdentity":
        assert permissions == []
        return
    resources = [permission.resource for permission in permissions if permission.action == action]
    assert resources
    if not kinds:
        assert resources == ["*"]
        return
    if "any" in kinds:
        assert "*" not in resources
        return
    forms = [form(REFERENCE["arns"][f"{service}:{kind.rstrip('*')}"]) for kind in kinds]
    for resource in resources:
        assert any(re.fullmatch(form, resource.removesuffix(":log-stream:")) for form in forms), resource


def test_each_action_of_s3_that_the_templates_grant_is_asked_for_by_a_request() -> None:
    granted = {name for name in REFERENCE["actions"] if name.startswith("s3:")}
    parts = [*s3._CONFIGURATION, *s3._OBJECT_PARTS, "", "versionId=1", "uploads", "uploadId=1", "delete", "versions"]
    requested = {
        need.action
        for method in ("GET", "PUT", "POST", "DELETE")
        for path in ("/", "/b", "/b/k")
        for part in parts
        for need in s3.needs(s3.Asked.read(method, path, part, {}, b""))
    }
    assert granted - requested == {"s3:PutObjectVersionTagging", "s3:DeleteObjectTagging"} - requested


# ---- Case by case


@pytest.mark.parametrize(
    ("service", "operation", "params", "expected"),
    [
        ("codecommit", "GetBranch", {"repositoryName": "r", "branchName": "main"}, [("codecommit:GetBranch", "r")]),
        ("codecommit", "GetPullRequest", {"pullRequestId": "7"}, [("codecommit:GetPullRequest", "of-pull-request")]),
        ("codecommit", "ListRepositories", {}, [("codecommit:ListRepositories", "*")]),
        (
            "codecommit",
            "CreatePullRequest",
            {"title": "t", "targets": [{"repositoryName": "r", "sourceReference": "template"}]},
            [("codecommit:CreatePullRequest", "r")],
        ),
        (
            "codepipeline",
            "PutApprovalResult",
            {"pipelineName": "p", "stageName": "s", "actionName": "a"},
            [("codepipeline:PutApprovalResult", "p/s/a")],
        ),
        (
            "codepipeline",
            "RetryStageExecution",
            {"pipelineName": "p", "stageName": "s"},
            [("codepipeline:RetryStageExecution", "p/s")],
        ),
        ("codepipeline", "StartPipelineExecution", {"name": "p"}, [("codepipeline:StartPipelineExecution", "p")]),
        (
            "codebuild",
            "BatchGetBuilds",
            {"ids": ["x:1", "y:2"]},
            [("codebuild:BatchGetBuilds", "project/x"), ("codebuild:BatchGetBuilds", "project/y")],
        ),
        (
            "codebuild",
            "StopBuild",
            {"id": f"arn:aws:codebuild:us-east-1:{ACCOUNT}:build/x:1"},
            [("codebuild:StopBuild", "project/x")],
        ),
        ("cloudformation", "DescribeStacks", {"StackName": "s"}, [("cloudformation:DescribeStacks", "stack/s/*")]),
        ("cloudformation", "DescribeStacks", {}, [("cloudformation:DescribeStacks", "*")]),
        (
            "cloudformation",
            "ExecuteChangeSet",
            {"ChangeSetName": "arn"},
            [("cloudformation:ExecuteChangeSet", "stack/of-change-set/1")],
        ),
        ("events", "PutRule", {"Name": "r"}, [("events:PutRule", "rule/r")]),
        ("events", "PutRule", {"Name": "r", "EventBusName": "b"}, [("events:PutRule", "rule/b/r")]),
        ("events", "PutEvents", {"Entries": [{"Source": "x"}]}, [("events:PutEvents", "event-bus/default")]),
        ("lambda", "Invoke", {"FunctionName": "f"}, [("lambda:InvokeFunction", "function:f")]),
        (
            "lambda",
            "Invoke",
            {"FunctionName": f"{ACCOUNT}:function:f", "Qualifier": "2"},
            [("lambda:InvokeFunction", "function:f:2")],
        ),
        (
            "lambda",
            "GetFunction",
            {"FunctionName": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"},
            [("lambda:GetFunction", "function:f")],
        ),
        ("scheduler", "GetSchedule", {"Name": "s"}, [("scheduler:GetSchedule", "schedule/default/s")]),
        ("sqs", "SendMessageBatch", {"QueueUrl": f"http://127.0.0.1:1/{ACCOUNT}/q"}, [("sqs:SendMessage", "q")]),
        (
            "logs",
            "PutLogEvents",
            {"logGroupName": "g", "logStreamName": "s"},
            [("logs:PutLogEvents", "log-group:g:log-stream:s")],
        ),
        ("logs", "CreateLogGroup", {"logGroupName": "g"}, [("logs:CreateLogGroup", "log-group:g:log-stream:")]),
        (
            "logs",
            "TagResource",
            {"resourceArn": f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:g:*"},
            [("logs:TagResource", "log-group:g")],
        ),
        ("cloudwatch", "DescribeAlarms", {}, [("cloudwatch:DescribeAlarms", "alarm:*")]),
        (
            "sagemaker",
            "DescribePipelineExecution",
            {"PipelineExecutionArn": EXECUTION},
            [("sagemaker:DescribePipelineExecution", "pipeline/p/execution/e")],
        ),
        (
            "sagemaker",
            "ListModelPackages",
            {"ModelPackageGroupName": "g"},
            [("sagemaker:ListModelPackages", "model-package/g/*")],
        ),
        (
            "sagemaker",
            "CreateEndpoint",
            {"EndpointName": "e", "EndpointConfigName": "c"},
            [("sagemaker:CreateEndpoint", "endpoint/e"), ("sagemaker:CreateEndpoint", "endpoint-config/c")],
        ),
        (
            "sagemaker",
            "CreateTransformJob",
            {"TransformJobName": "t", "ModelName": "m"},
            [("sagemaker:CreateTransformJob", "transform-job/t")],
        ),
        ("sagemaker", "ListPipelines", {}, [("sagemaker:ListPipelines", "*")]),
        ("unheard-of", "DoIt", {"Name": "x"}, [("unheard-of:DoIt", "*")]),
    ],
)
def test_requests_ask_for(
    service: str, operation: str, params: Mapping[str, Any], expected: list[tuple[str, str]]
) -> None:
    own = f"arn:aws:{service}::"
    assert [(action, arn.removeprefix(own)) for action, arn in asked(service, operation, **params)] == expected


@pytest.mark.parametrize(
    ("service", "operation", "params", "recipient"),
    [
        ("sagemaker", "CreatePipeline", {"PipelineName": "p", "RoleArn": ROLE}, "sagemaker.amazonaws.com"),
        ("sagemaker", "UpdatePipeline", {"PipelineName": "p", "RoleArn": ROLE}, "sagemaker.amazonaws.com"),
        ("sagemaker", "CreateProcessingJob", {"ProcessingJobName": "j", "RoleArn": ROLE}, "sagemaker.amazonaws.com"),
        ("sagemaker", "CreateAutoMLJob", {"AutoMLJobName": "j", "RoleArn": ROLE}, "sagemaker.amazonaws.com"),
        ("sagemaker", "CreateModel", {"ModelName": "m", "ExecutionRoleArn": ROLE}, "sagemaker.amazonaws.com"),
        ("codepipeline", "CreatePipeline", {"pipeline": {"name": "p", "roleArn": ROLE}}, "codepipeline.amazonaws.com"),
        ("codebuild", "CreateProject", {"name": "p", "serviceRole": ROLE}, "codebuild.amazonaws.com"),
        ("codebuild", "UpdateProject", {"name": "p", "serviceRole": ROLE}, "codebuild.amazonaws.com"),
        ("lambda", "CreateFunction", {"FunctionName": "f", "Role": ROLE}, "lambda.amazonaws.com"),
        ("lambda", "UpdateFunctionConfiguration", {"FunctionName": "f", "Role": ROLE}, "lambda.amazonaws.com"),
        ("events", "PutTargets", {"Rule": "r", "Targets": [{"Id": "1", "RoleArn": ROLE}]}, "events.amazonaws.com"),
        ("scheduler", "CreateSchedule", {"Name": "s", "Target": {"RoleArn": ROLE}}, "scheduler.amazonaws.com"),
        ("cloudformation", "CreateStack", {"StackName": "s", "RoleARN": ROLE}, "cloudformation.amazonaws.com"),
        ("cloudformation", "DeleteStack", {"StackName": "s", "RoleARN": ROLE}, "cloudformation.amazonaws.com"),
        (
            "servicecatalog",
            "CreateConstraint",
            {
                "ProductId": "prod-1",
                "PortfolioId": "port-1",
                "Type": "LAUNCH",
                "Parameters": json.dumps({"RoleArn": ROLE}),
            },
            "servicecatalog.amazonaws.com",
        ),
    ],
)
def test_handing_on_a_role_takes_the_permission_to_pass_it(
    service: str, operation: str, params: Mapping[str, Any], recipient: str
) -> None:
    permissions = [
        permission for permission in needed(service, operation, **params) if permission.action == "iam:PassRole"
    ]
    assert permissions == [actions.Needed("iam:PassRole", ROLE, {"iam:passedtoservice": (recipient,)})]


def test_reading_hands_nothing_on() -> None:
    assert asked("lambda", "ListFunctions", Role=ROLE) == [("lambda:ListFunctions", "*")]


def test_a_pipeline_with_a_connection_takes_the_permission_to_pass_that() -> None:
    connection = f"arn:aws:codeconnections:us-east-1:{ACCOUNT}:connection/1"
    action = {"name": "Source", "configuration": {"ConnectionArn": connection}}
    pipeline = {"name": "p", "roleArn": ROLE, "stages": [{"name": "Source", "actions": [action]}]}
    permissions = [
        permission
        for permission in needed("codepipeline", "CreatePipeline", pipeline=pipeline)
        if "Connection" in permission.action
    ]
    keys = {"codeconnections:passedtoservice": ("codepipeline.amazonaws.com",)}
    assert permissions == [actions.Needed("codeconnections:PassConnection", connection, keys)]


def keys(service: str, operation: str, at: int = 0, **params: object) -> dict[str, tuple[str, ...]]:
    return dict(needed(service, operation, **params)[at].keys)


def test_condition_keys_come_from_the_parameters() -> None:
    assert keys("codecommit", "CreateCommit", repositoryName="r", branchName="template") == {
        "codecommit:references": ("refs/heads/template",)
    }
    assert keys("codecommit", "GetBranch", repositoryName="r", branchName="main") == {}
    variant = {"ServerlessConfig": {"MaxConcurrency": 5, "MemorySizeInMB": 2048}, "ModelName": "m"}
    assert keys("sagemaker", "CreateEndpointConfig", EndpointConfigName="c", ProductionVariants=[variant]) == {
        "sagemaker:serverlessmaxconcurrency": ("5",),
        "sagemaker:serverlessmemorysize": ("2048",),
    }
    assert keys("sagemaker", "UpdateModelPackage", ModelPackageArn="arn:x", ModelApprovalStatus="Approved") == {
        "sagemaker:modelapprovalstatus": ("Approved",)
    }
    assert keys("cloudformation", "CreateStack", StackName="s", RoleARN=ROLE, TemplateURL="https://x") == {
        "cloudformation:rolearn": (ROLE,),
        "cloudformation:templateurl": ("https://x",),
    }
    assert keys("cloudwatch", "PutMetricData", Namespace="/aws/sagemaker/x") == {
        "cloudwatch:namespace": ("/aws/sagemaker/x",)
    }


def test_tags_need_the_permission_to_tag() -> None:
    permissions = needed("sagemaker", "CreateModel", ModelName="m", Tags=[{"Key": "Team", "Value": "a"}])
    tags = {"aws:tagkeys": ("Team",), "aws:requesttag/team": ("a",)}
    arn = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:model/m"
    assert permissions == [
        actions.Needed("sagemaker:CreateModel", arn, tags),
        actions.Needed("sagemaker:AddTags", arn, {**tags, "sagemaker:taggingaction": ("CreateModel",)}),
    ]
    assert [
        permission.action
        for permission in needed("sagemaker", "AddTags", ResourceArn=arn, Tags=[{"Key": "k", "Value": "v"}])
    ] == ["sagemaker:AddTags"]
    assert asked("codecommit", "CreateRepository", repositoryName="r", tags={"k": "v"}) == [
        ("codecommit:CreateRepository", "arn:aws:codecommit::r"),
        ("codecommit:TagResource", "arn:aws:codecommit::r"),
    ]
    assert keys("sagemaker", "DeleteTags", ResourceArn=arn, TagKeys=["a", "b"]) == {"aws:tagkeys": ("a", "b")}


def test_iam_knows_the_boundary_that_is_set_and_the_one_that_is_there() -> None:
    permissions = needed("iam", "CreateRole", RoleName="new", Path="/p/", PermissionsBoundary=BOUNDARY)
    boundary = {"iam:permissionsboundary": (BOUNDARY,)}
    assert permissions == [actions.Needed("iam:CreateRole", f"arn:aws:iam::{ACCOUNT}:role/p/new", boundary)]
    assert keys("iam", "PutRolePolicy", RoleName="bounded", PolicyName="p") == boundary
    assert keys("iam", "PutRolePolicy", RoleName="free", PolicyName="p") == {}
    assert keys("iam", "PutRolePermissionsBoundary", RoleName="bounded", PermissionsBoundary="other") == {
        "iam:permissionsboundary": ("other",)
    }
    assert asked("iam", "AttachRolePolicy", RoleName="r", PolicyArn=BOUNDARY) == [
        ("iam:AttachRolePolicy", "arn:aws:iam::A:role/r")
    ]


# ---- S3


def of_s3(
    method: str, target: str, headers: Mapping[str, str] | None = None, body: bytes = b""
) -> list[tuple[str, str]]:
    path, _, query = target.partition("?")
    permissions = actions.of_s3(s3.Asked.read(method, path, query, headers or {}, body), Known())
    return [(permission.action, permission.resource.removeprefix("arn:aws:s3:::")) for permission in permissions]


@pytest.mark.parametrize(
    ("method", "target", "action", "resource"),
    [
        ("GET", "/", "s3:ListAllMyBuckets", "*"),
        ("GET", "/b?list-type=2&prefix=x", "s3:ListBucket", "b"),
        ("HEAD", "/b", "s3:ListBucket", "b"),
        ("GET", "/b?versions", "s3:ListBucketVersions", "b"),
        ("GET", "/b?location", "s3:GetBucketLocation", "b"),
        ("GET", "/b?encryption", "s3:GetEncryptionConfiguration", "b"),
        ("PUT", "/b?lifecycle", "s3:PutLifecycleConfiguration", "b"),
        ("DELETE", "/b?lifecycle", "s3:PutLifecycleConfiguration", "b"),
        ("DELETE", "/b?policy", "s3:DeleteBucketPolicy", "b"),
        ("PUT", "/b", "s3:CreateBucket", "b"),
        ("DELETE", "/b", "s3:DeleteBucket", "b"),
        ("GET", "/b/k/1.csv", "s3:GetObject", "b/k/1.csv"),
        ("HEAD", "/b/k", "s3:GetObject", "b/k"),
        ("GET", "/b/k?versionId=1", "s3:GetObjectVersion", "b/k"),
        ("GET", "/b/k?tagging", "s3:GetObjectTagging", "b/k"),
        ("PUT", "/b/k?tagging&versionId=1", "s3:PutObjectVersionTagging", "b/k"),
        ("DELETE", "/b/k?tagging", "s3:DeleteObjectTagging", "b/k"),
        ("PUT", "/b/k", "s3:PutObject", "b/k"),
        ("POST", "/b/k?uploads", "s3:PutObject", "b/k"),
        ("PUT", "/b/k?partNumber=1&uploadId=1", "s3:PutObject", "b/k"),
        ("POST", "/b/k?uploadId=1", "s3:PutObject", "b/k"),
        ("GET", "/b/k?uploadId=1", "s3:ListMultipartUploadParts", "b/k"),
        ("DELETE", "/b/k?uploadId=1", "s3:AbortMultipartUpload", "b/k"),
        ("DELETE", "/b/k", "s3:DeleteObject", "b/k"),
        ("DELETE", "/b/k?versionId=1", "s3:DeleteObjectVersion", "b/k"),
    ],
)
def test_s3_calls_its_permissions_otherwise(method: str, target: str, action: str, resource: str) -> None:
    assert of_s3(method, target) == [(action, resource)]


def test_s3_requests_can_take_several_permissions() -> None:
    assert of_s3("PUT", "/b/k", {"x-amz-copy-source": "/from/a%20b?versionId=1"}) == [
        ("s3:PutObject", "b/k"),
        ("s3:GetObjectVersion", "from/a b"),
    ]
    assert of_s3("PUT", "/b/k", {"x-amz-tagging": "a=b"}) == [("s3:PutObject", "b/k"), ("s3:PutObjectTagging", "b/k")]
    body = (
        b'<Delete xmlns="x"><Object><Key>a</Key></Object><Object><Key>b</Key><VersionId>1</VersionId></Object></Delete>'
    )
    assert of_s3("POST", "/b?delete", body=body) == [("s3:DeleteObject", "b/a"), ("s3:DeleteObjectVersion", "b/b")]


def test_s3_has_keys_of_its_own() -> None:
    listing = actions.of_s3(s3.Asked.read("GET", "/b", "prefix=p/&delimiter=/", {}, b""), Known())
    tagged = actions.of_s3(s3.Asked.read("GET", "/b/tagged", "", {}, b""), Known())
    assert [dict(permission.keys) for permission in (*listing, *tagged)] == [
        {"s3:prefix": ("p/",), "s3:delimiter": ("/",)},
        {"s3:existingobjecttag/kind": ("template",)},
    ]


def test_invoking_an_endpoint_is_an_action_of_sagemaker() -> None:
    arn = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:endpoint/e"
    assert actions.of_invocation({"EndpointName": "e"}, PLACE) == [actions.Needed("sagemaker:InvokeEndpoint", arn, {})]


def test_who_one_is_can_always_be_asked() -> None:
    assert needed("sts", "GetCallerIdentity") == []
