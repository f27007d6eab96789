"""Step 2: wrong answers are refused before a file is written; right ones arrive unchanged."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import jinja2
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import Bake, Refusal
from tests.tree import ROOT

Refuse = Callable[..., Refusal]
Cli = Callable[..., subprocess.CompletedProcess[str]]
QUESTIONS = json.loads((ROOT / "cookiecutter.json").read_text())
RULES = QUESTIONS["_rules"]
ASKED = [name for name in QUESTIONS if not name.startswith("_")]

# field, value, a part of the sentence that explains it
WRONG = [
    ("project_slug", "", "empty"),
    ("project_slug", "   ", "empty"),
    ("project_slug", "../evil", "try evil"),
    ("project_slug", "/etc/adult", "try etc-adult"),
    ("project_slug", "one/two/three", "try one-two-three"),
    ("project_slug", "con", "Windows"),
    ("project_slug", "lpt9", "Windows"),
    ("project_slug", "Adult-Income", "try adult-income"),
    ("project_slug", "-adult", "try adult"),
    ("project_slug", "adult-", "try adult"),
    ("project_slug", "9-adults", "try adults"),
    ("project_slug", "a_b", "try a-b"),
    ("project_slug", "a" * 33, "33 characters"),
    ("project_slug", "a" * 300, "300 characters"),
    ("project_slug", "adult\u202egnp", "U+202E RIGHT-TO-LEFT OVERRIDE"),
    ("project_slug", "\u0430dult", "U+0430 CYRILLIC SMALL LETTER A"),
    ("project_slug", "adult\n  evil: true", "U+000A"),
    ("project_slug", "adult;touch pwned", "try adult-touch-pwned"),
    ("project_slug", "$(touch pwned)", "try touch-pwned"),
    ("project_slug", "{{ cycler.__init__.__globals__ }}", "template marker"),
    ("project_name", "{% raw %}Adult{% endraw %}", "template marker"),
    ("project_name", "{# note #}Adult", "template marker"),
    ("project_name", "{{ 'Adult' }}", "template marker"),
    ("project_name", "", "empty"),
    ("project_name", " Adult", "no blank at either end"),
    ("project_name", "Adult\u200bIncome", "U+200B ZERO WIDTH SPACE"),
    ("project_name", "Adult\x1b[31m", "U+001B"),
    ("project_name", "n" * 101, "101 characters"),
    ("author_email", "nobody", "e-mail"),
    ("author_email", "a@b@example.com", "e-mail"),
    ("author_email", "a@example.com\nbcc: x@example.com", "U+000A"),
    ("author_email", '"x"@example.com', "e-mail"),
    ("aws_region", "mars-east-1", "us-east-1"),
    ("aws_region", "US-EAST-1", "did you mean us-east-1"),
    ("aws_region", "eu-central1", "did you mean eu-central-1"),
    ("aws_region", "", "empty"),
    ("default_branch", "--upload-pack=touch pwned", "check-ref-format"),
    ("default_branch", "refs/heads/ma in", "check-ref-format"),
    ("default_branch", "refs/heads/main", "check-ref-format"),
    ("default_branch", "a..b", "check-ref-format"),
    ("default_branch", "main.lock", "check-ref-format"),
    ("default_branch", "a//b", "check-ref-format"),
    ("default_branch", "a@{1}", "check-ref-format"),
    ("default_branch", "@", "check-ref-format"),
    ("default_branch", ".hidden", "check-ref-format"),
    ("default_branch", "main/", "check-ref-format"),
    ("default_branch", "HEAD", "uses this name"),
    ("default_branch", "template", "uses this name"),
    ("target_column", "", "empty"),
    ("target_column", "in\tcome", "U+0009"),
    ("target_column", "income ", "no blank at either end"),
]
# field, value as text that the generated files must carry unchanged
RIGHT = [
    ("project_slug", "a"),
    ("project_slug", "a" * 32),
    ("project_slug", "a--9"),
    ("project_slug", "no"),
    ("project_slug", "null"),
    ("project_name", "Adult: income # gate"),
    ("project_name", "Erwachsene Eink\u00fcnfte"),
    ("project_name", "!!python/object/apply:os.system ['id']"),
    ("project_name", "Say \"adult\" \\ 'income' ".strip()),
    ("project_name", "r'''x'''" + '"""'),
    ("project_name", "Rocket \U0001f680"),
    ("author_email", "ops+ml@example.com"),
    ("author_email", "o'brien@sub.example.co.uk"),
    ("aws_region", "cn-north-1"),
    ("default_branch", "release/2026.11"),
    ("default_branch", "a"),
    ("target_column", "class label"),
    ("target_column", 'the "target": # \\n'),
    ("target_column", "yes"),
    ("target_column", "\U0001f680"),
    ("target_column", "1.0"),
    ("target_column", "Zielgr\u00f6\u00dfe"),
]


@pytest.mark.parametrize(("field", "value", "why"), WRONG)
def test_a_wrong_answer_is_refused_with_field_rule_and_remedy(refuse: Refuse, field: str, value: str, why: str) -> None:
    """Nothing is left behind, the value appears as ASCII only, and the hook itself does not crash."""
    refusal = refuse(**{field: value})
    assert ("Hook script failed (exit status: 1)", ()) == (refusal.error, refusal.left)
    lines = [line for line in refusal.stderr.splitlines() if line.startswith(f"  {field}: got ")]
    assert [why in line for line in lines] == [True]
    assert refusal.stderr.isascii()
    assert "Traceback" not in refusal.stderr


def test_all_wrong_answers_are_listed_at_once(refuse: Refuse) -> None:
    """One attempt shows everything that has to change."""
    refusal = refuse(project_slug="A", author_email="x", aws_region="x", default_branch="-", target_column="")
    fields = [line.split(":")[0].strip() for line in refusal.stderr.splitlines()[1:]]
    assert fields == ["author_email", "aws_region", "default_branch", "project_slug", "target_column"]


@pytest.mark.parametrize("slug", ["", "../evil", "one/two/three", "a" * 300, "{{ cycler.__init__.__globals__ }}"])
def test_the_command_leaves_no_folder_for_a_bad_short_name(cli: Cli, tmp_path: Path, slug: str) -> None:
    """Cookiecutter makes the folder before it runs a hook; the table's guard keeps a bad name from becoming a path."""
    ended = cli(f"project_slug={slug}")
    left = [path.name for path in tmp_path.rglob("*")]
    assert (1, ["out"], True) == (ended.returncode, left, ended.stderr.startswith("error: nothing was written"))


def test_an_answer_outside_its_choices_is_refused_with_the_choices(refuse: Refuse) -> None:
    """Cookiecutter itself refuses these, before any hook runs."""
    refusal = refuse(problem_type="Clustering")
    assert (True, ()) == (all(choice in refusal.error for choice in QUESTIONS["problem_type"]), refusal.left)


def test_a_null_character_is_refused_before_it_becomes_a_path(refuse: Refuse) -> None:
    """No command line can carry it, but a caller of Cookiecutter's function can."""
    assert "holds U+0000" in refuse(project_slug="adult\x00income").stderr


def test_an_existing_folder_stays_as_it_was(cli: Cli, tmp_path: Path) -> None:
    """Cookiecutter refuses, and the file that was there keeps its bytes."""
    mine = tmp_path / "out" / "adult" / "README.md"
    mine.parent.mkdir()
    mine.write_bytes(b"mine\r\n")
    ended = cli("project_slug=adult")
    assert (1, [mine], b"mine\r\n") == (ended.returncode, list(mine.parent.iterdir()), mine.read_bytes())


@pytest.mark.parametrize(("field", "value"), RIGHT)
def test_a_right_answer_arrives_unchanged_where_machines_read_it(bake: Bake, field: str, value: str) -> None:
    """settings.yaml and pyproject.toml parse, and give the same text back."""
    folder = bake(**{field: value})
    settings_text = (folder / "settings.yaml").read_text(encoding="utf-8")
    values = yaml.safe_load(settings_text)
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    carried = {
        "project_slug": {values.get("project"), project["name"], folder.name},
        "project_name": {values.get("project_name"), project["authors"][0]["name"]},
        "author_email": {project["authors"][0]["email"]},
        "aws_region": {values.get("region")},
        "default_branch": {value if f"`{value}`" in (folder / "README.md").read_text(encoding="utf-8") else None},
        "target_column": {values["target_column"]},
    }
    assert {value} == carried[field]


def test_a_short_name_is_derived_within_its_limit(bake: Bake) -> None:
    """A long title gives a valid short name without a second answer."""
    assert "the-income-of-adults-in-the-cens" == bake(project_name="The income of adults in the census of 1994").name


def test_at_most_ten_questions_each_with_a_prompt() -> None:
    """People answer few questions, and each one is a sentence."""
    assert len(ASKED) <= 10
    assert list(QUESTIONS["__prompts__"]) == ASKED


def test_the_rule_table_covers_every_question_that_is_not_a_choice() -> None:
    """Choices are their own rule; everything typed has one in the table, which also knows the derived default."""
    assert [name for name in ASKED if isinstance(QUESTIONS[name], str)] == list(RULES)
    assert RULES["project_slug"]["derived"] == QUESTIONS["project_slug"]


BRANCH_CHARACTERS = st.sampled_from([*"ab.-_/@{}+~^:?*[\\ ", "lock", "..", "@{", "é", "\t"])


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(BRANCH_CHARACTERS, min_size=1, max_size=6).map("".join))
def test_every_branch_that_the_rule_takes_is_one_that_git_takes(branch: str) -> None:
    """The rule is narrower than `git check-ref-format --branch`, never wider."""
    if re.fullmatch(RULES["default_branch"]["pattern"], branch):
        git = subprocess.run(["git", "check-ref-format", "--branch", branch], capture_output=True, check=False)
        assert (branch, 0) == (branch, git.returncode)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.text(max_size=40))
def test_no_answer_can_become_code_of_the_hook(answer: str) -> None:
    """Rendered with any text, the hook parses, and what it read is what was given."""
    source = (ROOT / "hooks" / "pre_gen_project.py").read_text()
    answers = {"_rules": {}, "__slug_given": "a", "project_name": answer}
    rendered = jinja2.Environment(autoescape=False).from_string(source).render(cookiecutter=answers)
    probe = rendered.split("if __name__")[0] + "\nprint(json.dumps(read()[0]['project_name']))\n"
    ran = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True, env=os.environ)
    assert answer == json.loads(ran.stdout)
