"""Steps 3, 4, 6 and 8: AWS::CodeBuild::Project.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-codebuild-project.html
"""

from sagemaker_rehearsal.cloudformation.api_type import ApiType
from sagemaker_rehearsal.cloudformation.properties import to_parameters
from sagemaker_rehearsal.cloudformation.resources import Properties, ResourceError, ResourceType
from sagemaker_rehearsal.server import protocols

# Properties of the type that CreateProject does not accept
LEFT_OUT = ("Triggers", "Visibility", "ResourceAccessRole")


def parameters(properties: Properties) -> Properties:
    """Convert the resource's properties to CreateProject's parameters."""
    declaration = dict(properties)
    unknown = [key for key in LEFT_OUT if declaration.get(key)]
    if unknown:
        raise ResourceError(f"AWS::CodeBuild::Project: the rehearsal does not have {unknown[0]}; see docs/parity.md")
    model = protocols.service_model("codebuild")
    assert model is not None  # noqa: S101 (botocore has it)
    request: Properties = to_parameters(model.operation_model("CreateProject").input_shape, declaration)
    return request


RESOURCE_TYPES: tuple[ResourceType, ...] = (
    ApiType(
        name="AWS::CodeBuild::Project",
        service="codebuild",
        create_operation="create_project",
        update_operation="update_project",
        delete_operation="delete_project",
        named="name",
        fixed=frozenset({"Name"}),
        prepare=parameters,
        ref=lambda request, answer: str(request["name"]),
        attributes=lambda request, answer: {"Arn": str(answer["project"]["arn"])},
        delete_request=lambda request: {"name": request["name"]},
    ),
)
