"""Steps 1 and 3: the resource types of EventBridge, SNS and SQS."""

from __future__ import annotations

import json
from typing import Any

from sagemaker_rehearsal.cloudformation.api_type import ApiType
from sagemaker_rehearsal.cloudformation.properties import cast
from sagemaker_rehearsal.cloudformation.resources import Made, Properties, Resource, ResourceType, tags_of, without
from sagemaker_rehearsal.server.protocols import service_model
from sagemaker_rehearsal.server.service import ACCOUNT, Host


class Rule(ResourceType):
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-events-rule.html"""

    name = "AWS::Events::Rule"
    known = frozenset(
        {"Name", "Description", "EventBusName", "EventPattern", "RoleArn", "ScheduleExpression", "State", "Tags"}
        | {"Targets"}
    )
    named = "Name"
    fixed = frozenset({"EventBusName"})

    def make(self, cloud: Host, name: str, properties: Properties) -> Made:
        """Create the rule, then its targets."""
        events = cloud.client("events")
        arn = events.put_rule(**self._rule(name, properties), **self._tags(properties))["RuleArn"]
        self._put_targets(events, name, properties, [])
        return name, {"Arn": arn}

    def change(self, cloud: Host, old: Resource, name: str, properties: Properties) -> dict[str, str]:
        """Put the rule and its targets again; remove targets that the template no longer has."""
        events = cloud.client("events")
        events.put_rule(**self._rule(name, properties))
        self._put_targets(
            events, name, properties, [str(target["Id"]) for target in old.properties.get("Targets") or []]
        )
        tags, before = tags_of(properties), tags_of(old.properties)
        if gone := sorted(set(before) - set(tags)):
            events.untag_resource(ResourceARN=old.attributes["Arn"], TagKeys=gone)
        if tags and tags != before:
            events.tag_resource(ResourceARN=old.attributes["Arn"], **self._tags(properties))
        return dict(old.attributes)

    def remove(self, cloud: Host, old: Resource) -> None:
        """Remove the targets, then the rule: AWS deletes no rule that has targets."""
        events, targets = cloud.client("events"), old.properties.get("Targets") or []
        if targets:
            events.remove_targets(Rule=old.physical_resource_id, Ids=[str(target["Id"]) for target in targets])
        events.delete_rule(Name=old.physical_resource_id)

    @staticmethod
    def _rule(name: str, properties: Properties) -> dict[str, Any]:
        rule = {key: str(value) for key, value in without(properties, "Targets", "Tags", "EventPattern").items()}
        pattern = {"EventPattern": compact(properties["EventPattern"])} if "EventPattern" in properties else {}
        return {**rule, **pattern, "Name": name}

    @staticmethod
    def _tags(properties: Properties) -> dict[str, Any]:
        tags = tags_of(properties)
        return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]} if tags else {}

    @staticmethod
    def _put_targets(events: Any, name: str, properties: Properties, before: list[str]) -> None:  # noqa: ANN401 (boto3's)
        shape = _member("events", "PutTargets", "Targets")
        targets = [cast(shape.member, target) for target in properties.get("Targets") or []]
        gone = sorted(set(before) - {target["Id"] for target in targets})
        if gone:
            events.remove_targets(Rule=name, Ids=gone)
        if targets:
            events.put_targets(Rule=name, Targets=targets)


class Topic(ResourceType):
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sns-topic.html"""

    name = "AWS::SNS::Topic"
    attributes = ("DisplayName", "KmsMasterKeyId", "FifoTopic", "ContentBasedDeduplication", "SignatureVersion")
    known = frozenset({"TopicName", "Subscription", "Tags", *attributes})
    named = "TopicName"
    longest = 256
    fixed = frozenset({"FifoTopic"})

    def make(self, cloud: Host, name: str, properties: Properties) -> Made:
        """Create the topic, then its subscriptions."""
        sns, tags = cloud.client("sns"), tags_of(properties)
        listed = {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]} if tags else {}
        chosen = {key: text(properties[key]) for key in self.attributes if key in properties}
        arn = sns.create_topic(Name=name, Attributes=chosen, **listed)["TopicArn"]
        self._subscribe(sns, arn, properties)
        return arn, {"TopicArn": arn, "TopicName": name}

    def change(self, cloud: Host, old: Resource, name: str, properties: Properties) -> dict[str, str]:
        """Update attributes and add subscriptions; as its documentation states, CloudFormation removes none."""
        sns, arn = cloud.client("sns"), old.physical_resource_id
        for key in self.attributes:
            if properties.get(key) != old.properties.get(key):
                sns.set_topic_attributes(TopicArn=arn, AttributeName=key, AttributeValue=text(properties.get(key, "")))
        self._subscribe(sns, arn, properties, old.properties)
        return dict(old.attributes)

    def remove(self, cloud: Host, old: Resource) -> None:
        """Delete the subscriptions, then the topic."""
        sns, arn = cloud.client("sns"), old.physical_resource_id
        for subscription in sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]:
            sns.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
        sns.delete_topic(TopicArn=arn)

    @staticmethod
    def _subscribe(sns: Any, arn: str, properties: Properties, old: Properties | None = None) -> None:  # noqa: ANN401 (boto3's)
        for subscription in properties.get("Subscription") or []:
            if subscription not in ((old or {}).get("Subscription") or []):
                sns.subscribe(TopicArn=arn, Protocol=subscription["Protocol"], Endpoint=subscription["Endpoint"])


class Subscription(ResourceType):
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sns-subscription.html"""

    name = "AWS::SNS::Subscription"
    attributes = ("DeliveryPolicy", "FilterPolicy", "FilterPolicyScope", "RawMessageDelivery", "RedrivePolicy")
    known = frozenset({"TopicArn", "Protocol", "Endpoint", *attributes})
    fixed = frozenset({"TopicArn", "Protocol", "Endpoint"})

    def make(self, cloud: Host, name: str, properties: Properties) -> Made:
        """Subscribe."""
        sns, chosen = cloud.client("sns"), {key: text(properties[key]) for key in self.attributes if key in properties}
        endpoint = {key: properties[key] for key in ("TopicArn", "Protocol", "Endpoint")}
        arn = sns.subscribe(**endpoint, Attributes=chosen, ReturnSubscriptionArn=True)["SubscriptionArn"]
        return arn, {"Arn": arn}

    def change(self, cloud: Host, old: Resource, name: str, properties: Properties) -> dict[str, str]:
        """Change attributes."""
        sns, arn = cloud.client("sns"), old.physical_resource_id
        for key in self.attributes:
            if properties.get(key) != old.properties.get(key):
                value = text(properties.get(key, {}))
                sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName=key, AttributeValue=value)
        return dict(old.attributes)

    def remove(self, cloud: Host, old: Resource) -> None:
        """Unsubscribe."""
        cloud.client("sns").unsubscribe(SubscriptionArn=old.physical_resource_id)


class TopicPolicy(ResourceType):
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sns-topicpolicy.html"""

    name = "AWS::SNS::TopicPolicy"
    known = frozenset({"PolicyDocument", "Topics"})

    def make(self, cloud: Host, name: str, properties: Properties) -> Made:
        """Set the policy of each topic."""
        for arn in properties["Topics"]:
            self._put(cloud, arn, compact(properties["PolicyDocument"]))
        return name, {"Id": name}

    def change(self, cloud: Host, old: Resource, name: str, properties: Properties) -> dict[str, str]:
        """Set the new policy; topics that are no longer listed get the default policy back."""
        self.make(cloud, name, properties)
        self._reset(cloud, set(old.properties["Topics"]) - set(properties["Topics"]))
        return dict(old.attributes)

    def remove(self, cloud: Host, old: Resource) -> None:
        """Reset each topic to the default policy: a topic cannot be without one."""
        self._reset(cloud, set(old.properties["Topics"]))

    def _reset(self, cloud: Host, topics: set[str]) -> None:
        for arn in sorted(topics):
            self._put(cloud, arn, compact(default_topic_policy(arn)))

    @staticmethod
    def _put(cloud: Host, arn: str, policy: str) -> None:
        cloud.client("sns").set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=policy)


def default_topic_policy(arn: str) -> dict[str, Any]:
    """Return the default policy of a topic, which allows its own account.

    https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html
    """
    actions = ["Publish", "RemovePermission", "SetTopicAttributes", "DeleteTopic", "ListSubscriptionsByTopic"]
    statement = {
        "Sid": "__default_statement_ID",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": [f"SNS:{action}" for action in [*actions, "GetTopicAttributes", "AddPermission", "Subscribe"]],
        "Resource": arn,
        "Condition": {"StringEquals": {"AWS:SourceOwner": ACCOUNT}},
    }
    return {"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement]}


class Queue(ResourceType):
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sqs-queue.html"""

    name = "AWS::SQS::Queue"
    attributes = (
        "ContentBasedDeduplication", "DelaySeconds", "FifoQueue", "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds",
        "MaximumMessageSize", "MessageRetentionPeriod", "ReceiveMessageWaitTimeSeconds", "RedriveAllowPolicy",
        "RedrivePolicy", "SqsManagedSseEnabled", "VisibilityTimeout",
    )  # fmt: skip
    known = frozenset({"QueueName", "Tags", *attributes})
    named = "QueueName"
    longest = 80
    fixed = frozenset({"FifoQueue"})

    def make(self, cloud: Host, name: str, properties: Properties) -> Made:
        """Create the queue; Ref returns its URL."""
        sqs, tags = cloud.client("sqs"), tags_of(properties)
        url = sqs.create_queue(QueueName=name, Attributes=self._chosen(properties), **({"tags": tags} if tags else {}))[
            "QueueUrl"
        ]
        arn = f"arn:aws:sqs:{cloud.region}:{ACCOUNT}:{name}"
        return url, {"Arn": arn, "QueueName": name, "QueueUrl": url}

    def change(self, cloud: Host, old: Resource, name: str, properties: Properties) -> dict[str, str]:
        """Update attributes and tags."""
        sqs, url = cloud.client("sqs"), old.physical_resource_id
        sqs.set_queue_attributes(QueueUrl=url, Attributes=without(self._chosen(properties), "FifoQueue"))
        tags, before = tags_of(properties), tags_of(old.properties)
        if gone := sorted(set(before) - set(tags)):
            sqs.untag_queue(QueueUrl=url, TagKeys=gone)
        if tags and tags != before:
            sqs.tag_queue(QueueUrl=url, Tags=tags)
        return dict(old.attributes)

    def remove(self, cloud: Host, old: Resource) -> None:
        """Delete the queue with its messages."""
        cloud.client("sqs").delete_queue(QueueUrl=old.physical_resource_id)

    def _chosen(self, properties: Properties) -> dict[str, str]:
        return {key: text(properties[key]) for key in self.attributes if key in properties}


class QueuePolicy(ResourceType):
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sqs-queuepolicy.html"""

    name = "AWS::SQS::QueuePolicy"
    known = frozenset({"PolicyDocument", "Queues"})

    def make(self, cloud: Host, name: str, properties: Properties) -> Made:
        """Set the policy of each queue."""
        self._put(cloud, properties["Queues"], compact(properties["PolicyDocument"]))
        return name, {"Id": name}

    def change(self, cloud: Host, old: Resource, name: str, properties: Properties) -> dict[str, str]:
        """Set the new policy; remove it from queues that are no longer listed."""
        self.make(cloud, name, properties)
        self._put(cloud, sorted(set(old.properties["Queues"]) - set(properties["Queues"])), "")
        return dict(old.attributes)

    def remove(self, cloud: Host, old: Resource) -> None:
        """Remove the policy from each queue."""
        self._put(cloud, old.properties["Queues"], "")

    @staticmethod
    def _put(cloud: Host, queues: list[str], policy: str) -> None:
        for url in queues:
            cloud.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})


def _member(service: str, operation: str, name: str) -> Any:  # noqa: ANN401 (botocore's shape)
    model = service_model(service)
    assert model is not None  # noqa: S101 (botocore has it)
    return model.operation_model(operation).input_shape.members[name]


def compact(document: object) -> str:
    """Return a JSON document as the compact text that CloudFormation sends."""
    return document if isinstance(document, str) else json.dumps(document, separators=(",", ":"))


def text(value: object) -> str:
    """Return an attribute as the text that SNS and SQS expect."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return compact(value) if isinstance(value, dict) else str(value)


RESOURCE_TYPES: tuple[ResourceType, ...] = (
    Rule(),
    Topic(),
    Subscription(),
    TopicPolicy(),
    Queue(),
    QueuePolicy(),
    ApiType(
        name="AWS::Scheduler::Schedule",
        service="scheduler",
        create_operation="create_schedule",
        update_operation="update_schedule",
        delete_operation="delete_schedule",
        named="Name",
        fixed=frozenset({"Name", "GroupName"}),
        ref=lambda request, answer: str(request["Name"]),
        attributes=lambda request, answer: {"Arn": str(answer["ScheduleArn"])},
        delete_request=lambda request: {key: request[key] for key in ("Name", "GroupName") if key in request},
    ),
)
