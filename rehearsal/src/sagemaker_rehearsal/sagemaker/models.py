"""Steps 4, 7 and 10: models and endpoint configurations, stored by moto and validated here as the service does."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from sagemaker_rehearsal.server.errors import invalid
from sagemaker_rehearsal.server.service import Call, Host, operation


@dataclass(frozen=True)
class Container:
    """A model's container: image, artifact and environment, from the model or its model package, and its role."""

    image: str
    model_data_url: str
    environment: Mapping[str, str]
    role_arn: str = ""


def container(cloud: Host, model_name: str) -> Container:
    """Return a model's container.

    Raises:
        AwsError: when the model does not exist or has no artifact.
    """
    sagemaker = cloud.client("sagemaker")
    try:
        model = sagemaker.describe_model(ModelName=model_name)
    except ClientError as error:
        raise invalid(f'Could not find model "{model_name}".') from error
    own = model.get("PrimaryContainer") or (model.get("Containers") or [{}])[0]
    package = own.get("ModelPackageName")
    base = {}
    if package:
        base = sagemaker.describe_model_package(ModelPackageName=package)["InferenceSpecification"]["Containers"][0]
    url = own.get("ModelDataUrl") or base.get("ModelDataUrl") or ""
    if not url:
        raise invalid(f'Model "{model_name}" has no ModelDataUrl; the rehearsal serves models with an artifact only.')
    environment = {**base.get("Environment", {}), **own.get("Environment", {})}
    return Container(own.get("Image") or base.get("Image", ""), url, environment, model.get("ExecutionRoleArn", ""))


@operation("sagemaker", "CreateModel")
def create_model(call: Call) -> dict[str, Any]:
    """Create a model from an artifact or from an approved model package."""
    sagemaker, name = call.cloud.client("sagemaker"), call.params["ModelName"]
    if not call.params.get("PrimaryContainer") and not call.params.get("Containers"):
        raise invalid("Either PrimaryContainer or Containers must be given.")
    if not call.params.get("ExecutionRoleArn"):
        raise invalid("ExecutionRoleArn must be given.")
    if _exists(sagemaker.describe_model, ModelName=name):
        raise invalid(f'Cannot create already existing model "{call.arn("model", name.lower())}".')
    for definition in [call.params.get("PrimaryContainer") or {}, *(call.params.get("Containers") or [])]:
        _require_usable(call.cloud, definition)
    return call.to_moto()


def _require_usable(cloud: Host, definition: Mapping[str, Any]) -> None:
    package = definition.get("ModelPackageName")
    if package:
        try:
            details = cloud.client("sagemaker").describe_model_package(ModelPackageName=package)
        except ClientError as error:
            raise invalid(f"Could not find model package {package}.") from error
        status = details.get("ModelApprovalStatus", "Approved")
        if status != "Approved":
            raise invalid(f"Cannot create a model from {package}: its approval status is {status}, not Approved.")
    elif definition and not definition.get("Image"):
        raise invalid("A container needs an Image or a ModelPackageName.")
    url = definition.get("ModelDataUrl")
    if url:
        bucket, _, key = url.removeprefix("s3://").partition("/")
        if not _exists(cloud.client("s3").head_object, Bucket=bucket, Key=key):
            raise invalid(
                f"Could not access model data at {url}. Please ensure that the object exists and the role can read it."
            )


@operation("sagemaker", "CreateEndpointConfig")
def create_endpoint_config(call: Call) -> dict[str, Any]:
    """Create an endpoint configuration, validated against the limits of serverless inference.

    https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html
    """
    sagemaker, name = call.cloud.client("sagemaker"), call.params["EndpointConfigName"]
    if _exists(sagemaker.describe_endpoint_config, EndpointConfigName=name):
        raise invalid(
            f'Cannot create already existing endpoint configuration "{call.arn("endpoint-config", name.lower())}".'
        )
    variants = call.params["ProductionVariants"]
    serverless = [variant for variant in variants if "ServerlessConfig" in variant]
    if serverless and len(variants) > 1:
        raise invalid("A serverless endpoint can have one production variant only.")
    for variant in variants:
        if not _exists(sagemaker.describe_model, ModelName=variant["ModelName"]):
            raise invalid(f'Could not find model "{call.arn("model", variant["ModelName"].lower())}".')
    for variant in serverless:
        _require_serverless(call, variant)
    return call.to_moto()


def _require_serverless(call: Call, variant: Mapping[str, Any]) -> None:
    size = variant["ServerlessConfig"]
    if size["MemorySizeInMB"] not in range(1024, 6145, 1024):
        raise invalid(
            f"Value '{size['MemorySizeInMB']}' at 'memorySizeInMB' failed to satisfy constraint: "
            "Member must satisfy enum value set: [1024, 2048, 3072, 4096, 5120, 6144]"
        )
    if size.get("ProvisionedConcurrency", 0) > size["MaxConcurrency"]:
        raise invalid("ProvisionedConcurrency must be less than or equal to MaxConcurrency.")
    if "InstanceType" in variant or "InitialInstanceCount" in variant:
        raise invalid("A variant has either an instance type or a ServerlessConfig, not both.")
    if call.params.get("DataCaptureConfig", {}).get("EnableCapture"):
        raise invalid("Data capture is not supported for serverless endpoints.")


def _exists(describe: Any, **name: str) -> bool:  # noqa: ANN401 (a client's method)
    try:
        describe(**name)
    except ClientError:
        return False
    return True
