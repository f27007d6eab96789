"""Steps 4, 6 and 8: buildspecs run as CodeBuild runs them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from sagemaker_rehearsal.codebuild import buildspec
from sagemaker_rehearsal.processes import Processes
from sagemaker_rehearsal.server.errors import RehearsalError


def written(folder: Path, **sections: object) -> buildspec.Buildspec:
    path = folder / "spec.yml"
    path.write_text(yaml.safe_dump({"version": 0.2, **sections}), encoding="utf-8")
    return buildspec.read(path)


def run(folder: Path, given: dict[str, str] | None = None, **sections: object) -> tuple[buildspec.Build, str, Path]:
    """Run sections in a folder `source`; return the build, its log without CodeBuild's own lines, and the artifact."""
    source, artifact = folder / "source", folder / "artifact"
    source.mkdir()
    build = buildspec.run(written(folder, **sections), source, folder / "log", given or {}, Processes(), artifact)
    lines = (folder / "log").read_text(encoding="utf-8").splitlines()
    return build, "\n".join(line for line in lines if not line.startswith(("[Rehearsal]", "[Container]"))), artifact


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"phase": {}}, "is no buildspec of version 0.2"),
        ({"phases": {"test": {}}}, "phases.test: must be one of install, pre_build, build, post_build"),
        ({"phases": {"build": {"commands": [{"echo": "a"}]}}}, "quote a command that holds a colon"),
        ({"env": {"secrets-manager": {"A": "b"}}}, "env.secrets-manager: the rehearsal has no secrets"),
    ],
)
def test_what_codebuild_would_refuse_is_refused(tmp_path: Path, sections: dict[str, Any], message: str) -> None:
    with pytest.raises(RehearsalError, match=r"spec\.yml") as caught:
        written(tmp_path, **sections)
    assert message in str(caught.value)


@pytest.mark.rehearsal
def test_variables_live_from_command_to_command_and_phase_to_phase(tmp_path: Path) -> None:
    build, log, artifact = run(
        tmp_path,
        {"STAGE": "staging"},
        env={"variables": {"STAGE": "default", "OTHER": "o"}, "exported-variables": ["URL"]},
        phases={
            "install": {"commands": ["exit 9"]},
            "build": {"commands": ["NAME=a", 'echo "$NAME $STAGE $OTHER" | tee out.txt']},
            "post_build": {"commands": ['eval "export URL=s3://$NAME"']},
        },
        artifacts={"files": ["**/*"]},
    )
    seen = (build.succeeded, log, build.exported, (artifact / "out.txt").read_text(encoding="utf-8"))
    assert seen == (True, "a staging o", {"URL": "s3://a"}, "a staging o\n")


@pytest.mark.rehearsal
def test_variables_are_exported_from_a_folder_with_blanks_and_quotes_too(tmp_path: Path) -> None:
    folder = tmp_path / "it's my folder"
    folder.mkdir()
    phases = {"build": {"commands": ["MADE=here"], "finally": ["LAST=too"]}}
    build, log, _ = run(folder, env={"exported-variables": ["MADE", "LAST"]}, phases=phases)
    assert (build.exported, log) == ({"MADE": "here", "LAST": "too"}, "")


def test_a_failed_build_phase_ends_at_once_and_post_build_still_runs(tmp_path: Path) -> None:
    build, log, _ = run(
        tmp_path,
        phases={
            "build": {"commands": ["echo error: wrong", "false", "echo never"], "finally": ["echo last"]},
            "post_build": {"commands": ['echo "succeeding: $CODEBUILD_BUILD_SUCCEEDING"']},
        },
    )
    said = "phase build ended with exit code 1: error: wrong"
    assert (build.succeeded, build.reason, log) == (False, said, "error: wrong\nlast\nsucceeding: 0")


@pytest.mark.rehearsal
def test_a_failed_pre_build_ends_the_build(tmp_path: Path) -> None:
    phases = {"pre_build": {"commands": ["exit 3"]}, "build": {"commands": ["echo never"]}}
    build, log, _ = run(tmp_path, phases=phases)
    assert (build.reason, log) == ("phase pre_build ended with exit code 3: it wrote nothing", "")


@pytest.mark.rehearsal
def test_an_artifact_that_is_not_there_fails_the_build(tmp_path: Path) -> None:
    build, _, _ = run(tmp_path, phases={"build": {"commands": ["true"]}}, artifacts={"files": ["build/run.json"]})
    assert build.reason == "no matching artifact paths found for build/run.json"


@pytest.mark.rehearsal
def test_the_machine_s_own_credentials_stay_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "mine")
    monkeypatch.setenv("SECRET_OF_MINE", "x")
    _, log, _ = run(tmp_path, phases={"build": {"commands": ['echo "[${AWS_PROFILE}${SECRET_OF_MINE}]"']}})
    assert log == "[]"
