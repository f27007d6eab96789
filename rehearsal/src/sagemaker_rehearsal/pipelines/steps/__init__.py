"""Step 4: the types of pipeline steps, one module each."""

from collections.abc import Callable, Mapping
from typing import Any

from sagemaker_rehearsal.pipelines.errors import ExecutorError
from sagemaker_rehearsal.pipelines.steps import automl, condition, fail, model, processing, register, transform
from sagemaker_rehearsal.pipelines.steps.work import Work

RUNNERS: dict[str, Callable[[Work], dict[str, Any]]] = {
    "Processing": processing.run,
    "AutoML": automl.run,
    "Model": model.run,
    "Transform": transform.run,
    "Condition": condition.run,
    "RegisterModel": register.run,
    "Fail": fail.run,
}
# By type: the member of PipelineExecutionStepMetadata, and the property with the ARN
ARNS = {
    "Processing": ("ProcessingJob", "ProcessingJobArn"),
    "AutoML": ("AutoMLJob", "AutoMLJobArn"),
    "Model": ("Model", "ModelArn"),
    "Transform": ("TransformJob", "TransformJobArn"),
    "RegisterModel": ("RegisterModel", "ModelPackageArn"),
}

__all__ = ["Work", "metadata", "run"]


def run(work: Work) -> dict[str, Any]:
    """Run a step; return its properties, which later steps can refer to.

    Raises:
        ExecutorError: with the step's FailureReason.
    """
    if work.step["Type"] not in RUNNERS:
        raise ExecutorError(f"ClientError: the rehearsal executes no steps of type {work.step['Type']}")
    return RUNNERS[work.step["Type"]](work)


def metadata(kind: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return a step's metadata as in ListPipelineExecutionSteps."""
    if kind == "Condition":
        return {"Condition": {"Outcome": "True" if properties["Outcome"] else "False"}}
    member, source = ARNS[kind]
    return {member: {"Arn": properties[source]}}
