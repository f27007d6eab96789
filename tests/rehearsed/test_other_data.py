"""Bring your own CSV: other data sets go through the same code by editing settings and flow only."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from sklearn import datasets

from tests.conftest import Bake

pytestmark = pytest.mark.rehearsal


@dataclass(frozen=True)
class Case:
    """A data set and what a team would write in settings.yaml for it."""

    name: str
    table: pd.DataFrame
    settings: dict[str, Any]


def breast_cancer() -> Case:
    """569 rows, 30 numeric features, two classes (ships with scikit-learn)."""
    bunch = datasets.load_breast_cancer(as_frame=True)
    table = bunch.data.rename(columns=lambda name: name.replace(" ", "_"))
    table["diagnosis"] = bunch.target.map({0: "malignant", 1: "benign"})
    gate = {"metric": "weighted_f1", "threshold": 0.85, "minimums": {"auc": 0.9}}
    chosen = {"problem_type": "BinaryClassification", "target_column": "diagnosis", "positive_class": "malignant"}
    return Case("breast-cancer", table, {**chosen, "objective_metric": "F1", "gate": gate})


def digits() -> Case:
    """1,797 rows, 64 numeric features, ten classes (ships with scikit-learn)."""
    bunch = datasets.load_digits(as_frame=True)
    table = bunch.data.assign(digit="d" + bunch.target.astype(str))
    gate = {"metric": "weighted_f1", "threshold": 0.85}
    chosen = {"problem_type": "MulticlassClassification", "target_column": "digit"}
    return Case("digits", table, {**chosen, "objective_metric": "Accuracy", "gate": gate})


def friedman() -> Case:
    """1,200 rows, ten numeric features and a number to predict (made by scikit-learn)."""
    features, target = datasets.make_friedman1(n_samples=1200, n_features=10, noise=0.5, random_state=7)
    table = pd.DataFrame(features, columns=[f"x{i}" for i in range(10)]).assign(y=target)
    chosen = {"problem_type": "Regression", "target_column": "y", "objective_metric": "RMSE"}
    return Case("friedman", table, {**chosen, "gate": {"metric": "r2", "threshold": 0.7}})


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run one of the repository's commands as a person would, in its own folder."""
    env = {**os.environ, "REHEARSAL_AUTOML_ENGINE": "sklearn", "PYTHONPATH": ""}
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        env=env,
        text=True,
        capture_output=True,
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize("case", [breast_cancer(), digits(), friedman()], ids=lambda case: case.name)
def test_another_csv_needs_only_settings_and_a_flow(case: Case, bake: Bake, tmp_path: Path) -> None:
    """All ten steps succeed on a CSV that the template has never seen."""
    repository = bake()
    data = tmp_path / f"{case.name}.csv"
    case.table.to_csv(data, index=False)
    settings = {
        "project": case.name,
        **case.settings,
        "data": {"source": str(data)},
        "endpoint": {"memory_mb": 2048, "max_concurrency": 5},
        "check": {"rows": 50},
    }
    (repository / "settings.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    flow = run(repository, "pipeline", "new-flow", "--force", str(data))
    assert flow.returncode == 0, flow.stderr

    done = run(repository, "sagemaker_rehearsal", "run", "--approve", "--data", str(data))

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    report = json.loads((repository / "build" / "rehearsal" / "report.json").read_text(encoding="utf-8"))
    assert [(step["step"], step["status"]) for step in report["steps"]] == [(n, "succeeded") for n in range(1, 11)]
