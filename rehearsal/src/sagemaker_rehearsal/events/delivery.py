"""Steps 3, 4 and 6: deliver an event to a target, with the permissions that EventBridge has on it."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from sagemaker_rehearsal import lambda_
from sagemaker_rehearsal.events.input_transformer import TransformError, message
from sagemaker_rehearsal.iam import allows_service, identity
from sagemaker_rehearsal.server import clients
from sagemaker_rehearsal.server.errors import AwsError
from sagemaker_rehearsal.server.service import Host

PRINCIPAL = "events.amazonaws.com"
# Transient errors: EventBridge retries for 24 hours; here three retries are enough to tell a lasting error
PASSING = ("Throttling", "ThrottlingException", "TooManyRequestsException", "ServiceUnavailable")
PAUSES = (0.2, 0.5, 1.0)


class DeliveryError(Exception):
    """A target did not accept an event; the message gives the reason."""


def deliver(cloud: Host, event: dict[str, Any], rule: str, rule_arn: str, target: Mapping[str, Any]) -> str:
    """Send an event to a target; after the last retry it goes to the target's dead-letter queue.

    Returns:
        Why it was not delivered; an empty text when it was.
    """
    try:
        text = message(target, event, rule, rule_arn)
        _patiently(lambda: _send(cloud, text, rule_arn, target))
    except (AwsError, ClientError, DeliveryError, TransformError) as error:
        _bury(cloud, event, rule_arn, target, error)
        return str(error)
    return ""


def _patiently(send: Callable[[], None]) -> None:
    for pause in PAUSES:
        try:
            return send()
        except ClientError as error:
            if error.response["Error"]["Code"] not in PASSING:
                raise
        time.sleep(pause)
    return send()


def _send(cloud: Host, text: str, rule_arn: str, target: Mapping[str, Any]) -> None:
    service = service_of(target["Arn"])
    if service not in SENDERS:
        raise DeliveryError(f"the rehearsal does not deliver events to {target['Arn']}; see docs/parity.md")
    SENDERS[service](cloud, text, rule_arn, target)


def service_of(arn: str) -> str:
    """Return the service in an ARN; empty where it has none."""
    return (arn.split(":") + [""] * 3)[2]


def _to_function(cloud: Host, text: str, rule_arn: str, target: Mapping[str, Any]) -> None:
    arn = target["Arn"]
    policy = lambda_.of(cloud).policy(lambda_.name_of(arn))
    if not allows_service(policy, PRINCIPAL, "lambda:InvokeFunction", arn, _context(rule_arn)):
        raise DeliveryError(
            f"{PRINCIPAL} may not invoke {arn} for {rule_arn}: the function's policy does not allow it (NO_PERMISSIONS)"
        )
    lambda_.invoke_async(cloud, arn, json.loads(text))


def _to_pipeline(cloud: Host, text: str, rule_arn: str, target: Mapping[str, Any]) -> None:
    """Start an execution; the input of a V2 pipeline may contain `sourceRevisions` and `variables`.

    https://docs.aws.amazon.com/codepipeline/latest/userguide/pipelines-trigger-source-overrides.html
    """
    if not target.get("RoleArn"):
        raise DeliveryError(f"the target {target['Arn']} of {rule_arn} names no role that may start it")
    request: dict[str, Any] = {"name": target["Arn"].rpartition(":")[2]}
    if "Input" in target or "InputTransformer" in target:
        overrides = json.loads(text)
        request |= {key: overrides[key] for key in ("sourceRevisions", "variables") if key in overrides}
    assumed(cloud, target["RoleArn"], PRINCIPAL, rule_arn, "codepipeline").start_pipeline_execution(**request)


def assumed(cloud: Host, role: str, principal: str, source_arn: str, service: str) -> Any:  # noqa: ANN401 (boto3's)
    """Return a client with credentials of a role that an AWS service assumes for one of its resources.

    Raises:
        AwsError: the role does not trust the service.
    """
    name = principal.partition(".")[0]
    keys = identity.keys_for(cloud, role, f"{name}-{uuid.uuid4().hex}", principal, source_arn)
    return clients.client(cloud.url, cloud.region, service, keys)


def _to_topic(cloud: Host, text: str, rule_arn: str, target: Mapping[str, Any]) -> None:
    """Publish to a topic. Conditions in the topic's policy match nothing: EventBridge sends SNS no condition keys.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html#eb-sns-permissions
    """
    sns = cloud.client("sns")
    policy = json.loads(sns.get_topic_attributes(TopicArn=target["Arn"])["Attributes"].get("Policy") or "{}")
    if not allows_service(policy, PRINCIPAL, "sns:Publish", target["Arn"]):
        raise DeliveryError(f"{PRINCIPAL} may not publish to {target['Arn']}: the topic's policy does not allow it")
    # A text keeps its quotation marks, in mails too: https://github.com/aws/aws-cdk/issues/38121,
    # https://github.com/hashicorp/terraform-provider-aws/issues/43253
    sns.publish(TopicArn=target["Arn"], Message=text)


def _to_queue(cloud: Host, text: str, rule_arn: str, target: Mapping[str, Any]) -> None:
    send_to_queue(cloud, target["Arn"], text, rule_arn, (target.get("SqsParameters") or {}).get("MessageGroupId"))


def send_to_queue(
    cloud: Host,
    arn: str,
    text: str,
    rule_arn: str,
    group: str | None = None,
    attributes: Mapping[str, Any] | None = None,
) -> None:
    """Send a message as EventBridge.

    Raises:
        DeliveryError: the queue's policy does not allow it.
    """
    sqs = cloud.client("sqs")
    url = sqs.get_queue_url(QueueName=arn.rpartition(":")[2])["QueueUrl"]
    queue_attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"]).get("Attributes", {})
    policy = json.loads(queue_attributes.get("Policy") or "{}")
    if not allows_service(policy, PRINCIPAL, "sqs:SendMessage", arn, _context(rule_arn)):
        raise DeliveryError(f"{PRINCIPAL} may not send to {arn} for {rule_arn}: the queue's policy does not allow it")
    more: dict[str, Any] = {"MessageGroupId": group} if group else {}
    sqs.send_message(QueueUrl=url, MessageBody=text, MessageAttributes=dict(attributes or {}), **more)


def _to_log_group(cloud: Host, text: str, rule_arn: str, target: Mapping[str, Any]) -> None:
    logs, group = cloud.client("logs"), target["Arn"].partition(":log-group:")[2].removesuffix(":*")
    stream = f"{rule_arn.rpartition('/')[2]}-{time.time_ns()}"
    logs.create_log_stream(logGroupName=group, logStreamName=stream)
    now = int(time.time() * 1000)
    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[{"timestamp": now, "message": text}])


def _context(rule_arn: str) -> dict[str, str]:
    return {"aws:sourcearn": rule_arn, "aws:sourceaccount": rule_arn.split(":")[4]}


def _bury(
    cloud: Host, event: Mapping[str, Any], rule_arn: str, target: Mapping[str, Any], error: Exception
) -> None:  # fmt: skip
    """Send an event that could not be delivered to the target's dead-letter queue, if it has one.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
    """
    queue = (target.get("DeadLetterConfig") or {}).get("Arn")
    if not queue:
        return
    facts = {"RULE_ARN": rule_arn, "TARGET_ARN": target["Arn"], "ERROR_CODE": _code(error), "ERROR_MESSAGE": str(error)}
    attributes = {name: {"DataType": "String", "StringValue": value} for name, value in facts.items()}
    try:
        send_to_queue(cloud, queue, json.dumps(event), rule_arn, attributes=attributes)
    except (ClientError, DeliveryError):
        return  # the event is lost, as on AWS; the delivery's record has the error


def _code(error: Exception) -> str:
    if isinstance(error, ClientError):
        return str(error.response["Error"]["Code"])
    return error.code if isinstance(error, AwsError) else "NO_PERMISSIONS"


Sender = Callable[[Host, str, str, Mapping[str, Any]], None]
SENDERS: dict[str, Sender] = {
    "lambda": _to_function,
    "codepipeline": _to_pipeline,
    "sns": _to_topic,
    "sqs": _to_queue,
    "logs": _to_log_group,
}
