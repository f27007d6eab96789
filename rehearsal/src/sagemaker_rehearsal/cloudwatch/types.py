"""Steps 7 and 10: AWS::CloudWatch::Alarm."""

from sagemaker_rehearsal.cloudformation.api_type import ApiType
from sagemaker_rehearsal.cloudformation.resources import ResourceType

RESOURCE_TYPES: tuple[ResourceType, ...] = (
    ApiType(
        name="AWS::CloudWatch::Alarm",
        service="cloudwatch",
        create_operation="put_metric_alarm",
        update_operation="put_metric_alarm",
        delete_operation="delete_alarms",
        named="AlarmName",
        fixed=frozenset({"AlarmName"}),
        ref=lambda request, answer: str(request["AlarmName"]),
        arn="alarm:{AlarmName}",
        delete_request=lambda request: {"AlarmNames": [request["AlarmName"]]},
    ),
)
