"""Step 3: fetch the published template and read its zip in memory, trusting nothing that the zip says of itself."""

from __future__ import annotations

import hashlib
import io
import json
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from catalog.hook.errors import ArtifactError
from catalog.hook.request import Artifact, quoted

MAX_ZIP = 16 * 2**20
MAX_UNPACKED = 32 * 2**20
MAX_ENTRIES = 2_000
MAX_NAME = 512
PIECE = 64 * 2**10
FOREIGN_NAMES = 0x800  # the flag of a zip entry whose name is UTF-8; without it the name is of no known encoding
ENCRYPTED = 0x1


class Readable(Protocol):
    """The body of an S3 object."""

    def read(self, amount: int) -> bytes:
        """Return up to so many bytes."""


@dataclass(frozen=True)
class File:
    """What Git keeps of a file besides its path."""

    data: bytes
    executable: bool = False


Files = dict[str, File]


def verified(body: Readable, artifact: Artifact) -> bytes:
    """Return the object's bytes, once their digest is known to be the published one.

    Raises:
        ArtifactError: they are too many, or others.
    """
    digest, pieces, size = hashlib.sha256(), [], 0
    while piece := body.read(PIECE):
        size += len(piece)
        if size > MAX_ZIP:
            raise ArtifactError(
                f"{artifact.key}: is larger than {MAX_ZIP} bytes; publish the template with catalog.publish"
            )
        digest.update(piece)
        pieces.append(piece)
    if digest.hexdigest() != artifact.sha256:
        raise ArtifactError(
            f"TemplateSha256: {artifact.key} has {digest.hexdigest()}, but {artifact.sha256} was published; "
            "use the product version that catalog.publish made"
        )
    return b"".join(pieces)


def read(data: bytes) -> Files:
    """Return the template's files by path, from its root (the folder that holds cookiecutter.json).

    Raises:
        ArtifactError: the zip is broken, or holds an entry that no template needs.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            files = dict(entries(archive))
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        UnicodeError,
        struct.error,
        NotImplementedError,
        OSError,
    ) as error:
        raise ArtifactError(f"the template is not a whole zip: {quoted(str(error))}; publish it anew") from None
    if not files:
        raise ArtifactError("the template's zip is empty; publish it anew")
    return from_root(files)


def questions(files: Files) -> dict[str, Any]:
    """Return cookiecutter.json.

    Raises:
        ArtifactError: it is no JSON object.
    """
    try:
        questions = json.loads(files["cookiecutter.json"].data)
    except ValueError as error:
        raise ArtifactError(f"cookiecutter.json: is no JSON: {quoted(str(error))}; publish the template anew") from None
    if not isinstance(questions, dict):
        raise ArtifactError("cookiecutter.json: must be an object; publish the template anew")
    return questions


def entries(archive: zipfile.ZipFile) -> Iterator[tuple[str, File]]:
    """Yield each file, counting what is read and not what the headers claim."""
    if len(archive.infolist()) > MAX_ENTRIES:
        raise ArtifactError(f"the template has {len(archive.infolist())} entries; at most {MAX_ENTRIES} are read")
    room, seen = MAX_UNPACKED, set[str]()
    for entry in archive.infolist():
        refuse_form(entry)
        folder = entry.orig_filename.endswith("/")
        path = entry.orig_filename.rstrip("/")
        refuse_path(path)
        if folder:
            continue
        refuse_twin(path, seen)
        content = unpacked(archive, entry, room)
        room -= len(content)
        yield path, File(content, bool(entry.external_attr >> 16 & stat.S_IXUSR))


def unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, room: int) -> bytes:
    """Return the entry's bytes, and stop as soon as they are more than there is room for."""
    content = bytearray()
    with archive.open(entry) as stream:
        while piece := stream.read(PIECE):
            content += piece
            if len(content) > room:
                raise ArtifactError(f"{quoted(entry.filename)}: the template unpacks to more than {MAX_UNPACKED} bytes")
    if len(content) != entry.file_size:
        raise zipfile.BadZipFile(f"{entry.filename} has {len(content)} bytes, its head says {entry.file_size}")
    return bytes(content)


def refuse_form(entry: zipfile.ZipInfo) -> None:
    """Refuse an entry that is no plain file or folder."""
    name, kind = quoted(entry.orig_filename), stat.S_IFMT(entry.external_attr >> 16)
    if entry.flag_bits & ENCRYPTED:
        raise ArtifactError(f"{name}: the entry is encrypted")
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        what = "a symbolic link" if kind == stat.S_IFLNK else "no plain file"
        raise ArtifactError(f"{name}: the entry is {what}; a template has files only")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ArtifactError(f"{name}: the entry is neither stored nor deflated")
    if not entry.orig_filename.isascii() and not entry.flag_bits & FOREIGN_NAMES:
        raise ArtifactError(f"{name}: the entry's name is not UTF-8")


def refuse_path(path: str) -> None:
    """Refuse a name that leaves the folder, that Git refuses, or that systems read differently."""
    parts = path.split("/")
    plain = [unicodedata.normalize("NFKC", part).casefold().rstrip(". ") for part in parts]
    if path.startswith("/") or path[1:2] == ":":
        raise ArtifactError(f"{quoted(path)}: the entry's path is absolute")
    if ".." in parts or "\\" in path:
        raise ArtifactError(f"{quoted(path)}: the entry leaves the template's folder")
    if not {".git", "git~1"}.isdisjoint(plain):
        raise ArtifactError(f"{quoted(path)}: the entry is under .git")
    if "" in parts or "." in parts or len(path) > MAX_NAME or any(unicodedata.category(c)[0] == "C" for c in path):
        raise ArtifactError(f"{quoted(path)}: the entry's name has an empty part or control character, or is too long")


def refuse_twin(path: str, seen: set[str]) -> None:
    """Refuse a name that is there already, perhaps in other case, as a file or as a folder."""
    key = unicodedata.normalize("NFC", path).casefold()
    folders = {f"{key[:at]}/" for at, character in enumerate(key) if character == "/"}
    if key in seen or f"{key}/" in seen or any(folder[:-1] in seen for folder in folders):
        raise ArtifactError(f"{quoted(path)}: the entry is there twice (or once in other case, or as a folder too)")
    seen |= {key} | folders


def from_root(files: Files) -> Files:
    """Return the files without the one folder that some archives wrap around them."""
    if "cookiecutter.json" in files:
        return files
    tops = {path.partition("/")[0] for path in files}
    top = tops.pop()
    if tops or f"{top}/cookiecutter.json" not in files:
        raise ArtifactError(
            "cookiecutter.json: must be at the top of the zip, or in its one folder; publish the template anew"
        )
    return {path.removeprefix(f"{top}/"): file for path, file in files.items()}
