"""Step 3: hold the answers to the template's own rules, before anything of Jinja sees them.

The rules are the `_rules` table in the template's cookiecutter.json, and the check is the one that the template's
pre_gen hook runs behind every other door: one table, one check.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from catalog.hook.errors import AnswerError, ArtifactError
from catalog.hook.request import nearest, quoted
from hooks.pre_gen_project import Rule, wrong_answers

Questions = Mapping[str, Any]

KNOWN_KEYS = {"min", "max", "pattern", "rule", "remedy", "reserved", "reserved_rule", "derived", "one_of"}
# For a question that the table leaves out.
PLAIN_TEXT: Rule = {
    "min": 1,
    "max": 255,
    "pattern": r"\S(.*\S)?",
    "rule": "1 to 255 printable characters, with no blank at either end",
    "remedy": "write plain text",
}


def checked(questions: Questions, given: Mapping[str, str], branch: str, provider: str) -> dict[str, str]:
    """Return the answers to render with: those given, the branch and the provider.

    Args:
        questions: the template's cookiecutter.json.
        given: names of questions and their answers.
        branch: the branch that CI builds; it answers `default_branch`.
        provider: the Git host; it answers `git_provider`.

    Raises:
        AnswerError: lists every wrong answer.
    """
    asked = {name: default for name, default in questions.items() if not name.startswith("_")}
    implied = {"default_branch": ("BranchName", branch), "git_provider": ("Provider", provider)}
    problems = [*strangers(asked, given), *contradictions(given, implied)]
    answers = {name: value for name, value in given.items() if name in asked}
    answers |= {name: value for name, (_, value) in implied.items() if name in asked}
    problems += [as_property(text, implied, given) for text in wrong(questions, asked, answers)]
    if problems:
        raise AnswerError("; ".join(problems))
    return answers


def strangers(asked: Questions, answers: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence for each name that is no question."""
    for name in answers:
        if name.startswith("_"):
            yield f"Answers.{quoted(name)}: names that begin with _ are the template's own, not answers; leave it out"
        elif name not in asked:
            yield f"Answers.{quoted(name)}: no such question{nearest(name, list(asked))}"


def contradictions(answers: Mapping[str, str], implied: Mapping[str, tuple[str, str]]) -> Iterator[str]:
    """Yield a sentence for each answer that a property contradicts."""
    for name, (prop, value) in implied.items():
        if answers.get(name, value) != value:
            yield f"Answers.{name}: got {quoted(answers[name])}, but {prop} is {quoted(value)}; give the same in both"


def as_property(text: str, implied: Mapping[str, tuple[str, str]], answers: Mapping[str, str]) -> str:
    """Name the property that a wrong answer came from."""
    name = text.partition(":")[0]
    return f"{implied[name][0]}, as {text}" if name in implied and name not in answers else f"Answers.{text}"


def wrong(questions: Questions, asked: Questions, answers: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence for each answer that breaks its rule or is none of its choices."""
    table = rules_of(questions)
    rules = {name: table.get(name, PLAIN_TEXT) for name in answers if isinstance(asked[name], str)}
    choices = {name: choices_of(name, asked[name]) for name in answers if not isinstance(asked[name], str)}
    yield from wrong_answers(rules, choices, dict(answers))


def rules_of(questions: Questions) -> dict[str, Rule]:
    """Return the template's table of rules.

    Raises:
        ArtifactError: the template is newer than this hook, and has rules that the hook would pass over.
    """
    table: dict[str, Rule] = questions.get("_rules", {})
    if unknown := sorted({key for rule in table.values() for key in rule} - KNOWN_KEYS):
        raise ArtifactError(
            f"_rules in cookiecutter.json: this hook does not know {', '.join(unknown)}; "
            "publish the hook of the same version"
        )
    return table


def choices_of(name: str, default: object) -> list[str]:
    """Return the texts that a question takes which is not free text."""
    if isinstance(default, bool):
        return ["true", "false"]
    if isinstance(default, list) and all(isinstance(choice, str) for choice in default):
        return default
    raise ArtifactError(f"{name} in cookiecutter.json: must be text, true, false or a list of texts")
