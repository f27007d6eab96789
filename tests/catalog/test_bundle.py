"""Step 1: the same commit gives the same bytes anywhere, and the function runs on what its zip holds."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from catalog import bundle
from catalog.bundle import LEFT_OUT, ROOT, TEMPLATE, Bundle, BundleError
from catalog.hook.archive import pack
from catalog.hook.artifact import File, read

LIMIT = 3_000_000  # bytes of the hook's zip
WHEELS = ROOT / "build" / "catalog" / "wheels"


@pytest.fixture(scope="module")
def hook() -> Bundle:
    """Return the hook's zip; its wheels are downloaded once for a checkout."""
    return list(bundle.make(WHEELS))[1]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a clone of a small repository in the form of this one."""
    for name in ("cookiecutter.json", "LICENSE", "hooks/a.py", "{{cookiecutter.project_slug}}/run.sh", "README.md"):
        path = tmp_path / "copy" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (tmp_path / "copy" / "{{cookiecutter.project_slug}}" / "run.sh").chmod(0o755)
    git(tmp_path / "copy", "init", "-q")
    git(tmp_path / "copy", "add", "-A")
    git(tmp_path / "copy", "commit", "-qm", "x")
    return tmp_path / "copy"


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=T", "-c", "user.email=t@example.com"]
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


def test_a_zip_has_these_very_bytes() -> None:
    """On every machine: a change of this digest is a new key for every published zip."""
    data = pack({"b": File(b"2" * 1000), "ä/a.sh": File(b"1", executable=True)})
    assert "b3b804d0b4a95fa06dbd1d7cec180578f4aa72ea389fa3f2ca66389c668dd100" == hashlib.sha256(data).hexdigest()


def test_the_template_is_what_git_tracks_whatever_lies_about(copy: Path) -> None:
    """Neither times nor modes that Git does not keep, nor files that are not committed, change a byte."""
    before = bundle.template(copy)
    (copy / "{{cookiecutter.project_slug}}" / "left.pyc").write_text("x")
    (copy / "LICENSE").chmod(0o600)
    for path in copy.rglob("*.sh"):
        os.utime(path, (0, time.time() - 10**6))
    assert before == bundle.template(copy)
    assert {"cookiecutter.json", "LICENSE", "hooks/a.py", "{{cookiecutter.project_slug}}/run.sh"} == set(
        read(before.data)
    )
    assert read(before.data)["{{cookiecutter.project_slug}}/run.sh"].executable


def test_two_clones_give_the_same_bundles(tmp_path: Path, hook: Bundle) -> None:
    """The whole of this repository, cloned elsewhere, by somebody with another umask and at another time."""
    result = []
    for folder, mask in (("a", 0o022), ("b/deeper", 0o077)):
        clone = tmp_path / folder
        command = ["git", "clone", "-q", "--no-hardlinks", str(ROOT), str(clone)]
        subprocess.run(command, check=True, umask=mask)
        os.utime(clone / "cookiecutter.json", (0, mask * 10**6))
        assert 0o666 & ~mask == (clone / "cookiecutter.json").stat().st_mode & 0o777
        result.append([entry.sha256 for entry in bundle.make(WHEELS, clone)])
    assert result[0] == result[1]


def test_an_empty_file_is_refused_before_it_is_published(copy: Path) -> None:
    """And not when the first project is made of it."""
    (copy / "hooks" / "a.py").write_text("")
    with pytest.raises(BundleError, match=r"hooks/a\.py: is empty"):
        bundle.template(copy)


def test_keys_follow_from_content() -> None:
    result, other = Bundle("hook", b"1"), Bundle("hook", b"2")
    assert f"hook/{hashlib.sha256(b'1').hexdigest()[:16]}/hook.zip" == result.key
    assert result.key != other.key


def test_the_manifest_names_digest_commit_and_version(copy: Path) -> None:
    git(copy, "tag", "v1.2.3")
    result = json.loads(bundle.manifest([bundle.template(copy)], copy).text())
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=copy, check=True, capture_output=True, text=True).stdout
    template = bundle.template(copy)
    assert {
        "version": "v1.2.3",
        "commit": head.strip(),
        "clean": True,
        "bundles": {"template": {"key": template.key, "sha256": template.sha256, "bytes": len(template.data)}},
    } == result
    (copy / "LICENSE").write_text("changed")
    assert not bundle.manifest([], copy).clean


def test_a_folder_without_git_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="bundles are made of what Git tracks"):
        bundle.template(tmp_path)


def test_a_wheel_that_is_not_the_pinned_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "jinja2-3.1.6-py3-none-any.whl").write_bytes(b"other")
    with pytest.raises(BundleError, match="holds no wheel of jinja2"):
        bundle.wheel("jinja2", bundle.needed()["jinja2"], tmp_path)


def test_the_hook_is_small_and_pure_python(hook: Bundle) -> None:
    with zipfile.ZipFile(io.BytesIO(hook.data)) as archive:
        files = archive.namelist()
    assert len(hook.data) <= LIMIT
    assert [] == [path for path in files if path.endswith((".so", ".pyc", ".pyd"))]
    assert [] == [path for path in files if path.partition("/")[0].replace("_", "-") in LEFT_OUT]
    assert {"catalog/hook/handler.py", "hooks/pre_gen_project.py", "cookiecutter/main.py"} <= set(files)


RUN = """
import json, sys
from catalog.hook.artifact import questions, read
from catalog.hook.answers import checked
from catalog.hook.tree import render
import catalog.hook.handler
files = read(open(sys.argv[1], "rb").read())
asked = questions(files)
print(render(files, asked, checked(asked, {"project_name": "Größe"}, "main", "codecommit")).id)
"""


def test_the_hook_renders_with_nothing_but_its_zip_and_boto3(hook: Bundle, tmp_path: Path) -> None:
    """In a process of its own that sees neither this environment nor this repository."""
    import boto3

    (tmp_path / "hook.zip").write_bytes(hook.data)
    shutil.unpack_archive(tmp_path / "hook.zip", tmp_path / "task")
    site = Path(boto3.__file__).parents[1]
    (tmp_path / "runtime").mkdir()
    for name in ("boto3", "botocore", "s3transfer", "jmespath", "urllib3"):
        (tmp_path / "runtime" / name).symlink_to(site / name)
    (tmp_path / "template.zip").write_bytes(pack(bundle.tracked(TEMPLATE)))
    path = os.pathsep.join([str(tmp_path / "task"), str(tmp_path / "runtime")])
    ran = subprocess.run(
        [sys.executable, "-S", "-c", RUN, str(tmp_path / "template.zip")],
        cwd=tmp_path,
        env={"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ("", 40) == (ran.stderr, len(ran.stdout.strip()))
