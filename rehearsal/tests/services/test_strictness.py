"""Steps 1 to 10: requests that AWS rejects for their form, a limit or existing resources are rejected here too.

Each row is a request that a boto3 client sends unchanged (its own validation is off), with the error code that AWS
documents: in the service model's errors of the operation, or in the service's list of errors for any operation, which
is below. `$name` stands for a name in the account of `strictness.py`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from sagemaker_rehearsal.account import account
from sagemaker_rehearsal.server import protocols
from tests.services.strictness import (
    ACCOUNT,
    ALLOW,
    APPROVE,
    BUCKET,
    REGION,
    ROLE,
    SCALABLE,
    SOURCE,
    TOPIC,
    TRUST,
    Account,
    action,
    alarm,
    definition,
    function,
    pipeline,
    project,
    schedule,
    serverless,
    template,
)

Row = tuple[str, dict[str, Any], str]
NONE = "0123456789" * 4
ABSENT_ROLE = f"arn:aws:iam::{ACCOUNT}:role/nobody"
CSV = {"ContentType": "text/csv", "Body": b"39\n"}
WHERE = {"CreateBucketConfiguration": {"LocationConstraint": REGION}}
CONTAINER = {"Image": "image", "ModelDataUrl": f"s3://{BUCKET}/none.tar.gz"}
RESOURCES = {f"Topic{number}": {"Type": "AWS::SNS::Topic"} for number in range(501)}
PARAMETERS = {f"Name{number}": {"Type": "String", "Default": ""} for number in range(201)}
ROLES: dict[str, Any] = {
    "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": json.loads(TRUST)}}
}
NAMED_ROLES: dict[str, Any] = {
    "Role": {"Type": "AWS::IAM::Role", "Properties": {**ROLES["Role"]["Properties"], "RoleName": "named"}}
}
OUTPUT = {"name": "Code"}
BUILD = action("Build", "Build", "CodeBuild", configuration={"ProjectName": "project"}, inputArtifacts=[OUTPUT])
TRACKING = {
    "TargetValue": 0.7,
    "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantProvisionedConcurrencyUtilization"},
}
DAY = {"StartTime": "2026-01-01T00:00:00Z", "EndTime": "2026-01-02T00:00:00Z"}
METRIC = {"Namespace": "AWS/SageMaker", "MetricName": "Invocations", "Statistics": ["Sum"]}


def stack(body: str = TOPIC, **more: object) -> dict[str, Any]:
    return {"StackName": "new", "TemplateBody": body, **more}


def changes(name: str = "new", **more: object) -> dict[str, Any]:
    return {"StackName": "stack", "ChangeSetName": name, "TemplateBody": template(Description="new"), **more}


def role(**more: object) -> dict[str, Any]:
    return {"RoleName": "new", "AssumeRolePolicyDocument": TRUST, **more}


def session(**more: object) -> dict[str, Any]:
    return {"RoleArn": ROLE, "RoleSessionName": "session", **more}


def steps(**more: object) -> dict[str, Any]:
    return {
        "PipelineName": "new",
        "PipelineDefinition": definition(),
        "ClientRequestToken": "n" * 32,
        "RoleArn": ROLE,
        **more,
    }


def commit(**more: object) -> dict[str, Any]:
    file = {"filePath": "a", "fileContent": b"a\n"}
    return {
        "repositoryName": "repository",
        "branchName": "main",
        "parentCommitId": "$commit",
        "putFiles": [file],
        **more,
    }


def sized(*variants: dict[str, Any]) -> dict[str, Any]:
    return {"EndpointConfigName": "new", "ProductionVariants": list(variants)}


def part(tags: int) -> list[dict[str, str]]:
    return [{"Key": f"key{number}", "Value": ""} for number in range(tags)]


# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
S3: list[Row] = [
    ("create_bucket", {"Bucket": BUCKET, **WHERE}, "BucketAlreadyOwnedByYou"),
    ("create_bucket", {"Bucket": "Bad_Bucket", **WHERE}, "InvalidBucketName"),
    ("create_bucket", {"Bucket": "ab", **WHERE}, "InvalidBucketName"),
    ("create_bucket", {"Bucket": "a" * 64, **WHERE}, "InvalidBucketName"),
    ("create_bucket", {"Bucket": "192.168.0.1", **WHERE}, "InvalidBucketName"),
    ("create_bucket", {"Bucket": "two..dots", **WHERE}, "InvalidBucketName"),
    ("create_bucket", {"Bucket": "xn--bucket", **WHERE}, "InvalidBucketName"),
    ("create_bucket", {"Bucket": "bucket-s3alias", **WHERE}, "InvalidBucketName"),
    ("create_bucket", {"Bucket": "elsewhere"}, "IllegalLocationConstraintException"),
    ("head_bucket", {"Bucket": "no-such-bucket"}, "404"),
    ("list_objects_v2", {"Bucket": "no-such-bucket"}, "NoSuchBucket"),
    ("put_object", {"Bucket": "no-such-bucket", "Key": "a", "Body": b""}, "NoSuchBucket"),
    ("delete_bucket", {"Bucket": "no-such-bucket"}, "NoSuchBucket"),
    ("delete_bucket", {"Bucket": BUCKET}, "BucketNotEmpty"),
    ("get_object", {"Bucket": BUCKET, "Key": "none"}, "NoSuchKey"),
    ("head_object", {"Bucket": BUCKET, "Key": "none"}, "404"),
    ("copy_object", {"Bucket": BUCKET, "Key": "copy", "CopySource": f"{BUCKET}/none"}, "NoSuchKey"),
    ("get_object", {"Bucket": BUCKET, "Key": "text", "VersionId": "A" * 32}, "NoSuchVersion"),
    ("get_object", {"Bucket": BUCKET, "Key": "text", "Range": "bytes=99-"}, "InvalidRange"),
    ("put_object", {"Bucket": BUCKET, "Key": "a" * 1025, "Body": b""}, "KeyTooLongError"),
    ("put_object", {"Bucket": BUCKET, "Key": "a", "Metadata": {"a": "b" * 2048}}, "MetadataTooLarge"),
    ("put_object", {"Bucket": BUCKET, "Key": "a", "Body": b"a", "ContentMD5": "a"}, "InvalidDigest"),
    ("put_object", {"Bucket": BUCKET, "Key": "a", "ContentMD5": "1B2M2Y8AsgTpgAmY7PhCfg==", "Body": b"a"}, "BadDigest"),
    ("put_object", {"Bucket": BUCKET, "Key": "text", "Body": b"b", "IfNoneMatch": "*"}, "PreconditionFailed"),
    (
        "put_object_tagging",
        {"Bucket": BUCKET, "Key": "text", "Tagging": {"TagSet": [{"Key": "aws:a", "Value": ""}]}},
        "InvalidTag",
    ),
    ("get_bucket_policy", {"Bucket": BUCKET}, "NoSuchBucketPolicy"),
    ("put_bucket_policy", {"Bucket": BUCKET, "Policy": "{"}, "MalformedPolicy"),
    ("put_bucket_policy", {"Bucket": BUCKET, "Policy": ALLOW}, "MalformedPolicy"),
    ("get_bucket_lifecycle_configuration", {"Bucket": BUCKET}, "NoSuchLifecycleConfiguration"),
    ("get_bucket_tagging", {"Bucket": BUCKET}, "NoSuchTagSet"),
    ("put_bucket_versioning", {"Bucket": BUCKET, "VersioningConfiguration": {"Status": "On"}}, "MalformedXML"),
    (
        "put_bucket_lifecycle_configuration",
        {
            "Bucket": BUCKET,
            "LifecycleConfiguration": {
                "Rules": [{"Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 0}}]
            },
        },
        "InvalidArgument",
    ),
    ("abort_multipart_upload", {"Bucket": BUCKET, "Key": "a", "UploadId": "none"}, "NoSuchUpload"),
]
# https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
IAM: list[Row] = [
    ("create_role", role(RoleName="everybody"), "EntityAlreadyExists"),
    ("create_role", role(RoleName="a" * 65), "ValidationError"),
    ("create_role", role(RoleName="a b"), "ValidationError"),
    ("create_role", role(Description="a" * 1001), "ValidationError"),
    ("create_role", role(MaxSessionDuration=60), "ValidationError"),
    ("create_role", role(Tags=part(51)), "ValidationError"),
    ("create_role", role(Tags=part(1) * 2), "InvalidInput"),
    ("create_role", role(AssumeRolePolicyDocument="{"), "MalformedPolicyDocument"),
    ("create_role", role(AssumeRolePolicyDocument=ALLOW), "MalformedPolicyDocument"),
    (
        "put_role_permissions_boundary",
        {"RoleName": "everybody", "PermissionsBoundary": f"arn:aws:iam::{ACCOUNT}:policy/none"},
        "NoSuchEntity",
    ),
    ("get_role", {"RoleName": "nobody"}, "NoSuchEntity"),
    ("delete_role", {"RoleName": "everybody"}, "DeleteConflict"),
    ("delete_role", {"RoleName": "attached"}, "DeleteConflict"),
    ("get_role_policy", {"RoleName": "everybody", "PolicyName": "none"}, "NoSuchEntity"),
    ("put_role_policy", {"RoleName": "nobody", "PolicyName": "a", "PolicyDocument": ALLOW}, "NoSuchEntity"),
    (
        "put_role_policy",
        {"RoleName": "everybody", "PolicyName": "a", "PolicyDocument": "{}"},
        "MalformedPolicyDocument",
    ),
    (
        "put_role_policy",
        {
            "RoleName": "everybody",
            "PolicyName": "a",
            "PolicyDocument": ALLOW.replace('"*"', '"arn:aws:s3:::' + "a" * 10240 + '"'),
        },
        "LimitExceeded",
    ),
    ("create_policy", {"PolicyName": "policy", "PolicyDocument": ALLOW}, "EntityAlreadyExists"),
    (
        "create_policy",
        {"PolicyName": "long", "PolicyDocument": ALLOW.replace('"*"', '"arn:aws:s3:::' + "a" * 6144 + '"')},
        "LimitExceeded",
    ),
    ("create_policy", {"PolicyName": "new", "PolicyDocument": TRUST}, "MalformedPolicyDocument"),
    (
        "create_policy_version",
        {"PolicyArn": f"arn:aws:iam::{ACCOUNT}:policy/policy", "PolicyDocument": ALLOW},
        "LimitExceeded",
    ),
    (
        "attach_role_policy",
        {"RoleName": "everybody", "PolicyArn": f"arn:aws:iam::{ACCOUNT}:policy/none"},
        "NoSuchEntity",
    ),
    (
        "attach_role_policy",
        {"RoleName": "attached", "PolicyArn": f"arn:aws:iam::{ACCOUNT}:policy/policy"},
        "LimitExceeded",
    ),
    ("delete_policy", {"PolicyArn": f"arn:aws:iam::{ACCOUNT}:policy/policy-0"}, "DeleteConflict"),
]
# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
# https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
STS: list[Row] = [
    ("assume_role", session(RoleSessionName="a"), "ValidationError"),
    ("assume_role", session(RoleSessionName="a b"), "ValidationError"),
    ("assume_role", session(DurationSeconds=899), "ValidationError"),
    ("assume_role", session(DurationSeconds=7200), "ValidationError"),
    ("assume_role", session(RoleArn="role"), "ValidationError"),
    ("assume_role", session(RoleArn="this-is-no-arn-of-a-role"), "ValidationError"),
    ("assume_role", session(RoleArn=ABSENT_ROLE), "AccessDenied"),
    ("assume_role", session(Policy="{"), "MalformedPolicyDocument"),
]
# https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/CommonErrors.html
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
CLOUDFORMATION: list[Row] = [
    ("create_stack", stack(StackName="stack"), "AlreadyExistsException"),
    ("create_stack", stack(StackName="1stack"), "ValidationError"),
    ("create_stack", stack(StackName="a" * 129), "ValidationError"),
    ("create_stack", {"StackName": "new"}, "ValidationError"),
    ("create_stack", stack(TemplateURL=f"https://{BUCKET}.s3.amazonaws.com/template.json"), "ValidationError"),
    ("create_stack", {"StackName": "new", "TemplateURL": f"https://{BUCKET}.s3.amazonaws.com/none"}, "ValidationError"),
    ("create_stack", stack("{"), "ValidationError"),
    ("create_stack", stack("Resources: [unclosed"), "ValidationError"),
    ("create_stack", stack('{"Resources": {}}'), "ValidationError"),
    ("create_stack", stack(template(Ressources={})), "ValidationError"),
    ("create_stack", stack(template(Resources={"Topic": {"Type": "AWS::SNS::Topik"}})), "ValidationError"),
    ("create_stack", stack(template(Resources={"Topic": {"Properties": {}}})), "ValidationError"),
    ("create_stack", stack(template(Resources={"my-topic": {"Type": "AWS::SNS::Topic"}})), "ValidationError"),
    (
        "create_stack",
        stack(template(Resources={"Topic": {"Type": "AWS::SNS::Topic", "Property": {}}})),
        "ValidationError",
    ),
    (
        "create_stack",
        stack(template(Resources={"Topic": {"Type": "AWS::SNS::Topic", "Condition": "None"}})),
        "ValidationError",
    ),
    (
        "create_stack",
        stack(template(Resources={"Topic": {"Type": "AWS::SNS::Topic", "DependsOn": "None"}})),
        "ValidationError",
    ),
    (
        "create_stack",
        stack(
            template(
                Resources={
                    "A": {"Type": "AWS::SNS::Topic", "DependsOn": "B"},
                    "B": {"Type": "AWS::SNS::Topic", "DependsOn": "A"},
                }
            )
        ),
        "ValidationError",
    ),
    ("create_stack", stack(template(Outputs={"Name": {"Value": {"Ref": "None"}}})), "ValidationError"),
    ("create_stack", stack(template(Outputs={"Name": {}})), "ValidationError"),
    ("create_stack", stack(template(Parameters={"Name": {"Type": "Strings"}})), "ValidationError"),
    ("create_stack", stack(template(Parameters={"Name": {"Type": "String"}})), "ValidationError"),
    ("create_stack", stack(Parameters=[{"ParameterKey": "None", "ParameterValue": ""}]), "ValidationError"),
    (
        "create_stack",
        stack(
            template(Parameters={"Name": {"Type": "String"}}),
            Parameters=[{"ParameterKey": "Name", "ParameterValue": "a" * 4097}],
        ),
        "ValidationError",
    ),
    (
        "create_stack",
        stack(
            template(Parameters={"Name": {"Type": "Number"}}),
            Parameters=[{"ParameterKey": "Name", "ParameterValue": "a"}],
        ),
        "ValidationError",
    ),
    (
        "create_stack",
        stack(
            template(Parameters={"Name": {"Type": "String", "AllowedValues": ["a"]}}),
            Parameters=[{"ParameterKey": "Name", "ParameterValue": "b"}],
        ),
        "ValidationError",
    ),
    ("create_stack", stack(template(Parameters=PARAMETERS)), "ValidationError"),
    ("create_stack", stack(template(Resources=RESOURCES)), "ValidationError"),
    ("create_stack", stack(template(Description="a" * 1025)), "ValidationError"),
    ("create_stack", stack(template(Metadata={"Text": "a" * 51_200})), "ValidationError"),
    ("create_stack", stack(template(Resources=ROLES)), "InsufficientCapabilitiesException"),
    (
        "create_stack",
        stack(template(Resources=NAMED_ROLES), Capabilities=["CAPABILITY_IAM"]),
        "InsufficientCapabilitiesException",
    ),
    ("create_stack", stack(Capabilities=["CAPABILITY_ALL"]), "ValidationError"),
    ("create_stack", stack(OnFailure="DELETE", DisableRollback=True), "ValidationError"),
    ("create_stack", stack(Tags=part(51)), "ValidationError"),
    ("update_stack", stack(StackName="none"), "ValidationError"),
    ("update_stack", stack(StackName="stack"), "ValidationError"),
    ("delete_stack", {"StackName": "stack"}, "ValidationError"),
    ("describe_stacks", {"StackName": "none"}, "ValidationError"),
    ("describe_stack_events", {"StackName": "none"}, "ValidationError"),
    ("describe_stack_resource", {"StackName": "stack", "LogicalResourceId": "None"}, "ValidationError"),
    ("describe_stack_resources", {"StackName": "none"}, "ValidationError"),
    ("list_stack_resources", {"StackName": "none"}, "ValidationError"),
    ("get_template", {"StackName": "none"}, "ValidationError"),
    ("validate_template", {"TemplateBody": "{"}, "ValidationError"),
    ("create_change_set", changes("waiting"), "AlreadyExistsException"),
    ("create_change_set", changes(StackName="none"), "ValidationError"),
    ("create_change_set", changes(ChangeSetType="CREATE"), "ValidationError"),
    ("create_change_set", changes("1changes"), "ValidationError"),
    ("describe_change_set", {"StackName": "stack", "ChangeSetName": "none"}, "ChangeSetNotFound"),
    ("describe_change_set", {"ChangeSetName": "waiting"}, "ValidationError"),
    ("execute_change_set", {"StackName": "stack", "ChangeSetName": "none"}, "ChangeSetNotFound"),
    ("execute_change_set", {"ChangeSetName": "$unchanged"}, "InvalidChangeSetStatus"),
    ("list_change_sets", {"StackName": "none"}, "ValidationError"),
]
# https://docs.aws.amazon.com/servicecatalog/latest/dg/API_Operations.html
# https://docs.aws.amazon.com/servicecatalog/latest/dg/CommonErrors.html
LAUNCH = {"PortfolioId": "$portfolio", "ProductId": "$product", "Type": "LAUNCH", "IdempotencyToken": "new"}
PROVISION = {"ProvisionedProductName": "new", "ProvisionToken": "new"}
VERSION = {"ProductId": "$product", "IdempotencyToken": "new"}
SERVICECATALOG: list[Row] = [
    ("describe_portfolio", {"Id": "port-none"}, "ResourceNotFoundException"),
    ("delete_portfolio", {"Id": "$portfolio"}, "ResourceInUseException"),
    (
        "create_portfolio",
        {"DisplayName": "a" * 101, "ProviderName": "a", "IdempotencyToken": "new"},
        "ValidationException",
    ),
    ("describe_product", {"Id": "prod-none"}, "ResourceNotFoundException"),
    ("describe_product_as_admin", {}, "InvalidParametersException"),
    ("delete_product", {"Id": "$product"}, "ResourceInUseException"),
    ("create_constraint", {**LAUNCH, "Parameters": json.dumps({"RoleArn": ROLE})}, "DuplicateResourceException"),
    (
        "create_constraint",
        {**LAUNCH, "Parameters": json.dumps({"RoleArn": ROLE}), "PortfolioId": "$empty"},
        "ResourceNotFoundException",
    ),
    ("create_constraint", {**LAUNCH, "Parameters": "{"}, "InvalidParametersException"),
    ("create_constraint", {**LAUNCH, "Parameters": "{}", "Type": "LUNCH"}, "InvalidParametersException"),
    ("describe_constraint", {"Id": "cons-none"}, "ResourceNotFoundException"),
    (
        "disassociate_product_from_portfolio",
        {"ProductId": "$product", "PortfolioId": "$portfolio"},
        "ResourceInUseException",
    ),
    (
        "associate_principal_with_portfolio",
        {"PortfolioId": "$portfolio", "PrincipalARN": "me", "PrincipalType": "IAM"},
        "InvalidParametersException",
    ),
    (
        "associate_principal_with_portfolio",
        {"PortfolioId": "$portfolio", "PrincipalARN": ROLE, "PrincipalType": "ROLE"},
        "ValidationException",
    ),
    (
        "create_provisioning_artifact",
        {**VERSION, "Parameters": {"Info": {"LoadTemplateFromURL": f"https://{BUCKET}.s3.amazonaws.com/broken.json"}}},
        "InvalidParametersException",
    ),
    (
        "delete_provisioning_artifact",
        {"ProductId": "$product", "ProvisioningArtifactId": "$version"},
        "ResourceInUseException",
    ),
    (
        "describe_provisioning_artifact",
        {"ProductId": "$product", "ProvisioningArtifactId": "pa-none"},
        "ResourceNotFoundException",
    ),
    (
        "provision_product",
        {**PROVISION, "ProductId": "prod-none", "ProvisioningArtifactId": "pa-none"},
        "ResourceNotFoundException",
    ),
    ("provision_product", {**PROVISION, "ProductId": "$product"}, "InvalidParametersException"),
    (
        "provision_product",
        {**PROVISION, "ProductId": "$product", "ProvisioningArtifactId": "$version", "ProvisionedProductName": "a b"},
        "ValidationException",
    ),
    (
        "terminate_provisioned_product",
        {"ProvisionedProductId": "pp-none", "TerminateToken": "new"},
        "ResourceNotFoundException",
    ),
    (
        "update_provisioned_product",
        {"ProvisionedProductId": "pp-none", "UpdateToken": "new"},
        "ResourceNotFoundException",
    ),
    ("describe_provisioned_product", {"Id": "pp-none"}, "ResourceNotFoundException"),
    ("describe_record", {"Id": "rec-none"}, "ResourceNotFoundException"),
]
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/CommonErrors.html
# https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html
# For most absent resources the error is ValidationException, or ResourceNotFound where the operation's page lists it;
# for jobs it is the former against its page: generator.yaml of aws-controllers-k8s/sagemaker-controller
PROJECT = {
    "CfnTemplateProvider": {"TemplateName": "a", "TemplateURL": f"https://{BUCKET}.s3.amazonaws.com/project.json"}
}
SAGEMAKER: list[Row] = [
    ("create_pipeline", steps(PipelineName="training"), "ValidationException"),
    ("create_pipeline", steps(PipelineName="a_b"), "ValidationException"),
    ("create_pipeline", steps(PipelineDefinition="{"), "ValidationException"),
    (
        "create_pipeline",
        steps(PipelineDefinition=definition(Steps=[{"Name": "Stop", "Type": "Stop"}])),
        "ValidationException",
    ),
    (
        "create_pipeline",
        steps(
            PipelineDefinition=definition(
                Steps=[{"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": {"Get": "Parameters.None"}}}]
            )
        ),
        "ValidationException",
    ),
    ("create_pipeline", steps(PipelineDefinition=definition(Text="a" * 1_048_576)), "ValidationException"),
    ("create_pipeline", steps(PipelineDefinition=None), "ValidationException"),
    ("create_pipeline", steps(ClientRequestToken="short"), "ValidationException"),
    ("update_pipeline", {"PipelineName": "none", "PipelineDefinition": definition()}, "ResourceNotFound"),
    ("describe_pipeline", {"PipelineName": "none"}, "ResourceNotFound"),
    ("delete_pipeline", {"PipelineName": "none", "ClientRequestToken": "n" * 32}, "ResourceNotFound"),
    ("start_pipeline_execution", {"PipelineName": "none", "ClientRequestToken": "n" * 32}, "ResourceNotFound"),
    ("start_pipeline_execution", {"PipelineName": "training", "ClientRequestToken": "n" * 32}, "ValidationException"),
    (
        "start_pipeline_execution",
        {
            "PipelineName": "training",
            "ClientRequestToken": "n" * 32,
            "PipelineParameters": [{"Name": "Input", "Value": "a"}, {"Name": "None", "Value": "a"}],
        },
        "ValidationException",
    ),
    (
        "start_pipeline_execution",
        {
            "PipelineName": "training",
            "ClientRequestToken": "n" * 32,
            "PipelineParameters": [{"Name": "Input", "Value": "a"}, {"Name": "Rate", "Value": "a"}],
        },
        "ValidationException",
    ),
    (
        "describe_pipeline_execution",
        {"PipelineExecutionArn": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:pipeline/training/execution/0123456789ab"},
        "ResourceNotFound",
    ),
    ("create_model_package_group", {"ModelPackageGroupName": "group"}, "ValidationException"),
    ("create_model_package_group", {"ModelPackageGroupName": "a_b"}, "ValidationException"),
    ("delete_model_package_group", {"ModelPackageGroupName": "group"}, "ConflictException"),
    ("delete_model_package_group", {"ModelPackageGroupName": "none"}, "ValidationException"),
    ("describe_model_package_group", {"ModelPackageGroupName": "none"}, "ValidationException"),
    ("create_model_package", {"ModelPackageGroupName": "none"}, "ValidationException"),
    (
        "create_model_package",
        {"ModelPackageGroupName": "group", "ModelApprovalStatus": "Accepted"},
        "ValidationException",
    ),
    ("update_model_package", {"ModelPackageArn": "$package", "ModelApprovalStatus": "Accepted"}, "ValidationException"),
    (
        "update_model_package",
        {
            "ModelPackageArn": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package/group/9",
            "ModelApprovalStatus": "Approved",
        },
        "ValidationException",
    ),
    (
        "describe_model_package",
        {"ModelPackageName": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package/group/9"},
        "ValidationException",
    ),
    (
        "delete_model_package",
        {"ModelPackageName": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package/group/9"},
        "ValidationException",
    ),
    (
        "create_model",
        {"ModelName": "model", "ExecutionRoleArn": ROLE, "PrimaryContainer": {"ModelPackageName": "$package"}},
        "ValidationException",
    ),
    (
        "create_model",
        {"ModelName": "new", "ExecutionRoleArn": ROLE, "PrimaryContainer": {"ModelPackageName": "$package"}},
        "ValidationException",
    ),
    (
        "create_model",
        {"ModelName": "new", "ExecutionRoleArn": ROLE, "PrimaryContainer": CONTAINER},
        "ValidationException",
    ),
    (
        "create_model",
        {"ModelName": "a" * 64, "ExecutionRoleArn": ROLE, "PrimaryContainer": CONTAINER},
        "ValidationException",
    ),
    ("describe_model", {"ModelName": "none"}, "ValidationException"),
    ("delete_model", {"ModelName": "none"}, "ValidationException"),
    ("create_endpoint_config", sized(serverless(MemorySizeInMB=1536)), "ValidationException"),
    ("create_endpoint_config", sized(serverless(MemorySizeInMB=7168)), "ValidationException"),
    ("create_endpoint_config", sized(serverless(MaxConcurrency=201)), "ValidationException"),
    ("create_endpoint_config", sized(serverless(ProvisionedConcurrency=6)), "ValidationException"),
    ("create_endpoint_config", sized(serverless("none")), "ValidationException"),
    ("create_endpoint_config", sized(serverless(), {**serverless(), "VariantName": "Other"}), "ValidationException"),
    (
        "create_endpoint_config",
        {"EndpointConfigName": "config", "ProductionVariants": [serverless()]},
        "ValidationException",
    ),
    ("describe_endpoint_config", {"EndpointConfigName": "none"}, "ValidationException"),
    ("delete_endpoint_config", {"EndpointConfigName": "none"}, "ValidationException"),
    ("create_endpoint", {"EndpointName": "new", "EndpointConfigName": "none"}, "ValidationException"),
    ("create_endpoint", {"EndpointName": "endpoint", "EndpointConfigName": "config"}, "ValidationException"),
    ("update_endpoint", {"EndpointName": "none", "EndpointConfigName": "config"}, "ValidationException"),
    ("describe_endpoint", {"EndpointName": "none"}, "ValidationException"),
    ("delete_endpoint", {"EndpointName": "none"}, "ValidationException"),
    ("describe_processing_job", {"ProcessingJobName": "none"}, "ValidationException"),
    ("describe_transform_job", {"TransformJobName": "none"}, "ValidationException"),
    ("describe_auto_ml_job", {"AutoMLJobName": "none"}, "ResourceNotFound"),
    ("create_project", {"ProjectName": "adult", "TemplateProviders": [PROJECT]}, "ValidationException"),
    ("create_project", {"ProjectName": "a" * 33, "TemplateProviders": [PROJECT]}, "ValidationException"),
    ("create_project", {"ProjectName": "new"}, "ValidationException"),
    ("describe_project", {"ProjectName": "none"}, "ValidationException"),
    ("delete_project", {"ProjectName": "none"}, "ValidationException"),
    (
        "create_code_repository",
        {"CodeRepositoryName": "code", "GitConfig": {"RepositoryUrl": "https://github.com/owner/code"}},
        "ValidationException",
    ),
    ("describe_code_repository", {"CodeRepositoryName": "none"}, "ValidationException"),
]
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
# Over 4 MB: "ValidationError: Request ... has oversize body", aws/sagemaker-python-sdk issue 4271
RUNTIME: list[Row] = [
    ("invoke_endpoint", {"EndpointName": "none", **CSV}, "ValidationError"),
    ("invoke_endpoint", {"EndpointName": "-bad", **CSV}, "ValidationError"),
    ("invoke_endpoint", {"EndpointName": "a" * 64, **CSV}, "ValidationError"),
    ("invoke_endpoint", {"EndpointName": "endpoint", **CSV, "Body": bytes(4 * 2**20 + 1)}, "ValidationError"),
    ("invoke_endpoint", {"EndpointName": "endpoint", **CSV, "TargetVariant": "Other"}, "ValidationError"),
    ("invoke_endpoint", {"EndpointName": "endpoint", **CSV, "CustomAttributes": "a" * 1025}, "ValidationError"),
    ("invoke_endpoint", {"EndpointName": "endpoint", **CSV, "ContentType": "a" * 1025}, "ValidationError"),
    ("invoke_endpoint", {"EndpointName": "endpoint", **CSV, "ContentType": "image/png"}, "ModelError"),
    ("invoke_endpoint", {"EndpointName": "endpoint", **CSV, "Body": b"39,1,2\n"}, "ModelError"),
]
# https://docs.aws.amazon.com/codecommit/latest/APIReference/API_Operations.html; test_codecommit_commits.py has more
CODECOMMIT: list[Row] = [
    ("create_repository", {"repositoryName": "repository"}, "RepositoryNameExistsException"),
    ("create_repository", {"repositoryName": "a.git"}, "InvalidRepositoryNameException"),
    ("get_repository", {"repositoryName": "none"}, "RepositoryDoesNotExistException"),
    ("get_repository", {}, "RepositoryNameRequiredException"),
    ("get_branch", {"repositoryName": "repository", "branchName": "none"}, "BranchDoesNotExistException"),
    ("delete_branch", {"repositoryName": "repository", "branchName": "main"}, "DefaultBranchCannotBeDeletedException"),
    ("get_commit", {"repositoryName": "repository", "commitId": NONE}, "CommitIdDoesNotExistException"),
    ("get_file", {"repositoryName": "repository", "filePath": "none"}, "FileDoesNotExistException"),
    ("create_commit", commit(parentCommitId=NONE), "ParentCommitDoesNotExistException"),
    ("create_commit", commit(putFiles=[]), "FileEntryRequiredException"),
    ("create_commit", commit(putFiles=[{"filePath": "README.md", "fileContent": b"read\n"}]), "NoChangeException"),
    (
        "create_commit",
        commit(putFiles=[{"filePath": f"f{number}", "fileContent": b"a"} for number in range(101)]),
        "MaximumFileEntriesExceededException",
    ),
    ("create_commit", commit(putFiles=[{"filePath": "a/../b", "fileContent": b"a"}]), "InvalidPathException"),
    ("create_commit", commit(commitMessage="a" * (256 * 1024 + 1)), "CommitMessageLengthExceededException"),
]
# https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_Operations.html
# https://docs.aws.amazon.com/codepipeline/latest/userguide/limits.html
APPROVAL = {
    "pipelineName": "pipeline",
    "stageName": "Approve",
    "actionName": "Approve",
    "token": "01234567-89ab-cdef-0123-456789abcdef",
}
ANSWER = {"result": {"summary": "", "status": "Approved"}}
MOVES = {"pipelineName": "pipeline", "transitionType": "Inbound", "reason": "a"}
PIPE_ARN = f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:"
CODEPIPELINE: list[Row] = [
    ("create_pipeline", {"pipeline": pipeline(name="pipeline")}, "PipelineNameInUseException"),
    ("create_pipeline", {"pipeline": pipeline(name="a b")}, "ValidationException"),
    ("create_pipeline", {"pipeline": pipeline(name="a" * 101)}, "ValidationException"),
    ("create_pipeline", {"pipeline": pipeline(stages=[SOURCE])}, "InvalidStructureException"),
    ("create_pipeline", {"pipeline": pipeline(stages=[APPROVE, SOURCE])}, "InvalidStructureException"),
    ("create_pipeline", {"pipeline": pipeline(roleArn=ABSENT_ROLE)}, "InvalidStructureException"),
    ("create_pipeline", {"pipeline": pipeline(APPROVE, APPROVE)}, "InvalidStageDeclarationException"),
    (
        "create_pipeline",
        {"pipeline": pipeline({**APPROVE, "actions": APPROVE["actions"] * 2})},
        "InvalidActionDeclarationException",
    ),
    (
        "create_pipeline",
        {"pipeline": pipeline({"name": "Build", "actions": [{**BUILD, "inputArtifacts": [{"name": "None"}]}]})},
        "InvalidActionDeclarationException",
    ),
    (
        "create_pipeline",
        {"pipeline": pipeline({"name": "Build", "actions": [{**BUILD, "configuration": {}}]})},
        "InvalidActionDeclarationException",
    ),
    (
        "create_pipeline",
        {"pipeline": pipeline(*({**APPROVE, "name": f"Approve{number}"} for number in range(50)))},
        "LimitExceededException",
    ),
    ("create_pipeline", {"pipeline": pipeline(), "tags": [{"key": "aws:a", "value": ""}]}, "InvalidTagsException"),
    (
        "create_pipeline",
        {"pipeline": pipeline(), "tags": [{"key": f"k{number}", "value": ""} for number in range(51)]},
        "TooManyTagsException",
    ),
    ("get_pipeline", {"name": "none"}, "PipelineNotFoundException"),
    ("get_pipeline", {"name": "pipeline", "version": 9}, "PipelineNotFoundException"),
    ("get_pipeline_state", {"name": "none"}, "PipelineNotFoundException"),
    ("start_pipeline_execution", {"name": "none"}, "PipelineNotFoundException"),
    (
        "start_pipeline_execution",
        {"name": "pipeline", "variables": [{"name": "None", "value": "a"}]},
        "ValidationException",
    ),
    (
        "get_pipeline_execution",
        {"pipelineName": "pipeline", "pipelineExecutionId": "01234567-89ab-cdef-0123-456789abcdef"},
        "PipelineExecutionNotFoundException",
    ),
    ("put_approval_result", {**APPROVAL, **ANSWER, "pipelineName": "none"}, "PipelineNotFoundException"),
    ("put_approval_result", {**APPROVAL, **ANSWER, "stageName": "None"}, "StageNotFoundException"),
    ("put_approval_result", {**APPROVAL, **ANSWER, "actionName": "None"}, "ActionNotFoundException"),
    ("put_approval_result", {**APPROVAL, **ANSWER}, "InvalidApprovalTokenException"),
    ("put_approval_result", {**APPROVAL, "result": {"summary": "", "status": "Accepted"}}, "ValidationException"),
    ("disable_stage_transition", {**MOVES, "stageName": "None"}, "StageNotFoundException"),
    ("list_pipelines", {"nextToken": "x"}, "InvalidNextTokenException"),
    ("tag_resource", {"resourceArn": PIPE_ARN + "none", "tags": []}, "ResourceNotFoundException"),
]
# https://docs.aws.amazon.com/codebuild/latest/APIReference/API_Operations.html
CODEBUILD: list[Row] = [
    ("create_project", project(name="project"), "ResourceAlreadyExistsException"),
    ("create_project", project(serviceRole=ABSENT_ROLE), "InvalidInputException"),
    ("create_project", project(artifacts={"type": "NO_ARTIFACTS"}), "InvalidInputException"),
    (
        "create_project",
        project(source={"type": "CODECOMMIT"}, artifacts={"type": "NO_ARTIFACTS"}),
        "InvalidInputException",
    ),
    (
        "create_project",
        project(source={"type": "NO_SOURCE"}, artifacts={"type": "NO_ARTIFACTS"}),
        "InvalidInputException",
    ),
    ("update_project", project(name="none"), "ResourceNotFoundException"),
    ("start_build", {"projectName": "none"}, "ResourceNotFoundException"),
    ("start_build", {"projectName": "project"}, "InvalidInputException"),
    ("stop_build", {"id": "project:01234567-89ab-cdef-0123-456789abcdef"}, "ResourceNotFoundException"),
    ("list_builds_for_project", {"projectName": "none"}, "ResourceNotFoundException"),
]
# https://docs.aws.amazon.com/lambda/latest/api/API_Operations.html
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
ADDED = {"StatementId": "events", "Action": "lambda:InvokeFunction", "Principal": "events.amazonaws.com"}
LAMBDA: list[Row] = [
    ("create_function", function(FunctionName="function"), "ResourceConflictException"),
    ("create_function", function(FunctionName="a b"), "ValidationException"),
    ("create_function", function(Timeout=901), "ValidationException"),
    ("create_function", function(MemorySize=127), "ValidationException"),
    ("create_function", function(MemorySize=10241), "ValidationException"),
    ("create_function", function(Handler="a" * 129), "ValidationException"),
    ("create_function", function(Runtime="python9"), "InvalidParameterValueException"),
    ("create_function", function(Runtime="python3.7"), "InvalidParameterValueException"),
    ("create_function", function(Role=ABSENT_ROLE), "InvalidParameterValueException"),
    ("create_function", function(Role="role"), "ValidationException"),
    ("create_function", function(Code={"S3Bucket": BUCKET, "S3Key": "none"}), "InvalidParameterValueException"),
    ("create_function", function(Code={"S3Bucket": BUCKET, "S3Key": "text"}), "InvalidParameterValueException"),
    ("create_function", function(Environment={"Variables": {"AWS_REGION": "a"}}), "InvalidParameterValueException"),
    ("create_function", function(Environment={"Variables": {"AB": "a" * 4096}}), "InvalidParameterValueException"),
    ("create_function", function(Environment={"Variables": {"A-B": "a"}}), "ValidationException"),
    ("get_function", {"FunctionName": "none"}, "ResourceNotFoundException"),
    ("delete_function", {"FunctionName": "none"}, "ResourceNotFoundException"),
    (
        "update_function_configuration",
        {"FunctionName": "function", "RevisionId": "none"},
        "PreconditionFailedException",
    ),
    ("add_permission", {"FunctionName": "function", **ADDED}, "ResourceConflictException"),
    ("add_permission", {"FunctionName": "none", **ADDED}, "ResourceNotFoundException"),
    ("remove_permission", {"FunctionName": "function", "StatementId": "none"}, "ResourceNotFoundException"),
    ("invoke", {"FunctionName": "none"}, "ResourceNotFoundException"),
    ("invoke", {"FunctionName": "function", "Payload": b"{"}, "InvalidRequestContentException"),
    ("invoke", {"FunctionName": "function", "InvocationType": "Later"}, "ValidationException"),
    (
        "put_function_event_invoke_config",
        {"FunctionName": "function", "MaximumRetryAttempts": 3},
        "ValidationException",
    ),
    ("get_function_event_invoke_config", {"FunctionName": "function"}, "ResourceNotFoundException"),
]
# https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_Operations.html
# https://docs.aws.amazon.com/eventbridge/latest/APIReference/CommonErrors.html
ENTRY = {"Source": "a", "DetailType": "a", "Detail": "{}"}
EVENT = json.dumps({key: "a" for key in ("id", "account", "source", "time", "region", "detail-type")})
TARGETS = [{"Id": str(number), "Arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:function"} for number in range(2, 8)]
EVENTS: list[Row] = [
    ("put_rule", {"Name": "new"}, "ValidationException"),
    ("put_rule", {"Name": "a b", "EventPattern": '{"source": ["a"]}'}, "ValidationException"),
    ("put_rule", {"Name": "a" * 65, "EventPattern": '{"source": ["a"]}'}, "ValidationException"),
    ("put_rule", {"Name": "new", "EventPattern": "{"}, "InvalidEventPatternException"),
    ("put_rule", {"Name": "new", "EventPattern": '{"source": "a"}'}, "InvalidEventPatternException"),
    ("put_rule", {"Name": "new", "EventPattern": '{"source": [{"begins": "a"}]}'}, "InvalidEventPatternException"),
    ("put_rule", {"Name": "new", "ScheduleExpression": "rate(1 days)"}, "ValidationException"),
    ("put_rule", {"Name": "new", "ScheduleExpression": "every day"}, "ValidationException"),
    (
        "put_rule",
        {"Name": "new", "EventPattern": '{"source": ["a"]}', "EventBusName": "none"},
        "ResourceNotFoundException",
    ),
    ("describe_rule", {"Name": "none"}, "ResourceNotFoundException"),
    ("delete_rule", {"Name": "rule"}, "ValidationException"),
    ("put_targets", {"Rule": "none", "Targets": TARGETS[:1]}, "ResourceNotFoundException"),
    ("put_targets", {"Rule": "rule", "Targets": TARGETS}, "LimitExceededException"),
    ("list_targets_by_rule", {"Rule": "none"}, "ResourceNotFoundException"),
    ("put_events", {"Entries": [ENTRY] * 11}, "ValidationException"),
    ("put_events", {"Entries": []}, "ValidationException"),
    ("test_event_pattern", {"EventPattern": "{", "Event": EVENT}, "InvalidEventPatternException"),
    ("test_event_pattern", {"EventPattern": '{"source": ["a"]}', "Event": "{}"}, "ValidationException"),
]
# https://docs.aws.amazon.com/scheduler/latest/APIReference/API_Operations.html
SCHEDULER: list[Row] = [
    ("create_schedule", schedule(Name="schedule"), "ConflictException"),
    ("create_schedule", schedule(Name="a b"), "ValidationException"),
    ("create_schedule", schedule(ScheduleExpression="every day"), "ValidationException"),
    ("create_schedule", schedule(ScheduleExpression="cron(0 0 * * *)"), "ValidationException"),
    ("create_schedule", schedule(ScheduleExpressionTimezone="Nowhere/None"), "ValidationException"),
    ("create_schedule", schedule(FlexibleTimeWindow={"Mode": "FLEXIBLE"}), "ValidationException"),
    ("create_schedule", schedule(Target={"Arn": PIPE_ARN + "pipeline", "RoleArn": ABSENT_ROLE}), "ValidationException"),
    ("create_schedule", schedule(GroupName="none"), "ResourceNotFoundException"),
    ("update_schedule", schedule(Name="none"), "ResourceNotFoundException"),
    ("get_schedule", {"Name": "none"}, "ResourceNotFoundException"),
    ("delete_schedule", {"Name": "none"}, "ResourceNotFoundException"),
]
# https://docs.aws.amazon.com/sns/latest/api/CommonErrors.html
SNS: list[Row] = [
    ("create_topic", {"Name": "a b"}, "InvalidParameter"),
    ("create_topic", {"Name": "a" * 257}, "InvalidParameter"),
    ("create_topic", {"Name": "topic", "Attributes": {"DisplayName": "other"}}, "InvalidParameter"),
    ("get_topic_attributes", {"TopicArn": "${topic}s"}, "NotFound"),
    ("get_topic_attributes", {"TopicArn": "topic"}, "InvalidParameter"),
    ("publish", {"TopicArn": "${topic}s", "Message": "a"}, "NotFound"),
    ("publish", {"TopicArn": "$topic", "Message": ""}, "InvalidParameter"),
    ("publish", {"TopicArn": "$topic", "Message": "a" * (256 * 1024 + 1)}, "InvalidParameter"),
    ("publish", {"TopicArn": "$topic", "Message": "a", "Subject": "a" * 101}, "InvalidParameter"),
    ("subscribe", {"TopicArn": "$topic", "Protocol": "pigeon", "Endpoint": "a"}, "InvalidParameter"),
    ("subscribe", {"TopicArn": "$topic", "Protocol": "email", "Endpoint": "nobody"}, "InvalidParameter"),
    ("subscribe", {"TopicArn": "${topic}s", "Protocol": "email", "Endpoint": "a@example.com"}, "NotFound"),
]
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html
# Codes are those of the query protocol, which boto3 takes from the header x-amzn-query-error
SQS: list[Row] = [
    ("create_queue", {"QueueName": "a b"}, "InvalidParameterValue"),
    ("create_queue", {"QueueName": "a" * 81}, "InvalidParameterValue"),
    ("create_queue", {"QueueName": "queue", "Attributes": {"VisibilityTimeout": "60"}}, "QueueAlreadyExists"),
    ("create_queue", {"QueueName": "new", "Attributes": {"None": "1"}}, "InvalidAttributeName"),
    ("create_queue", {"QueueName": "new", "Attributes": {"VisibilityTimeout": "43201"}}, "InvalidAttributeValue"),
    ("get_queue_url", {"QueueName": "none"}, "AWS.SimpleQueueService.NonExistentQueue"),
    ("send_message", {"QueueUrl": "${queue}s", "MessageBody": "a"}, "AWS.SimpleQueueService.NonExistentQueue"),
    ("send_message", {"QueueUrl": "$queue", "MessageBody": "a" * (2**20 + 1)}, "InvalidParameterValue"),
    ("send_message", {"QueueUrl": "$queue", "MessageBody": "a", "DelaySeconds": 901}, "InvalidParameterValue"),
    ("send_message_batch", {"QueueUrl": "$queue", "Entries": []}, "AWS.SimpleQueueService.EmptyBatchRequest"),
    ("receive_message", {"QueueUrl": "$queue", "MaxNumberOfMessages": 11}, "InvalidParameterValue"),
    ("delete_message", {"QueueUrl": "$queue", "ReceiptHandle": "none"}, "ReceiptHandleIsInvalid"),
]
# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_Operations.html
LOGS: list[Row] = [
    ("create_log_group", {"logGroupName": "group"}, "ResourceAlreadyExistsException"),
    ("create_log_group", {"logGroupName": "a b"}, "InvalidParameterException"),
    ("create_log_group", {"logGroupName": "a" * 513}, "InvalidParameterException"),
    ("create_log_stream", {"logGroupName": "none", "logStreamName": "a"}, "ResourceNotFoundException"),
    ("create_log_stream", {"logGroupName": "group", "logStreamName": "stream"}, "ResourceAlreadyExistsException"),
    ("create_log_stream", {"logGroupName": "group", "logStreamName": "a:b"}, "InvalidParameterException"),
    ("put_retention_policy", {"logGroupName": "group", "retentionInDays": 2}, "InvalidParameterException"),
    ("put_retention_policy", {"logGroupName": "none", "retentionInDays": 7}, "ResourceNotFoundException"),
    (
        "put_log_events",
        {"logGroupName": "group", "logStreamName": "none", "logEvents": [{"timestamp": 1, "message": "a"}]},
        "ResourceNotFoundException",
    ),
    (
        "put_log_events",
        {
            "logGroupName": "group",
            "logStreamName": "stream",
            "logEvents": [{"timestamp": 2, "message": "a"}, {"timestamp": 1, "message": "b"}],
        },
        "InvalidParameterException",
    ),
    ("describe_log_streams", {"logGroupName": "none"}, "ResourceNotFoundException"),
    (
        "get_log_events",
        {"logGroupName": "group", "logStreamName": "stream", "limit": 10001},
        "InvalidParameterException",
    ),
    ("delete_log_group", {"logGroupName": "none"}, "ResourceNotFoundException"),
]
# https://docs.aws.amazon.com/autoscaling/application/APIReference/API_Operations.html
POLICY = {**SCALABLE, "PolicyName": "policy", "PolicyType": "TargetTrackingScaling"}
OTHER = {"ResourceId": "endpoint/none/variant/AllTraffic"}
SCALING: list[Row] = [
    ("register_scalable_target", {**SCALABLE, **OTHER, "MinCapacity": 5, "MaxCapacity": 1}, "ValidationException"),
    ("register_scalable_target", {**SCALABLE, **OTHER}, "ValidationException"),
    (
        "register_scalable_target",
        {**SCALABLE, "ScalableDimension": "sagemaker:variant:Size", "MinCapacity": 1, "MaxCapacity": 2},
        "ValidationException",
    ),
    (
        "register_scalable_target",
        {**SCALABLE, "ScalableDimension": "ecs:service:DesiredCount", "MinCapacity": 1, "MaxCapacity": 2},
        "ValidationException",
    ),
    (
        "register_scalable_target",
        {**SCALABLE, "ResourceId": "none", "MinCapacity": 1, "MaxCapacity": 2},
        "ValidationException",
    ),
    ("deregister_scalable_target", {**SCALABLE, **OTHER}, "ObjectNotFoundException"),
    (
        "put_scaling_policy",
        {**POLICY, **OTHER, "TargetTrackingScalingPolicyConfiguration": TRACKING},
        "ObjectNotFoundException",
    ),
    ("put_scaling_policy", POLICY, "ValidationException"),
    (
        "put_scaling_policy",
        {**POLICY, "PolicyType": "Guessing", "TargetTrackingScalingPolicyConfiguration": TRACKING},
        "ValidationException",
    ),
    ("delete_scaling_policy", {**SCALABLE, "PolicyName": "none"}, "ObjectNotFoundException"),
    ("describe_scaling_policies", {"ServiceNamespace": "sagemaker", "NextToken": "x"}, "InvalidNextTokenException"),
    ("describe_scalable_targets", {"ServiceNamespace": "sage"}, "ValidationException"),
]
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CommonErrors.html
CLOUDWATCH: list[Row] = [
    ("put_metric_alarm", alarm(ComparisonOperator="Greater"), "ValidationError"),
    ("put_metric_alarm", alarm(AlarmName="a" * 256), "ValidationError"),
    ("put_metric_alarm", alarm(EvaluationPeriods=0), "ValidationError"),
    ("put_metric_alarm", alarm(Statistic="Median"), "ValidationError"),
    ("set_alarm_state", {"AlarmName": "none", "StateValue": "OK", "StateReason": "a"}, "ResourceNotFound"),
    ("set_alarm_state", {"AlarmName": "none", "StateValue": "FINE", "StateReason": "a"}, "ValidationError"),
    ("describe_alarms", {"MaxRecords": 101}, "ValidationError"),
    ("get_metric_statistics", {**METRIC, **DAY, "Period": 7}, "InvalidParameterValue"),
    ("get_metric_statistics", {**METRIC, **DAY, "Period": 10}, "InvalidParameterCombination"),
    (
        "get_metric_statistics",
        {**METRIC, "StartTime": DAY["EndTime"], "EndTime": DAY["StartTime"], "Period": 60},
        "InvalidParameterValue",
    ),
    (
        "put_metric_data",
        {"Namespace": "AWS/Own", "MetricData": [{"MetricName": "a", "Value": 1.0}]},
        "InvalidParameterValue",
    ),
    ("get_dashboard", {"DashboardName": "none"}, "ResourceNotFound"),
    ("put_dashboard", {"DashboardName": "new", "DashboardBody": "{"}, "InvalidParameterInput"),
]
TABLE: dict[str, list[Row]] = {
    "s3": S3,
    "iam": IAM,
    "sts": STS,
    "cloudformation": CLOUDFORMATION,
    "servicecatalog": SERVICECATALOG,
    "sagemaker": SAGEMAKER,
    "codecommit": CODECOMMIT,
    "codepipeline": CODEPIPELINE,
    "codebuild": CODEBUILD,
    "lambda": LAMBDA,
    "events": EVENTS,
    "scheduler": SCHEDULER,
    "sns": SNS,
    "sqs": SQS,
    "logs": LOGS,
    "application-autoscaling": SCALING,
    "cloudwatch": CLOUDWATCH,
    "sagemaker-runtime": RUNTIME,  # last, so that its endpoint has started by then
}
# Error codes of any operation, by the pages above; all others are in the operation's service model
COMMON: dict[str, set[str]] = {
    "s3": {code for _, _, code in S3},  # botocore's model has a few of them; ErrorResponses.html has all
    "iam": {"ValidationError"},
    "sts": {"AccessDenied", "ValidationError"},
    "cloudformation": {"ValidationError"},
    "sns": {"InvalidParameter"},
    "sqs": {
        *("AWS.SimpleQueueService.EmptyBatchRequest", "AWS.SimpleQueueService.NonExistentQueue"),
        *("InvalidParameterValue", "QueueAlreadyExists"),
    },
    "cloudwatch": {"ValidationError"},
}
JSON_COMMON = {"ValidationException"}
CASES = [
    pytest.param(service, row, id=f"{service}-{row[0]}-{at}")
    for service in TABLE
    for at, row in enumerate(TABLE[service])
]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with account(tmp_path_factory.mktemp("cloud"), REGION) as cloud:
        filled_account = Account(cloud)
        filled_account.fill(tmp_path_factory.mktemp("model"))
        yield filled_account


@pytest.mark.parametrize(("service", "row"), CASES)
def test_what_aws_refuses_is_refused_with_its_error_code(filled: Account, service: str, row: Row) -> None:
    operation, params, code = row
    if service == "sagemaker-runtime":
        filled.in_service()
    with pytest.raises(ClientError) as caught:
        getattr(filled.client(service), operation)(**filled.substituted(params))
    assert caught.value.response["Error"]["Code"] == code, str(caught.value)


def test_a_content_type_that_the_container_does_not_take_is_told_with_its_own_status(filled: Account) -> None:
    filled.in_service()
    with pytest.raises(ClientError) as caught:
        filled.client("sagemaker-runtime").invoke_endpoint(EndpointName="endpoint", ContentType="image/png", Body=b"a")
    response = caught.value.response
    assert (response["OriginalStatusCode"], response["ResponseMetadata"]["HTTPStatusCode"]) == (415, 424)


@pytest.mark.parametrize("service", TABLE)
def test_each_expected_code_is_one_that_aws_documents(service: str) -> None:
    model = protocols.service_model(service)
    assert model is not None
    names = {xform_name(name): name for name in model.operation_names}
    undocumented = []
    for operation, _, code in TABLE[service]:
        shapes = model.operation_model(names[operation]).error_shapes
        listed = {shape.name for shape in shapes} | {shape.metadata.get("error", {}).get("code") for shape in shapes}
        if code not in listed | COMMON.get(service, JSON_COMMON):
            undocumented.append((operation, code))
    assert undocumented == []


def test_the_table_has_every_service_of_the_ten_steps() -> None:
    """The services of the ten steps are those that roles are granted: each has at least eight rows."""
    assert min(len(rows) for rows in TABLE.values()) >= 8
