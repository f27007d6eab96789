"""Fixtures of the template's tests. `bake(target_column="y")` renders it as a team would."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import pytest
from pytest_cookies.plugin import Cookies

from tests.tree import LEFT_BEHIND, ROOT

Bake = Callable[..., Path]
# No test depends on how busy the machine is
hypothesis.settings.register_profile("template", deadline=None)
hypothesis.settings.load_profile("template")


@dataclass(frozen=True)
class Refusal:
    """What a person sees when Cookiecutter ends without a repository."""

    error: str
    stderr: str
    left: tuple[str, ...]


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the template without what tools left in the working tree."""
    copy = tmp_path_factory.mktemp("source") / "template"
    copy.mkdir()
    for name in ("cookiecutter.json", "hooks", "{{cookiecutter.project_slug}}"):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns(*LEFT_BEHIND))
        else:
            shutil.copy(ROOT / name, copy / name)
    return copy


@pytest.fixture
def bake(cookies: Cookies, template: Path) -> Bake:
    """Return a function that renders the template with the given answers and returns the repository's folder."""

    def rendered(**answers: object) -> Path:
        result = cookies.bake(extra_context=answers, template=str(template))
        assert result.exception is None
        assert result.project_path is not None
        return Path(result.project_path)

    return rendered


@pytest.fixture
def cli(template: Path, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return a function that runs the `cookiecutter` command, which writes under tmp_path/out."""
    (tmp_path / "out").mkdir()

    def run(*answers: str, source: str | Path = template) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "cookiecutter", "--no-input", "--default-config", "-o", str(tmp_path / "out")]
        return subprocess.run([*command, str(source), *answers], capture_output=True, text=True, check=False)

    return run


@pytest.fixture
def refuse(
    cookies: Cookies, template: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> Callable[..., Refusal]:
    """Return a function that gives wrong answers and returns what came of it; the hook runs as its own process."""

    def refused(**answers: object) -> Refusal:
        result = cookies.bake(extra_context=answers, template=str(template))
        out = tmp_path / "cookies" / "bake00"
        left = tuple(sorted(path.relative_to(out).as_posix() for path in out.rglob("*")))
        return Refusal(str(result.exception), capfd.readouterr().err, left)

    return refused
