"""Step 4: load settings.yaml: either frozen, checked settings, or every mistake at once with line, rule and remedy."""

import difflib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pipeline.errors import SettingsError
from pipeline.settings.model import OBJECTIVES, Settings, known_paths, rule_of
from pipeline.settings.rules import Problem, cross_problems, nearest
from pipeline.settings.yaml import Document, YamlError, read

PATH = Path("settings.yaml")
Keys = tuple[str, ...]
_NUMERIC = dict.fromkeys(("float_type", "int_type", "int_from_float"), "number")
_KINDS = {"string_type": "text", "bool_type": "switch", **_NUMERIC}
_NUMBERS = {"threshold", "max_quality_drop", "test_fraction", "validation_fraction", "champion_tolerance"}


def load(path: Path = PATH) -> Settings:
    """Read settings.yaml.

    Raises:
        SettingsError: listing every mistake as `settings.yaml:LINE: key.path: got VALUE; RULE; REMEDY`.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror}); restore it from the template") from error
    return parse(data, str(path))


def parse(data: bytes | str, where: str = "settings.yaml") -> Settings:
    """Check the text of settings.yaml; raise SettingsError, listing every mistake with the file's name `where`."""
    try:
        document = read(data if isinstance(data, bytes) else data.encode("utf-8", "surrogatepass"))
    except YamlError as error:
        raise SettingsError(f"{where}:{error.line}: {error.sentence}") from error
    problems = [*_duplicates(document)]
    settings = None
    try:
        settings = Settings.model_validate(document.value)
    except ValidationError as error:
        problems += [_problem(document, dict(detail)) for detail in error.errors(include_url=False)]
    wrong = {problem.path for problem in problems}
    problems += [problem for problem in cross_problems(document.value) if problem.path not in wrong]
    if problems or settings is None:
        raise SettingsError("\n".join(_sentences(document, problems, where)))
    return settings


def region(settings: Settings, environ: Mapping[str, str] = os.environ) -> str:
    """Return the region: the environment's (CodeBuild sets it), else that of settings.yaml."""
    return environ.get("AWS_DEFAULT_REGION") or environ.get("AWS_REGION") or settings.region


def _sentences(document: Document, problems: list[Problem], where: str) -> Iterator[str]:
    for problem in sorted(problems, key=lambda problem: document.line(problem.path)):
        yield f"{where}:{document.line(problem.path)}: {_sentence(document, problem)}"


def _sentence(document: Document, problem: Problem) -> str:
    text = document.texts.get(problem.path)
    got = f"got {_short(text)}; " if text is not None and problem.show_value else ""
    return f"{'.'.join(problem.path)}: {got}{problem.rule}; {problem.remedy}"


def _short(text: str) -> str:
    shown = repr(text if text else "")
    return shown if len(shown) <= 80 else f"{shown[:77]}..."


def _duplicates(document: Document) -> Iterator[Problem]:
    for path, first, later in document.duplicates:
        rule = f"is given twice, on line {first} and on line {later}"
        yield Problem(path, rule, "keep one (YAML itself would silently keep the last)", show_value=False)


def _problem(document: Document, error: Mapping[str, Any]) -> Problem:
    path: Keys = tuple(str(part) for part in error["loc"] if part != "[key]")
    kind, value = error["type"], _at(document.value, path)
    if kind == "missing":
        return Problem(path, "is missing and has no default", f"add {path[-1]}{_advice(path)}", show_value=False)
    if kind == "extra_forbidden":
        return Problem(path, "is no setting", _nearest(path), show_value=False)
    rule = rule_of(path)
    if rule is None:
        return Problem(path, "must be a mapping of keys", "indent its keys below it, as the template does")
    return Problem(path, rule.rule + _hint(kind, value, path), _suggestion(path, value) or rule.remedy)


def _advice(path: Keys) -> str:
    rule = rule_of(path)
    return f"; it {rule.rule}" if rule else " with its keys, as the template has it"


def _at(value: Any, path: Keys) -> Any:  # noqa: ANN401 (anything that YAML can hold)
    for part in path:
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value


def _hint(kind: str, value: Any, path: Keys) -> str:  # noqa: ANN401
    """Explain a value of the wrong kind: what YAML made of it."""
    expected = _KINDS.get(kind)
    read_as = {bool: "a boolean", type(None): "null (nothing)", int: "a number", float: "a number", str: "text"}.get(
        type(value), "a list or mapping" if isinstance(value, dict | list) else "a date"
    )
    if expected == "text" and not isinstance(value, dict | list):
        return f" (YAML reads this as {read_as}: quote it)"
    if expected == "number" and isinstance(value, str):
        per_cent = value.strip().endswith("%") and path[-1] in _NUMBERS
        return " (this is text: write " + ("0.7 for 70 %)" if per_cent else "the number without quotes)")
    return f" ({read_as} is none)" if expected in ("number", "switch") and read_as != "a number" else ""


def _suggestion(path: Keys, value: Any) -> str:  # noqa: ANN401
    choices = {"problem_type": list(OBJECTIVES), "git_provider": ["codecommit", "github", "gitlab", "bitbucket"]}
    return nearest(str(value), choices.get(path[-1], []), 0.5)


def _nearest(path: Keys) -> str:
    """Name the known key that an unknown one is nearest to: its sibling before a key elsewhere."""
    known = known_paths()
    siblings = {other[-1]: other for other in known if other[:-1] == path[:-1]}
    everywhere = {other[-1]: other for other in reversed(known)}
    for names in (siblings, everywhere):
        near = difflib.get_close_matches(path[-1], names, n=1, cutoff=0.7)
        if near:
            return f"did you mean {'.'.join(names[near[0]])}?"
    allowed = ", ".join(sorted(siblings))
    return f"remove it; known here: {allowed}" if allowed else "remove it"
