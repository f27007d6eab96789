"""Steps 7 and 10: the resource types of Application Auto Scaling."""

from datetime import UTC, datetime, timedelta

from sagemaker_rehearsal.cloudformation.api_type import ApiType
from sagemaker_rehearsal.cloudformation.resources import Properties, ResourceType
from sagemaker_rehearsal.server.service import Host

TARGET = ("ServiceNamespace", "ResourceId", "ScalableDimension")


def _policy(properties: Properties) -> Properties:
    """Return a policy's request; ScalingTargetId is the target's id, `resource|dimension|namespace`."""
    request = dict(properties)
    target = request.pop("ScalingTargetId", None)
    if target:
        request["ResourceId"], request["ScalableDimension"], request["ServiceNamespace"] = target.split("|")
    return request


def _metric_data(cloud: Host, request: Properties) -> None:
    """Call GetMetricData: the type's schema in the registry lists `cloudwatch:GetMetricData` among the permissions."""
    metric = {"Namespace": "AWS/SageMaker", "MetricName": "ServerlessProvisionedConcurrencyUtilization"}
    query = {"Id": "policy", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Average"}}
    now = datetime.now(UTC)
    cloud.client("cloudwatch").get_metric_data(
        MetricDataQueries=[query], StartTime=now - timedelta(minutes=5), EndTime=now
    )


RESOURCE_TYPES: tuple[ResourceType, ...] = (
    ApiType(
        name="AWS::ApplicationAutoScaling::ScalableTarget",
        service="application-autoscaling",
        create_operation="register_scalable_target",
        update_operation="register_scalable_target",
        delete_operation="deregister_scalable_target",
        fixed=frozenset(TARGET),
        ref=lambda request, answer: (
            f"{request['ResourceId']}|{request['ScalableDimension']}|{request['ServiceNamespace']}"
        ),
        attributes=lambda request, answer: {
            "Id": f"{request['ResourceId']}|{request['ScalableDimension']}|{request['ServiceNamespace']}"
        },
        delete_request=lambda request: {key: request[key] for key in TARGET},
    ),
    ApiType(
        name="AWS::ApplicationAutoScaling::ScalingPolicy",
        service="application-autoscaling",
        create_operation="put_scaling_policy",
        update_operation="put_scaling_policy",
        delete_operation="delete_scaling_policy",
        fixed=frozenset({"PolicyName", "ScalingTargetId", *TARGET}),
        prepare=_policy,
        besides=_metric_data,
        ref=lambda request, answer: str(answer["PolicyARN"]),
        attributes=lambda request, answer: {"Arn": str(answer["PolicyARN"]), "PolicyName": request["PolicyName"]},
        delete_request=lambda request: {key: request[key] for key in ("PolicyName", *TARGET)},
    ),
)
