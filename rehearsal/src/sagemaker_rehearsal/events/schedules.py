"""Step 4: EventBridge Scheduler: moto stores schedules; no clock invokes their targets here, `schedule_now` does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sagemaker_rehearsal import lambda_
from sagemaker_rehearsal.events.delivery import assumed, service_of
from sagemaker_rehearsal.server.errors import AwsError
from sagemaker_rehearsal.server.service import ACCOUNT, Host

PRINCIPAL = "scheduler.amazonaws.com"


def schedule_now(cloud: Host, name: str, group: str = "default") -> Any:  # noqa: ANN401 (as boto3)
    """Invoke a schedule's target with the schedule's role, as at its scheduled time.

    Returns:
        The execution's id for a pipeline, None for a function.

    Raises:
        AwsError: the schedule is disabled, or the rehearsal does not invoke its target.
        ClientError: the schedule does not exist, or its target rejects the request.
    """
    schedule = cloud.client("scheduler").get_schedule(Name=name, GroupName=group)
    target = schedule["Target"]
    if schedule.get("State", "ENABLED") != "ENABLED":
        raise AwsError("ConflictException", f"The schedule {name} is disabled.")
    service = service_of(target["Arn"])
    if service not in STARTERS:
        raise AwsError("NotImplemented", f"The rehearsal does not schedule {target['Arn']}; see docs/parity.md", 501)
    # The key aws:SourceArn is that of the schedule's group, not of the schedule:
    # https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
    return STARTERS[service](cloud, target, f"arn:aws:scheduler:{cloud.region}:{ACCOUNT}:schedule-group/{group}")


def _pipeline(cloud: Host, target: Mapping[str, Any], group: str) -> str:
    client = assumed(cloud, target["RoleArn"], PRINCIPAL, group, "codepipeline")
    return str(client.start_pipeline_execution(name=target["Arn"].rpartition(":")[2])["pipelineExecutionId"])


def _function(cloud: Host, target: Mapping[str, Any], group: str) -> None:
    client = assumed(cloud, target["RoleArn"], PRINCIPAL, group, "lambda")
    payload = target.get("Input") or json.dumps({})
    client.invoke(FunctionName=lambda_.name_of(target["Arn"]), InvocationType="Event", Payload=payload)


STARTERS = {"codepipeline": _pipeline, "lambda": _function}
