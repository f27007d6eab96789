"""Step 7: a model of Adult's shape, small enough to fit in a moment."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sagemaker_rehearsal.autopilot.archive import pack
from sagemaker_rehearsal.autopilot.engine import ModelCard, engine
from sagemaker_rehearsal.autopilot.metrics import objective
from sagemaker_rehearsal.autopilot.table import Column

NUMBERS = ("age", "fnlwgt", "education_num", "capital_gain", "capital_loss", "hours_per_week")
NAMES = (
    *("age", "workclass", "fnlwgt", "education", "education_num", "marital_status", "occupation", "relationship"),
    *("race", "sex", "capital_gain", "capital_loss", "hours_per_week", "native_country"),
)
# As an Autopilot candidate lists it, but for what it answers with
ENVIRONMENT = {
    "MODEL_NAME": "Candidate",
    "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "text/csv",
    "SAGEMAKER_PROGRAM": "sagemaker_serve",
    "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
}
ALL_KEYS = ENVIRONMENT | {"SAGEMAKER_INFERENCE_OUTPUT": "predicted_label,probability,probabilities,labels"}
ROW = (
    "39, State-gov, 77516, Bachelors, 13, Never-married, Adm-clerical, Not-in-family, "
    "White, Male, 2174, 0, 40, United-States"
)
PROBLEMS = {"income": "BinaryClassification", "grade": "MulticlassClassification", "pay": "Regression"}


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return folders with model.tar.gz, by target: income (two classes), grade (three), pay (a number)."""
    return {target: _fit(tmp_path_factory.mktemp(target), target, problem) for target, problem in PROBLEMS.items()}


def _fit(folder: Path, target: str, problem_type: str) -> Path:
    random = np.random.default_rng(2)
    columns = tuple(Column(name, "number" if name in NUMBERS else "text") for name in NAMES)
    rows = pd.DataFrame(
        {c.name: random.uniform(0, 50, 120) if c.type == "number" else random.choice(["A", "B"], 120) for c in columns}
    ).astype({column.name: object for column in columns if column.type == "text"})
    wanted = {
        "income": np.where(rows.age > 25, ">50K", 'it\'s "less", or so'),
        "grade": np.select([rows.age < 15, rows.age < 30], ["c", "b"], "a"),
        "pay": rows.age * 2,
    }
    rows[target] = wanted[target]
    chosen = engine("sklearn")
    fitted = chosen.fit(rows[:90], rows[90:], target, problem_type, objective(problem_type, None), 60, 1)
    model = folder / "model"
    model.mkdir()
    fitted.save_model(model)
    ModelCard("sklearn", chosen.title, "Candidate", problem_type, target, columns, fitted.classes, {}).write(model)
    pack(model, folder / "model.tar.gz")
    return folder
