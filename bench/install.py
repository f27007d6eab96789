"""What `make rehearsal` installs, and how long that takes: a cold cache, then a second call that has nothing to do."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.tree import TEMPLATE

CONSTRAINTS = TEMPLATE / "constraints"
SETS = ("rehearsal", "build", "deploy")


def install(venv: Path, name: str, cache: Path) -> float:
    """Install one pinned set as the generated repository's Makefile does; return seconds."""
    environ = {**os.environ, "UV_CACHE_DIR": str(cache), "PIP_NO_CACHE_DIR": "1"}
    command = ["sh", str(CONSTRAINTS / "install.sh"), str(venv), sys.executable, str(CONSTRAINTS), name]
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=environ)
    return time.perf_counter() - start


def megabytes(folder: Path) -> float:
    """Return the size of all files of a folder; hard links count once."""
    files = {(stat.st_dev, stat.st_ino): stat.st_size for stat in (path.lstat() for path in folder.rglob("*"))}
    return sum(files.values()) / 1e6


def main() -> None:
    """Print three rows for each set."""
    for name in SETS:
        with tempfile.TemporaryDirectory() as scratch:
            venv, cache = Path(scratch) / "venv", Path(scratch) / "cache"
            print(f"{f'install: {name}, cold cache':<45} {install(venv, name, cache):>9.2f} s")
            print(f"{f'install: {name}, size':<45} {megabytes(venv):>9.0f} MB")
            print(f"{f'install: {name}, second call':<45} {install(venv, name, cache):>9.2f} s")


if __name__ == "__main__":
    main()
