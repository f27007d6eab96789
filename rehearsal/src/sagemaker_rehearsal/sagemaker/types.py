"""Steps 7 and 10: the resource types of models and endpoints, each mapped to the operations that AWS calls for it."""

from sagemaker_rehearsal.cloudformation.api_type import ApiType
from sagemaker_rehearsal.cloudformation.resources import Properties, ResourceError, ResourceType
from sagemaker_rehearsal.sagemaker.code_repositories import CODE_REPOSITORY
from sagemaker_rehearsal.server.service import Host


def _endpoint_ready(cloud: Host, request: Properties) -> bool:
    """Return whether the endpoint is in service with the requested configuration.

    Raises:
        ResourceError: when creation or update failed.
    """
    endpoint = cloud.client("sagemaker").describe_endpoint(EndpointName=request["EndpointName"])
    if endpoint["EndpointStatus"] == "InService" and endpoint["EndpointConfigName"] == request["EndpointConfigName"]:
        return True
    if endpoint["EndpointStatus"] in ("Failed", "InService"):
        raise ResourceError(
            f'Resource handler returned message: "{endpoint.get("FailureReason", "the endpoint failed")}"'
        )
    return False


RESOURCE_TYPES: tuple[ResourceType, ...] = (
    CODE_REPOSITORY,
    ApiType(
        name="AWS::SageMaker::Model",
        service="sagemaker",
        create_operation="create_model",
        delete_operation="delete_model",
        named="ModelName",
        ref=lambda request, answer: str(answer["ModelArn"]),
        attributes=lambda request, answer: {"ModelName": request["ModelName"]},
        delete_request=lambda request: {"ModelName": request["ModelName"]},
    ),
    ApiType(
        name="AWS::SageMaker::EndpointConfig",
        service="sagemaker",
        create_operation="create_endpoint_config",
        delete_operation="delete_endpoint_config",
        named="EndpointConfigName",
        ref=lambda request, answer: str(answer["EndpointConfigArn"]),
        attributes=lambda request, answer: {"EndpointConfigName": request["EndpointConfigName"]},
        delete_request=lambda request: {"EndpointConfigName": request["EndpointConfigName"]},
    ),
    ApiType(
        name="AWS::SageMaker::Endpoint",
        service="sagemaker",
        create_operation="create_endpoint",
        update_operation="update_endpoint",
        delete_operation="delete_endpoint",
        named="EndpointName",
        fixed=frozenset({"EndpointName"}),
        ref=lambda request, answer: str(answer["EndpointArn"]),
        attributes=lambda request, answer: {"EndpointName": request["EndpointName"]},
        delete_request=lambda request: {"EndpointName": request["EndpointName"]},
        ready=_endpoint_ready,
    ),
    ApiType(
        name="AWS::SageMaker::ModelPackageGroup",
        service="sagemaker",
        create_operation="create_model_package_group",
        delete_operation="delete_model_package_group",
        named="ModelPackageGroupName",
        ref=lambda request, answer: str(answer["ModelPackageGroupArn"]),
        attributes=lambda request, answer: {"ModelPackageGroupArn": str(answer["ModelPackageGroupArn"])},
        delete_request=lambda request: {"ModelPackageGroupName": request["ModelPackageGroupName"]},
    ),
)
