"""The wheel that the template vendors is what the engine's sources build, with the same bytes anywhere."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tree import ROOT, TEMPLATE

ENGINE = "sagemaker_rehearsal"


def built(out: Path, root: Path = ROOT) -> dict[str, bytes]:
    """Return the wheel that a folder's sources build, by its name."""
    subprocess.run([sys.executable, str(root / "rehearsal" / "wheel.py"), "--out", str(out)], check=True)
    return {path.name: path.read_bytes() for path in out.iterdir()}


def test_the_vendored_wheel_is_what_the_sources_build(tmp_path: Path) -> None:
    """`make wheel` after each change of the engine, of product.yaml or of the router."""
    vendored = {path.name: path.read_bytes() for path in (TEMPLATE / "wheels").iterdir()}
    now = built(tmp_path)
    assert now.keys() == vendored.keys()
    assert now == vendored


def test_a_clone_elsewhere_builds_the_same_bytes(tmp_path: Path) -> None:
    clone = tmp_path / "another place"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    head = subprocess.run(
        ["git", "-C", str(ROOT), "status", "--porcelain", "rehearsal", "catalog"], capture_output=True
    )
    if head.stdout:
        pytest.skip("the sources are not committed")
    assert built(tmp_path / "there", clone) == built(tmp_path / "here")


def test_the_wheel_is_pinned_by_its_hash() -> None:
    (wheel,) = (TEMPLATE / "wheels").iterdir()
    version = wheel.name.split("-")[1]
    for name in ("dev.txt", "rehearsal.txt"):
        text = (TEMPLATE / "constraints" / name).read_text()
        assert re.findall(r"^sagemaker-rehearsal==(\S+)", text, re.M) == [version]


def imports(*folders: Path) -> dict[str, set[str]]:
    """Return the first names of all that the files below some folders import."""
    found: dict[str, set[str]] = {}
    for path in (path for folder in folders for path in folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            for name in names:
                found.setdefault(name.partition(".")[0], set()).add(str(path.relative_to(ROOT)))
    return found


def test_what_runs_on_aws_never_imports_the_engine() -> None:
    found = imports(TEMPLATE / "pipeline", TEMPLATE / "deploy", TEMPLATE / "tests", ROOT / "catalog", ROOT / "hooks")
    assert found.get(ENGINE, set()) == set()


def test_the_engine_imports_nothing_of_the_product() -> None:
    found = imports(ROOT / "rehearsal")
    assert {name: found[name] for name in ("pipeline", "deploy", "catalog") if name in found} == {}
