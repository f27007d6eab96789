"""Steps 1 and 3: the resource types of topics."""

from __future__ import annotations

from typing import Any

from sagemaker_rehearsal.cloudformation.properties import to_json, to_text
from sagemaker_rehearsal.cloudformation.resources import Made, Properties, Resource, ResourceType, tags_of
from sagemaker_rehearsal.server.service import ACCOUNT, Host


class Topic(ResourceType):
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sns-topic.html"""

    name = "AWS::SNS::Topic"
    attributes = ("DisplayName", "KmsMasterKeyId", "FifoTopic", "ContentBasedDeduplication", "SignatureVersion")
    known = frozenset({"TopicName", "Subscription", "Tags", *attributes})
    named = "TopicName"
    longest = 256
    fixed = frozenset({"FifoTopic"})

    def make(self, cloud: Host, name: str, given: Properties) -> Made:
        """Make the topic, then its subscriptions."""
        sns, tags = cloud.client("sns"), tags_of(given)
        listed = {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]} if tags else {}
        chosen = {key: to_text(given[key]) for key in self.attributes if key in given}
        arn = sns.create_topic(Name=name, Attributes=chosen, **listed)["TopicArn"]
        self._subscribe(sns, arn, given)
        return arn, {"TopicArn": arn, "TopicName": name}

    def change(self, cloud: Host, old: Resource, name: str, given: Properties) -> dict[str, str]:
        """Change attributes; add subscriptions (CloudFormation removes none either, it says)."""
        sns, arn = cloud.client("sns"), old.physical_resource_id
        for key in self.attributes:
            if given.get(key) != old.properties.get(key):
                sns.set_topic_attributes(TopicArn=arn, AttributeName=key, AttributeValue=to_text(given.get(key, "")))
        self._subscribe(sns, arn, given, old.properties)
        return dict(old.attributes)

    def remove(self, cloud: Host, old: Resource) -> None:
        """Remove the topic with its subscriptions."""
        sns, arn = cloud.client("sns"), old.physical_resource_id
        for one in sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]:
            sns.unsubscribe(SubscriptionArn=one["SubscriptionArn"])
        sns.delete_topic(TopicArn=arn)

    @staticmethod
    def _subscribe(sns: Any, arn: str, given: Properties, old: Properties | None = None) -> None:  # noqa: ANN401 (boto3's)
        for one in given.get("Subscription") or []:
            if one not in ((old or {}).get("Subscription") or []):
                sns.subscribe(TopicArn=arn, Protocol=one["Protocol"], Endpoint=one["Endpoint"])


class Subscription(ResourceType):
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sns-subscription.html"""

    name = "AWS::SNS::Subscription"
    attributes = ("DeliveryPolicy", "FilterPolicy", "FilterPolicyScope", "RawMessageDelivery", "RedrivePolicy")
    known = frozenset({"TopicArn", "Protocol", "Endpoint", *attributes})
    fixed = frozenset({"TopicArn", "Protocol", "Endpoint"})

    def make(self, cloud: Host, name: str, given: Properties) -> Made:
        """Subscribe."""
        sns, chosen = cloud.client("sns"), {key: to_text(given[key]) for key in self.attributes if key in given}
        endpoint = {key: given[key] for key in ("TopicArn", "Protocol", "Endpoint")}
        arn = sns.subscribe(**endpoint, Attributes=chosen, ReturnSubscriptionArn=True)["SubscriptionArn"]
        return arn, {"Arn": arn}

    def change(self, cloud: Host, old: Resource, name: str, given: Properties) -> dict[str, str]:
        """Change attributes."""
        sns, arn = cloud.client("sns"), old.physical_resource_id
        for key in self.attributes:
            if given.get(key) != old.properties.get(key):
                value = to_text(given.get(key, {}))
                sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName=key, AttributeValue=value)
        return dict(old.attributes)

    def remove(self, cloud: Host, old: Resource) -> None:
        """Unsubscribe."""
        cloud.client("sns").unsubscribe(SubscriptionArn=old.physical_resource_id)


class TopicPolicy(ResourceType):
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sns-topicpolicy.html"""

    name = "AWS::SNS::TopicPolicy"
    known = frozenset({"PolicyDocument", "Topics"})

    def make(self, cloud: Host, name: str, given: Properties) -> Made:
        """Put the policy on each topic."""
        for arn in given["Topics"]:
            self._put(cloud, arn, to_json(given["PolicyDocument"]))
        return name, {"Id": name}

    def change(self, cloud: Host, old: Resource, name: str, given: Properties) -> dict[str, str]:
        """Put the new policy on each topic, and the one of every new topic on those that are gone."""
        self.make(cloud, name, given)
        self._reset(cloud, set(old.properties["Topics"]) - set(given["Topics"]))
        return dict(old.attributes)

    def remove(self, cloud: Host, old: Resource) -> None:
        """A topic cannot be without a policy: it gets the one of every new topic."""
        self._reset(cloud, set(old.properties["Topics"]))

    def _reset(self, cloud: Host, topics: set[str]) -> None:
        for arn in sorted(topics):
            self._put(cloud, arn, to_json(default_topic_policy(arn)))

    @staticmethod
    def _put(cloud: Host, arn: str, policy: str) -> None:
        cloud.client("sns").set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=policy)


def default_topic_policy(arn: str) -> dict[str, Any]:
    """Return the policy of a new topic: its own account may use it.

    https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html
    """
    actions = ["Publish", "RemovePermission", "SetTopicAttributes", "DeleteTopic", "ListSubscriptionsByTopic"]
    statement = {
        "Sid": "__default_statement_ID",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": [f"SNS:{one}" for one in [*actions, "GetTopicAttributes", "AddPermission", "Subscribe"]],
        "Resource": arn,
        "Condition": {"StringEquals": {"AWS:SourceOwner": ACCOUNT}},
    }
    return {"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement]}


RESOURCE_TYPES: tuple[ResourceType, ...] = (Topic(), Subscription(), TopicPolicy())
