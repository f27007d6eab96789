"""Steps 1 to 3: templates are read, and their functions worked out, as CloudFormation does it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from sagemaker_rehearsal.cloudformation import fetch, intrinsics, template
from sagemaker_rehearsal.cloudformation.intrinsics import FunctionError
from sagemaker_rehearsal.cloudformation.reading import TemplateError, plain, read
from sagemaker_rehearsal.cloudformation.stacks import typed
from sagemaker_rehearsal.server.errors import AwsError


class Stack:
    """A scope with two conditions, one resource, one mapping and some parameters."""

    values: Mapping[str, Any] = {"Name": "n", "Roles": ["a", "b"], "Empty": [""], "AWS::Partition": "aws", "Many": "5"}

    def reference(self, name: str) -> Any:  # noqa: ANN401 (the scope's signature)
        return intrinsics.NO_VALUE if name == "AWS::NoValue" else self.values[name]

    def attribute(self, name: str, attribute: str) -> Any:  # noqa: ANN401 (the scope's signature)
        return f"{name}'s {attribute}"

    def condition(self, name: str) -> bool:
        return {"Holds": True, "Fails": False}[name]

    def mapping(self, name: str) -> Mapping[str, Any]:
        return {"Hosts": {"github": {"Domain": "github.com", "Ports": ["22", "443"]}}}[name]

    def imported(self, name: str) -> str:
        return f"export {name}"


def resolved(text: str) -> object:
    return intrinsics.resolve(read(f"It: {text}")["It"], Stack())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("!Ref Name", "n"),
        ("!GetAtt Bucket.Arn", "Bucket's Arn"),
        ("!GetAtt Stack.Outputs.One", "Stack's Outputs.One"),
        ("!GetAtt [Bucket, Arn]", "Bucket's Arn"),
        ('!Sub "arn:${AWS::Partition}:s3:::${Name}/*"', "arn:aws:s3:::n/*"),
        ('!Sub "${Bucket.Arn}/${!literal}"', "Bucket's Arn/${literal}"),
        ('!Sub ["${A} ${Name} ${A}", {A: !FindInMap [Hosts, github, Domain]}]', "github.com n github.com"),
        ("""!Sub '"<pipeline> failed: ${Name}"'""", '"<pipeline> failed: n"'),
        ('!Sub "costs $5 and $$ and {${Name}}"', "costs $5 and $$ and {n}"),
        ("!FindInMap [Hosts, github, Ports]", ["22", "443"]),
        ('!Join [",", !Ref Roles]', "a,b"),
        ('!Select [1, !Split [",", !Join [",", [!Join [",", !Ref Roles], ",,,"]]]]', "b"),
        ('!Select [0, !Split [",", !Join [",", [!Join [",", !Ref Empty], ",,,"]]]]', ""),
        ("!If [Holds, 1, 2]", "1"),
        ("[1, !If [Fails, 2, !Ref AWS::NoValue], 3]", ["1", "3"]),
        ("{A: !If [Fails, {B: 1}, !Ref AWS::NoValue], C: [!Ref Name]}", {"C": ["n"]}),
        ("!If [Holds, {Statement: [!If [Fails, x, !Ref AWS::NoValue]]}, none]", {"Statement": []}),
        ("!ImportValue other", "export other"),
        ("!Base64 x", "eA=="),
        (
            "{Date: 2012-10-17, Text: '2012-10-17', Flag: yes}",
            {"Date": "2012-10-17", "Text": "2012-10-17", "Flag": "yes"},
        ),
    ],
)
def test_functions_give_what_cloudformation_gives(text: str, expected: object) -> None:
    assert resolved(text) == expected


def test_a_value_that_looks_like_a_function_stays_as_it_is() -> None:
    """A person's answer is no template: `${AWS::AccountId}` in a project's name must not be worked out."""
    scope = Stack()
    scope.values = {"Name": "${AWS::AccountId}", "Title": "$5 ${Name}"}
    found = intrinsics.resolve({"Fn::Sub": ["${Title} ${Given}", {"Given": {"Ref": "Name"}}]}, scope)
    assert found == "$5 ${Name} ${AWS::AccountId}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("!Equals [!Ref Many, '5']", True),
        ("!Equals ['true', true]", True),
        ("!Equals ['1.50', 1.50]", True),
        ("!Equals ['1.5', 1.50]", False),
        ("!Not [!Condition Holds]", False),
        ("!And [!Condition Holds, !Not [!Equals [!Join ['', !Ref Roles], '']]]", True),
        ("!Or [!Condition Fails, !Equals [!Join ['', !Ref Empty], '']]", True),
        ("{Condition: Fails}", False),
    ],
)
def test_conditions_are_decided(text: str, expected: bool) -> None:
    assert intrinsics.decide(read(f"It: {text}")["It"], Stack()) is expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("!FindInMap [Hosts, nowhere, Domain]", "Template error: Unable to get mapping for Hosts::nowhere::Domain"),
        ("!Select [2, !Ref Roles]", "Template error: Fn::Select cannot select nonexistent value at index 2"),
        ('!Sub "${Roles}"', 'Template error: a text is wanted where ["a", "b"] stands'),
        ("!Cidr [a, 1, 2]", "Template error: the rehearsal does not know the function Fn::Cidr; see docs/parity.md"),
    ],
)
def test_what_cannot_be_worked_out_is_an_error(text: str, message: str) -> None:
    with pytest.raises(FunctionError) as caught:
        resolved(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("Resources: [", "Template format error: YAML not well-formed."),
        ("{", "Template format error: JSON not well-formed."),
        ("A: {B: 1, B: 2}", "Template format error: YAML not well-formed. (line 1: B stands twice)"),
        ("!!python/object/apply:os.getcwd []", "Template format error: YAML not well-formed."),
        ("- a list", "Template format error: unsupported structure."),
    ],
)
def test_what_is_no_template_is_an_error(text: str, start: str) -> None:
    with pytest.raises(TemplateError) as caught:
        read(text)
    assert str(caught.value)[: len(start)] == start


@pytest.mark.parametrize("text", ["A: [true, 1.50, 10, {1.0: no}]", '{"A": [true, 1.50, 10, {"1.0": "no"}]}'])
def test_numbers_and_booleans_are_the_text_of_the_template(text: str) -> None:
    assert read(text) == {"A": ["true", "1.50", "10", {"1.0": "no"}]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A: true\nB: 'true'\nC: 1.50\nD: '1.50'\nE: 10\nF: False", [True, "true", 1.5, "1.50", 10, False]),
        (
            '{"A": true, "B": "true", "C": 1.50, "D": "1.50", "E": 10, "F": false}',
            [True, "true", 1.5, "1.50", 10, False],
        ),
        ("A: 010\nB: 1_000\nC: 12:30:00", ["010", "1_000", "12:30:00"]),
    ],
)
def test_a_document_has_numbers_and_booleans(text: str, expected: list[object]) -> None:
    """A policy or an event pattern is a JSON document: EventBridge compares 300 with numbers."""
    document = plain(read(text))
    assert list(map(repr, document.values())) == list(map(repr, expected))


def test_json_is_read_too() -> None:
    assert (
        read('{"Resources": {"A": {"Type": "T", "Properties": {"B": {"Ref": "C"}}}}}')["Resources"]["A"]["Type"] == "T"
    )


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("String", "1", "1"),
        ("Number", "365", "365"),
        ("Number", "0.5", "0.5"),
        ("Number", "1.50", "1.50"),
        ("CommaDelimitedList", "a, b", ["a", "b"]),
        ("CommaDelimitedList", "", [""]),
    ],
)
def test_parameters_are_of_their_type(kind: str, text: str, expected: object) -> None:
    assert typed(kind, text) == expected


def test_each_item_of_a_list_is_held_to_its_pattern() -> None:
    declared = {"Arns": {"Type": "CommaDelimitedList", "Default": "", "AllowedPattern": "^(|arn:.+)$"}}
    assert template.check_parameters(declared, {"Arns": "arn:a,arn:b"}) == {"Arns": "arn:a,arn:b"}
    with pytest.raises(AwsError, match="must match pattern"):
        template.check_parameters(declared, {"Arns": "arn:a,b"})


@pytest.mark.parametrize(
    ("resource", "given", "expected"),
    [
        ({"Type": "AWS::IAM::Role"}, [], "Requires capabilities : [CAPABILITY_IAM]"),
        ({"Type": "AWS::IAM::Role"}, ["CAPABILITY_IAM"], ""),
        (
            {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "r"}},
            ["CAPABILITY_IAM"],
            "Requires capabilities : [CAPABILITY_NAMED_IAM]",
        ),
        ({"Type": "AWS::IAM::Role", "Properties": {"RoleName": "r"}}, ["CAPABILITY_NAMED_IAM"], ""),
        ({"Type": "AWS::S3::Bucket"}, [], ""),
    ],
)
def test_iam_must_be_acknowledged(resource: dict[str, Any], given: list[str], expected: str) -> None:
    said = ""
    try:
        template.check_capabilities({"A": resource}, given)
    except AwsError as error:
        said = error.message
    assert said == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://b.s3.us-east-1.amazonaws.com/a/b.yaml", ("b", "a/b.yaml", "")),
        ("https://b.s3.amazonaws.com/a.yaml?versionId=1", ("b", "a.yaml", "1")),
        ("https://s3.eu-west-1.amazonaws.com/b/a.yaml", ("b", "a.yaml", "")),
        ("http://127.0.0.1:5000/b/a%20b.yaml", ("b", "a b.yaml", "")),
    ],
)
def test_an_address_of_s3_is_taken_apart(url: str, expected: tuple[str, str, str]) -> None:
    assert fetch.address(url) == expected
