"""The repository as a whole: its files agree with each other, and that the rehearsal can be taken away."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
ON_AWS = ("pipeline", "deploy")


def modules(*packages: str) -> list[Path]:
    return sorted(path for package in packages for path in (ROOT / package).rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Return every module that a file may import, `a.b` and `a.b.c` for `from a.b import c`, relative ones resolved."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            package = path.relative_to(ROOT).parent.parts
            parts = (*package[: len(package) - node.level + 1],) if node.level else ()
            base = ".".join((*parts, *filter(None, [node.module])))
            names |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    return names


def file_of(module: str) -> Path | None:
    """Return the repository's file of a module, or None when it is not ours."""
    path = ROOT.joinpath(*module.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


def packages_behind(entry: str) -> set[str]:
    """Return the installed distributions that a command imports, through all of the repository's own modules."""
    distributions = packages_distributions()
    seen, waiting, packages = set[Path](), [entry], set[str]()
    while waiting:
        module = waiting.pop()
        file = file_of(module)
        if file is None:
            packages |= set(distributions.get(module.split(".")[0], []))
        elif file not in seen:
            seen.add(file)
            waiting += imported(file)
    return {name.lower().replace("_", "-").replace(".", "-") for name in packages}


@pytest.mark.parametrize(("entry", "pins"), [("pipeline.__main__", "build"), ("deploy.__main__", "deploy")])
def test_ci_installs_what_its_commands_import(entry: str, pins: str) -> None:
    """The slim sets are enough; the rehearsal's larger one would hide a missing package."""
    assert file_of(entry) is not None
    text = (ROOT / "constraints" / f"{pins}.txt").read_text(encoding="utf-8")
    assert sorted(packages_behind(entry) - set(re.findall(r"^([a-z0-9-]+)==", text, re.M))) == []


def test_nothing_that_runs_on_aws_imports_the_rehearsal() -> None:
    """It is a tool of people's laptops, which CI does not install."""
    assert [
        path for path in modules(*ON_AWS) if any(name.split(".")[0] == "sagemaker_rehearsal" for name in imported(path))
    ] == []


def room_of(path: Path) -> str:
    """Return the part of the code that a file belongs to: a folder of pipeline/, its top level, or deploy/."""
    package, *below = path.relative_to(ROOT).parts
    if path == ROOT / "pipeline" / "errors.py" or package == "deploy":
        return package if package == "deploy" else "errors"
    return below[0] if len(below) > 1 else "pipeline"


# What each part may import of the others, also in a function or for types alone; the job scripts import nothing else
ROOMS = {
    "deploy": {"aws", "settings", "steps", "errors"},
    "pipeline": {"aws", "data", "settings", "steps", "errors"},
    "aws": {"data", "settings", "steps", "errors"},
    "data": {"settings", "steps", "errors"},
    "settings": {"steps", "errors"},
    "steps": set[str](),
    "errors": set[str](),
}


@pytest.mark.parametrize("room", ROOMS)
def test_imports_run_one_way(room: str) -> None:
    files = [path for path in modules(*ON_AWS) if room_of(path) == room]
    names = {file_of(name) for path in files for name in imported(path)} - {ROOT / "pipeline" / "__init__.py", None}
    assert files != []
    assert {room_of(file) for file in names if file} - {room} - ROOMS[room] == set()


@pytest.mark.parametrize("path", modules("pipeline", "deploy"), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_says_in_its_first_line_what_it_is_for(path: Path) -> None:
    """A reader finds the step, or the purpose, without reading code."""
    assert (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").strip() != ""


def test_every_buildspec_runs_python_and_installs_a_pinned_set() -> None:
    """Logic lives in Python, and CI installs exactly what the hashes name."""
    for path in sorted((ROOT / "buildspecs").glob("*.yml")):
        spec = yaml.safe_load(path.read_text(encoding="utf-8"))
        install = " ".join(spec["phases"]["install"]["commands"])
        pins = re.findall(r"constraints/([a-z]+)\.txt", install)
        assert (path.name, True) == (path.name, bool(pins) and "--require-hashes" in install)
        assert [name for name in pins if not (ROOT / "constraints" / f"{name}.txt").is_file()] == []


def test_every_flow_is_json_and_names_no_bucket() -> None:
    """A flow carries structure only; settings.yaml names the data."""
    flows = sorted((ROOT / "flows").rglob("*.flow"))
    assert flows != []
    for flow in flows:
        text = flow.read_text(encoding="utf-8")
        buckets = re.findall(r"sagemaker-[a-z0-9-]+-\d{12}", text)
        assert (flow.name, True, []) == (flow.name, "nodes" in json.loads(text), buckets)


def test_settings_parse_and_name_a_target() -> None:
    values = yaml.safe_load((ROOT / "settings.yaml").read_text(encoding="utf-8"))
    assert isinstance(values["target_column"], str)


def test_the_project_file_parses_and_names_the_supported_pythons() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["requires-python"] == ">=3.11,<3.14"


@pytest.mark.parametrize("name", ["build", "deploy", "rehearsal", "dev", "uv"])
def test_pins_carry_hashes_and_name_no_index(name: str) -> None:
    text = (ROOT / "constraints" / f"{name}.txt").read_text(encoding="utf-8")
    lines = text.replace("\\\n", " ").splitlines()
    assert [line for line in lines if not re.match(r"[a-z0-9-]+==\S+.*--hash=sha256:[0-9a-f]{64}", line)] == []
    assert "://" not in text


def test_pinned_sets_agree_with_each_other() -> None:
    """What is tested on a laptop is what CI installs."""
    dev = set(re.findall(r"^(\S+==\S+)", (ROOT / "constraints/dev.txt").read_text(encoding="utf-8"), re.M))
    for name in ("build", "deploy", "rehearsal"):
        pins = set(re.findall(r"^(\S+==\S+)", (ROOT / f"constraints/{name}.txt").read_text(encoding="utf-8"), re.M))
        assert (name, set()) == (name, pins - dev)


def test_no_file_names_an_account_or_holds_a_key() -> None:
    """Neither a 12-digit account in an ARN nor an access key is in the code."""
    private = re.compile(r"\bAKIA[0-9A-Z]{16}\b|arn:aws:[a-z]+:[a-z0-9-]*:\d{12}")
    assert [path for path in modules(*ON_AWS) if private.search(path.read_text(encoding="utf-8"))] == []
