"""The generated repository's commands before any Python of ours runs: which Python, what is installed, which data."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import Bake

SAYS_ITS_ARGUMENTS = '#!/bin/sh\n[ "$1" = -c ] && exit 0\nprintf "%s\\n" "$@"\n'
TOO_OLD = '#!/bin/sh\n[ "$1" = -V ] && echo Python 3.9.2\nexit 1\n'


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def repository(bake: Bake, tmp_path: Path) -> Path:
    """Return a repository in a folder with a blank in its name, whose environment is complete but for its Python."""
    folder = tmp_path / "my work" / "adult-income"
    shutil.copytree(bake(), folder)
    for name in ("python", "rehearse"):
        program(folder / ".venv" / "bin" / name, SAYS_ITS_ARGUMENTS)
    shutil.copy(folder / "constraints" / "rehearsal.txt", folder / ".venv" / ".pins-rehearsal")
    return folder


def make(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = ["make", "--no-print-directory", *arguments]
    ours = ("MAKE", "MFLAGS", "PYTHON", "VENV", "DATA")  # of the make that runs these tests
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env={**inherited, **environment}
    )


def test_a_complete_environment_is_not_installed_again(repository: Path) -> None:
    """Pins are compared by content, so a new rendering with the same pins installs nothing either."""
    (repository / "constraints" / "rehearsal.txt").touch()
    ran = make(repository, "rehearsal")
    assert (0, "run\n--approve\n", "") == (ran.returncode, ran.stdout, ran.stderr)


def test_data_in_a_path_with_blanks_arrives_whole(repository: Path) -> None:
    ran = make(repository, "rehearsal", "DATA=../some data")
    assert ["--data", "../some data"] == ran.stdout.splitlines()[-2:]


def test_relative_data_is_found_from_where_the_command_was_called(repository: Path, tmp_path: Path) -> None:
    """`make -C repository rehearsal DATA=data` means the caller's `data`."""
    (tmp_path / "data").mkdir()
    ran = make(tmp_path, "-C", str(repository), "rehearsal", "DATA=data", PWD=str(tmp_path))
    assert ["--data", str(tmp_path / "data")] == ran.stdout.splitlines()[-2:]


def test_an_unsupported_python_is_named_with_a_way_out(repository: Path, tmp_path: Path) -> None:
    shutil.rmtree(repository / ".venv")
    old = program(tmp_path / "old" / "python3", TOO_OLD)
    for name in ("python3.11", "python3.12", "python3.13"):
        program(tmp_path / "old" / name, TOO_OLD)
    ran = make(repository, "rehearsal", PATH=f"{old.parent}:/usr/bin:/bin")
    message = (
        "error: Python 3.11, 3.12 or 3.13 is needed; python3 is Python 3.9.2. "
        "Install one of them, or name it: make PYTHON=/path/to/python3.12 ..."
    )
    assert (2, message) == (ran.returncode, ran.stderr.splitlines()[0])


def test_the_commands_list_themselves(repository: Path) -> None:
    listed = [line.split()[1] for line in make(repository).stdout.splitlines()]
    expected = ["help", "rehearsal", "test", "test-fast", "lint", "type", "pins", "clean"]
    assert expected == listed
