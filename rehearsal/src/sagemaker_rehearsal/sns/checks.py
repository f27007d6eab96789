"""Step 9: SNS: validation of topics, subscriptions and messages.

https://docs.aws.amazon.com/sns/latest/api/API_Operations.html
"""

import re
from typing import Any

from botocore.exceptions import ClientError

from sagemaker_rehearsal.server.errors import AwsError
from sagemaker_rehearsal.server.service import ACCOUNT, Call, operation

PROTOCOLS = ("http", "https", "email", "email-json", "sms", "sqs", "application", "lambda", "firehose")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def _invalid(what: str, reason: str) -> AwsError:
    return AwsError("InvalidParameter", f"Invalid parameter: {what} Reason: {reason}")


def _require_arn(call: Call) -> None:
    parts = call.params.get("TopicArn", "arn:aws:sns:::").split(":")
    if len(parts) < 6:
        raise _invalid("TopicArn", f"An ARN must have at least 6 elements, not {len(parts)}")


@operation("sns", "CreateTopic")
def create_topic(call: Call) -> dict[str, Any]:
    """Create a topic; an existing one is returned if its attributes are the same, as on AWS."""
    attributes = call.params.get("Attributes") or {}
    arn = f"arn:aws:sns:{call.region}:{ACCOUNT}:{call.params['Name']}"
    if attributes:
        try:
            with call.cloud.acting(None):
                before = call.cloud.client("sns").get_topic_attributes(TopicArn=arn)["Attributes"]
        except ClientError:
            return call.to_moto()
        if any(before.get(name, "") != value for name, value in attributes.items()):
            raise _invalid("Attributes", "Topic already exists with different attributes")
    return call.to_moto()


@operation("sns", "GetTopicAttributes", "SetTopicAttributes", "DeleteTopic", "ListSubscriptionsByTopic")
def name_topic(call: Call) -> dict[str, Any]:
    """Validate the topic's ARN."""
    _require_arn(call)
    return call.to_moto()


@operation("sns", "Publish")
def publish(call: Call) -> dict[str, Any]:
    """Publish a message, which must not be empty."""
    _require_arn(call)
    if not call.params.get("Message"):
        raise AwsError("InvalidParameter", "Invalid parameter: Empty message")
    return call.to_moto()


@operation("sns", "Subscribe")
def subscribe(call: Call) -> dict[str, Any]:
    """Subscribe an endpoint, validating protocol and address."""
    _require_arn(call)
    protocol, endpoint = call.params["Protocol"], call.params.get("Endpoint") or ""
    if protocol not in PROTOCOLS:
        raise AwsError("InvalidParameter", f"Invalid parameter: Does not support this protocol string: {protocol}")
    if protocol.startswith("email") and not EMAIL.fullmatch(endpoint):
        raise AwsError("InvalidParameter", "Invalid parameter: Email address")
    return call.to_moto()
