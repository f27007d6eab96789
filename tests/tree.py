"""Step 3: the files that a generated repository holds, as committed in tests/tree.txt."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TEMPLATE = ROOT / "{{cookiecutter.project_slug}}"
TREE = ROOT / "tests" / "tree.txt"
# What tools leave behind while people work in the template's folder; .gitignore names the same.
LEFT_BEHIND = {"__pycache__", ".venv", "build", ".hypothesis", ".mypy_cache", ".ruff_cache", ".pytest_cache"}


def files_under(folder: Path) -> list[str]:
    """Return the paths of all files, sorted, but for what tools leave behind and Git's own."""
    files_under = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(path.as_posix() for path in files_under if not (LEFT_BEHIND | {".git"}) & set(path.parts))


def tree_id(folder: Path, scratch: Path) -> str:
    """Return the id of the Git tree that holds exactly the files of a folder: contents, paths and executable bits."""
    git = ["git", f"--git-dir={scratch}", f"--work-tree={folder}", "-c", "core.autocrlf=false"]
    subprocess.run([*git, "init", "--quiet"], check=True)
    subprocess.run([*git, "add", "--force", "--all", "."], check=True, cwd=folder)
    return subprocess.run([*git, "write-tree"], check=True, cwd=folder, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    TREE.write_text("\n".join(files_under(TEMPLATE)) + "\n")
