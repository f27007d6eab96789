"""Step 4: the interface of AutoML engines, which fit candidates, predict with the best, save and load it."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from sagemaker_rehearsal.autopilot.metrics import AutoMLError, Objective, Prediction
from sagemaker_rehearsal.autopilot.table import Column

CARD = "model.json"
# The path of the model's script in Autopilot's container, as in the documented example of a candidate's containers.
# https://docs.aws.amazon.com/sagemaker/latest/dg/autopilot-deploy-models-realtime.html
PROGRAM, SUBMIT_DIRECTORY = "sagemaker_serve", "/opt/ml/model/code"
_SCRIPT = (
    '"""Stands for the script of Autopilot\'s container: sagemaker_rehearsal.serving loads the model instead."""\n'
)
_MODULES = {"autogluon": "sagemaker_rehearsal.autopilot.autogluon", "sklearn": "sagemaker_rehearsal.autopilot.sklearn"}


class Model(Protocol):
    """A model that predicts from a table of features."""

    def predict(self, table: pd.DataFrame) -> Prediction:
        """Predict each row of `table`, whose columns and types are those of training."""
        ...


@dataclass(frozen=True)
class Trial:
    """A candidate: its scores on the validation channel, which it was not fitted on, and its training seconds."""

    name: str
    scores: Mapping[str, float]
    seconds: float


@dataclass(frozen=True)
class Fitted:
    """The result of a fit.

    Attributes:
        trials: the leaderboard, best first.
        honest: the best candidate as trained on the training channel only; validation figures come from it.
        deployed: the same candidate to be saved; refitted on both channels where the time allowed.
        save_model: writes the files of `deployed` into an empty folder.
        refitted: whether `deployed` was fitted on the validation channel too.
        cut_short: whether the time limit elapsed before every candidate was fitted.
    """

    trials: tuple[Trial, ...]
    honest: Model
    deployed: Model
    save_model: Callable[[Path], None]
    classes: tuple[str, ...]
    refitted: bool
    cut_short: bool

    def predict(self, table: pd.DataFrame) -> Prediction:
        """Predict as the saved model does."""
        return self.deployed.predict(table)


class Engine(Protocol):
    """An AutoML engine; `key` names it in model.json, `title` in reports."""

    key: str
    title: str
    versions: Mapping[str, str]

    def fit(
        self,
        train: pd.DataFrame,
        validation: pd.DataFrame,
        target: str,
        problem_type: str,
        metric: Objective,
        seconds: float,
        max_candidates: int | None = None,
    ) -> Fitted:
        """Fit candidates on `train` and choose one by `metric` on `validation`, within `seconds`."""
        ...

    def load(self, folder: Path, card: ModelCard) -> Model:
        """Load the model that `Fitted.save_model` wrote."""
        ...


@dataclass(frozen=True)
class ModelCard:
    """The content of model.json: what the endpoint needs to know about the model."""

    engine: str
    title: str
    name: str
    problem_type: str
    target: str
    columns: tuple[Column, ...]
    classes: tuple[str, ...]
    versions: Mapping[str, str]

    def write(self, folder: Path) -> None:
        """Write model.json and the script that the container expects into `folder`."""
        text = json.dumps({"format": 1, **asdict(self)}, indent=2, ensure_ascii=False)
        (folder / CARD).write_text(text + "\n", encoding="utf-8")
        (folder / "code").mkdir()
        (folder / "code" / f"{PROGRAM}.py").write_text(_SCRIPT, encoding="utf-8")


def read_card(folder: Path) -> ModelCard:
    """Read model.json.

    Raises:
        AutoMLError: it does not exist or is not valid.
    """
    try:
        content: dict[str, Any] = json.loads((folder / CARD).read_text(encoding="utf-8"))
        if content.pop("format") != 1:
            raise ValueError("its format is not 1")
        columns = tuple(Column(**column) for column in content.pop("columns"))
        return ModelCard(columns=columns, classes=tuple(content.pop("classes")), **content)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AutoMLError(
            f"{folder}: no readable {CARD} ({error}); give a folder that model.tar.gz was unpacked in"
        ) from error


def engine(key: str) -> Engine:
    """Return an engine by its key; its libraries are imported only here, as they are large.

    Raises:
        AutoMLError: the key is unknown, or the engine's libraries are not installed.
    """
    if key not in _MODULES:
        raise AutoMLError(f"REHEARSAL_AUTOML_ENGINE: got {key!r}; it must be one of {', '.join(_MODULES)}; correct it")
    try:
        implementation: Engine = importlib.import_module(_MODULES[key]).ENGINE
    except ModuleNotFoundError as error:
        raise AutoMLError(
            f"the {key} engine needs {error.name}, which is not installed; install the rehearsal's constraints"
        ) from error
    return implementation


def load(folder: Path) -> tuple[Model, ModelCard]:
    """Load a saved model and its card from the folder of an unpacked model.tar.gz."""
    card = read_card(folder)
    return engine(card.engine).load(folder, card), card
