"""Step 4, Evaluate: read the champion from the registry: the newest approved model, and its metrics."""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import ClientError

from pipeline.steps.tables import StepError


def find(sagemaker: Any, s3: Any, group: str) -> dict[str, Any] | None:  # noqa: ANN401 (boto3 clients have no type)
    """Find the newest approved package of a group; None when there is no such group or package.

    Raises:
        StepError: when the registry or the package's evaluation cannot be read: then nothing can be compared.
    """
    try:
        listed = sagemaker.list_model_packages(
            ModelPackageGroupName=group,
            ModelApprovalStatus="Approved",
            SortBy="CreationTime",
            SortOrder="Descending",
            MaxResults=1,
        )["ModelPackageSummaryList"]
    except ClientError as error:
        if _absent(error):
            return None
        rule = f"cannot be listed ({error}); let the pipeline's role list it"
        raise StepError(f"model package group {group}: {rule}") from error
    if not listed:
        return None
    arn = listed[0]["ModelPackageArn"]
    notes = sagemaker.describe_model_package(ModelPackageName=arn).get("CustomerMetadataProperties", {})
    evaluation = _evaluation(s3, notes.get("EvaluationUri", ""), arn)
    return {
        "model_package_arn": arn,
        "metrics": evaluation.get("metrics", {}),
        "held_out_sha256": evaluation.get("held_out_sha256", ""),
    }


def _absent(error: ClientError) -> bool:
    details = error.response.get("Error", {})
    gone = ("ResourceNotFound", "ResourceNotFoundException", "ValidationException")
    words = ("does not exist", "not found", "could not find")
    return details.get("Code") in gone and any(word in details.get("Message", "").lower() for word in words)


def _evaluation(s3: Any, uri: str, arn: str) -> dict[str, Any]:  # noqa: ANN401
    """Read the evaluation; a package that was registered by hand has none, and is no champion to beat."""
    if not uri.startswith("s3://"):
        return {}
    bucket, _, key = uri[len("s3://") :].partition("/")
    try:
        evaluation: dict[str, Any] = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    except (ClientError, ValueError) as error:
        remedy = "reject that package or restore the object, so that the new model has something to be compared with"
        raise StepError(f"approved model {arn}: its evaluation {uri} cannot be read ({error}); {remedy}") from error
    return evaluation
