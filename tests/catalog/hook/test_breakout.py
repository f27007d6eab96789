"""Step 3: text that tries to break out of an answer never reaches Jinja, whichever parameter carries it."""

from __future__ import annotations

import json
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.hook.answers import checked
from catalog.hook.artifact import questions
from catalog.hook.errors import AnswerError
from catalog.hook.request import RULES
from catalog.hook.tree import render
from tests.catalog.fakes.world import Outside
from tests.catalog.hook.conftest import small_template
from tests.tree import ROOT

QUESTIONS = json.loads((ROOT / "cookiecutter.json").read_text())
ASKED = [name for name in QUESTIONS if not name.startswith("_")]
MARKED = ["BROKEN_OUT"]
CODE = [
    "{{ cycler.__init__.__globals__.os.environ.update(BROKEN_OUT='1') }}",
    "{% set _ = cycler.__init__.__globals__.os.environ.update(BROKEN_OUT='1') %}a",
    "{#- comment -#}a",
    "a{{7*7}}",
    "{%raw%}a{%endraw%}",
    "../../etc/passwd",
    "/etc/passwd",
    "a\nb: {{ 1 }}",
    "a\x00b",
    "a\u202e{{",
    "A" * 4096,
    "\ud800",
    "$(touch pwned)\n",
]
marker = st.sampled_from(["{{", "{%", "{#", "}}", "%}", "\x00", "\n", "\u202e", "{{ 7*7 }}"])
hostile = st.builds(lambda a, m, b: a + m + b, st.text(max_size=20), marker, st.text(max_size=20))


@pytest.mark.parametrize("name", ASKED)
@pytest.mark.parametrize("value", CODE)
def test_code_in_any_answer_is_refused_and_does_not_run(name: str, value: str) -> None:
    """The whole way through the function: one FAILED, nothing executed, nothing committed."""
    outside = Outside(small_template())
    given_answers = {"project_slug": "adult", name: value}
    answer = outside.invoke(outside.event(Answers=given_answers))
    accepted = name in ("project_name", "target_column") and value in ("../../etc/passwd", "/etc/passwd")
    assert ("SUCCESS" if accepted else "FAILED") == answer["Status"]
    assert [] == [mark for mark in MARKED if mark in os.environ]
    assert accepted == bool(outside.codecommit.branches)


@pytest.mark.parametrize("kind", ["Create", "Update"])
@pytest.mark.parametrize("name", [*RULES, "Unknown"])
def test_code_in_any_property_is_refused_and_does_not_run(name: str, kind: str) -> None:
    """Branch and provider are answers too; the others name places. Nothing is committed, at either request."""
    outside = Outside(small_template())
    for value in CODE:
        answer = outside.invoke(outside.event(kind, **{name: value}))
        assert ("FAILED", value) == (answer["Status"], value)
    assert [] == [mark for mark in MARKED if mark in os.environ]
    assert {} == outside.codecommit.branches


@pytest.mark.parametrize("value", CODE)
def test_code_in_the_name_of_an_answer_is_refused_and_does_not_run(value: str) -> None:
    outside = Outside(small_template())
    assert "FAILED" == outside.invoke(outside.event(Answers={value: "x"}))["Status"]
    assert [] == [mark for mark in MARKED if mark in os.environ]
    assert {} == outside.codecommit.branches


@pytest.mark.parametrize("name", ASKED)
@settings(max_examples=40, deadline=None, derandomize=True)
@given(value=hostile)
def test_what_the_check_lets_through_holds_nothing_that_jinja_would_act_on(name: str, value: str) -> None:
    """Rendering is given the checked answers and nothing else; what passes the check is its own rendering."""
    try:
        passed = checked(QUESTIONS, {name: value}, "main", "codecommit")
    except AnswerError:
        return
    assert [] == [text for text in passed.values() if any(opening in text for opening in ("{{", "{%", "{#"))]
    assert [] == [text for text in passed.values() if not text.isprintable()]


@settings(max_examples=25, deadline=None, derandomize=True)
@given(title=st.text(st.characters(codec="utf-8"), min_size=1, max_size=40))
def test_a_title_that_is_accepted_arrives_unchanged(title: str) -> None:
    template = small_template()
    asked = questions(template)
    try:
        answers = checked(asked, {"project_name": title, "project_slug": "adult"}, "main", "codecommit")
    except AnswerError:
        return
    assert f"# {title}\n".encode() == render(template, asked, answers).files["README.md"].data


@pytest.mark.parametrize("name", ["_copy_without_render", "_extensions", "__slug_guard", "__prompts__", "_template"])
def test_the_templates_own_variables_cannot_be_set(name: str) -> None:
    with pytest.raises(AnswerError, match="are the template's own"):
        checked(QUESTIONS, {name: "x"}, "main", "codecommit")
