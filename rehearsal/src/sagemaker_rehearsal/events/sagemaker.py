"""Steps 4 to 6: SageMaker's events: of the model registry, and of the steps of pipelines.

https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sagemaker_rehearsal.events.bus import publish
from sagemaker_rehearsal.pipelines.execution import Execution, StepRun

if TYPE_CHECKING:
    from sagemaker_rehearsal.server import Cloud
    from sagemaker_rehearsal.server.registry import Call

PACKAGE = "SageMaker Model Package State Change"
STEP = "SageMaker Model Building Pipeline Execution Step Status Change"
# What an event has of a model package's description
FIELDS = (
    "ModelPackageGroupName", "ModelPackageVersion", "ModelPackageArn", "ModelPackageDescription", "CreationTime",
    "InferenceSpecification", "ModelPackageStatus", "ModelPackageStatusDetails", "CertifyForMarketplace",
    "ModelApprovalStatus", "ApprovalDescription", "MetadataProperties", "ModelMetrics", "LastModifiedTime",
    "CustomerMetadataProperties",
)  # fmt: skip
UPDATED = ("ModelApprovalStatus", "ApprovalDescription", "CustomerMetadataProperties")
_listening = threading.Lock()


def listen(cloud: Cloud) -> None:
    """Publish an event for each change from now on; once for a cloud."""
    with _listening:
        if cloud.extensions.get("sagemaker_events"):
            return
        cloud.extensions["sagemaker_events"] = True
        for name, listener in (
            ("model_package_created", lambda call, answer: package(call, answer["ModelPackageArn"], {})),
            ("model_package_changed", lambda call, before: package(call, before["ModelPackageArn"], before)),
            ("pipeline_step_changed", _step_of(cloud)),
        ):
            cloud.extensions.setdefault(name, []).append(listener)


def package(call: Call, arn: str, before: Mapping[str, Any]) -> None:
    """Publish what a model package is now, and what an update changed of it."""
    with call.cloud.acting(None):
        now = call.cloud.client("sagemaker").describe_model_package(ModelPackageName=arn)
    detail = {key: _plain(now[key]) for key in FIELDS if key in now}
    changed = [key for key in UPDATED if before and (now.get(key) or None) != (before.get(key) or None)]
    publish(call.cloud, "aws.sagemaker", PACKAGE, {**detail, "UpdatedModelPackageFields": changed}, [arn])


def _step_of(cloud: Cloud) -> Callable[[Execution, StepRun], None]:
    def changed(execution: Execution, step: StepRun) -> None:
        detail = {
            "metadata": _plain(step.metadata),
            "stepStartTime": _plain(step.started),
            "stepName": step.name,
            "stepType": step.type,
            "previousStepStatus": "Starting" if step.status == "Executing" else "Executing",
            "currentStepStatus": step.status,
            "pipelineArn": execution.pipeline_arn,
            "pipelineExecutionArn": execution.arn,
        }
        optional = {"stepEndTime": _plain(step.ended), "failureReason": step.reason}
        detail |= {key: value for key, value in optional.items() if value}
        publish(cloud, "aws.sagemaker", STEP, detail, [execution.pipeline_arn, execution.arn])

    return changed


def _plain(value: Any) -> Any:  # noqa: ANN401 (JSON)
    """Write times as events have them."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value
