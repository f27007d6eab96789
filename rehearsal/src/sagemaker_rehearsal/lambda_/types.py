"""Steps 1 and 3: the resource types of functions."""

from __future__ import annotations

import io
import zipfile
from typing import Any

from sagemaker_rehearsal.cloudformation.api_type import ApiType
from sagemaker_rehearsal.cloudformation.properties import cast
from sagemaker_rehearsal.cloudformation.resources import Made, Properties, Resource, ResourceType, tags_of, without
from sagemaker_rehearsal.server import protocols
from sagemaker_rehearsal.server.service import Host


class LambdaFunction(ResourceType):
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-function.html"""

    name = "AWS::Lambda::Function"
    known = frozenset(
        {
            "Code", "FunctionName", "Description", "Runtime", "Handler", "MemorySize", "Timeout", "Role", "Environment",
            "DeadLetterConfig", "LoggingConfig", "Tags", "Architectures", "EphemeralStorage", "PackageType",
            "TracingConfig", "KmsKeyArn",
        }
    )  # fmt: skip
    named = "FunctionName"
    fixed = frozenset({"PackageType"})

    def make(self, cloud: Host, name: str, properties: Properties) -> Made:
        """Make the function."""
        client = cloud.client("lambda")
        tags = {"Tags": tags_of(properties)} if properties.get("Tags") else {}
        request = {**_settings("CreateFunction", properties), "FunctionName": name, "Code": _code(properties), **tags}
        function = client.create_function(**request)
        return name, {"Arn": function["FunctionArn"]}

    def change(self, cloud: Host, old: Resource, name: str, properties: Properties) -> dict[str, str]:
        """Change what differs, code last, as CloudFormation does."""
        client, before = cloud.client("lambda"), old.properties
        settings = _settings("UpdateFunctionConfiguration", properties)
        if settings != _settings("UpdateFunctionConfiguration", before):
            client.update_function_configuration(FunctionName=name, **settings)
        if properties["Code"] != before["Code"]:
            client.update_function_code(FunctionName=name, **_code(properties))
        arn, tags = old.attributes["Arn"], tags_of(properties)
        if gone := sorted(set(tags_of(before)) - set(tags)):
            client.untag_resource(Resource=arn, TagKeys=gone)
        if tags and tags != tags_of(before):
            client.tag_resource(Resource=arn, Tags=tags)
        return dict(old.attributes)

    def remove(self, cloud: Host, old: Resource) -> None:
        """Remove the function."""
        cloud.client("lambda").delete_function(FunctionName=old.physical_resource_id)


def _settings(operation: str, properties: Properties) -> dict[str, Any]:
    """Return what an operation takes of a function's properties, in the types that it takes."""
    model = protocols.service_model("lambda")
    assert model is not None  # noqa: S101 (botocore has it)
    members = model.operation_model(operation).input_shape.members
    renamed = {"KMSKeyArn" if key == "KmsKeyArn" else key: value for key, value in properties.items()}
    chosen = without(renamed, "Code", "Tags", "FunctionName")
    return {key: cast(members[key], value) for key, value in chosen.items() if key in members}


def _code(properties: Properties) -> dict[str, Any]:
    """Return the code as Lambda takes it; `ZipFile` is the text of a file, index.py."""
    code = properties["Code"]
    if "ZipFile" not in code:
        return {key: str(value) for key, value in code.items()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("index.py", code["ZipFile"])
    return {"ZipFile": buffer.getvalue()}


RESOURCE_TYPES: tuple[ResourceType, ...] = (
    LambdaFunction(),
    ApiType(
        name="AWS::Lambda::Permission",
        service="lambda",
        create_operation="add_permission",
        delete_operation="remove_permission",
        named="StatementId",
        ref=lambda request, answer: str(request["StatementId"]),
        attributes=lambda request, answer: {"Id": str(request["StatementId"])},
        delete_request=lambda request: {key: request[key] for key in ("FunctionName", "StatementId")},
    ),
    ApiType(
        name="AWS::Lambda::EventInvokeConfig",
        service="lambda",
        create_operation="put_function_event_invoke_config",
        update_operation="put_function_event_invoke_config",
        delete_operation="delete_function_event_invoke_config",
        fixed=frozenset({"FunctionName", "Qualifier"}),
        ref=lambda request, answer: f"{request['FunctionName']}|{request.get('Qualifier', '$LATEST')}",
        delete_request=lambda request: {key: request[key] for key in ("FunctionName", "Qualifier") if key in request},
    ),
)
