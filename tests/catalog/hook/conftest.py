"""Fixtures of the hook's tests: a small template with the product's own questions, and the world around the hook."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from catalog.bundle import TEMPLATE, tracked
from catalog.hook.artifact import File, Files
from tests.catalog.fakes.world import Outside
from tests.tree import ROOT

FOLDER = "{{cookiecutter.project_slug}}"


def small_template(more: Mapping[str, bytes] | None = None, files: int = 3) -> Files:
    """Return a template with the product's questions and rules, and so many files."""
    made = {
        "cookiecutter.json": File((ROOT / "cookiecutter.json").read_bytes()),
        f"{FOLDER}/README.md": File(b"# {{ cookiecutter.project_name }}\n"),
        f"{FOLDER}/Makefile": File(b"run:\n\techo {{ not.rendered }}\n"),
        f"{FOLDER}/run.sh": File(b"#!/bin/sh\n", executable=True),
    }
    made |= {f"{FOLDER}/docs/{number:03}.txt": File(b"%d\n" % number) for number in range(files - 3)}
    return made | {f"{FOLDER}/{path}": File(data) for path, data in (more or {}).items()}


@pytest.fixture
def outside() -> Outside:
    """Return the world with a template of three files."""
    return Outside(small_template())


@pytest.fixture(scope="session")
def product() -> Files:
    """Return this repository's template as it is published."""
    return tracked(TEMPLATE)
