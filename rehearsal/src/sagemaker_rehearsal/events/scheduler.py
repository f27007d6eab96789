"""Step 4: EventBridge Scheduler's API: validates schedules before moto stores them.

https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
"""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from botocore.exceptions import ClientError

from sagemaker_rehearsal.events import schedule_expressions
from sagemaker_rehearsal.events.schedules import PRINCIPAL
from sagemaker_rehearsal.iam import identity
from sagemaker_rehearsal.server.errors import AwsError, invalid
from sagemaker_rehearsal.server.service import ACCOUNT, Call, operation


@operation("scheduler", "CreateSchedule", "UpdateSchedule")
def put_schedule(call: Call) -> dict[str, Any]:
    """Validate a schedule, then create or update it."""
    params = call.params
    if not schedule_expressions.of_schedule(params["ScheduleExpression"]):
        raise invalid(f"Invalid Schedule Expression {params['ScheduleExpression']}.")
    _require_window(params["FlexibleTimeWindow"])
    _require_zone(params.get("ScheduleExpressionTimezone") or "UTC")
    group = params.get("GroupName") or "default"
    _require_group(call, group)
    _require_trust(call, params["Target"]["RoleArn"], group)
    return call.to_moto()


def _require_window(window: Mapping[str, Any]) -> None:
    minutes = window.get("MaximumWindowInMinutes")
    if (window["Mode"] == "FLEXIBLE") != (minutes is not None):
        raise invalid(
            "MaximumWindowInMinutes must be provided when flexible time window mode is FLEXIBLE, and only then."
        )


def _require_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError) as error:
        raise invalid(f"The given timezone {name} is not valid.") from error


def _require_group(call: Call, name: str) -> None:
    with call.cloud.acting(None):
        try:
            call.cloud.client("scheduler").get_schedule_group(Name=name)
        except ClientError as error:
            raise AwsError("ResourceNotFoundException", f"Schedule group {name} does not exist.", 404) from error


def _require_trust(call: Call, role: str, group: str) -> None:
    """https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html"""
    source = f"arn:aws:scheduler:{call.region}:{ACCOUNT}:schedule-group/{group}"
    try:
        identity.keys_for(call.cloud, role, "scheduler", PRINCIPAL, source)
    except AwsError as error:
        message = "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."
        raise invalid(message) from error
