"""Steps 4 and 6 to 10: the details of CodePipeline's events. Pure functions.

https://docs.aws.amazon.com/codepipeline/latest/userguide/detect-state-changes-cloudwatch-events.html
"""

from datetime import UTC, datetime
from typing import Any

from sagemaker_rehearsal.codebuild.artifacts import Location
from sagemaker_rehearsal.codepipeline.models import Passage, Run

# The API's InProgress is STARTED in events, and RESUMED after a retry
STATES = {"InProgress": "STARTED", "Cancelled": "CANCELED"}
PIPELINE, STAGE, ACTION = (f"CodePipeline {level} Execution State Change" for level in ("Pipeline", "Stage", "Action"))


def state(status: str, resumed: bool) -> str:
    """Return the event state of an API status."""
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
    """Return the event detail of an execution's state change."""
    kind, detail = passage.trigger
    event = {**_common(passage, passage.started), "state": state(status, resumed)}
    if event["state"] == "STARTED":
        event["execution-trigger"] = {"trigger-type": kind, "trigger-detail": detail}
    return event


def of_stage(passage: Passage, stage: str, status: str, resumed: bool) -> dict[str, Any]:
    """Return the event detail of a stage's state change."""
    return {**_common(passage, passage.started), "stage": stage, "state": state(status, resumed)}


def of_action(passage: Passage, run: Run, status: str, region: str) -> dict[str, Any]:
    """Return the event detail of an action's state change."""
    detail = {
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
        detail["execution-result"] = {key: value for key, value in result.items() if value}
    for key, artifacts in (("input-artifacts", run.inputs), ("output-artifacts", run.outputs)):
        if artifacts:
            detail[key] = artifact_locations(artifacts)
    return detail


def artifact_locations(artifacts: dict[str, Location]) -> list[dict[str, Any]]:
    """Return artifacts as events and the API list them."""
    return [
        {"name": name, "s3location": {"bucket": location.bucket, "key": location.key}}
        for name, location in artifacts.items()
    ]
