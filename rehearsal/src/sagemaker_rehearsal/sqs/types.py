"""Steps 1 and 3: the resource types of queues."""

from __future__ import annotations

from sagemaker_rehearsal.cloudformation.properties import to_json, to_text
from sagemaker_rehearsal.cloudformation.resources import Made, Properties, Resource, ResourceType, tags_of, without
from sagemaker_rehearsal.server.service import ACCOUNT, Host


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

    def make(self, cloud: Host, name: str, given: Properties) -> Made:
        """Make the queue; Ref gives its address."""
        sqs, tags = cloud.client("sqs"), tags_of(given)
        url = sqs.create_queue(QueueName=name, Attributes=self._chosen(given), **({"tags": tags} if tags else {}))[
            "QueueUrl"
        ]
        arn = f"arn:aws:sqs:{cloud.region}:{ACCOUNT}:{name}"
        return url, {"Arn": arn, "QueueName": name, "QueueUrl": url}

    def change(self, cloud: Host, old: Resource, name: str, given: Properties) -> dict[str, str]:
        """Change attributes and tags."""
        sqs, url = cloud.client("sqs"), old.physical_resource_id
        sqs.set_queue_attributes(QueueUrl=url, Attributes=without(self._chosen(given), "FifoQueue"))
        tags, before = tags_of(given), tags_of(old.properties)
        if gone := sorted(set(before) - set(tags)):
            sqs.untag_queue(QueueUrl=url, TagKeys=gone)
        if tags and tags != before:
            sqs.tag_queue(QueueUrl=url, Tags=tags)
        return dict(old.attributes)

    def remove(self, cloud: Host, old: Resource) -> None:
        """Remove the queue with its messages."""
        cloud.client("sqs").delete_queue(QueueUrl=old.physical_resource_id)

    def _chosen(self, given: Properties) -> dict[str, str]:
        return {key: to_text(given[key]) for key in self.attributes if key in given}


class QueuePolicy(ResourceType):
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sqs-queuepolicy.html"""

    name = "AWS::SQS::QueuePolicy"
    known = frozenset({"PolicyDocument", "Queues"})

    def make(self, cloud: Host, name: str, given: Properties) -> Made:
        """Put the policy on each queue."""
        self._put(cloud, given["Queues"], to_json(given["PolicyDocument"]))
        return name, {"Id": name}

    def change(self, cloud: Host, old: Resource, name: str, given: Properties) -> dict[str, str]:
        """Put the new policy on each queue; those that are gone have none."""
        self.make(cloud, name, given)
        self._put(cloud, sorted(set(old.properties["Queues"]) - set(given["Queues"])), "")
        return dict(old.attributes)

    def remove(self, cloud: Host, old: Resource) -> None:
        """Leave the queues without a policy."""
        self._put(cloud, old.properties["Queues"], "")

    @staticmethod
    def _put(cloud: Host, queues: list[str], policy: str) -> None:
        for url in queues:
            cloud.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})


RESOURCE_TYPES: tuple[ResourceType, ...] = (Queue(), QueuePolicy())
