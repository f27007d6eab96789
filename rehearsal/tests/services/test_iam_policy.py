"""The evaluation of IAM policies, without AWS and without the embedded cloud."""

import json
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagemaker_rehearsal.iam import conditions
from sagemaker_rehearsal.iam.matching import arn_like, like, resolve, resource_like
from sagemaker_rehearsal.iam.policy import Caller, Policies, Policy, PolicyError, Request, decide, read, trusted

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/build"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/build/one"
CALLER = Caller(ACCOUNT, ROLE, SESSION)
Document = dict[str, Any]


def policy(*statements: Document, version: str = "2012-10-17") -> Policy:
    return read(json.dumps({"Version": version, "Statement": list(statements)}), "test")


def statement(effect: str = "Allow", **elements: object) -> Document:
    return {"Effect": effect, "Action": "s3:GetObject", "Resource": "*", **elements}


def request(action: str = "s3:GetObject", resource: str = "arn:aws:s3:::data/x", **keys: str) -> Request:
    return Request(action, resource, CALLER, {key.replace("__", ":").lower(): (value,) for key, value in keys.items()})


def allowed(document: Policy, asked: Request) -> bool:
    return decide(asked, Policies((document,))).allowed


# ---- Wildcards


def slowly(pattern: str, text: str) -> bool:
    """Match wildcards by definition: `*` is empty, or one character followed by `*`."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return slowly(pattern[1:], text) or (bool(text) and slowly(pattern, text[1:]))
    return bool(text) and pattern[0] in ("?", text[0]) and slowly(pattern[1:], text[1:])


@given(st.text("ab*?:.[(", max_size=8), st.text("ab*?:.[(\n", max_size=8))
def test_wildcards_match_by_their_definition(pattern: str, text: str) -> None:
    assert like(((pattern, False),), text) == slowly(pattern, text)


@given(st.text("aB*?", max_size=6), st.text("Ab*?", max_size=6))
def test_actions_match_without_regard_to_case(pattern: str, text: str) -> None:
    assert like(((pattern, False),), text, ignore_case=True) == slowly(pattern.lower(), text.lower())


@given(st.text("ab*?$", max_size=8))
def test_the_value_of_a_variable_stands_for_itself(value: str) -> None:
    pieces = resolve("x/${aws:username}/*", {"aws:username": (value,)})
    assert pieces is not None
    assert like(pieces, f"x/{value}/y")
    assert like(pieces, "x/other/y") == (value == "other")


@pytest.mark.parametrize(
    ("pattern", "arn", "matches"),
    [
        ("arn:aws:s3:::b/*", "arn:aws:s3:::b/a/b:c", True),
        ("arn:aws:s3:::b/*", "arn:aws:s3:::b", False),
        ("arn:aws:s3:::b/?", "arn:aws:s3:::b/12", False),
        ("arn:aws:iam::*:role/x", f"arn:aws:iam::{ACCOUNT}:role/x", True),
        # A wildcard at the end of a part matches colons, one inside a part does not
        ("arn:aws:sns:*", "arn:aws:sns:us-east-1:1:t", True),
        ("arn:aws:sns:us*1:1:t", "arn:aws:sns:us-east-1:1:t", True),
        ("arn:aws:sns:u*1:t", "arn:aws:sns:us-east-1:1:t", False),
        ("arn:aws:logs:r:1:log-group:/x-*-p-*", "arn:aws:logs:r:1:log-group:/x-a-p-b:log-stream:s", True),
        ("*", "anything", True),
        ("arn:aws:s3:::B/*", "arn:aws:s3:::b/x", False),
    ],
)
def test_resources_match_as_the_guide_says(pattern: str, arn: str, matches: bool) -> None:
    assert resource_like(((pattern, False),), arn) is matches


@pytest.mark.parametrize(
    ("pattern", "arn", "matches"),
    [
        (f"arn:aws:iam::{ACCOUNT}:role/sagemaker-*-p-*", f"arn:aws:iam::{ACCOUNT}:role/sagemaker-a-p-b", True),
        ("arn:aws:iam::*:role/x", f"arn:aws:iam::{ACCOUNT}:role/x", True),
        ("arn:aws:iam::*", f"arn:aws:iam::{ACCOUNT}:role/x", False),
        ("arn:*:x", "arn:aws:sns:us-east-1:1:x", False),
        ("*", f"arn:aws:iam::{ACCOUNT}:role/x", False),
    ],
)
def test_arn_conditions_compare_the_six_parts_one_by_one(pattern: str, arn: str, matches: bool) -> None:
    assert arn_like(((pattern, False),), arn) is matches


# ---- Conditions


@pytest.mark.parametrize(
    ("condition", "keys", "holds"),
    [
        ({"StringEquals": {"k": "a"}}, {"k": ["a"]}, True),
        ({"StringEquals": {"k": ["a", "b"]}}, {"k": ["b"]}, True),
        ({"StringEquals": {"k": "a*"}}, {"k": ["ab"]}, False),
        ({"StringEquals": {"K": "a"}}, {"k": ["a"]}, True),
        ({"StringEquals": {"k": "A"}}, {"k": ["a"]}, False),
        ({"StringEqualsIgnoreCase": {"k": "A"}}, {"k": ["a"]}, True),
        ({"StringLike": {"k": "a*"}}, {"k": ["ab"]}, True),
        ({"StringNotLike": {"k": ["a*", "b*"]}}, {"k": ["bc"]}, False),
        ({"StringNotEquals": {"k": ["a", "b"]}}, {"k": ["c"]}, True),
        # Without the key, positive operators fail and negated ones hold
        ({"StringEquals": {"k": "a"}}, {}, False),
        ({"StringNotEquals": {"k": "a"}}, {}, True),
        ({"StringEqualsIfExists": {"k": "a"}}, {}, True),
        ({"StringEqualsIfExists": {"k": "a"}}, {"k": ["b"]}, False),
        ({"Null": {"k": "true"}}, {}, True),
        ({"Null": {"k": "true"}}, {"k": ["a"]}, False),
        ({"Null": {"k": "false"}}, {"k": ["a"]}, True),
        ({"Null": {"k": False}}, {}, False),
        # Keys with several values
        ({"ForAllValues:StringEquals": {"k": ["a", "b"]}}, {"k": ["a", "b"]}, True),
        ({"ForAllValues:StringEquals": {"k": ["a", "b"]}}, {"k": ["a", "c"]}, False),
        ({"ForAllValues:StringEquals": {"k": "a"}}, {}, True),
        ({"ForAnyValue:StringEquals": {"k": ["a", "b"]}}, {"k": ["c", "b"]}, True),
        ({"ForAnyValue:StringEquals": {"k": "a"}}, {}, False),
        ({"ForAnyValue:StringNotEquals": {"k": "a"}}, {}, False),
        ({"ForAllValues:StringNotLike": {"k": "a*"}}, {"k": ["b", "ab"]}, False),
        ({"ForAnyValue:StringNotEquals": {"k": "a"}}, {"k": ["a", "b"]}, True),
        ({"ForAllValues:StringLikeIfExists": {"k": "a*"}}, {"k": ["ab"]}, True),
        # Numbers, dates, booleans, addresses, ARNs
        ({"NumericLessThanEquals": {"k": "2048"}}, {"k": ["2048"]}, True),
        ({"NumericLessThan": {"k": 2048}}, {"k": ["4096"]}, False),
        ({"NumericNotEquals": {"k": "1"}}, {"k": ["1.0"]}, False),
        ({"NumericGreaterThan": {"k": "1"}}, {"k": ["many"]}, False),
        ({"DateGreaterThan": {"k": "2026-01-01T00:00:00Z"}}, {"k": ["2026-11-24T00:00:00Z"]}, True),
        ({"DateLessThan": {"k": "2026-01-01"}}, {"k": ["1790000000"]}, False),
        ({"Bool": {"k": "false"}}, {"k": ["false"]}, True),
        ({"Bool": {"k": False}}, {"k": ["true"]}, False),
        ({"IpAddress": {"k": "10.0.0.0/8"}}, {"k": ["10.1.2.3"]}, True),
        ({"NotIpAddress": {"k": "10.0.0.0/8"}}, {"k": ["10.1.2.3"]}, False),
        ({"ArnEquals": {"k": "arn:aws:iam::1:role/a*"}}, {"k": ["arn:aws:iam::1:role/ab"]}, True),
        ({"ArnNotLike": {"k": "arn:aws:iam::1:role/a"}}, {"k": ["arn:aws:iam::1:role/b"]}, True),
        # All operators and all keys must hold
        ({"StringEquals": {"k": "a", "l": "b"}}, {"k": ["a"], "l": ["c"]}, False),
        ({"StringEquals": {"k": "a"}, "Bool": {"l": "true"}}, {"k": ["a"], "l": ["true"]}, True),
        # Variables, with and without a value
        ({"StringEquals": {"k": "${l}"}}, {"k": ["a"], "l": ["a"]}, True),
        ({"StringLike": {"k": "${l}*"}}, {"k": ["ab"], "l": ["a"]}, True),
        ({"StringEquals": {"k": "${l}"}}, {"k": ["a"]}, False),
        ({"StringEquals": {"k": "${l, 'a'}"}}, {"k": ["a"]}, True),
        ({"StringLike": {"k": "a${*}"}}, {"k": ["ab"]}, False),
        ({"StringLike": {"k": "a${*}"}}, {"k": ["a*"]}, True),
    ],
)
def test_conditions(
    condition: Mapping[str, Mapping[str, object]], keys: Mapping[str, Sequence[str]], holds: bool
) -> None:
    read_ones = conditions.read(condition, variables=True)
    assert all(condition.holds(keys) for condition in read_ones) is holds


def test_an_operator_that_iam_does_not_have_is_an_error() -> None:
    with pytest.raises(conditions.ConditionError, match="Invalid condition operator: StringIsNice"):
        conditions.read({"StringIsNice": {"k": "a"}}, variables=True)


def test_policies_without_version_have_no_variables() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html."""
    document = statement(Resource="arn:aws:s3:::data/${aws:username}")
    asked = request(resource="arn:aws:s3:::data/anna", aws__username="anna")
    assert allowed(policy(document), asked)
    assert not allowed(policy(document, version="2008-10-17"), asked)


# ---- Statements


@pytest.mark.parametrize(
    ("document", "matches"),
    [
        ({"Action": "s3:getobject"}, True),
        ({"Action": "S3:Get*"}, True),
        ({"Action": "*"}, True),
        ({"Action": ["s3:PutObject", "s3:GetObjec?"]}, True),
        ({"Action": "s3:GetObjectVersion"}, False),
        ({"NotAction": "s3:GetObject"}, False),
        ({"NotAction": "iam:*"}, True),
        ({"Resource": "arn:aws:s3:::data/*"}, True),
        ({"Resource": ["arn:aws:s3:::other/*", "arn:aws:s3:::data/x"]}, True),
        ({"Resource": "arn:aws:s3:::data"}, False),
        ({"NotResource": "arn:aws:s3:::data/*"}, False),
        ({"NotResource": "arn:aws:s3:::other/*"}, True),
        ({"Resource": "arn:aws:s3:::${missing}/x"}, False),
    ],
)
def test_statements_are_about_actions_and_resources(document: Document, matches: bool) -> None:
    whole = statement(**document)
    for absent in [name for name in ("Action", "Resource") if f"Not{name}" in document]:
        del whole[absent]
    assert allowed(policy(whole), request()) is matches


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"Statement": [{"Effect": "Maybe", "Action": "*"}]}'])
def test_what_is_no_policy_is_an_error(text: str) -> None:
    with pytest.raises(PolicyError):
        read(text, "broken")


# ---- The order of evaluation

ACTIONS = st.sampled_from(["s3:*", "s3:GetObject", "s3:PutObject", "iam:*", "*"])
RESOURCES = st.sampled_from(["*", "arn:aws:s3:::data/*", "arn:aws:s3:::other/*", "arn:aws:s3:::data/x"])
STATEMENTS = st.builds(
    lambda effect, action, resource: statement(effect, Action=action, Resource=resource),
    st.sampled_from(["Allow", "Deny"]),
    ACTIONS,
    RESOURCES,
)
SEVERAL = st.lists(STATEMENTS, max_size=4)
REQUESTS = st.builds(
    lambda action, key: request(action, f"arn:aws:s3:::{key}"),
    st.sampled_from(["s3:GetObject", "s3:PutObject", "iam:PassRole"]),
    st.sampled_from(["data/x", "data/y", "other/x"]),
)


def effects(statements: Sequence[Document], asked: Request) -> set[str]:
    """Return the effects of the statements that match a request, by definition."""
    return {
        statement["Effect"]
        for statement in statements
        if slowly(statement["Action"].lower(), asked.action.lower()) and slowly(statement["Resource"], asked.resource)
    }


@given(SEVERAL, REQUESTS)
def test_allowed_is_what_is_allowed_and_not_denied(statements: list[Document], asked: Request) -> None:
    assert allowed(policy(*statements), asked) == (effects(statements, asked) == {"Allow"})


@given(SEVERAL, REQUESTS, st.randoms())
def test_the_order_of_statements_makes_no_difference(
    statements: list[Document], asked: Request, random: Random
) -> None:
    mixed = list(statements)
    random.shuffle(mixed)
    assert allowed(policy(*statements), asked) == allowed(policy(*mixed), asked)


@given(SEVERAL, SEVERAL, SEVERAL, REQUESTS)
def test_boundary_and_session_policy_only_take_away(
    own: list[Document], boundary: list[Document], session: list[Document], asked: Request
) -> None:
    decision = decide(asked, Policies((policy(*own),), policy(*boundary), policy(*session)))
    each = [effects(policy, asked) == {"Allow"} for policy in (own, boundary, session)]
    assert decision.allowed == all(each)


@given(SEVERAL, SEVERAL, REQUESTS)
def test_a_deny_in_any_policy_wins(own: list[Document], resource: list[Document], asked: Request) -> None:
    named = [{**statement, "Principal": {"AWS": SESSION}} for statement in resource]
    decision = decide(asked, Policies((policy(*own),), resource=(policy(*named),)))
    matching_effects = effects(own, asked) | effects(resource, asked)
    assert decision.allowed == (matching_effects == {"Allow"})


def test_the_reason_names_the_kind_of_policy() -> None:
    allow, deny, nothing = policy(statement()), policy(statement("Deny")), policy()
    everyone = policy(statement("Deny", Principal="*"))
    reasons = [
        decide(request(), policies).because
        for policies in (
            Policies(),
            Policies((allow, deny)),
            Policies((allow,), boundary=nothing),
            Policies((allow,), boundary=deny),
            Policies((allow,), session=nothing),
            Policies((allow,), session=deny),
            Policies((allow,), resource=(everyone,)),
        )
    ]
    assert reasons == [
        "because no identity-based policy allows the s3:GetObject action",
        "with an explicit deny in an identity-based policy",
        "because no permissions boundary allows the s3:GetObject action",
        "with an explicit deny in a permissions boundary",
        "because no session policy allows the s3:GetObject action",
        "with an explicit deny in a session policy",
        "with an explicit deny in a resource-based policy",
    ]


@pytest.mark.parametrize(
    ("principal", "own", "boundary", "is_allowed"),
    [
        # The session's own ARN: no other policy must allow
        ({"AWS": SESSION}, policy(), policy(), True),
        # The role's ARN, or everyone: allowed, limited by the boundary
        ({"AWS": ROLE}, policy(), None, True),
        ({"AWS": ROLE}, policy(), policy(), False),
        ("*", policy(), None, True),
        # The account: the caller's policies decide
        ({"AWS": ACCOUNT}, policy(), None, False),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, policy(statement()), None, True),
        ({"AWS": "arn:aws:iam::999999999999:root"}, policy(), None, False),
        ({"Service": "lambda.amazonaws.com"}, policy(), None, False),
    ],
)
def test_resource_policies_allow_by_whom_they_name(
    principal: object, own: Policy, boundary: Policy | None, is_allowed: bool
) -> None:
    resource = policy(statement(Principal=principal))
    assert decide(request(), Policies((own,), boundary, resource=(resource,))).allowed is is_allowed


def test_not_principal_denies_all_others() -> None:
    closed = policy(statement("Deny", NotPrincipal={"AWS": ROLE}))
    other = Request("s3:GetObject", "arn:aws:s3:::data/x", Caller(ACCOUNT, f"{ROLE}2", f"{SESSION}2"))
    own = policy(statement())
    assert decide(request(), Policies((own,), resource=(closed,))).allowed
    assert not decide(other, Policies((own,), resource=(closed,))).allowed


def test_a_service_needs_the_resources_policy() -> None:
    arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:router"
    conditions = {"ArnLike": {"aws:SourceArn": f"arn:aws:events:us-east-1:{ACCOUNT}:rule/sagemaker-*-p-*"}}
    permission = policy(
        {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "lambda:InvokeFunction",
            "Resource": arn,
            "Condition": conditions,
        }
    )

    def asks(service: str, rule: str) -> bool:
        source = f"arn:aws:events:us-east-1:{ACCOUNT}:rule/{rule}"
        asked = Request("lambda:InvokeFunction", arn, Caller(ACCOUNT, service=service), {"aws:sourcearn": (source,)})
        return decide(asked, Policies(resource=(permission,))).allowed

    assert asks("events.amazonaws.com", "sagemaker-a-p-b")
    assert not asks("events.amazonaws.com", "other")
    assert not asks("scheduler.amazonaws.com", "sagemaker-a-p-b")


@pytest.mark.parametrize(
    ("principal", "own", "is_trusted"),
    [
        ({"AWS": ROLE}, policy(), True),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, policy(), False),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, policy(statement(Action="sts:AssumeRole")), True),
        ({"Service": "lambda.amazonaws.com"}, policy(statement(Action="sts:AssumeRole")), False),
        ({"AWS": ROLE}, policy(statement("Deny", Action="sts:*")), False),
    ],
)
def test_a_role_is_assumed_by_whom_it_trusts(principal: object, own: Policy, is_trusted: bool) -> None:
    trust = policy({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"})
    asked = request("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/other")
    assert trusted(asked, trust, Policies((own,))).allowed is is_trusted


def test_all_statements_that_allow_are_named() -> None:
    own = policy(statement(), statement(Action="s3:*"), statement(Action="iam:*"), statement("Deny", Action="iam:*"))
    assert [at for _, at in decide(request(), Policies((own,))).grants] == [0, 1]
