"""Steps 1 to 10: build/rehearsal: which AWS is up here, and who is rehearsing, so that two never mix."""

import contextlib
import fcntl
import json
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from sagemaker_rehearsal.server.errors import RehearsalError

FILE = "cloud.json"
# An AWS that is up works with them; the data is written anew where it is needed
KEPT = {"lock", "up.lock", FILE, "cloud", "data", "synthetic"}


@dataclass(frozen=True)
class Running:
    """An AWS that is up.

    Attributes:
        url: its address.
        region: its region.
        pid: the process that it is part of.
        keys: variables with its administrator's keys.
        data: where the data come from that its builds use; empty where they find them by themselves.
    """

    url: str
    region: str
    pid: int
    keys: Mapping[str, str] = field(repr=False)
    data: str = ""


def announce(folder: Path, url: str, region: str, keys: Mapping[str, str], data: str = "") -> Running:
    """Note the AWS that is up, for commands in other terminals of this user alone; return what was noted."""
    folder.mkdir(parents=True, exist_ok=True)
    running = Running(url, region, os.getpid(), dict(keys), data)
    descriptor, partial = tempfile.mkstemp(prefix=f"{FILE}.", dir=folder)  # readable by the user only
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(json.dumps(asdict(running)) + "\n")
    os.replace(partial, folder / FILE)
    return running


def withdraw(folder: Path) -> None:
    """Note that the AWS is no longer up."""
    (folder / FILE).unlink(missing_ok=True)


def running(folder: Path) -> Running | None:
    """Return the AWS that is up; None when there is none, or its process was killed."""
    try:
        noted = Running(**json.loads((folder / FILE).read_text(encoding="utf-8")))
        place = urlsplit(noted.url)
        socket.create_connection((place.hostname or "", place.port or 0), timeout=1).close()
    except (OSError, ValueError, TypeError):
        return None
    return noted


@contextlib.contextmanager
def alone(folder: Path, name: str = "lock") -> Iterator[None]:
    """Keep a second rehearsal out of the same folder.

    Raises:
        RehearsalError: when another one is at work.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / name).open("a", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise RehearsalError(f"another rehearsal is at work in {folder}; wait for its end or stop it") from error
        yield


def clear(folder: Path) -> None:
    """Remove what an earlier rehearsal left, whether it was finished or broken off."""
    for path in folder.iterdir():
        if path.name not in KEPT:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
