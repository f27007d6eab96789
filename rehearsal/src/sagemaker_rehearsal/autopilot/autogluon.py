"""Step 4: AutoGluon, the engine of Autopilot's ENSEMBLING mode."""

from __future__ import annotations

import atexit
import logging
import shutil
import tempfile
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from autogluon.tabular import TabularPredictor

from sagemaker_rehearsal.autopilot.engine import Fitted, Model, ModelCard, Trial
from sagemaker_rehearsal.autopilot.metrics import (
    BINARY,
    MULTICLASS,
    REGRESSION,
    AutoMLError,
    Objective,
    Prediction,
    rarer_class,
    score,
)
from sagemaker_rehearsal.autopilot.threads import SMALL, threads_for

_PROBLEM = {BINARY: "binary", MULTICLASS: "multiclass", REGRESSION: "regression"}
_FOLDER = "predictor"
_FIT_SHARE = 0.6  # of the time limit; the rest is for scoring, refitting and saving
# AutoGluon queries torch for GPUs for each candidate and logs an error when torch is absent.
logging.getLogger("autogluon.common.utils.resource_utils").setLevel(logging.CRITICAL)
_ONE_HOT = {"max_cat_to_onehot": 100}


def _lightgbm(suffix: str, **parameters: float) -> dict[str, Any]:
    return {**parameters, "ag_args": {"name_suffix": suffix}}


# Chosen by cross-validation on adult.data alone (three folds, mean AUC): AutoGluon's LightGBM .9271, these three .9288,
# .9286 and .9287, their average .9293. They differ in how trees split categories, so that averaging them helps.
# AutoGluon's default is the fourth candidate, for other kinds of data.
CANDIDATES = (
    _lightgbm("Shallow", learning_rate=0.06, num_leaves=16, max_depth=4, feature_fraction=0.5, lambda_l2=3, **_ONE_HOT),
    _lightgbm(
        "Smooth", learning_rate=0.05, num_leaves=15, feature_fraction=0.5, cat_smooth=50, cat_l2=20, min_data_in_leaf=30
    ),
    _lightgbm(
        "Fine", learning_rate=0.05, num_leaves=16, feature_fraction=0.5, max_bin=1023, min_data_in_bin=1, **_ONE_HOT
    ),
    _lightgbm("Default"),
)


@dataclass(frozen=True)
class AutoGluonModel:
    """One model of a predictor, by name."""

    predictor: Any
    name: str
    problem_type: str
    classes: tuple[str, ...]

    def predict(self, table: pd.DataFrame) -> Prediction:
        """Predict each row; probabilities are in the order of `classes`."""
        with threads_for(len(table)):
            if self.problem_type == REGRESSION:
                return Prediction(values=np.asarray(self.predictor.predict(table, model=self.name), dtype=np.float64))
            shares = self.predictor.predict_proba(table, model=self.name, as_pandas=False)
        return Prediction(probabilities=np.asarray(shares, dtype=np.float64), classes=self.classes)


class AutoGluonEngine:
    """Fits LightGBM candidates and a weighted ensemble of them, then refits the ensemble on both channels."""

    key = "autogluon"
    title = f"AutoGluon {version('autogluon.tabular')}, the engine of Autopilot's ENSEMBLING mode"
    versions: Mapping[str, str] = {name: version(name) for name in ("autogluon.tabular", "lightgbm", "pandas", "numpy")}

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
        """Fit candidates (see Engine.fit); `max_candidates` includes the ensemble."""
        started = time.monotonic()
        planned = _planned(max_candidates)
        predictor = _fit_predictor(train, validation, target, problem_type, metric, seconds, planned)
        classes = () if problem_type == REGRESSION else tuple(str(name) for name in predictor.class_labels)
        honest = AutoGluonModel(predictor, predictor.model_best, problem_type, classes)
        trials = _trials(honest, train, validation, target, metric)
        spent = time.monotonic() - started
        refitted = seconds - spent > 1.5 * spent
        deployed = _refit(honest) if refitted else honest
        base = sum(not name.startswith("WeightedEnsemble") for name in (trial.name for trial in trials))
        return Fitted(trials, honest, deployed, _saver(deployed), classes, refitted, cut_short=base < len(planned))

    def load(self, folder: Path, card: ModelCard) -> Model:
        """Load the predictor and keep its models in memory, which halves the time for one row."""
        predictor = TabularPredictor.load(str(folder / _FOLDER), verbosity=0)
        predictor.persist()
        return AutoGluonModel(predictor, predictor.model_best, card.problem_type, card.classes)


def _planned(max_candidates: int | None) -> tuple[dict[str, Any], ...]:
    if max_candidates is None:
        return CANDIDATES
    return CANDIDATES[: max(1, max_candidates - 1)]


def _fit_predictor(
    train: pd.DataFrame,
    validation: pd.DataFrame,
    target: str,
    problem_type: str,
    metric: Objective,
    seconds: float,
    planned: tuple[dict[str, Any], ...],
) -> Any:  # noqa: ANN401 - AutoGluon has no type hints to lean on
    positive = {"positive_class": rarer_class(list(train[target]))} if problem_type == BINARY else {}
    folder = tempfile.mkdtemp(prefix="automl-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    predictor = TabularPredictor(
        target, problem_type=_PROBLEM[problem_type], eval_metric=metric.autogluon, path=folder, verbosity=0, **positive
    )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            predictor.fit(
                train,
                tuning_data=validation,
                hyperparameters={"GBM": list(planned)},
                time_limit=seconds * _FIT_SHARE,
                fit_weighted_ensemble=len(planned) > 1,
                calibrate_decision_threshold=False,  # predicted_label is the most probable class
                num_gpus=0,
                num_cpus=1 if len(train) < SMALL else "auto",
            )
    except (RuntimeError, ValueError, AssertionError) as error:
        raise AutoMLError(
            f"no candidate could be fitted in {seconds:g} s: {error}; see max_runtime_seconds and the data"
        ) from error
    return predictor


def _trials(
    best: AutoGluonModel, train: pd.DataFrame, validation: pd.DataFrame, target: str, metric: Objective
) -> tuple[Trial, ...]:
    """Score each model on the validation channel, best first; among ties the chosen model is first."""
    board = best.predictor.leaderboard()
    positive = rarer_class(list(train[target])) if best.problem_type == BINARY else ""
    seconds = dict(zip(board["model"], board["fit_time"], strict=True))
    trials = [
        Trial(name, score(best.problem_type, list(validation[target]), answer, positive), float(seconds[name]))
        for name in seconds
        for answer in [AutoGluonModel(best.predictor, name, best.problem_type, best.classes).predict(validation)]
    ]
    sign = -1 if metric.maximize else 1
    return tuple(sorted(trials, key=lambda trial: (trial.name != best.name, sign * trial.scores.get(metric.name, 0.0))))


def _refit(honest: AutoGluonModel) -> AutoGluonModel:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        names = honest.predictor.refit_full(model=honest.name)
    return AutoGluonModel(honest.predictor, names.get(honest.name, honest.name), honest.problem_type, honest.classes)


def _saver(deployed: AutoGluonModel) -> Any:  # noqa: ANN401 - a closure over an untyped library
    def save(folder: Path) -> None:
        deployed.predictor.clone_for_deployment(str(folder / _FOLDER), model=deployed.name)

    return save


ENGINE = AutoGluonEngine()
