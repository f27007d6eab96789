"""Steps 3, 4 and 6: EventBridge's patterns and templates, compared with AWS's documentation and with simple models."""

from __future__ import annotations

import fnmatch
import json
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sagemaker_rehearsal.events.input_transformer import TransformError, filled, message, value_at
from sagemaker_rehearsal.events.patterns import PatternError, matches, parse, read
from sagemaker_rehearsal.events.wildcards import MOST_COMPLEX, complexity, tokens

FIXTURES = Path(__file__).parents[1] / "catalog" / "fixtures"
# The event of https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html, with more in its detail
EVENT: dict[str, Any] = {
    "version": "0",
    "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
    "detail-type": "EC2 Instance State-change Notification",
    "source": "aws.ec2",
    "account": "111122223333",
    "time": "2017-12-22T18:43:48Z",
    "region": "us-west-1",
    "resources": ["arn:aws:ec2:us-west-1:111122223333:instance/i-1", "arn:aws:ec2:us-west-1:111122223333:instance/i-2"],
    "detail": {
        "instance-id": "i-1",
        "state": "terminated",
        "c-count": 5,
        "x-limit": 301.8,
        "source-ip": "10.0.0.33",
        "empty": "",
        "nothing": None,
        "yes": True,
        "file": "dir/sub/image.PNG",
        "deep": {"er": "x"},
        "none": [],
    },
}


ONE_OR_ARRAY = "anything-but must be an array or single string/number value."
TOO_COMPLEX = (
    "Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences after a wildcard"
)


def hit(pattern: object, event: dict[str, Any] | None = None) -> bool:
    return matches(parse(json.dumps(pattern)), event or EVENT)


def detail(test: object, field: str = "state") -> bool:
    return hit({"detail": {field: [test]}})


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ({"source": ["aws.ec2"]}, True),
        ({"source": ["aws.EC2"]}, False),
        ({"source": ["aws.ec2", "aws.fargate"], "detail": {"state": ["terminated"]}}, True),
        ({"source": ["aws.ec2"], "detail": {"state": ["running"]}}, False),
        ({"resources": ["arn:aws:ec2:us-west-1:111122223333:instance/i-2"]}, True),
        ({"resources": ["arn:aws:ec2:us-west-1:111122223333:instance/i-3"]}, False),
        ({"absent": ["x"]}, False),
        ({"detail": {"empty": [""]}}, True),
        ({"detail": {"nothing": [None]}}, True),
        ({"detail": {"empty": [None]}}, False),
        ({"detail": {"yes": [True]}}, True),
        ({"detail": {"yes": ["true"]}}, False),
        ({"detail": {"c-count": [5]}}, True),
        ({"detail": {"c-count": ["5"]}}, False),
        # a value of an object's field is not the object
        ({"detail": {"deep": ["x"]}}, False),
        ({"detail": {"deep": {"er": ["x"]}}}, True),
        # AWS's matcher joins nested names by dots
        ({"detail": {"deep.er": ["x"]}}, True),
    ],
)
def test_values_are_matched_exactly(pattern: dict[str, Any], expected: bool) -> None:
    assert hit(pattern) is expected


@pytest.mark.parametrize(
    ("test", "field", "expected"),
    [
        ({"prefix": "term"}, "state", True),
        ({"prefix": "Term"}, "state", False),
        ({"prefix": ""}, "state", True),
        ({"prefix": "5"}, "c-count", False),
        ({"prefix": {"equals-ignore-case": "TERM"}}, "state", True),
        ({"suffix": "nated"}, "state", True),
        ({"suffix": ".png"}, "file", False),
        ({"suffix": {"equals-ignore-case": ".png"}}, "file", True),
        ({"equals-ignore-case": "TERMINATED"}, "state", True),
        ({"equals-ignore-case": "TERMINATE"}, "state", False),
        ({"wildcard": "dir/*.PNG"}, "file", True),
        ({"wildcard": "dir/*/image.*"}, "file", True),
        ({"wildcard": "*.png"}, "file", False),
        ({"wildcard": "dir"}, "file", False),
        ({"anything-but": "running"}, "state", True),
        ({"anything-but": "terminated"}, "state", False),
        ({"anything-but": ["running", "terminated"]}, "state", False),
        ({"anything-but": ["running"]}, "absent", False),
        ({"anything-but": 5}, "c-count", False),
        ({"anything-but": [5, 6]}, "x-limit", True),
        ({"anything-but": "5"}, "c-count", True),
        ({"anything-but": {"prefix": "term"}}, "state", False),
        ({"anything-but": {"prefix": ["run", "start"]}}, "state", True),
        ({"anything-but": {"suffix": ".PNG"}}, "file", False),
        ({"anything-but": {"equals-ignore-case": ["TERMINATED"]}}, "state", False),
        ({"anything-but": {"wildcard": "*/sub/*"}}, "file", False),
        ({"numeric": [">", 0, "<=", 5]}, "c-count", True),
        ({"numeric": ["<", 5]}, "c-count", False),
        ({"numeric": ["=", 3.018e2]}, "x-limit", True),
        ({"numeric": ["=", 5]}, "state", False),
        ({"numeric": ["=", 1]}, "yes", False),
        ({"exists": True}, "state", True),
        ({"exists": True}, "nothing", True),
        ({"exists": True}, "absent", False),
        ({"exists": False}, "absent", True),
        ({"exists": False}, "state", False),
        # "Exists match only works on the leaf nodes"
        ({"exists": False}, "deep", True),
        ({"exists": True}, "deep", False),
        ({"exists": False}, "none", True),
        ({"cidr": "10.0.0.0/24"}, "source-ip", True),
        ({"cidr": "10.0.1.0/24"}, "source-ip", False),
        ({"cidr": "10.0.0.0/24"}, "state", False),
    ],
)
def test_operators_do_what_is_documented(test: object, field: str, expected: bool) -> None:
    assert detail(test, field) is expected


@pytest.mark.parametrize(("written", "expected"), [("300", True), ("300.0", True), ("3.0e2", True), ("300.1", False)])
def test_numbers_are_compared_by_value(written: str, expected: bool) -> None:
    """The documentation says "at the string representation level"; AWS was recorded to match 300 with 300.0.

    LocalStack, tests/aws/services/events, test_event_pattern[number_comparison_float], recorded 2025-10-15.
    """
    assert matches(parse(f'{{"n": [{written}]}}'), read('{"n": 300}')) is expected
    assert matches(parse(f'{{"n": [{{"numeric": ["=", {written}]}}]}}'), {"n": 300}) is expected


def test_numbers_beyond_the_numeric_limit_are_compared_as_they_are_written() -> None:
    event = read('{"account": 111122223333}')
    matched = [matches(parse(f'{{"account": [{number}]}}'), event) for number in ("111122223333", "111122223333.0")]
    assert matched == [True, False]


def test_or_takes_any_of_its_objects() -> None:
    left, right = {"detail": {"state": ["x"]}}, {"detail": {"c-count": [{"numeric": [">", 1]}]}}
    matched = [hit({"source": [source], "$or": [left, right]}) for source in ("aws.ec2", "aws.s3")]
    assert (matched, hit({"$or": [left, left]})) == ([True, False], False)


def test_or_nests_and_stands_beside_other_ors() -> None:
    nested = {
        "$or": [{"source": ["a"]}, {"source": ["aws.ec2"], "$or": [{"region": ["b"]}, {"region": ["us-west-1"]}]}]
    }
    both = {**nested, "detail": {"$or": [{"state": ["no"]}, {"c-count": [6]}]}}
    assert (hit(nested), hit(both)) == (True, False)


def test_fields_of_different_elements_of_an_array_do_not_match_together() -> None:
    event = {"people": [{"first": "Anna", "last": "Smith"}, {"first": "Peter", "last": "Jones"}]}
    matched = [hit({"people": {"first": ["Anna"], "last": [last]}}, event) for last in ("Smith", "Jones")]
    assert matched == [True, False]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "Filter is not an object"),
        ("{", "Unrecognized token"),
        ("{}", "Empty objects are not allowed"),
        ('{"detail": {}}', "Empty objects are not allowed"),
        ('{"source": []}', "Empty arrays are not allowed"),
        ('{"source": "aws.ec2"}', '"source" must be an object or an array'),
        ('{"a": [["b"]]}', "Match value must be String, number, true, false, or null"),
        ('{"a": [{}]}', "Match expression name not found"),
        ('{"a": [{"like": "b"}]}', "Unrecognized match type like"),
        ('{"a": [{"prefix": "b", "suffix": "c"}]}', "Only one key allowed in match expression"),
        ('{"a": [{"prefix": 1}]}', "prefix match pattern must be a string"),
        ('{"a": [{"suffix": {"prefix": "x"}}]}', "Unsupported suffix pattern: prefix"),
        ('{"a": [{"prefix": {}}]}', "Prefix expression name not found"),
        ('{"a": [{"exists": "true"}]}', "exists match pattern must be either true or false."),
        # A position counts bytes, from the quotation mark before the text
        ('{"a": [{"wildcard": "a**b"}]}', "Consecutive wildcard characters at pos 2"),
        ('{"a": [{"wildcard": "\u00e4**b"}]}', "Consecutive wildcard characters at pos 3"),
        ('{"a": [{"wildcard": "a\\\\b"}]}', "Invalid escape character at pos 2"),
        ('{"a": [{"wildcard": ["a*"]}]}', "wildcard match pattern must be a string"),
        ('{"a": [{"anything-but": {"wildcard": "**"}}]}', "Consecutive wildcard characters at pos 1"),
        ('{"a": [{"cidr": "10.0.0.1"}]}', "Malformed CIDR, one '/' required"),
        ('{"a": [{"cidr": "bad-/64filter"}]}', "Malformed CIDR, mask bits must be an integer"),
        ('{"a": [{"cidr": "10.0.0.1/-1"}]}', "Malformed CIDR, mask bits must not be negative"),
        ('{"a": [{"cidr": "10.0.0.1/32"}]}', "IPv4 mask bits must be < 32"),
        ('{"a": [{"cidr": "::1/128"}]}', "IPv6 mask bits must be < 128"),
        ('{"a": [{"cidr": "xx.11.xx/8"}]}', "Nonstandard IP address: xx.11.xx"),
        ('{"a": [{"cidr": "10.0.0.256/8"}]}', "Invalid IP address: 10.0.0.256"),
        ('{"a": [{"cidr": ["10.0.0.1/8"]}]}', "prefix match pattern must be a string"),
        ('{"a": [{"numeric": 5}]}', "Value of numeric must be an array."),
        ('{"a": [{"numeric": []}]}', "Invalid member in numeric match"),
        ('{"a": [{"numeric": [5]}]}', "Invalid member in numeric match: 5"),
        ('{"a": [{"numeric": ["!", 5]}]}', "Unrecognized numeric range operator: !"),
        ('{"a": [{"numeric": [">", "5"]}]}', "Value of > must be numeric"),
        ('{"a": [{"numeric": [">"]}]}', "Value of > must be numeric"),
        ('{"a": [{"numeric": ["<", 5, ">", 1]}]}', "Too many elements in numeric expression"),
        ('{"a": [{"numeric": [">", 5, "=", 7]}]}', "Bad numeric range operator: ="),
        ('{"a": [{"numeric": [">", 5, "<", 5]}]}', "Bottom must be less than top"),
        ('{"a": [{"numeric": [">", 5, "<", 7, "<", 8]}]}', "Too many terms in numeric range expression"),
        ('{"a": [{"numeric": ["=", 5000000001]}]}', "Value must be between -5.0E9 and 5.0E9, inclusive"),
        ('{"a": [{"anything-but": null}]}', f"Value of {ONE_OR_ARRAY}"),
        ('{"a": [{"anything-but": true}]}', f"Value of {ONE_OR_ARRAY}"),
        ('{"a": [{"anything-but": {"prefix": {"equals-ignore-case": "b"}}}]}', f"Value of {ONE_OR_ARRAY}"),
        ('{"a": [{"anything-but": {"suffix": null}}]}', f"Value of {ONE_OR_ARRAY}"),
        ('{"a": [{"anything-but": [null, "a"]}]}', "Inside anything but list, start|null|boolean is not supported."),
        ('{"a": [{"anything-but": [true]}]}', "Inside anything but list, start|null|boolean is not supported."),
        ('{"a": [{"anything-but": {}}]}', "Anything-But expression name not found"),
        ('{"a": [{"anything-but": {"prefix": 123}}]}', "prefix/suffix match pattern must be a string"),
        ('{"a": [{"anything-but": {"suffix": [null, "b"]}}]}', "prefix/suffix match pattern must be a string"),
        ('{"a": [{"anything-but": {"wildcard": [123, "*/b/*"]}}]}', "wildcard match pattern must be a string"),
        ('{"a": [{"anything-but": {"equals-ignore-case": [1]}}]}', "Inside anything-but/equals-ignore-case list, "),
        ('{"a": [{"anything-but": ["a", 1]}]}', "mixed type is not supported"),
        ('{"a": [{"anything-but": {"numeric": ["=", 1]}}]}', "Unsupported anything-but pattern: numeric"),
        ('{"a": [{"anything-but": {"prefix": ""}}]}', "Null prefix/suffix not allowed"),
        ('{"$or": [{"a": ["b"]}]}', "Unrecognized match type a"),
        ('{"a": [{"wildcard": "*:*:*:*:*:event-bus/*"}]}', TOO_COMPLEX),
        ('{"a": [{"anything-but": {"wildcard": "*:*:*:*:*:event-bus/*"}}]}', TOO_COMPLEX),
        ('{"a": [{"wildcard": "*aaaaa"}, {"wildcard": "*aaaaab"}]}', TOO_COMPLEX),
    ],
)
def test_a_pattern_that_eventbridge_refuses_is_refused(text: str, message: str) -> None:
    with pytest.raises(PatternError) as caught:
        parse(text)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("wildcards", "expected"),
    [
        (["abc"], 1),
        (["*"], 1),
        (["*aa"], 3),
        (["a*bcb"], 3),
        (["aa*"], 2),
        (["*ab*ad"], 4),
        (["a*b*bb"], 5),
        (["a*b*cd"], 3),
        (["*", "ab*c"], 3),
        (["*abc", "*abcde"], 4),
        (["a*bcd", "ab*cd"], 4),
    ],
)
def test_complexity_counts_the_beginnings_of_wildcards_that_one_text_can_match(
    wildcards: list[str], expected: int
) -> None:
    """The cases and counts are those of AWS's matcher (event-ruler, MachineComplexityEvaluatorTest)."""
    assert complexity([tokens(wildcard) for wildcard in wildcards]) == expected


@pytest.mark.parametrize("text", ["/Users/*/dir/dir/dir/dir/dir/doc.txt", "arn:aws:events:us-east-1:*:event-bus/*"])
def test_wildcards_that_aws_took_are_taken(text: str) -> None:
    """LocalStack's recordings content_wildcard_repeating and content_wildcard_simplified, of 2025-10-15."""
    assert parse(json.dumps({"a": [{"wildcard": text}]})).branches


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*.json")), ids=lambda path: path.stem)
def test_every_documented_event_matches_the_pattern_of_its_own_values(path: Path) -> None:
    event = json.loads(path.read_text(encoding="utf-8"))
    event.pop("$comment", None)
    assert hit(exactly(event), event)


def exactly(node: dict[str, Any]) -> dict[str, Any]:
    """Return the pattern of an object's own values, as far as a pattern can express them."""
    pattern: dict[str, Any] = {}
    for name, value in node.items():
        if isinstance(value, dict) and exactly(value):
            pattern[name] = exactly(value)
        elif isinstance(value, list) and value and not isinstance(value[0], (dict, list)):
            pattern[name] = [value[0]]
        elif not isinstance(value, (dict, list)):
            pattern[name] = [value]
    return pattern


SIGNS = st.text(alphabet="ab*?[]\\./ÄäZ", max_size=8)
NAMES = st.text(alphabet=string.ascii_lowercase, min_size=1, max_size=4)
SCALARS = st.one_of(st.text(max_size=6), st.integers(-10, 10), st.booleans(), st.none())
BELOW = st.recursive(SCALARS, lambda below: st.dictionaries(NAMES, below, min_size=1), max_leaves=6)
OBJECTS = st.dictionaries(NAMES, BELOW, min_size=1)


@given(OBJECTS)
def test_an_event_matches_its_own_pattern_and_not_one_with_another_value(event: dict[str, Any]) -> None:
    pattern = exactly(event)
    assert hit(pattern, event)
    assert not hit({**pattern, next(iter(event)): ["a value of its own"]}, event)


@given(SIGNS, SIGNS)
def test_prefix_suffix_and_exact_are_those_of_texts(value: str, seen: str) -> None:
    expected = (seen.startswith(value), seen.endswith(value), seen == value, seen != value)
    tests = ({"prefix": value}, {"suffix": value}, value, {"anything-but": value})
    assert expected == tuple(hit({"a": [test]}, {"a": seen}) for test in tests)


@given(st.lists(st.text(alphabet="ab?[]", max_size=3), min_size=1, max_size=4), st.text(alphabet="ab?[]", max_size=8))
def test_a_wildcard_is_any_text(parts: list[str], seen: str) -> None:
    nonempty = [parts[0], *(part for part in parts[1:-1] if part), *parts[1:][-1:]]
    pattern = "*".join(nonempty)
    escaped = "*".join(part.replace("[", "[[]").replace("?", "[?]") for part in nonempty)
    if "**" not in pattern:
        assume(complexity([tokens(f'"{pattern}"')]) <= MOST_COMPLEX)  # a more complex one is refused, as on AWS
        assert hit({"a": [{"wildcard": pattern}]}, {"a": seen}) is fnmatch.fnmatchcase(seen, escaped)


@given(st.text(alphabet="ab*\\", max_size=8))
def test_an_escaped_wildcard_is_the_text_itself(seen: str) -> None:
    escaped = seen.replace("\\", "\\\\").replace("*", "\\*")
    assert hit({"a": [{"wildcard": escaped}]}, {"a": seen})
    assert not hit({"a": [{"wildcard": escaped}]}, {"a": f"{seen}b"})


@given(st.integers(-100, 100), st.integers(-100, 100), st.integers(-100, 100))
def test_numeric_ranges_are_those_of_numbers(low: int, width: int, seen: int) -> None:
    high = low + abs(width) + 1
    matched = hit({"a": [{"numeric": [">=", low, "<", high]}]}, {"a": seen})
    assert matched is (low <= seen < high)


@given(st.lists(st.sampled_from("abc"), max_size=4), st.lists(st.sampled_from("abc"), min_size=1, max_size=3))
def test_an_array_matches_when_one_of_its_values_does(seen: list[str], values: list[str]) -> None:
    assert hit({"a": values}, {"a": seen}) is bool(set(seen) & set(values))
    assert hit({"a": [{"anything-but": values}]}, {"a": seen}) is bool(set(seen) - set(values))
    assert hit({"a": [{"exists": False}]}, {"a": seen}) is (not seen)


@given(st.sampled_from("ab"), st.sampled_from("ab"), st.sampled_from("ab"), st.sampled_from("ab"))
def test_or_is_the_rule_twice(first: str, other: str, x: str, y: str) -> None:
    event = {"x": x, "y": y}
    pattern = {"$or": [{"x": [first]}, {"y": [other]}]}
    assert hit(pattern, event) is (hit({"x": [first]}, event) or hit({"y": [other]}, event))


def test_a_value_of_null_passes_anything_but() -> None:
    """LocalStack, test_put_events_with_rule_pattern_anything_but: AWS delivered the event whose command was null."""
    tests = ({"anything-but": "a"}, {"anything-but": [1]}, {"anything-but": {"prefix": "a"}})
    assert [hit({"a": [test]}, {"a": None}) for test in tests] == [True, True, True]


def test_a_target_gets_the_event_a_part_or_a_constant() -> None:
    def sent(**target: object) -> object:
        return json.loads(message(target, EVENT, "rule", "arn"))

    messages = (sent(), sent(Input='{"a": 1}'), sent(InputPath="$.detail.state"), sent(InputPath="$.resources[1]"))
    assert messages == (EVENT, {"a": 1}, "terminated", EVENT["resources"][1])


def test_a_template_takes_texts_between_quotation_marks_and_json_elsewhere() -> None:
    paths = {"state": "$.detail.state", "count": "$.detail.c-count", "all": "$.resources", "gone": "$.detail.gone"}
    template = '{"text": "is <state> (<count>)", "count": <count>, "state": <state>, "all": <all>, "rule": <R>}'
    template = template.replace("<R>", "<aws.events.rule-name>")
    transformer = {"InputPathsMap": paths, "InputTemplate": template}
    expected = {"text": "is terminated (5)", "count": 5, "state": "terminated", "all": EVENT["resources"], "rule": "r"}
    assert json.loads(message({"InputTransformer": transformer}, EVENT, "r", "arn")) == expected


def test_the_products_message_of_a_failed_pipeline_is_a_text() -> None:
    template = '"Pipeline <pipeline> failed. https://console/<pipeline>/executions/<execution>"'
    values = {"pipeline": "p-build", "execution": "123"}
    assert json.loads(filled(template, values)) == "Pipeline p-build failed. https://console/p-build/executions/123"


RECORDED: dict[str, Any] = {
    "userId": "0a787ecb-4015",
    "object": {"acc_id": "0a787ecb-4015", "sf_id": "baz"},
    "one": ["HIGH"],
    "many": ["ACTIVE", "INACTIVE"],
    "yes": True,
    "gone": None,
}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ('"<one> single list item"', '"[HIGH] single list item"'),
        ('"<many> multiple list items"', '"[ACTIVE,INACTIVE] multiple list items"'),
        ('"Payload of <object> with <userId>"', '"Payload of {acc_id:0a787ecb-4015,sf_id:baz} with 0a787ecb-4015"'),
        ('"Command is <yes>!"', '"Command is true!"'),
        ('"<one> a"\n"<gone> b"\n"<object> c"', '"[HIGH] a"\n" b"\n"{acc_id:0a787ecb-4015,sf_id:baz} c"'),
    ],
)
def test_lists_and_objects_in_a_text_lose_their_quotation_marks(template: str, expected: str) -> None:
    """As LocalStack recorded of AWS on 2024-12-13, test_input_transformer_nested_keys_replacement.

    "EventBridge removes any internal quotes to ensure a valid string"
    (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html).
    """
    assert filled(template, RECORDED) == expected


@pytest.mark.parametrize("template", ['{"a": "<one>"}', '{"a": "of <object>", "b": <object>}', '{"a": "<object>"}'])
def test_lists_and_objects_between_the_quotation_marks_of_json_lose_the_event(template: str) -> None:
    """AWS delivered none of these (LocalStack, ..._nested_keys_replacement_not_valid)."""
    with pytest.raises(TransformError, match="does not give JSON"):
        filled(template, RECORDED)


def test_the_predefined_event_calls_its_type_otherwise_than_the_event() -> None:
    """`detailType`, as recorded (LocalStack, test_input_transformer_predefined_variables, 2024-06-11)."""
    template = '{"event": <aws.events.event>, "json": <aws.events.event.json>}'
    content = json.loads(message({"InputTransformer": {"InputTemplate": template}}, EVENT, "rule", "arn"))
    names = set(EVENT) - {"detail", "detail-type"} | {"detailType"}
    assert (set(content["event"]), content["event"]["detailType"], content["json"]) == (
        names,
        EVENT["detail-type"],
        EVENT,
    )


def test_a_template_that_gives_no_json_is_an_error() -> None:
    with pytest.raises(TransformError, match="does not give JSON"):
        filled('"<reason>"', {"reason": 'it said "no"'})


@pytest.mark.parametrize("path", ["detail", "$detail", "$..detail", "$.detail[?(@.a)]"])
def test_a_path_that_eventbridge_does_not_take_is_an_error(path: str) -> None:
    with pytest.raises(TransformError, match="is no path"):
        value_at(EVENT, path)
