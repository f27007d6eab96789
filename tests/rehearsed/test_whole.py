"""Steps 1 to 10 in a team's repository, on the synthetic sample with the fast engine, as a person would start them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from sagemaker_rehearsal.scenario import synthetic_data, unused_grants
from tests.conftest import Bake

pytestmark = pytest.mark.rehearsal
ENV = {**os.environ, "REHEARSAL_AUTOML_ENGINE": "sklearn"}


@pytest.fixture
def repository(bake: Bake, tmp_path: Path) -> Path:
    """A repository as a team renders it, in a folder with a blank in its name."""
    folder = tmp_path / "my work" / "adult-income"
    shutil.copytree(bake(), folder)
    return folder


def rehearse(repository: Path, *arguments: str, answers: str = "") -> subprocess.CompletedProcess[str]:
    sample = synthetic_data.write(repository / "build" / "sample")
    command = [sys.executable, "-m", "sagemaker_rehearsal", "run", "--data", str(sample), *arguments]
    return subprocess.run(
        command, cwd=repository, env=ENV, input=answers, text=True, capture_output=True, timeout=240, check=False
    )


def git(repository: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", str(repository), *arguments], check=True, capture_output=True, text=True
    ).stdout.strip()


def report(repository: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((repository / "build/rehearsal/report.json").read_text(encoding="utf-8"))
    return found


def statuses(found: dict[str, Any]) -> list[tuple[int, str]]:
    return [(step["step"], step["status"]) for step in found["steps"]]


def processes_of(repository: Path) -> list[str]:
    """Command lines of living processes that name the repository."""
    lines = subprocess.run(["ps", "-eo", "stat,args"], capture_output=True, text=True, check=True).stdout.splitlines()
    return [line for line in lines if str(repository) in line and not line.startswith("Z")]


def test_a_whole_rehearsal_ends_with_a_prod_endpoint_that_answers(repository: Path) -> None:
    git(repository, "init", "--quiet", "-b", "feature")
    git(repository, "add", "--all")
    (repository / "pipeline" / "mine.py").write_text("MINE = 1\n", encoding="utf-8")
    before = git(repository, "status", "--porcelain")
    done = rehearse(repository, "--approve")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert git(repository, "status", "--porcelain") == before
    count = len(git(repository, "ls-files", "--cached", "--others", "--exclude-standard").split("\n"))
    assert f"main: {count} files of the working tree" in done.stdout
    found = report(repository)
    assert statuses(found) == [(number, "succeeded") for number in range(1, 11)]
    assert found["data"] == {"synthetic": True, "origin": synthetic_data.NOTICE}
    assert found["metrics"]["auc"] > 0.9
    assert found["metrics"]["weighted_f1"] > 0.8
    assert (found["iam"]["denied"], list(unused_grants.unexplained(found["iam"]["unused"]))) == ([], [])
    assert found["iam"]["calls"] > 500
    assert (repository / "build/rehearsal/dossier.html").stat().st_size > 10_000
    assert processes_of(repository) == []


def test_a_rejected_model_is_not_deployed(repository: Path) -> None:
    done = rehearse(repository, answers="reject\n")
    assert (done.returncode, "was rejected; nothing is deployed" in done.stderr) == (3, True), (
        done.stdout[-3000:] + done.stderr
    )
    assert statuses(report(repository)) == [*((number, "succeeded") for number in range(1, 5)), (5, "failed")]


def test_a_broken_off_rehearsal_leaves_no_process_and_the_lock_is_free(repository: Path) -> None:
    """SIGTERM in the middle of step 4: everything ends, and the report says where it was."""
    sample = synthetic_data.write(repository / "build" / "sample")
    command = [sys.executable, "-m", "sagemaker_rehearsal", "run", "--approve", "--data", str(sample)]
    process = subprocess.Popen(
        command, cwd=repository, env=ENV, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        if "-build runs" in line:
            break
    time.sleep(1)
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=60)[0]
    assert process.returncode == 130, said
    assert statuses(report(repository)) == [*((number, "succeeded") for number in range(1, 4)), (4, "stopped")]
    assert processes_of(repository) == []
