"""The command line: exit codes, one sentence on errors, and what the buildspecs take from it."""

import dataclasses
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from deploy import __main__ as main
from deploy.prepare import Release
from deploy.stages import STAGES
from tests.deploy.aws import ARN, BUCKET, GROUP
from tests.deploy.test_prepare import ENVIRONMENT, environment

ROOT = Path(__file__).parents[2]
RELEASE = Release(f"{ARN}/3", GROUP, 3, {stage: f"adult-income-{stage}" for stage in STAGES})
KEY = "releases/3/staging/dossier.html"


@dataclass(frozen=True)
class Called:
    """What a command left."""

    exit_code: int
    out: str
    err: str


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Called]:
    """Run `python -m deploy` in an empty folder, with no other environment than the one given."""

    def run(*arguments: str, **environment: str) -> Called:
        monkeypatch.chdir(tmp_path)
        for name in [*ENVIRONMENT, "STAGE", "MODEL_PACKAGE_ARN", "COMMIT"]:
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        exit_code = main.main(arguments)
        return Called(exit_code, *capsys.readouterr())

    return run


def test_the_links_are_shell_that_a_buildspec_can_evaluate(call: Callable[..., Called], tmp_path: Path) -> None:
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "release.json").write_text(RELEASE.text(), encoding="utf-8")
    page = f"https://us-east-1.console.aws.amazon.com/s3/object/{BUCKET}?region=us-east-1&prefix={KEY}"
    done = call("link", **ENVIRONMENT)
    assert (done.exit_code, done.err) == (0, "")
    assert [shlex.split(line) for line in done.out.splitlines()] == [
        ["export", f"DOSSIER_URL={page}"],
        ["export", f"DOSSIER_S3_URI=s3://{BUCKET}/{KEY}"],
    ]


@pytest.mark.parametrize("command", ["check", "dossier", "link"])
def test_before_prepare_the_error_is_one_sentence_and_the_exit_code_2(
    command: str, call: Callable[..., Called]
) -> None:
    sentence = "error: build/release.json: is absent; run `python -m deploy prepare` first\n"
    assert call(command, **ENVIRONMENT) == Called(2, "", sentence)


def test_a_missing_environment_is_listed_at_once(call: Callable[..., Called]) -> None:
    done = call("approved")
    required = ["SAGEMAKER_PROJECT_NAME", "SAGEMAKER_PROJECT_ID", "ARTIFACT_BUCKET"]
    assert (done.exit_code, done.out) == (2, "")
    assert [name for name in required if name in done.err] == required


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("eu-central-1", "eu-central-1.console.aws.amazon.com"),
        ("us-gov-west-1", "console.amazonaws-us-gov.com"),
        ("cn-north-1", "console.amazonaws.cn"),
    ],
)
def test_the_console_link_fits_the_partition(region: str, host: str) -> None:
    links = main.dossier_links(dataclasses.replace(environment(), region=region), RELEASE, "staging")
    assert links["DOSSIER_URL"].split("/")[2] == host


@pytest.mark.parametrize("name", ["prepare", "check"])
def test_each_phase_of_a_buildspec_runs_one_python_command(name: str) -> None:
    spec = yaml.safe_load((ROOT / "buildspecs" / f"{name}.yml").read_text(encoding="utf-8"))
    phases = spec["phases"].values()
    assert [len(phase["commands"]) for phase in phases] == [1] * len(phases)
    assert all("python -m " in phase["commands"][0] for phase in phases)
