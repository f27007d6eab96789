"""Steps 1 and 3: the resource types of events."""

from __future__ import annotations

from typing import Any

from sagemaker_rehearsal.cloudformation.api_type import ApiType
from sagemaker_rehearsal.cloudformation.properties import cast, to_json
from sagemaker_rehearsal.cloudformation.resources import Made, Properties, Resource, ResourceType, tags_of, without
from sagemaker_rehearsal.server.protocols import service_model
from sagemaker_rehearsal.server.service import Host


class Rule(ResourceType):
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-events-rule.html"""

    name = "AWS::Events::Rule"
    known = frozenset(
        {"Name", "Description", "EventBusName", "EventPattern", "RoleArn", "ScheduleExpression", "State", "Tags"}
        | {"Targets"}
    )
    named = "Name"
    fixed = frozenset({"EventBusName"})

    def make(self, cloud: Host, name: str, given: Properties) -> Made:
        """Make the rule, then its targets."""
        events = cloud.client("events")
        arn = events.put_rule(**self._rule(name, given), **self._tags(given))["RuleArn"]
        self._put_targets(events, name, given, [])
        return name, {"Arn": arn}

    def change(self, cloud: Host, old: Resource, name: str, given: Properties) -> dict[str, str]:
        """Put rule and targets anew; remove the targets that are gone."""
        events = cloud.client("events")
        events.put_rule(**self._rule(name, given))
        self._put_targets(events, name, given, [str(one["Id"]) for one in old.properties.get("Targets") or []])
        tags, before = tags_of(given), tags_of(old.properties)
        if gone := sorted(set(before) - set(tags)):
            events.untag_resource(ResourceARN=old.attributes["Arn"], TagKeys=gone)
        if tags and tags != before:
            events.tag_resource(ResourceARN=old.attributes["Arn"], **self._tags(given))
        return dict(old.attributes)

    def remove(self, cloud: Host, old: Resource) -> None:
        """Remove the targets, which the rule must not have when it is removed."""
        events, targets = cloud.client("events"), old.properties.get("Targets") or []
        if targets:
            events.remove_targets(Rule=old.physical_resource_id, Ids=[str(one["Id"]) for one in targets])
        events.delete_rule(Name=old.physical_resource_id)

    @staticmethod
    def _rule(name: str, given: Properties) -> dict[str, Any]:
        rule = {key: str(value) for key, value in without(given, "Targets", "Tags", "EventPattern").items()}
        pattern = {"EventPattern": to_json(given["EventPattern"])} if "EventPattern" in given else {}
        return {**rule, **pattern, "Name": name}

    @staticmethod
    def _tags(given: Properties) -> dict[str, Any]:
        tags = tags_of(given)
        return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]} if tags else {}

    @staticmethod
    def _put_targets(events: Any, name: str, given: Properties, before: list[str]) -> None:  # noqa: ANN401 (boto3's)
        shape = _member("events", "PutTargets", "Targets")
        targets = [cast(shape.member, one) for one in given.get("Targets") or []]
        gone = sorted(set(before) - {one["Id"] for one in targets})
        if gone:
            events.remove_targets(Rule=name, Ids=gone)
        if targets:
            events.put_targets(Rule=name, Targets=targets)


def _member(service: str, operation: str, name: str) -> Any:  # noqa: ANN401 (botocore's shape)
    model = service_model(service)
    assert model is not None  # noqa: S101 (botocore has it)
    return model.operation_model(operation).input_shape.members[name]


RESOURCE_TYPES: tuple[ResourceType, ...] = (
    Rule(),
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
