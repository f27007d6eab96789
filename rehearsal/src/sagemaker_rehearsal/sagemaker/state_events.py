"""Steps 4 to 6: SageMaker's events of the model registry and of pipeline steps.

https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sagemaker_rehearsal.events import publish
from sagemaker_rehearsal.pipelines.records import Execution, StepRun
from sagemaker_rehearsal.server.service import Call, Host

PACKAGE = "SageMaker Model Package State Change"
STEP = "SageMaker Model Building Pipeline Execution Step Status Change"
# The members of a model package's description that its event holds
FIELDS = (
    "ModelPackageGroupName", "ModelPackageVersion", "ModelPackageArn", "ModelPackageDescription", "CreationTime",
    "InferenceSpecification", "ModelPackageStatus", "ModelPackageStatusDetails", "CertifyForMarketplace",
    "ModelApprovalStatus", "ApprovalDescription", "MetadataProperties", "ModelMetrics", "LastModifiedTime",
    "CustomerMetadataProperties",
)  # fmt: skip
UPDATED = ("ModelApprovalStatus", "ApprovalDescription", "CustomerMetadataProperties")


def package(call: Call, arn: str, before: Mapping[str, Any]) -> None:
    """Publish a model package's state and its updated fields."""
    with call.cloud.acting(None):
        now = call.cloud.client("sagemaker").describe_model_package(ModelPackageName=arn)
    detail = {key: _plain(now[key]) for key in FIELDS if key in now}
    changed = [key for key in UPDATED if before and (now.get(key) or None) != (before.get(key) or None)]
    publish(call.cloud, "aws.sagemaker", PACKAGE, {**detail, "UpdatedModelPackageFields": changed}, [arn])


def step(cloud: Host, execution: Execution, run: StepRun) -> None:
    """Publish a pipeline step's status change."""
    detail = {
        "metadata": _plain(run.metadata),
        "stepStartTime": _plain(run.started),
        "stepName": run.name,
        "stepType": run.type,
        "previousStepStatus": "Starting" if run.status == "Executing" else "Executing",
        "currentStepStatus": run.status,
        "pipelineArn": execution.pipeline_arn,
        "pipelineExecutionArn": execution.arn,
    }
    optional = {"stepEndTime": _plain(run.ended), "failureReason": run.reason}
    detail |= {key: value for key, value in optional.items() if value}
    publish(cloud, "aws.sagemaker", STEP, detail, [execution.pipeline_arn, execution.arn])


def _plain(value: Any) -> Any:  # noqa: ANN401 (JSON)
    """Convert times to the format of events."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value
