"""Step 4: pack model.tar.gz reproducibly, and unpack it only inside the target folder."""

from __future__ import annotations

import gzip
import tarfile
from pathlib import Path

from sagemaker_rehearsal.autopilot.metrics import AutoMLError


def pack(folder: Path, archive: Path) -> None:
    """Write every file below `folder` to `archive`: sorted, without times, owners or modes of this machine."""
    partial = archive.with_name(archive.name + ".partial")
    with (
        partial.open("wb") as raw,
        gzip.GzipFile(fileobj=raw, mode="wb", filename="", mtime=0, compresslevel=6) as squeezed,
        tarfile.open(fileobj=squeezed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                _add(tar, path, path.relative_to(folder).as_posix())
    partial.replace(archive)


def _add(tar: tarfile.TarFile, path: Path, name: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = path.stat().st_size, 0o644
    with path.open("rb") as content:
        tar.addfile(entry, content)


def unpack(archive: Path, folder: Path) -> None:
    """Unpack `archive` into `folder`.

    Raises:
        AutoMLError: it is no tar.gz, or an entry's path is outside of `folder`.
    """
    try:
        with tarfile.open(archive, "r:gz") as tar:
            tar.extractall(folder, filter="data")
    except (tarfile.TarError, OSError, EOFError) as error:
        raise AutoMLError(f"{archive}: cannot be unpacked ({error}); give the model.tar.gz of an AutoML job") from error
