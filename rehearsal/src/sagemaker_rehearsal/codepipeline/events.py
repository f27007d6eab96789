"""Steps 4 and 6 to 10: the details of CodePipeline's events. Pure.

https://docs.aws.amazon.com/codepipeline/latest/userguide/detect-state-changes-cloudwatch-events.html
"""

from datetime import UTC, datetime
from typing import Any

from sagemaker_rehearsal.codebuild.artifacts import Location
from sagemaker_rehearsal.codepipeline.models import Passage, Run

# What the API calls InProgress begins as STARTED; after a retry it is RESUMED
STATES = {"InProgress": "STARTED", "Cancelled": "CANCELED"}
PIPELINE, STAGE, ACTION = (f"CodePipeline {level} Execution State Change" for level in ("Pipeline", "Stage", "Action"))


def state(status: str, resumed: bool) -> str:
    """Give an event's word for a status."""
    return "RESUMED" if resumed and status == "InProgress" else STATES.get(status, status.upper())


def _time(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _common(passage: Passage, started: datetime) -> dict[str, Any]:
    return {
        "pipeline": passage.pipeline.name,
        "execution-id": passage.id,
        "start-time": _time(started),
        "version": float(passage.pipeline.version),
        "pipeline-execution-attempt": float(passage.attempt),
    }


def of_pipeline(passage: Passage, status: str, resumed: bool) -> dict[str, Any]:
    """Give the detail of an event of an execution."""
    kind, detail = passage.trigger
    said = {**_common(passage, passage.started), "state": state(status, resumed)}
    if said["state"] == "STARTED":
        said["execution-trigger"] = {"trigger-type": kind, "trigger-detail": detail}
    return said


def of_stage(passage: Passage, stage: str, status: str, resumed: bool) -> dict[str, Any]:
    """Give the detail of an event of a stage."""
    return {**_common(passage, passage.started), "stage": stage, "state": state(status, resumed)}


def of_action(passage: Passage, run: Run, status: str, region: str) -> dict[str, Any]:
    """Give the detail of an event of an action."""
    said = {
        **_common(passage, run.started),
        "stage": run.stage,
        "action": run.action.name,
        "action-execution-id": run.id,
        "state": state(status, False),
        "region": run.action.region or region,
        "type": run.action.type_id,
    }
    result = {
        "external-execution-url": run.external_url,
        "external-execution-summary": run.summary or run.error[1],
        "external-execution-id": run.external_id,
        "error-code": run.error[0],
    }
    if status in ("Succeeded", "Failed"):
        said["execution-result"] = {key: value for key, value in result.items() if value}
    for key, artifacts in (("input-artifacts", run.inputs), ("output-artifacts", run.outputs)):
        if artifacts:
            said[key] = located(artifacts)
    return said


def located(artifacts: dict[str, Location]) -> list[dict[str, Any]]:
    """Give artifacts as events and the API list them."""
    return [{"name": name, "s3location": {"bucket": one.bucket, "key": one.key}} for name, one in artifacts.items()]
