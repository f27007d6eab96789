"""`python -m pipeline` prints sentences and exits with 2 for wrong input; a traceback is never shown."""

from pathlib import Path

import pytest

from pipeline import __main__ as cli
from pipeline.aws.environment import BUILD
from pipeline.settings.load import load
from tests.pipeline.project import text

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    for name in (*BUILD, "DATA", "STAGE"):
        if name != "AWS_DEFAULT_REGION":
            monkeypatch.delenv(name, raising=False)


def test_the_settings_of_this_repository_are_valid() -> None:
    assert load(ROOT / "settings.yaml").target_column != ""


def test_validate_says_that_all_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert (cli.main(["validate"]), capsys.readouterr().out.splitlines()[0]) == (
        0,
        "settings.yaml, flows and requests are valid",
    )


def test_a_partly_set_environment_is_no_preview(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SAGEMAKER_PROJECT_NAME", "adult-income")
    assert cli.main(["definition"]) == 2
    assert [line.split(":")[1] for line in capsys.readouterr().err.splitlines()] == [
        " SAGEMAKER_PROJECT_ID",
        " SAGEMAKER_PIPELINE_ROLE_ARN",
        " ARTIFACT_BUCKET",
    ]


def test_run_does_not_start_without_a_project(capsys: pytest.CaptureFixture[str]) -> None:
    assert (cli.main(["run"]), capsys.readouterr().err.count("error: ")) == (2, 4)


def test_wrong_settings_are_one_line_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("settings.yaml").write_text(text("thresold: 1\n"))
    assert (cli.main(["definition"]), capsys.readouterr().err) == (
        2,
        "error: settings.yaml:9: thresold: is no setting; did you mean gate.threshold?\n",
    )


def test_a_region_without_the_containers_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "xx-nowhere-1")
    assert cli.main(["definition"]) == 2
    assert capsys.readouterr().err.startswith("error: region: got 'xx-nowhere-1'; the SDK knows no data-wrangler image")


def test_a_flow_for_a_csv_is_written_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("settings.yaml").write_text(text())
    Path("mine.csv").write_text("age,income\n" + "".join(f"{n},{'a' if n % 3 else 'b'}\n" for n in range(600)))
    command = ["new-flow", "mine.csv", "--output", "flows/mine.flow"]
    assert [cli.main(command), cli.main(command), cli.main([*command, "--force"])] == [0, 2, 0]
    assert "flows/mine.flow: exists; choose another --output" in capsys.readouterr().err


def test_a_parameter_has_a_name_and_a_value(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["start", "--parameter", "GateThreshold"])
    assert (caught.value.code, "must be NAME=VALUE" in capsys.readouterr().err) == (2, True)
