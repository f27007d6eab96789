"""What a team's rehearsal finds before AWS does: faults in permissions, buildspecs, templates and pushes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sagemaker_rehearsal.scenario import workspace
from tests.conftest import Bake
from tests.tree import ROOT

pytestmark = pytest.mark.rehearsal
ENV = {**os.environ, "REHEARSAL_AUTOML_ENGINE": "sklearn"}
# The statement of the build's role in product.yaml that lets it write and start the SageMaker pipeline
PIPELINE = re.compile(r"^ +- Sid: Pipeline\n.*?(?=^ +- Sid: PassRole)", re.M | re.S)


@pytest.fixture
def repository(bake: Bake) -> Path:
    """A repository as a team renders it."""
    return bake()


def rehearse(repository: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sagemaker_rehearsal", *arguments]
    return subprocess.run(
        command, cwd=repository, env=ENV, text=True, capture_output=True, timeout=240, check=False, input=""
    )


@contextmanager
def aws(repository: Path) -> Iterator[None]:
    """Have an AWS that stays up."""
    command = [sys.executable, "-m", "sagemaker_rehearsal", "up", "--data", "synthetic"]
    with subprocess.Popen(command, cwd=repository, env=ENV, stdout=subprocess.PIPE, text=True) as process:
        assert any(line.startswith("until") for line in process.stdout or ())
        try:
            yield
        finally:
            process.terminate()
    assert workspace.running(repository / "build" / "rehearsal") is None


def reason(repository: Path, number: int) -> str:
    """Return why the last step of the report failed, which is the one of this number."""
    steps = json.loads((repository / "build" / "rehearsal" / "report.json").read_text(encoding="utf-8"))["steps"]
    assert [(step["step"], step["status"]) for step in steps] == [
        *((before, "succeeded") for before in range(1, number)),
        (number, "failed"),
    ]
    return str(steps[-1]["reason"])


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_a_role_without_a_permission_that_the_build_needs(repository: Path, tmp_path: Path) -> None:
    product = tmp_path / "product.yaml"
    text, count = PIPELINE.subn("", (ROOT / "catalog" / "product.yaml").read_text(encoding="utf-8"), count=1)
    product.write_text(text, encoding="utf-8")
    assert count == 1
    done = rehearse(repository, "run", "--approve", "--data", "synthetic", "--product", str(product))
    assert done.returncode == 1, done.stdout[-3000:]
    assert "because no identity-based policy allows the sagemaker:UpdatePipeline action" in reason(repository, 4)
    report = json.loads((repository / "build" / "rehearsal" / "report.json").read_text(encoding="utf-8"))
    (denial,) = {(row["principal"].split("/")[-2][-6:], row["action"]) for row in report["iam"]["denied"]}
    assert denial == ("-build", "sagemaker:UpdatePipeline")
    assert "denied: " in done.stdout


def test_a_buildspec_that_is_not_where_the_product_looks(repository: Path) -> None:
    """On whatever host the repository will live: the rehearsal has CodeCommit."""
    (repository / "buildspecs" / "build.yml").rename(repository / "buildspecs" / "train.yml")
    edit(repository / "settings.yaml", "git_provider: codecommit", "git_provider: github")
    done = rehearse(repository, "run", "--approve", "--data", "synthetic")
    assert done.returncode == 1, done.stdout[-3000:]
    assert "settings.yaml names github; the rehearsal uses CodeCommit in its place" in done.stdout
    assert "buildspecs/build.yml" in reason(repository, 4)


def test_a_buildspec_with_the_path_of_no_artifact(repository: Path) -> None:
    edit(repository / "buildspecs" / "build.yml", "- build/run.json", "- out/run.json")
    done = rehearse(repository, "run", "--approve", "--data", "synthetic")
    assert done.returncode == 1, done.stdout[-3000:]
    assert "no matching artifact paths found for out/run.json" in reason(repository, 4)


def test_a_template_that_cloudformation_refuses_and_pushes_that_start_nothing(repository: Path) -> None:
    """On an AWS that stays up, as a team works: each run pushes what changed since the one before.

    The last one replaces a deployment that nobody approved.
    """
    template = repository / "deploy" / "endpoint.yaml"
    with aws(repository):
        edit(template, "!Ref StageName}", "!Ref Stage}")
        assert rehearse(repository, "run", "--approve").returncode == 1
        assert "Template format error: Unresolved resource dependencies [Stage]" in reason(repository, 7)

        edit(repository / "README.md", "# Adult Income", "# Adult income")
        assert rehearse(repository, "run", "--approve").returncode == 1
        expected = "the push starts nothing: none of the 1 changed paths is part of training or deploying: README.md"
        assert reason(repository, 4) == expected

        (repository / "conf").mkdir()
        (repository / "conf" / "settings.yaml").write_text("gate: {threshold: 0.9}\n", encoding="utf-8")
        assert rehearse(repository, "run", "--approve").returncode == 1
        assert reason(repository, 4).endswith("part of training or deploying: conf/settings.yaml")

        edit(template, "!Ref Stage}", "!Ref StageName}")
        assert rehearse(repository, "run").returncode == 1
        assert reason(repository, 9).startswith("nobody is here to approve")

        edit(template, "# The same template", "#  The same template")
        done = rehearse(repository, "run", "--approve")
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        steps = json.loads((repository / "build" / "rehearsal" / "report.json").read_text(encoding="utf-8"))["steps"]
        assert steps[3]["evidence"].startswith("nothing to train: the push deploys arn:aws:sagemaker:")
        assert [(step["step"], step["status"]) for step in steps] == [(n, "succeeded") for n in range(1, 11)]
        assert rehearse(repository, "status").returncode == 0
