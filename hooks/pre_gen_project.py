"""Step 2: refuse wrong answers, all at once, before any file is written.

The rules are the `_rules` table of cookiecutter.json, which every way of rendering brings along. Cookiecutter renders
this file and runs it alone, hence one module and nothing but the standard library. `tojson` escapes quotes, so no
answer can end the literal that carries it.
"""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

Rule = dict[str, Any]
Answers = dict[str, Any]

MARKERS = re.compile(r"\{[%#\{]")
UNPRINTABLE = ("C", "Zl", "Zp")


def shown(value: object) -> str:
    """Return the value as ASCII of bounded length, safe on any terminal."""
    text = ascii(value)
    return text if len(text) <= 80 else f"{text[:60]}... ({len(str(value))} characters)"


def code_point(character: str) -> str:
    """Name a character, for example `U+202E RIGHT-TO-LEFT OVERRIDE`."""
    return f"U+{ord(character):04X} {unicodedata.name(character, 'control character')}"


def slug_from(text: str) -> str:
    """Return the nearest valid short name, or nothing when no letter is left."""
    words = re.findall(r"[a-z0-9]+", unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower())
    return "-".join(words).lstrip("0123456789-")[:32].rstrip("-")


def nearest(value: str, rule: Rule) -> list[str]:
    """Return known values that resemble a mistyped one."""
    import difflib  # slow to import, and needed only on this path

    return difflib.get_close_matches(value.strip().lower(), rule["one_of"], n=3, cutoff=0.5)


def remedy(field: str, value: str, rule: Rule) -> str:
    """Say what to write instead."""
    if "one_of" in rule:
        near = nearest(value, rule)
        return f"did you mean {' or '.join(near)}?" if near else str(rule["remedy"])
    better = slug_from(value) if field == "project_slug" else ""
    suggested = better and better != value and better not in rule["reserved"]
    return f"try {better}" if suggested else str(rule["remedy"])


def broken_rule(value: str, rule: Rule) -> str:
    """Return the rule that the value breaks, or nothing."""
    odd = next((c for c in value if unicodedata.category(c).startswith(UNPRINTABLE)), None)
    if odd is not None:
        return f"holds {code_point(odd)}, which cannot be printed; must be {rule['rule']}"
    if MARKERS.search(value):
        return "holds a template marker, and answers are text, never templates"
    if not value.strip():
        return f"must not be empty or blank; must be {rule['rule']}"
    if not rule["min"] <= len(value) <= rule["max"]:
        return f"has {len(value)} characters; must be {rule['rule']}"
    if value.lower() in map(str.lower, rule.get("reserved", ())):
        return str(rule["reserved_rule"])
    if value in rule.get("one_of", [value]) and re.fullmatch(rule.get("pattern", ".*"), value):
        return ""
    foreign = next((c for c in value if not c.isascii()), None)
    return f"must be {rule['rule']}" + (f"; holds {code_point(foreign)}" if foreign and field_is_ascii(rule) else "")


def field_is_ascii(rule: Rule) -> bool:
    """Return whether the rule takes ASCII letters only."""
    return "\\S" not in rule.get("pattern", "")


def wrong_answers(rules: Mapping[str, Rule], choices: Mapping[str, object], answers: Answers) -> Iterator[str]:
    """Yield one sentence for each wrong answer: field, value, rule, remedy. The catalogue's hook asks here too."""
    for field, rule in rules.items():
        value = answers[field]
        if not isinstance(value, str):
            yield f"{field}: got {shown(value)}; must be text; {rule['remedy']}"
        elif problem := broken_rule(value, rule):
            yield f"{field}: got {shown(value)}; {problem}; {remedy(field, value, rule)}"
    for field, known in choices.items():
        if isinstance(known, list) and answers[field] not in known:
            yield f"{field}: got {shown(answers[field])}; must be one of {', '.join(known)}; choose one of them"


def as_given(answers: Answers, answered: Answers) -> Answers:
    """Return the answers as they were typed, before Cookiecutter took any for a template."""
    rules = answers["_rules"]
    typed = {
        field: raw
        for field, raw in answered.items()
        if field in rules and isinstance(raw, str) and MARKERS.search(raw) and raw != rules[field].get("derived")
    }
    return {**answers, "project_slug": answers["__slug_given"], **typed}


def read() -> tuple[Answers, Answers]:
    """Return the answers, and what was given before Cookiecutter evaluated it: nothing under cruft.

    Only here is text of the template's language, so that the module can be imported as it stands. In what was given,
    a list holds the choices of a question.
    """
    return (
        json.loads(r"""{{ cookiecutter | tojson }}"""),
        json.loads(r"""{{ _cookiecutter | default({}) | tojson }}"""),
    )


def main() -> int:
    """Print every wrong answer, and return the exit status."""
    answers, answered = read()
    if mistakes := list(wrong_answers(answers["_rules"], answered, as_given(answers, answered))):
        print("error: nothing was written, because of these answers:", *mistakes, sep="\n  ", file=sys.stderr)
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main())
