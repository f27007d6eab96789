"""Step 4: RegisterModel: register a version in the model package group, by default with pending approval."""

from typing import Any

from botocore.exceptions import ClientError

from sagemaker_rehearsal.pipelines.steps.work import Work


def run(work: Work) -> dict[str, Any]:
    """Create a model package, and its group if it does not exist; return DescribeModelPackage's response."""
    sagemaker, request = work.context.client("sagemaker"), dict(work.arguments)
    work.require_valid("CreateModelPackage", request)
    try:
        arn = sagemaker.create_model_package(**request)["ModelPackageArn"]
    except ClientError as error:
        group = request.get("ModelPackageGroupName")
        if not group or "does not exist" not in str(error):
            raise
        sagemaker.create_model_package_group(ModelPackageGroupName=group)
        request.pop("Tags", None)  # a versioned package has no tags of its own, the group has them
        arn = sagemaker.create_model_package(**request)["ModelPackageArn"]
    described = dict(sagemaker.describe_model_package(ModelPackageName=arn))
    described.pop("ResponseMetadata")
    return described
