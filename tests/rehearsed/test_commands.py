"""`rehearse` in a clone of the template."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sagemaker_rehearsal.cli import main
from tests.tree import ROOT


def test_data_that_is_not_there_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    assert main(["run", "--approve", "--data", "absent.csv", "--work", str(tmp_path)]) == 2
    assert "absent.csv: does not exist; give a CSV" in capsys.readouterr().err
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["steps"] == []


def test_another_product_is_for_a_teams_repository(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    assert main(["run", "--approve", "--product", "mine.yaml", "--work", str(tmp_path)]) == 2
    assert "--product: is for a team's repository" in capsys.readouterr().err
