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


SUPPORTED = (
    "Fn::Base64, Fn::GetAtt, Fn::GetAZs, Fn::ImportValue, Fn::Join, Fn::Split, Fn::FindInMap, Fn::Select, Ref, "
    "Fn::Equals, Fn::If, Fn::Not, Condition, Fn::And, Fn::Or, Fn::Contains, Fn::EachMemberEquals, Fn::EachMemberIn, "
    "Fn::ValueOf, Fn::ValueOfAll, Fn::RefAll, Fn::Sub, Fn::Cidr"
)


@pytest.mark.parametrize("name", ["Fn::Nothing", "Fn::ToJsonString", "Fn::Condition"])
@pytest.mark.parametrize("section", ["Resources", "Outputs", "Conditions"])
def test_a_function_that_cloudformation_does_not_have_is_refused_in_its_words(name: str, section: str) -> None:
    call = {name: ["a", "b"]}
    entries = {"Resources": resource(x=[call]), "Outputs": {"Value": {"Fn::Join": ["", [call]]}}, "Conditions": call}
    with pytest.raises(AwsError) as caught:
        template.check_template({"Resources": {"B": resource()}, section: {"A": entries[section]}})
    message = f"Template error: Encountered unsupported function: {name} Supported functions are: [{SUPPORTED}]"
    assert (caught.value.code, str(caught.value)) == ("ValidationError", message)


@pytest.mark.parametrize("name", ["Fn::GetAZs", "Fn::Cidr", "Fn::Equals", "Fn::Transform"])
def test_a_function_that_the_rehearsal_does_not_have_is_refused_before_anything_is_made(name: str) -> None:
    with pytest.raises(AwsError, match=f"the rehearsal does not know the function {name} in Resources"):
        template.check_template({"Resources": {"A": resource(x={name: ["a", "b"]})}})


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
