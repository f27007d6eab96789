"""Steps 4 and 6 to 10: AWS::CodePipeline::Pipeline.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-codepipeline-pipeline.html
"""

from typing import Any

from sagemaker_rehearsal.cloudformation.api_type import ApiType
from sagemaker_rehearsal.cloudformation.properties import to_parameters
from sagemaker_rehearsal.cloudformation.resources import Properties, ResourceError, ResourceType
from sagemaker_rehearsal.server import protocols

# Properties of the type that are not part of the declaration and that the rehearsal does not support
LEFT_OUT = ("RestartExecutionOnUpdate", "DisableInboundStageTransitions")


def parameters(properties: Properties) -> Properties:
    """Convert the resource's properties to CreatePipeline's parameters."""
    declaration = dict(properties)
    tags = declaration.pop("Tags", None) or []
    for key in LEFT_OUT:
        value = declaration.pop(key, None)
        if value and str(value).lower() != "false":
            raise ResourceError(f"AWS::CodePipeline::Pipeline: the rehearsal does not have {key}; see docs/parity.md")
    if not declaration.get("Name"):
        raise ResourceError("AWS::CodePipeline::Pipeline: the rehearsal makes no names for pipelines; give it a Name")
    if "ArtifactStores" in declaration:
        declaration["ArtifactStores"] = {
            store["Region"]: store["ArtifactStore"] for store in declaration["ArtifactStores"]
        }
    model = protocols.service_model("codepipeline")
    assert model is not None  # noqa: S101 (botocore has it)
    shape = model.operation_model("CreatePipeline").input_shape
    pipeline: dict[str, Any] = {"pipeline": to_parameters(shape.members["pipeline"], declaration)}
    return {**pipeline, "tags": to_parameters(shape.members["tags"], tags)}


RESOURCE_TYPES: tuple[ResourceType, ...] = (
    ApiType(
        name="AWS::CodePipeline::Pipeline",
        service="codepipeline",
        create_operation="create_pipeline",
        update_operation="update_pipeline",
        delete_operation="delete_pipeline",
        fixed=frozenset({"Name"}),
        prepare=parameters,
        ref=lambda request, answer: str(request["pipeline"]["name"]),
        attributes=lambda request, answer: {"Version": str(answer["pipeline"]["version"])},
        delete_request=lambda request: {"name": request["pipeline"]["name"]},
    ),
)
