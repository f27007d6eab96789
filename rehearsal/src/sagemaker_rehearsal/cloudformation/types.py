"""Steps 7 and 10: the resource types of deploy/endpoint.yaml, each mapped to the operations that AWS calls for it."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sagemaker_rehearsal.cloudformation.resources import Properties, ResourceError, ResourceType, register

if TYPE_CHECKING:
    from sagemaker_rehearsal.server.cloud import Cloud


def _endpoint_ready(cloud: "Cloud", request: Properties) -> bool:
    """Tell whether the endpoint is in service with the configuration that was asked for.

    Raises:
        ResourceError: when it failed.
    """
    found = cloud.client("sagemaker").describe_endpoint(EndpointName=request["EndpointName"])
    if found["EndpointStatus"] == "InService" and found["EndpointConfigName"] == request["EndpointConfigName"]:
        return True
    if found["EndpointStatus"] in ("Failed", "InService"):
        raise ResourceError(f'Resource handler returned message: "{found.get("FailureReason", "the endpoint failed")}"')
    return False


def _policy(properties: Properties) -> Properties:
    """A policy names its target by the target's id, `resource|dimension|namespace`."""
    given = dict(properties)
    target = given.pop("ScalingTargetId", None)
    if target:
        given["ResourceId"], given["ScalableDimension"], given["ServiceNamespace"] = target.split("|")
    return given


def _metric_data(cloud: "Cloud", request: Properties) -> None:
    """The type's handlers list `cloudwatch:GetMetricData` among their permissions, by its schema in the registry."""
    metric = {"Namespace": "AWS/SageMaker", "MetricName": "ServerlessProvisionedConcurrencyUtilization"}
    query = {"Id": "policy", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Average"}}
    now = datetime.now(UTC)
    cloud.client("cloudwatch").get_metric_data(
        MetricDataQueries=[query], StartTime=now - timedelta(minutes=5), EndTime=now
    )


TARGET = ("ServiceNamespace", "ResourceId", "ScalableDimension")

register(
    ResourceType(
        name="AWS::SageMaker::Model",
        service="sagemaker",
        create="create_model",
        delete="delete_model",
        named="ModelName",
        ref=lambda request, answer: str(answer["ModelArn"]),
        attributes=lambda request, answer: {"ModelName": request["ModelName"]},
        delete_request=lambda request: {"ModelName": request["ModelName"]},
    )
)
register(
    ResourceType(
        name="AWS::SageMaker::EndpointConfig",
        service="sagemaker",
        create="create_endpoint_config",
        delete="delete_endpoint_config",
        named="EndpointConfigName",
        ref=lambda request, answer: str(answer["EndpointConfigArn"]),
        attributes=lambda request, answer: {"EndpointConfigName": request["EndpointConfigName"]},
        delete_request=lambda request: {"EndpointConfigName": request["EndpointConfigName"]},
    )
)
register(
    ResourceType(
        name="AWS::SageMaker::Endpoint",
        service="sagemaker",
        create="create_endpoint",
        update="update_endpoint",
        delete="delete_endpoint",
        named="EndpointName",
        fixed=frozenset({"EndpointName"}),
        ref=lambda request, answer: str(answer["EndpointArn"]),
        attributes=lambda request, answer: {"EndpointName": request["EndpointName"]},
        delete_request=lambda request: {"EndpointName": request["EndpointName"]},
        ready=_endpoint_ready,
    )
)
register(
    ResourceType(
        name="AWS::SageMaker::ModelPackageGroup",
        service="sagemaker",
        create="create_model_package_group",
        delete="delete_model_package_group",
        named="ModelPackageGroupName",
        ref=lambda request, answer: str(answer["ModelPackageGroupArn"]),
        attributes=lambda request, answer: {"ModelPackageGroupArn": str(answer["ModelPackageGroupArn"])},
        delete_request=lambda request: {"ModelPackageGroupName": request["ModelPackageGroupName"]},
    )
)
register(
    ResourceType(
        name="AWS::ApplicationAutoScaling::ScalableTarget",
        service="application-autoscaling",
        create="register_scalable_target",
        update="register_scalable_target",
        delete="deregister_scalable_target",
        fixed=frozenset(TARGET),
        ref=lambda request, answer: (
            f"{request['ResourceId']}|{request['ScalableDimension']}|{request['ServiceNamespace']}"
        ),
        attributes=lambda request, answer: {
            "Id": f"{request['ResourceId']}|{request['ScalableDimension']}|{request['ServiceNamespace']}"
        },
        delete_request=lambda request: {key: request[key] for key in TARGET},
    )
)
register(
    ResourceType(
        name="AWS::ApplicationAutoScaling::ScalingPolicy",
        service="application-autoscaling",
        create="put_scaling_policy",
        update="put_scaling_policy",
        delete="delete_scaling_policy",
        fixed=frozenset({"PolicyName", "ScalingTargetId", *TARGET}),
        prepare=_policy,
        besides=_metric_data,
        ref=lambda request, answer: str(answer["PolicyARN"]),
        attributes=lambda request, answer: {"Arn": str(answer["PolicyARN"]), "PolicyName": request["PolicyName"]},
        delete_request=lambda request: {key: request[key] for key in ("PolicyName", *TARGET)},
    )
)
register(
    ResourceType(
        name="AWS::CloudWatch::Alarm",
        service="cloudwatch",
        create="put_metric_alarm",
        update="put_metric_alarm",
        delete="delete_alarms",
        named="AlarmName",
        fixed=frozenset({"AlarmName"}),
        ref=lambda request, answer: str(request["AlarmName"]),
        attributes=lambda request, answer: {
            "Arn": f"arn:aws:cloudwatch:us-east-1:123456789012:alarm:{request['AlarmName']}"
        },
        delete_request=lambda request: {"AlarmNames": [request["AlarmName"]]},
    )
)
