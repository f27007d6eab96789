"""Step 3: bad events are refused with one answer that names field and rule, and nothing is committed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from catalog.hook.handler import respond
from tests.catalog.fakes.world import NAME, URL, Lambda, Outside

Event = dict[str, Any]
Spoil = Callable[[Event], object]


def given(**properties: object) -> Spoil:
    """Return what sets properties of the resource."""
    return lambda event: event["ResourceProperties"].update(properties)


def answers(**values: object) -> Spoil:
    """Return what sets the answers."""
    return given(Answers=values)


def lacks(name: str) -> Spoil:
    """Return what removes a property."""
    return lambda event: event["ResourceProperties"].pop(name)


# what is wrong with a Create, and parts of the reason that CloudFormation shows
REFUSED: list[tuple[str, Spoil, list[str]]] = [
    ("unknown kind", lambda e: e.update(RequestType="Rotate"), ["RequestType", "Create, Update, Delete"]),
    ("no kind", lambda e: e.pop("RequestType"), ["RequestType", "Create, Update, Delete"]),
    ("kind is a number", lambda e: e.update(RequestType=7), ["RequestType"]),
    ("no stack", lambda e: e.pop("StackId"), ["StackId", "must be text"]),
    ("no request", lambda e: e.pop("RequestId"), ["RequestId", "must be text"]),
    ("no logical id", lambda e: e.pop("LogicalResourceId"), ["LogicalResourceId", "must be text"]),
    ("no properties", lambda e: e.pop("ResourceProperties"), ["ResourceProperties", "object"]),
    ("properties are a list", lambda e: e.update(ResourceProperties=[]), ["ResourceProperties", "object"]),
    ("no repository", lacks("RepositoryName"), ["RepositoryName", "missing"]),
    ("repository is a path", given(RepositoryName="../other"), ["RepositoryName", "A-Z a-z 0-9 . _ -"]),
    ("repository ends in .git", given(RepositoryName="adult.git"), ["RepositoryName", ".git"]),
    ("repository is too long", given(RepositoryName="a" * 101), ["RepositoryName", "1 to 100"]),
    ("repository is a list", given(RepositoryName=["a"]), ["RepositoryName", "must be text, got list"]),
    ("branch is an option", given(BranchName="-main"), ["BranchName", "check-ref-format"]),
    ("branch is a ref", given(BranchName="refs/heads/main"), ["BranchName", "check-ref-format"]),
    ("branch is HEAD", given(BranchName="HEAD"), ["BranchName", "Git or the template"]),
    ("branch is ours", given(BranchName="template"), ["BranchName", "other than `template`"]),
    ("branch is two lines", given(BranchName="main\nx"), ["BranchName"]),
    ("unknown provider", given(Provider="svn"), ["Provider", "codecommit, github"]),
    ("host without a build", given(Provider="github", RepositoryName="a/b"), ["SeedProject", "ProjectBucket"]),
    ("host's name without owner", given(Provider="github", RepositoryName="b"), ["RepositoryName", "owner/name"]),
    ("answers are text", given(Answers="project_slug=a"), ["Answers", "map of text to text"]),
    ("an answer is a number", answers(project_slug=7), ["Answers.'project_slug'", "must be text, got int"]),
    ("an answer is huge", answers(project_name="A" * 300_000), ["project_name", "300000 characters", "4096"]),
    ("too many answers", answers(**{f"a{n}": "" for n in range(51)}), ["Answers", "at most 50"]),
    ("private answer", answers(_extensions="os"), ["_extensions", "template's own"]),
    ("private answer that is a list", answers(_extensions=["os"]), ["_extensions", "must be text"]),
    ("unknown answer", answers(project_slag="a"), ["project_slag", "did you mean project_slug?"]),
    (
        "Jinja",
        answers(project_slug="{{ cycler.__init__.__globals__.os.environ }}"),
        ["project_slug", "template marker"],
    ),
    ("bidi", answers(project_name="a\u202eb"), ["project_name", "U+202E RIGHT-TO-LEFT OVERRIDE"]),
    ("control", answers(project_name="a\x07b"), ["project_name", "U+0007"]),
    ("surrogate", answers(project_name="a\ud800b"), ["project_name", "U+D800"]),
    ("derived short name", answers(project_name="1984"), ["project_slug", "beginning with a letter"]),
    ("no choice", answers(licence="GPL"), ["licence", "Apache-2.0, MIT, Proprietary"]),
    ("two branches", answers(default_branch="dev"), ["default_branch", "BranchName is 'main'"]),
    ("two providers", answers(git_provider="github"), ["git_provider", "Provider is 'codecommit'"]),
    ("unknown property", given(Unknown="x"), ["'Unknown'", "no such property", "TemplateKey"]),
    ("mistyped property", given(RepositryName="x"), ["'RepositryName'", "did you mean RepositoryName?"]),
    ("no digest", lacks("TemplateSha256"), ["TemplateSha256", "missing"]),
    ("short digest", given(TemplateSha256="abc"), ["TemplateSha256", "64 hexadecimal digits"]),
    ("other digest", given(TemplateSha256="0" * 64), ["TemplateSha256", "0" * 64, "was published"]),
    ("key leaves the bucket", given(TemplateKey="../../secrets.zip"), ["TemplateKey", "no `..`"]),
    ("key is an address", given(TemplateKey="https://evil.example/t.zip"), ["TemplateKey", "no address"]),
    ("no such version", given(TemplateVersionId="2"), ["TemplateVersionId", "not in the artifact bucket"]),
    ("other bucket", given(TemplateBucket="evil-bucket"), ["TemplateBucket", "'ops-bucket'"]),
]


@pytest.mark.parametrize(("spoil", "sentence"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_a_bad_event_is_answered_once_and_nothing_is_committed(
    outside: Outside, spoil: Spoil, sentence: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """One FAILED, small enough, with field and rule; no address and no part of the environment in it or in the log."""
    outside.environment["TEMPLATE_BUCKET"] = "ops-bucket"
    event = outside.event()
    spoil(event)
    answer = outside.invoke(event)
    assert "FAILED" == answer["Status"]
    assert [] == [part for part in sentence if part not in answer["Reason"]]
    assert {} == outside.codecommit.branches
    public = answer["Reason"] + capsys.readouterr().out
    assert [] == [secret for secret in ("hunter2", URL, "Signature") if secret in public]


@pytest.mark.parametrize(
    "url",
    [
        "http://evil.example/x",
        "file:///etc/passwd",
        "https://evil.example/cloudformation-custom-resource-response-useast1.s3.amazonaws.com",
        "https://cloudformation-custom-resource-response-useast1.s3.amazonaws.com.evil.example/x",
        "https://cloudformation-custom-resource-response-useast1.s3.amazonaws.com@evil.example/x",
        "https://cloudformation-custom-resource-response-useast1.s3.amazonaws.com:8443/x",
        "http://cloudformation-custom-resource-response-useast1.s3.amazonaws.com/x",
        "https://127.0.0.1/x",
        "https://[::1/x",
        "",
        None,
        7,
    ],
)
def test_nothing_is_sent_to_an_address_that_is_not_cloudformations(
    outside: Outside, url: object, capsys: pytest.CaptureFixture[str]
) -> None:
    """The event is logged, without the address, and the invocation ends, so that Lambda does not repeat it."""
    respond(outside.event() | {"ResponseURL": url}, Lambda(), outside.world())
    row = json.loads(capsys.readouterr().out)
    assert ([], []) == (outside.sent, outside.calls.made)
    assert ("ERROR", "ResponseURL: must be an https address on CloudFormation's S3 host; nothing was sent to it") == (
        row["level"],
        row["message"],
    )


@pytest.mark.parametrize("event", ["not json", None, [], 7])
def test_an_event_that_is_no_object_is_logged_and_not_repeated(
    outside: Outside, event: object, capsys: pytest.CaptureFixture[str]
) -> None:
    respond(event, Lambda(), outside.world())
    assert "the event must be an object" in capsys.readouterr().out
    assert [] == outside.sent


@pytest.mark.parametrize(
    "host",
    [
        "cloudformation-custom-resource-response-useast1.s3.amazonaws.com",
        "cloudformation-custom-resource-response-uswest2.s3-us-west-2.amazonaws.com",
        "cloudformation-custom-resource-response-eucentral1.s3.eu-central-1.amazonaws.com",
        "cloudformation-custom-resource-response-cnnorth1.s3.cn-north-1.amazonaws.com.cn",
    ],
)
def test_cloudformations_hosts_are_answered_in_every_partition(outside: Outside, host: str) -> None:
    sent = []
    world = outside.world()
    world = type(world)(world.client, lambda url, _: sent.append(url) or 200, world.environment, world.sleep)  # type: ignore[func-returns-value]
    respond(outside.event("Delete") | {"ResponseURL": f"https://{host}/x"}, Lambda(), world)
    assert [f"https://{host}/x"] == sent


def test_a_rehearsal_may_name_a_further_host(outside: Outside) -> None:
    """RESPONSE_HOSTS is set on no function of the catalogue."""
    sent = []
    environment = {"RESPONSE_HOSTS": "127.0.0.1"}
    world = outside.world()
    world = type(world)(world.client, lambda url, _: sent.append(url) or 200, environment, world.sleep)  # type: ignore[func-returns-value]
    for url in ("http://127.0.0.1:5000/answer", "http://127.0.0.2:5000/answer"):
        respond(outside.event("Delete") | {"ResponseURL": url}, Lambda(), world)
    assert ["http://127.0.0.1:5000/answer"] == sent


def test_all_wrong_answers_are_named_at_once(outside: Outside) -> None:
    answer = outside.invoke(
        outside.event(Answers={"project_slug": "A", "author_email": "nobody", "aws_region": "mars-east-1"})
    )
    assert 3 == sum(
        f"Answers.{name}: got" in answer["Reason"] for name in ("project_slug", "author_email", "aws_region")
    )


def test_a_failed_create_has_an_id_that_a_later_delete_can_name(outside: Outside) -> None:
    assert f"codecommit:{NAME}" == outside.invoke(outside.event(TemplateSha256="0" * 64))["PhysicalResourceId"]
    assert "seed:not-created" == outside.invoke(outside.event(RepositoryName="../x"))["PhysicalResourceId"]


def test_a_title_in_any_script_and_numbers_as_text_are_fine(outside: Outside) -> None:
    """CloudFormation sends every scalar as text; `3.13` stays text."""
    answer = outside.invoke(outside.event(Answers={"project_name": "Größe: 10 % #1", "python_version": "3.13"}))
    assert "SUCCESS" == answer["Status"]
    assert "# Größe: 10 % #1\n".encode() == outside.codecommit.files("main")["README.md"]
    assert 1 == len(outside.codecommit.commits)


def test_a_template_newer_than_the_hook_is_refused(outside: Outside) -> None:
    """A rule that this hook does not know would be passed over in silence."""
    questions = json.loads(outside.template["cookiecutter.json"].data)
    questions["_rules"]["project_slug"]["vowels"] = 2
    outside.template["cookiecutter.json"] = type(outside.template["cookiecutter.json"])(json.dumps(questions).encode())
    outside = Outside(outside.template)
    assert "this hook does not know vowels; publish the hook" in outside.invoke(outside.event())["Reason"]
