"""Step 3 in a team's repository: push the working tree as it is, without a commit in the team's own repository.

A repository of its own, in a temporary folder, takes the working tree as its own: what Git tracks or would add; without
Git, all that .gitignore does not name. The team's .git is only read.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sagemaker_rehearsal.server.errors import RehearsalError

AUTHOR = ("Rehearsal", "rehearsal@example.com")
# Where the folder is no Git repository, or inside another one
CACHES = (".venv", "build", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", ".cruft-cache")


@dataclass(frozen=True)
class Push:
    """What was pushed.

    Attributes:
        commit: the branch's commit now.
        files: how many files it holds.
        changed: whether it differs from the commit before it.
    """

    commit: str
    files: int
    changed: bool


def push(folder: Path, url: str, branch: str, environment: Mapping[str, str], work: Path | None = None) -> Push:
    """Push the files of a folder to a branch, on top of what the branch holds.

    Args:
        folder: the working tree.
        url: of the repository.
        branch: its branch, which need not be there yet.
        environment: variables with which Git finds the repository, and the credentials of who pushes.
        work: a folder that is left out where it is below `folder`: the rehearsal's own.

    Raises:
        RehearsalError: Git refused something.
    """
    with tempfile.TemporaryDirectory(prefix="rehearsal-snapshot-") as scratch:
        snapshot = _Git(Path(scratch), folder, environment)
        snapshot("init", "--quiet", "--bare", ".")
        state = f"{work.relative_to(folder).as_posix()}/" if work and work.is_relative_to(folder) else ""
        excluded = [*(f"{name}/" for name in CACHES), *([f"/{state}"] if state else [])]
        (Path(scratch) / "info" / "exclude").write_text("\n".join(excluded) + "\n", encoding="utf-8")
        before = snapshot("ls-remote", url, f"refs/heads/{branch}").split("\t")[0]
        if before:
            snapshot("fetch", "--quiet", url, before)
        _add(snapshot, folder, state)
        tree = snapshot("write-tree").strip()
        files = snapshot("ls-files", "-z").count("\0")
        if before and tree == snapshot("rev-parse", f"{before}^{{tree}}").strip():
            return Push(before, files, changed=False)
        parents = ["-p", before] if before else []
        commit = snapshot("commit-tree", tree, *parents, "-m", "Rehearse the working tree").strip()
        snapshot("push", "--quiet", url, f"{commit}:refs/heads/{branch}")
        return Push(commit, files, changed=True)


def _add(snapshot: "_Git", folder: Path, state: str) -> None:
    """Add what `git ls-files` lists in the team's repository; where there is none, what is not ignored."""
    listed = _listed(folder)
    if listed is None:
        snapshot("add", "--all", "--", ".", worktree=True)
        return
    names = [name for name in listed.split("\0") if name and not (state and name.startswith(state))]
    present = [name for name in names if os.path.lexists(folder / name)]
    paths = "".join(f"{name}\0" for name in present)
    snapshot(
        "--literal-pathspecs", "add", "--force", "--pathspec-from-file=-", "--pathspec-file-nul",
        worktree=True, stdin=paths,
    )  # fmt: skip


def _listed(folder: Path) -> str | None:
    """Return the tracked and the untracked, not ignored files; None where the folder is not a repository's top."""
    if not (folder / ".git").exists():
        return None
    command = [_git(), "-C", str(folder), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    ended = subprocess.run(command, capture_output=True, encoding="utf-8", errors="surrogateescape", check=False)  # noqa: S603 (fixed arguments)
    return None if ended.returncode else ended.stdout


def _git() -> str:
    git = shutil.which("git")
    if git is None:
        raise RehearsalError("git is not found; install it: the rehearsal pushes the working tree with it")
    return git


class _Git:
    """Git in the temporary repository, without the settings, hooks and signatures of this machine's user."""

    def __init__(self, scratch: Path, worktree: Path, environment: Mapping[str, str]) -> None:
        self._scratch, self._worktree, self._git = scratch, worktree, _git()
        who = {f"GIT_{role}_{name}": value for role in ("AUTHOR", "COMMITTER") for name, value in zip(
            ("NAME", "EMAIL"), AUTHOR, strict=True)}  # fmt: skip
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        alone = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}
        self._environment = {**inherited, **who, **alone, **environment, "GIT_DIR": str(scratch)}

    def __call__(self, *arguments: str, worktree: bool = False, stdin: str | None = None) -> str:
        environment = {**self._environment, **({"GIT_WORK_TREE": str(self._worktree)} if worktree else {})}
        ended = subprocess.run(  # noqa: S603 (our own commands)
            [self._git, *arguments], cwd=self._worktree if worktree else self._scratch, env=environment, input=stdin,
            capture_output=True, encoding="utf-8", errors="surrogateescape", check=False,
        )  # fmt: skip
        if ended.returncode:
            lines = ended.stderr.strip().splitlines() or [f"exit code {ended.returncode}"]
            raise RehearsalError(f"git {next(word for word in arguments if word[0] != '-')}: {lines[-1]}")
        return ended.stdout
