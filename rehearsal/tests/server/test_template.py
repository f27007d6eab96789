"""Steps 7 and 10: CloudFormation refuses a template or parameters before it makes anything."""

from typing import Any

import pytest

from sagemaker_rehearsal.cloudformation import template
from sagemaker_rehearsal.server.errors import AwsError

DECLARED = {
    "Size": {"Type": "Number", "AllowedValues": [1024, 2048]},
    "Count": {"Type": "Number", "Default": 1, "MinValue": 1, "MaxValue": 200},
    "Name": {
        "Type": "String",
        "Default": "abc",
        "AllowedPattern": "^[a-z]+$",
        "ConstraintDescription": "small letters",
    },
}


def test_parameters_are_text_with_their_defaults() -> None:
    assert template.check_parameters(DECLARED, {"Size": "1024"}) == {"Size": "1024", "Count": "1", "Name": "abc"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "Parameters: [Size] must have values"),
        ({"Size": "1024", "Other": "1"}, "Parameters: [Other] do not exist in the template"),
        ({"Size": "1000"}, "Parameter 'Size' failed to satisfy constraint: must be one of AllowedValues [1024, 2048]"),
        (
            {"Size": "1024", "Count": "0"},
            "Parameter 'Count' failed to satisfy constraint: must be a number not less than 1",
        ),
        ({"Size": "1024", "Count": "x"}, "Parameter 'Count' must be a number."),
        ({"Size": "1024", "Name": "A1"}, "Parameter 'Name' failed to satisfy constraint: small letters"),
    ],
)
def test_parameters_that_break_their_constraints_are_refused(given: dict[str, str], message: str) -> None:
    with pytest.raises(AwsError) as caught:
        template.check_parameters(DECLARED, given)
    assert (caught.value.code, str(caught.value)) == ("ValidationError", message)


RULE = {
    "Both": {
        "RuleCondition": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Max"}, "0"]}]},
        "Assertions": [
            {"Assert": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Min"}, "0"]}]}, "AssertDescription": "give both"}
        ],
    }
}


def test_a_rule_whose_condition_holds_is_asserted() -> None:
    template.check_rules(RULE, {"Max": "0", "Min": "0"})
    with pytest.raises(AwsError, match="rule Both: give both"):
        template.check_rules(RULE, {"Max": "2", "Min": "0"})


def resource(**properties: object) -> dict[str, Any]:
    return {"Type": "AWS::S3::Bucket", "Properties": properties}


def test_resources_come_after_what_they_refer_to() -> None:
    resources = {
        "D": {**resource(), "DependsOn": "C"},
        "C": resource(x={"Fn::Sub": "${B.Arn}-${AWS::Region}-${!literal}-${Given}"}),
        "B": resource(x={"Fn::GetAtt": ["A", "Arn"]}),
        "A": resource(x={"Ref": "Given"}),
    }
    assert template.order(resources, {"Given"}) == ["A", "B", "C", "D"]


@pytest.mark.parametrize(
    ("resources", "message"),
    [
        ({"A": resource(x={"Ref": "Lost"})}, "Unresolved resource dependencies [Lost] in the Resources block"),
        (
            {"A": resource(x={"Ref": "B"}), "B": resource(x={"Ref": "A"})},
            "Circular dependency between resources: [A, B]",
        ),
    ],
)
def test_an_order_that_is_impossible_is_refused(resources: dict[str, Any], message: str) -> None:
    with pytest.raises(AwsError) as caught:
        template.order(resources, set())
    assert message in str(caught.value)
