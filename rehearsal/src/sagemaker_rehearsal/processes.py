"""Steps 4 to 10: start processes with an allow-listed environment and a log, and stop each with its children."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

# The variables that a process inherits; as in a container, no credentials, no proxies, no Python settings
INHERITED = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "TEMP",
    "TMP",
    "SYSTEMROOT",
    "USER",
    "XDG_CACHE_HOME",
    "REHEARSAL_AUTOML_ENGINE",
)
ONE_THREAD_EACH = {"PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}
GRACE_SECONDS = 5.0


def environment(*extra: Mapping[str, str]) -> dict[str, str]:
    """Return the allow-listed variables of this environment and additions; PATH starts with this Python's folder."""
    variables = {name: os.environ[name] for name in INHERITED if name in os.environ}
    variables["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), variables.get("PATH", os.defpath)])
    for more in extra:
        variables.update(more)
    return {**variables, **ONE_THREAD_EACH}


def python(*arguments: str) -> list[str]:
    """Return the command of a Python process that ends when this one does."""
    return [sys.executable, "-m", "sagemaker_rehearsal.child", *arguments]


class Processes:
    """The processes of one rehearsal; `stop` ends all that still run, with their children."""

    def __init__(self) -> None:
        self._running: dict[int, subprocess.Popen[bytes]] = {}
        self._lock = threading.Lock()
        self.stopped = False

    def start(self, command: Sequence[str], log: Path, env: Mapping[str, str], cwd: Path) -> subprocess.Popen[bytes]:
        """Start a command as the leader of a process group, with stdout and stderr appended to `log`."""
        log.parent.mkdir(parents=True, exist_ok=True)
        with self._lock, log.open("ab") as output:
            if self.stopped:
                raise RuntimeError("the rehearsal is being stopped")
            process = subprocess.Popen(  # noqa: S603 (our own commands and the project's buildspecs)
                command, cwd=cwd, env=dict(env), stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip
            self._running[process.pid] = process
        return process

    def wait(self, process: subprocess.Popen[bytes], seconds: float | None = None) -> int:
        """Return a process's exit code; after `seconds`, stop it and raise `subprocess.TimeoutExpired`."""
        try:
            return process.wait(seconds)
        finally:
            self.end(process)

    def end(self, process: subprocess.Popen[bytes]) -> None:
        """Stop a process group: SIGTERM, a grace period, SIGKILL."""
        _signal_group(process, signal.SIGTERM)
        deadline = time.monotonic() + GRACE_SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        _signal_group(process, signal.SIGKILL)
        process.wait()
        if process.stdin:
            with contextlib.suppress(OSError):
                process.stdin.close()
        with self._lock:
            self._running.pop(process.pid, None)

    def stop(self) -> None:
        """Stop all processes; `start` raises RuntimeError afterwards."""
        with self._lock:
            self.stopped = True
            running = list(self._running.values())
        for process in running:
            _signal_group(process, signal.SIGTERM)
        for process in running:
            self.end(process)


def _signal_group(process: subprocess.Popen[bytes], number: int) -> None:
    """Signal the process group, grandchildren included; the group of an ended process may not exist any more."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def tail(log: Path, characters: int = 1024) -> str:
    """Return the end of a log, for a failure reason."""
    if not log.exists():
        return ""
    text = log.read_text(encoding="utf-8", errors="replace").strip()
    return text[-characters:]
