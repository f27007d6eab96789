"""Steps 1 to 10: what a rehearsal does with its terminal: questions, exit codes, Ctrl-C."""

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from sagemaker_rehearsal.pipelines.errors import ExecutorError
from sagemaker_rehearsal.scenario import workspace
from sagemaker_rehearsal.server.errors import InputError, RehearsalError

FAILED, BAD_INPUT, REJECTED, STOPPED = 1, 2, 3, 130
TO_GO_DOWN = 20.0  # seconds


class RejectedError(Exception):
    """A person said no; nothing more is deployed."""


def guarded(command: Callable[[], int | None]) -> int:
    """Run a command; return its exit code: 1 a failed step, 2 bad input, 3 a rejection, 130 stopped."""
    signal.signal(signal.SIGTERM, _stop)
    try:
        return int(command() or 0)
    except RejectedError as error:
        print(f"rejected: {error}", file=sys.stderr)
        return REJECTED
    except InputError as error:
        print("\n".join(f"error: {line}" for line in str(error).splitlines()), file=sys.stderr)
        return BAD_INPUT
    except (RehearsalError, ExecutorError, ClientError, BotoCoreError) as error:
        print(f"error: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("stopped; everything that ran was ended, and the next run starts afresh", file=sys.stderr)
        return STOPPED


def _stop(number: int, frame: FrameType | None) -> None:
    """Let SIGTERM unwind like Ctrl-C, so that every process is ended."""
    raise KeyboardInterrupt


def console(*, stderr: bool = False) -> Console:
    """Return a console that does not squeeze tables where nobody set a width: in logs and pipes."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr) if stream.isatty() else Console(stderr=stderr, width=160)


def short(path: Path) -> str:
    """Return a path relative to the current folder, where it is below it."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def until_stopped() -> None:
    """Wait for Ctrl-C or SIGTERM.

    The wait is cut into pieces: a signal that another thread receives does not wake this one, which has to handle it.
    """
    never = threading.Event()
    with contextlib.suppress(KeyboardInterrupt):
        while not never.wait(0.5):
            pass


def asking(shown: Console, *, approve: bool) -> Callable[[str], str]:
    """Return what answers `approve` or `reject` to a question: a person, or always `approve`."""

    def approved(question: str) -> str:
        shown.print(f"  {question} approved (--approve)", markup=False, highlight=False, soft_wrap=True)
        return "approve"

    return approved if approve else lambda question: ask_person(question, shown)


def ask_person(question: str, shown: Console) -> str:
    """Put a question on the terminal, and read the answer from it or from a pipe.

    Raises:
        RehearsalError: when nobody can answer.
    """
    while True:
        shown.print(f"  {question} [approve/reject] ", end="", markup=False, highlight=False, soft_wrap=True)
        answer = sys.stdin.readline()
        if not answer:
            raise RehearsalError(
                "nobody is here to approve; run it in a terminal, or give the approvals with --approve"
            )
        word = answer.strip().lower()
        if word in ("approve", "a", "y", "yes"):
            return "approve"
        if word in ("reject", "r", "n", "no"):
            return "reject"


def stop_running(folder: Path) -> None:
    """Stop the AWS that is up in a folder, and wait until it is down.

    Raises:
        RehearsalError: when none is up, or it does not go down.
    """
    running = workspace.running(folder)
    if running is None:
        raise RehearsalError("no AWS is up here")
    os.kill(running.pid, signal.SIGTERM)
    deadline = time.monotonic() + TO_GO_DOWN
    while workspace.running(folder):
        if time.monotonic() > deadline:
            raise RehearsalError(f"process {running.pid} did not end within {TO_GO_DOWN:.0f} s; end it by hand")
        time.sleep(0.1)
    print("the AWS is down")
