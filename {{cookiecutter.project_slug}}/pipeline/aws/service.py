"""Step 4: the SageMaker pipeline in the account: create or update it, start it, watch it."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from pipeline.errors import RunError

ENDED = ("Succeeded", "Failed", "Stopped")


@dataclass(frozen=True)
class Step:
    """One step of an execution, as far as it is known now."""

    name: str
    status: str
    seconds: float
    reason: str = ""


def upsert(sagemaker: Any, name: str, definition: str, role_arn: str, tags: list[dict[str, str]]) -> str:  # noqa: ANN401
    """Create the pipeline, or update it when it is there; return its ARN."""
    request = {"PipelineName": name, "PipelineDefinition": definition, "RoleArn": role_arn}
    try:
        return str(sagemaker.update_pipeline(**request)["PipelineArn"])
    except ClientError as error:
        if not _is_absent(error):
            raise
    return str(sagemaker.create_pipeline(**request, Tags=tags)["PipelineArn"])


def start(sagemaker: Any, name: str, parameters: Mapping[str, str], description: str) -> str:  # noqa: ANN401
    """Start an execution; return its ARN; raise RunError when there is no such pipeline."""
    listed = [{"Name": key, "Value": value} for key, value in parameters.items()]
    try:
        answer = sagemaker.start_pipeline_execution(
            PipelineName=name, PipelineParameters=listed, PipelineExecutionDescription=description
        )
    except ClientError as error:
        if _is_absent(error):
            raise RunError(f"pipeline {name}: does not exist; run `python -m pipeline upsert` first") from error
        raise
    return str(answer["PipelineExecutionArn"])


def latest(sagemaker: Any, name: str) -> str:  # noqa: ANN401
    """Return the ARN of the newest execution; raise RunError when there is none."""
    try:
        listed = sagemaker.list_pipeline_executions(
            PipelineName=name, SortBy="CreationTime", SortOrder="Descending", MaxResults=1
        )["PipelineExecutionSummaries"]
    except ClientError as error:
        if not _is_absent(error):
            raise
        listed = []
    if not listed:
        raise RunError(f"pipeline {name}: has never run; run `python -m pipeline run` first")
    return str(listed[0]["PipelineExecutionArn"])


def steps(sagemaker: Any, arn: str) -> list[Step]:  # noqa: ANN401
    """List the steps that have started, in that order."""
    pages = sagemaker.get_paginator("list_pipeline_execution_steps").paginate(
        PipelineExecutionArn=arn, SortOrder="Ascending"
    )
    return [_step(item) for page in pages for item in page["PipelineExecutionSteps"]]


def _step(item: Mapping[str, Any]) -> Step:
    started, ended = item.get("StartTime"), item.get("EndTime")
    seconds = (ended - started).total_seconds() if started and ended else 0.0
    return Step(item["StepName"], item["StepStatus"], seconds, item.get("FailureReason", ""))


def wait(
    sagemaker: Any,  # noqa: ANN401
    arn: str,
    tell: Callable[[str], None],
    poll_seconds: float = 15.0,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Report each change of a step until the execution ends.

    Raises:
        RunError: when it fails or is stopped, with the reasons of the steps that failed.
    """
    began = clock()
    known: dict[str, str] = {}
    while True:
        described = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
        now = steps(sagemaker, arn)
        for step in now:
            if known.get(step.name) != step.status:
                known[step.name] = step.status
                reason = f": {step.reason}" if step.reason else ""
                tell(f"{clock() - began:7.1f} s  {step.name:<12} {step.status}{reason}")
        status = described["PipelineExecutionStatus"]
        if status in ENDED:
            break
        sleep(poll_seconds)
    if status != "Succeeded":
        reasons = "; ".join(f"{step.name}: {step.reason}" for step in now if step.status == "Failed")
        raise RunError(f"execution {arn}: {status}; {reasons or described.get('FailureReason', 'no reason was given')}")


def _is_absent(error: ClientError) -> bool:
    details = error.response.get("Error", {})
    return details.get("Code") in ("ResourceNotFound", "ResourceNotFoundException") or (
        details.get("Code") == "ValidationException" and "does not exist" in details.get("Message", "")
    )
