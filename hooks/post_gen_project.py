"""Step 3: say what to do next. No file is written here: every way of rendering gives the same bytes."""

from __future__ import annotations

import json
import shlex
from typing import Any

ANSWERS: dict[str, Any] = json.loads(r"""{{ cookiecutter | tojson }}""")


def next_steps() -> list[str]:
    """Return the commands for a fresh folder, and for plain Cookiecutter how to link it for updates."""
    folder, branch = shlex.quote(ANSWERS["project_slug"]), shlex.quote(ANSWERS["default_branch"])
    lines = [
        "",
        f"  cd {folder} && git init -q -b {branch} && git add -A && git commit -qm 'Start from the template'",
        "  make rehearsal    # the ten steps on this machine, without an AWS account",
        "",
    ]
    if "_commit" not in ANSWERS:  # cruft sets it, and has linked the folder already
        lines.append("To receive later changes of the template: cruft link URL-OF-THE-TEMPLATE (writes .cruft.json)")
    return lines


if __name__ == "__main__":
    print(*next_steps(), sep="\n")
