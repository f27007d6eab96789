"""Step 4: small input channels of AutoML jobs, with numbers, texts and empty cells."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sagemaker_rehearsal.autopilot.__main__ import main

TARGETS = {
    "BinaryClassification": lambda score, noise: np.where(score + noise > 1.5, "rich", "poor"),
    "MulticlassClassification": lambda score, noise: np.select([score < 0.5, score < 1.5], ["low", "middle"], "high"),
    "Regression": lambda score, noise: (score + noise).round(4),
}


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Run a job with the scikit-learn engine and give its output folder."""
    monkeypatch.setenv("REHEARSAL_AUTOML_ENGINE", "sklearn")

    def run(problem_type: str, **request: object) -> Path:
        write_channels(tmp_path, problem_type, 240)
        assert main(arguments(tmp_path, problem_type, **request)) == 0
        return tmp_path / "output"

    return run


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return the output of a job by problem type; each job runs once for all tests that only read it."""

    @cache
    def run(problem_type: str) -> Path:
        folder = tmp_path_factory.mktemp(problem_type)
        write_channels(folder, problem_type, 240)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("REHEARSAL_AUTOML_ENGINE", "sklearn")
            assert main(arguments(folder, problem_type)) == 0
        return folder / "output"

    return run


def write_channels(folder: Path, problem_type: str, rows: int) -> None:
    """Write training and validation CSV files: a number, a number with gaps, a text with gaps, and the target."""
    random = np.random.default_rng(1)
    age, hours = random.integers(18, 80, rows), random.normal(40, 5, rows).round(1)
    job = random.choice(["clerk", "chef, head", 'the "boss"'], rows)
    score = (age - 18) / 40 + (job == 'the "boss"')
    table = pd.DataFrame({"age": age, "hours": hours, "job": job})
    table["pay"] = TARGETS[problem_type](score, random.normal(0, 0.2, rows))
    table.loc[::7, "hours"] = None
    table.loc[::11, "job"] = None
    for name, part in (("training", table[: rows * 3 // 4]), ("validation", table[rows * 3 // 4 :])):
        (folder / name).mkdir(exist_ok=True)
        part.to_csv(folder / name / "part-0.csv", index=False)


def arguments(folder: Path, problem_type: str, **request: object) -> list[str]:
    """Write the request and give the command line of the job."""
    body = {"InputDataConfig": [{"TargetAttributeName": "pay"}], "ProblemType": problem_type, **request}
    (folder / "request.json").write_text(json.dumps(body))
    places = {"request": "request.json", "training": "training", "validation": "validation", "output": "output"}
    return [part for name, place in places.items() for part in (f"--{name}", str(folder / place))]
