"""Steps 4 to 10: report.json says what happened, also when it broke off; the synthetic sample says what it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sagemaker_rehearsal.scenario import synthetic_data, workspace
from sagemaker_rehearsal.scenario.report import Report, metrics
from sagemaker_rehearsal.server.errors import RehearsalError

SCORES = {"auc": 0.9, "weighted_f1": 0.8, "accuracy": 0.85, "log_loss": 0.3, "recall": 0.5}


def read(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return found


def test_a_step_that_fails_is_in_the_report_with_its_reason(tmp_path: Path) -> None:
    report = Report(tmp_path, facts={"project": "adult"})
    with report.step(4) as step:
        step.evidence = "arn"
    with pytest.raises(RehearsalError, match="broken"), report.step(5):
        raise RehearsalError("broken")
    shown = [{key: value for key, value in one.items() if key != "seconds"} for one in read(tmp_path)["steps"]]
    assert shown == [
        {"step": 4, "name": "Train, evaluate, gate, register", "status": "succeeded", "evidence": "arn"},
        {"step": 5, "name": "Approve the model", "status": "failed", "evidence": "", "reason": "broken"},
    ]


def test_ctrl_c_is_noted_as_such(tmp_path: Path) -> None:
    report = Report(tmp_path)
    with pytest.raises(KeyboardInterrupt), report.step(4):
        raise KeyboardInterrupt
    assert read(tmp_path)["steps"][0]["status"] == "stopped"


@pytest.mark.parametrize(
    ("evaluation", "expected"),
    [
        (
            {"problem_type": "BinaryClassification", "metrics": SCORES},
            {k: v for k, v in SCORES.items() if k != "recall"},
        ),
        ({"problem_type": "Regression", "metrics": {"rmse": 1.0, "r2": 0.5}}, {"rmse": 1.0, "r2": 0.5}),
    ],
)
def test_the_report_holds_the_metrics_of_the_problem(evaluation: dict[str, Any], expected: dict[str, float]) -> None:
    assert metrics(evaluation) == expected


def test_the_synthetic_sample_is_always_the_same_and_says_what_it_is(tmp_path: Path) -> None:
    one, two = synthetic_data.write(tmp_path / "one"), synthetic_data.write(tmp_path / "two")
    assert [file.read_bytes() for file in sorted(one.iterdir())] == [
        file.read_bytes() for file in sorted(two.iterdir())
    ]
    counts = [len(synthetic_data.rows(one / name)) for name in (synthetic_data.TRAIN_NAME, synthetic_data.TEST_NAME)]
    assert (counts, "synthetic" in synthetic_data.NOTICE) == ([2200, 800], True)


def test_a_second_rehearsal_in_the_same_folder_is_kept_out(tmp_path: Path) -> None:
    with (
        workspace.alone(tmp_path),
        pytest.raises(RehearsalError, match="another rehearsal is at work"),
        workspace.alone(tmp_path),
    ):
        pass


def test_what_an_earlier_rehearsal_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / "checkout-build").mkdir()
    for name in ("report.json", "lock"):
        (tmp_path / name).write_text("", encoding="utf-8")
    workspace.clear(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]
