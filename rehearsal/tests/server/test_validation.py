"""Steps 4 to 10: requests are held to botocore's model with the service's own rules and words."""

from typing import Any

import pytest

from sagemaker_rehearsal.server import protocols, validation


def found(operation: str, params: dict[str, Any]) -> list[str]:
    model = protocols.service_model("sagemaker")
    assert model is not None
    return validation.violations(model.operation_model(operation).input_shape, params)


GROUP = "ModelPackageGroupName"
ARN = "arn:aws:sagemaker:us-east-1:123456789012:model-package/g/1"
AT_GROUP = "Value {} at 'modelPackageGroupName' failed to satisfy constraint"


def test_a_valid_request_breaks_no_rule() -> None:
    tags = [{"Key": "a", "Value": "b"}]
    assert found("CreateModelPackageGroup", {GROUP: "adult-p-1", "Tags": tags}) == []


@pytest.mark.parametrize(
    ("operation", "params", "expected"),
    [
        (
            "CreateModelPackageGroup",
            {},
            [f"{AT_GROUP.format('null')}: Member must not be null"],
        ),
        (
            "CreateModelPackageGroup",
            {GROUP: "a" * 64},
            [
                f"Value '{'a' * 64}' at 'modelPackageGroupName' failed to satisfy constraint: "
                "Member must have length less than or equal to 63",
                f"Value '{'a' * 64}' at 'modelPackageGroupName' failed to satisfy constraint: "
                "Member must satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}",
            ],
        ),
        ("CreateModelPackageGroup", {GROUP: "a", "Colour": 1}, ["Unknown parameter 'Colour'"]),
        (
            "UpdateModelPackage",
            {
                "ModelPackageArn": ARN,
                "ModelApprovalStatus": "Yes",
            },
            [
                "Value 'Yes' at 'modelApprovalStatus' failed to satisfy constraint: Member must satisfy enum value "
                "set: [Approved, Rejected, PendingManualApproval]"
            ],
        ),
        (
            "CreateEndpointConfig",
            {
                "EndpointConfigName": "c",
                "ProductionVariants": [
                    {
                        "VariantName": "v",
                        "ModelName": "m",
                        "ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 201},
                    }
                ],
            },
            [
                "Value '201' at 'productionVariants.1.member.serverlessConfig.maxConcurrency' failed to satisfy "
                "constraint: Member must have value less than or equal to 200"
            ],
        ),
        (
            "DescribeEndpoint",
            {"EndpointName": True},
            ["Value 'True' at 'endpointName' failed to satisfy constraint: Member must be of type string"],
        ),
    ],
)
def test_what_a_request_breaks_is_said_as_aws_says_it(
    operation: str, params: dict[str, Any], expected: list[str]
) -> None:
    assert found(operation, params) == expected


def test_several_violations_are_counted() -> None:
    assert validation.message(["a", "b"]) == "2 validation errors detected: a; b"


def test_patterns_in_javas_dialect_hold_too() -> None:
    """Metadata of a model package takes letters of any script, and no comma."""
    rest = {"ModelPackageGroupName": "adult-p-1"}
    assert found("CreateModelPackage", {**rest, "CustomerMetadataProperties": {"Origin": "Völker 1/2 @=:+-_."}}) == []
    broken = found("CreateModelPackage", {**rest, "CustomerMetadataProperties": {"Origin": "UCI Adult, downloaded"}})
    assert ["UCI Adult, downloaded" in one and "regular expression" in one for one in broken] == [True]
