"""Step 3: a template's zip is read in memory, and nothing that it says of itself is believed."""

from __future__ import annotations

import hashlib
import io
import stat
import struct
import tempfile
import tracemalloc
import warnings
import zipfile
import zlib
from pathlib import Path

import pytest

from catalog.hook.archive import pack
from catalog.hook.artifact import MAX_UNPACKED, MAX_ZIP, File, read, verified
from catalog.hook.errors import ArtifactError
from catalog.hook.request import Artifact
from tests.catalog.fakes.world import Outside

FOLDER = "{{cookiecutter.project_slug}}"
SOUND = {"cookiecutter.json": b'{"project_slug": "adult"}', f"{FOLDER}/README.md": b"hi"}


def entry(name: str, kind: int = stat.S_IFREG, mode: int = 0o644) -> zipfile.ZipInfo:
    """Return the head of a zip's entry as Unix writes it."""
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, (kind | mode) << 16
    return info


def zipped(*more: tuple[zipfile.ZipInfo, bytes], sound: bool = True, method: int = zipfile.ZIP_STORED) -> bytes:
    """Return a zip of a sound template, and more."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Duplicate name")  # which is what one of them is about
        for name, data in SOUND.items() if sound else ():
            archive.writestr(name, data)
        for info, data in more:
            info.compress_type = method
            archive.writestr(info, data)
    return stream.getvalue()


def patched(data: bytes, old: bytes, new: bytes) -> bytes:
    """Return the zip with some bytes replaced in both of its tables."""
    assert len(old) == len(new)
    assert 2 == data.count(old)
    return data.replace(old, new)


def encrypted() -> bytes:
    """Return a zip whose last entry says that it is encrypted."""
    data = bytearray(zipped((entry("x"), b"x")))
    for signature, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = data.rfind(signature)
        data[start + at] |= 1
    return bytes(data)


def lying(claimed: int) -> bytes:
    """Return a zip whose last entry unpacks to more than its head says."""
    data = bytearray(zipped((entry("big"), bytes(2**20)), method=zipfile.ZIP_DEFLATED))
    for signature, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        start = data.rfind(signature)
        data[start + at : start + at + 4] = struct.pack("<I", claimed)
    return bytes(data)


REFUSED = {
    "leaves the folder": (zipped((entry("../../tmp/pwned"), b"x")), "leaves the template's folder"),
    "leaves it in the middle": (zipped((entry("a/../../b"), b"x")), "leaves the template's folder"),
    "backslashes": (zipped((entry("a\\..\\b"), b"x")), "leaves the template's folder"),
    "absolute": (zipped((entry("/etc/pwned"), b"x")), "path is absolute"),
    "a drive": (zipped((entry("C:/pwned"), b"x")), "path is absolute"),
    "symbolic link": (zipped((entry("link", stat.S_IFLNK), b"/etc/passwd")), "symbolic link"),
    "pipe": (zipped((entry("pipe", stat.S_IFIFO), b"")), "no plain file"),
    "twice": (zipped((entry("cookiecutter.json"), b"{}")), "there twice"),
    "twice but for case": (zipped((entry("COOKIECUTTER.json"), b"{}")), "there twice"),
    "file and folder": (zipped((entry("cookiecutter.json/x"), b"{}")), "as a folder too"),
    "folder and file": (zipped((entry("a/b"), b"x"), (entry("A"), b"x")), "as a folder too"),
    "composed and decomposed": (zipped((entry("\u00e9"), b"x"), (entry("e\u0301"), b"x")), "there twice"),
    "name in Latin-1": (patched(zipped((entry("caf#.txt"), b"x")), b"caf#.txt", b"caf\xe9.txt"), "not UTF-8"),
    "name with NUL": (patched(zipped((entry("a#b"), b"x")), b"a#b", b"a\0b"), "control character"),
    "name with bidi": (zipped((entry("a\u202eb"), b"x")), "control character"),
    "empty part": (zipped((entry("a//b"), b"x")), "empty part"),
    "long name": (zipped((entry("a" * 513), b"x")), "too long"),
    "under .git": (zipped((entry(f"{FOLDER}/.git/config"), b"x")), "under .git"),
    "under .GIT": (zipped((entry("x/.GIT/config"), b"x")), "under .git"),
    "under .git with a dot": (zipped((entry("x/.git./config"), b"x")), "under .git"),
    "under git~1": (zipped((entry("x/GIT~1/config"), b"x")), "under .git"),
    "encrypted": (encrypted(), "encrypted"),
    "another method": (zipped((entry("x"), b"x"), method=zipfile.ZIP_LZMA), "neither stored nor deflated"),
    "no questions": (zipped((entry("README.md"), b"x"), sound=False), "cookiecutter.json: must be at the top"),
    "questions too deep": (zipped((entry("a/b/cookiecutter.json"), b"{}"), sound=False), "must be at the top"),
    "empty": (zipped(sound=False), "is empty"),
    "no bytes": (b"", "not a whole zip"),
    "truncated": (zipped()[:100], "not a whole zip"),
    "wrong checksum": (zipped().replace(b"hi", b"ho"), "not a whole zip"),
    "says less than it has": (lying(10), "not a whole zip"),
    "says more than it has": (lying(2**31), "not a whole zip"),
    "too many": (zipped(*((entry(f"{n}"), b"") for n in range(2001))), "2003 entries"),
}


@pytest.mark.parametrize(("data", "sentence"), REFUSED.values(), ids=REFUSED)
def test_an_unsafe_zip_is_refused_and_nothing_is_left(
    data: bytes, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through the whole hook: one FAILED, no commit, no file anywhere."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    outside = Outside({})
    answer = outside.invoke(outside.event(TemplateSha256=outside.publish(data)))
    assert "FAILED" == answer["Status"]
    assert sentence in answer["Reason"]
    assert ["GetObject"] == outside.calls.made
    assert [] == list(tmp_path.iterdir())


def test_a_bomb_is_stopped_while_it_is_read() -> None:
    """1 GB of zeros: less than 64 MB of memory, whatever the header says."""
    squeezer = zlib.compressobj(9, zlib.DEFLATED, -15)
    megabyte = squeezer.compress(bytes(2**20)) + squeezer.flush(zlib.Z_FULL_FLUSH)
    body = megabyte * 1024 + squeezer.flush()
    name = b"big"
    fields = (20, 0, 8, 0, 0x21, 0, len(body), 100, len(name), 0)
    local = struct.pack("<IHHHHHIIIHH", 0x04034B50, *fields) + name + body
    central = struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, 20, *fields, 0, 0, 0, 0, 0) + name
    end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 1, 1, len(central), len(local), 0)
    honest = (local + central + end).replace(
        struct.pack("<I", 100) + struct.pack("<H", 3), struct.pack("<IH", 2**30, 3)
    )
    for bomb in (local + central + end, honest):
        tracemalloc.start()
        with pytest.raises(ArtifactError, match=r"not a whole zip|unpacks to more"):
            read(bomb)
        assert tracemalloc.get_traced_memory()[1] < 64 * 2**20
        tracemalloc.stop()


def test_many_files_that_are_a_bomb_together_are_stopped() -> None:
    many = zipped(*((entry(f"{n}"), bytes(2**20)) for n in range(33)), method=zipfile.ZIP_DEFLATED)
    with pytest.raises(ArtifactError, match=f"more than {MAX_UNPACKED} bytes"):
        read(many)


@pytest.mark.parametrize("wrapping", ["", "template-1.2.3/"])
def test_questions_may_be_at_the_top_or_in_one_folder(wrapping: str) -> None:
    """The second is the form of GitHub's archives."""
    data = zipped(*((entry(f"{wrapping}{name}"), text) for name, text in SOUND.items()), sound=False)
    assert {name: File(text) for name, text in SOUND.items()} == read(data)


def test_the_executable_bit_is_kept_up_to_codecommit() -> None:
    outside = Outside({})
    data = zipped((entry(f"{FOLDER}/run.sh", mode=0o755), b"#!/bin/sh\n"))
    answer = outside.invoke(outside.event(TemplateSha256=outside.publish(data)))
    assert "SUCCESS" == answer["Status"]
    listing = outside.codecommit.commits[outside.codecommit.branches["main"]].listing
    assert {"README.md": "100644", "run.sh": "100755"} == {path: mode for path, (mode, _) in listing.items()}


def test_another_digest_is_refused_before_the_zip_is_parsed() -> None:
    """Both digests are shown."""
    data = b"not even a zip"
    with pytest.raises(ArtifactError) as caught:
        verified(io.BytesIO(data), Artifact("b", "k.zip", "1", "f" * 64))
    assert [] == [digest for digest in (hashlib.sha256(data).hexdigest(), "f" * 64) if digest not in str(caught.value)]


def test_an_object_that_is_too_large_is_not_read_to_its_end() -> None:
    stream = io.BytesIO(bytes(MAX_ZIP + 2**20))
    with pytest.raises(ArtifactError, match=f"larger than {MAX_ZIP}"):
        verified(stream, Artifact("b", "k.zip", "1", "f" * 64))
    assert stream.tell() < MAX_ZIP + 2**20


@pytest.mark.parametrize("questions", [b"{", b"[]", b"\xff"])
def test_questions_that_are_no_json_object_are_refused(questions: bytes) -> None:
    outside = Outside({"cookiecutter.json": File(questions), f"{FOLDER}/a": File(b"a")})
    assert "cookiecutter.json: " in outside.invoke(outside.event())["Reason"]


def test_what_is_packed_here_is_read_by_everyone() -> None:
    files = {"cookiecutter.json": File(b"{}"), "b/ü.sh": File(b"1" * 1000, executable=True), "a": File(b"2")}
    with zipfile.ZipFile(io.BytesIO(pack(files))) as archive:
        assert archive.testzip() is None
        assert ["a", "b/ü.sh", "cookiecutter.json"] == archive.namelist()
    assert files == read(pack(files))
