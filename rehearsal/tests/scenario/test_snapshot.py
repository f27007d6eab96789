"""Step 3 in a team's repository: what is pushed is the working tree, and the team's own repository stays as it is."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from sagemaker_rehearsal.scenario import snapshot
from sagemaker_rehearsal.server.errors import RehearsalError

ALONE = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=A", "-c", "user.email=a@example.com", "-C", str(folder), *arguments]
    ended = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, **ALONE})
    return ended.stdout.strip()


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    """An empty repository to push to."""
    folder = tmp_path / "remote.git"
    subprocess.run(["git", "init", "--quiet", "--bare", str(folder)], check=True, env={**os.environ, **ALONE})
    return folder


@pytest.fixture
def team(tmp_path: Path) -> Path:
    """A working tree in a folder with a blank in its name."""
    folder = tmp_path / "my work" / "adult income"
    files = ("settings.yaml", "pipeline/run.py", "build/old.json", ".venv/x", "pipeline/__pycache__/run.pyc", "bär*.md")
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name, encoding="utf-8")
    (folder / ".gitignore").write_text("*.log\n", encoding="utf-8")
    (folder / "a.log").write_text("ignored", encoding="utf-8")
    (folder / "pipeline" / "run.py").chmod(0o755)
    return folder


def pushed(remote: Path, commit: str) -> list[str]:
    return [name for name in git(remote, "ls-tree", "-r", "-z", "--name-only", commit).split("\0") if name]


def test_without_git_caches_and_ignored_files_stay_behind(team: Path, remote: Path) -> None:
    push = snapshot.push(team, str(remote), "main", {})
    assert pushed(remote, push.commit) == [".gitignore", "bär*.md", "pipeline/run.py", "settings.yaml"]
    assert (push.files, push.changed, git(remote, "rev-parse", "main")) == (4, True, push.commit)
    assert git(remote, "ls-tree", push.commit, "pipeline/run.py").startswith("100755")


def test_uncommitted_changes_are_pushed_and_the_teams_repository_is_untouched(team: Path, remote: Path) -> None:
    """Tracked files with their changes, though .gitignore names them, and new ones; no deleted ones."""
    git(team, "init", "--quiet", "-b", "feature")
    git(team, "add", "--force", "a.log", "settings.yaml", "pipeline/run.py")
    git(team, "commit", "--quiet", "-m", "First")
    (team / "settings.yaml").write_text("changed", encoding="utf-8")
    (team / "pipeline" / "run.py").unlink()
    (team / ".git" / "info" / "exclude").write_text("build/\n.venv/\n__pycache__/\n", encoding="utf-8")
    before = {path: path.read_bytes() for path in (team / ".git").rglob("*") if path.is_file()}
    push = snapshot.push(team, str(remote), "main", {})
    assert pushed(remote, push.commit) == [".gitignore", "a.log", "bär*.md", "settings.yaml"]
    assert git(remote, "show", f"{push.commit}:settings.yaml") == "changed"
    assert before == {path: path.read_bytes() for path in (team / ".git").rglob("*") if path.is_file()}


def test_a_further_push_stands_on_the_one_before(team: Path, remote: Path) -> None:
    first = snapshot.push(team, str(remote), "main", {})
    assert snapshot.push(team, str(remote), "main", {}) == snapshot.Push(first.commit, 4, changed=False)
    (team / "settings.yaml").unlink()
    second = snapshot.push(team, str(remote), "main", {})
    assert git(remote, "rev-parse", f"{second.commit}^") == first.commit
    assert (second.changed, "settings.yaml" in pushed(remote, second.commit)) == (True, False)


@pytest.mark.parametrize("versioned", [True, False])
def test_the_rehearsal_s_own_folder_stays_behind(team: Path, remote: Path, versioned: bool) -> None:
    if versioned:
        git(team, "init", "--quiet")
    (team / "state" / "cloud").mkdir(parents=True)
    (team / "state" / "cloud" / "x").write_text("x", encoding="utf-8")
    push = snapshot.push(team, str(remote), "main", {}, team / "state")
    assert [name for name in pushed(remote, push.commit) if name.startswith("state")] == []
    assert "settings.yaml" in pushed(remote, push.commit)


def test_what_git_refuses_is_one_sentence(team: Path, remote: Path) -> None:
    shutil.rmtree(remote)
    with pytest.raises(RehearsalError, match=r"^git ls-remote: "):
        snapshot.push(team, str(remote), "main", {})
