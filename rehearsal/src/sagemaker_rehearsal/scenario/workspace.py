"""Steps 4 to 10: build/rehearsal: which cloud is up here, and who is rehearsing, so that two never mix."""

import contextlib
import fcntl
import json
import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from sagemaker_rehearsal.server.errors import RehearsalError

FOLDER = Path("build/rehearsal")
FILE = "cloud.json"
# A cloud that is up works with them; the data is written anew where it is needed
KEPT = {"lock", "up.lock", FILE, "cloud", "data", "synthetic"}


def announce(folder: Path, url: str, region: str) -> None:
    """Note the cloud that is up, for commands in other terminals."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_text(json.dumps({"url": url, "region": region, "pid": os.getpid()}) + "\n", encoding="utf-8")


def withdraw(folder: Path) -> None:
    """Note that the cloud is no longer up."""
    (folder / FILE).unlink(missing_ok=True)


def running(folder: Path) -> tuple[str, str, int] | None:
    """Give URL, region and process of the cloud that is up; None when there is none, or it went without a word."""
    try:
        noted = json.loads((folder / FILE).read_text(encoding="utf-8"))
        place = urlsplit(noted["url"])
        socket.create_connection((place.hostname or "", place.port or 0), timeout=1).close()
    except (OSError, ValueError, KeyError):
        return None
    return noted["url"], noted["region"], int(noted["pid"])


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
