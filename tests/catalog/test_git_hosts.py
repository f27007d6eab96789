"""Step 3: what the texts say of the Git hosts is true of AWS today."""

from __future__ import annotations

import re

from tests.catalog.policies import ROOT
from tests.tree import TEMPLATE as GENERATED

SOURCES = (".md", ".py", ".json", ".yaml", ".yml", ".toml", ".j2")
# CodeCommit took no new customers from 2024-07-25 to 2025-11-24, when it returned to general availability:
# https://aws.amazon.com/blogs/devops/aws-codecommit-returns-to-general-availability/
CLOSED = re.compile(
    r"codecommit (is|may be|was|being|has been) closed|closed to (the|this|accounts|those)\b|CodeCommitClosed"
    r"|codecommit[^.\n]{0,60}closed to new"  # SageMaker Clarify and Model Monitor are
    r"|accounts that have none yet|(?:deprecated|discontinued|no longer (?:open|available))[^.\n]{0,40}codecommit"
    r"|codecommit[^.\n]{0,40}(?:deprecated|discontinued|no longer (?:open|available))",
    re.IGNORECASE,
)


def test_no_text_says_that_codecommit_is_closed() -> None:
    folders = [ROOT / name for name in ("catalog", "changelog.d", "docs", "hooks", "bench", "tests")] + [GENERATED]
    paths = [path for folder in folders for path in folder.rglob("*") if path.suffix in SOURCES]
    paths += [ROOT / name for name in ("README.md", "CHANGELOG.md", "cookiecutter.json", "Makefile")]
    read = {
        path: re.sub(r"\s+", " ", path.read_text(encoding="utf-8"))
        for path in paths
        if path.name != "test_git_hosts.py"
    }
    result = [(str(path.relative_to(ROOT)), match[0]) for path, text in read.items() for match in CLOSED.finditer(text)]
    assert (len(read) > 100, result) == (True, [])


def test_an_account_that_may_make_no_repository_is_told_what_to_do() -> None:
    """The code exists still: an organization's policy or an account under restrictions is answered with it."""
    for name in ("catalog/README.md", "catalog/SEED.md", "catalog/product.yaml", "catalog/hook/calls.py"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "OperationNotAllowedException" in text, name
