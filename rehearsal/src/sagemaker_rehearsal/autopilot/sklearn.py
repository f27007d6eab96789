"""Step 4: a scikit-learn engine behind the same interface, for tests that must be fast."""

from __future__ import annotations

import pickle
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from sagemaker_rehearsal.autopilot.engine import Fitted, Model, ModelCard, Trial
from sagemaker_rehearsal.autopilot.metrics import (
    BINARY,
    REGRESSION,
    AutoMLError,
    Objective,
    Prediction,
    rarer_class,
    score,
)
from sagemaker_rehearsal.autopilot.threads import threads_for

_FILE = "estimator.pickle"


@dataclass(frozen=True)
class SklearnModel:
    """A fitted scikit-learn pipeline."""

    estimator: Any
    classes: tuple[str, ...]

    def predict(self, table: pd.DataFrame) -> Prediction:
        """Predict each row; probabilities are in the order of `classes`."""
        with threads_for(len(table)):
            if not self.classes:
                return Prediction(values=np.asarray(self.estimator.predict(table), dtype=np.float64))
            return Prediction(probabilities=self.estimator.predict_proba(table), classes=self.classes)


class SklearnEngine:
    """Fits boosted trees and a linear model, keeps the better one and refits it on both channels."""

    key = "sklearn"
    title = f"scikit-learn {version('scikit-learn')} (the fast engine for tests; Autopilot does not use it)"
    versions: Mapping[str, str] = {name: version(name) for name in ("scikit-learn", "pandas", "numpy")}

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
        """Fit candidates (see Engine.fit)."""
        deadline = time.monotonic() + seconds
        features = train.drop(columns=target)
        positive = rarer_class(list(train[target])) if problem_type == BINARY else ""
        tried: list[tuple[Trial, SklearnModel]] = []
        planned = list(_candidates(features, problem_type).items())[:max_candidates]
        for name, candidate in planned:
            if tried and time.monotonic() > deadline:
                break
            started = time.monotonic()
            model = _fit(candidate, features, train[target], problem_type)
            answer = model.predict(validation.drop(columns=target))
            scores = score(problem_type, list(validation[target]), answer, positive)
            tried.append((Trial(name, scores, time.monotonic() - started), model))
        sign = -1 if metric.maximize else 1
        tried.sort(key=lambda pair: sign * pair[0].scores.get(metric.name, 0.0))
        honest = tried[0][1]
        both = pd.concat([train, validation], ignore_index=True)
        deployed = _fit(clone(honest.estimator), both.drop(columns=target), both[target], problem_type)
        trials = tuple(trial for trial, _ in tried)
        return Fitted(trials, honest, deployed, _saver(deployed), deployed.classes, True, len(tried) < len(planned))

    def load(self, folder: Path, card: ModelCard) -> Model:
        """Load the estimator, a pickle that this repository's own job wrote."""
        try:
            estimator = pickle.loads((folder / _FILE).read_bytes())  # noqa: S301 - our own file
        except (OSError, pickle.UnpicklingError, EOFError) as error:
            raise AutoMLError(f"{folder / _FILE}: cannot be read ({error}); unpack model.tar.gz again") from error
        return SklearnModel(estimator, card.classes)


def _fit(candidate: Any, features: pd.DataFrame, target: pd.Series[Any], problem_type: str) -> SklearnModel:  # noqa: ANN401
    labels = target.astype(float if problem_type == REGRESSION else str)
    try:
        with threads_for(len(features)):
            candidate.fit(features, labels.to_numpy())
    except ValueError as error:
        raise AutoMLError(
            f"{candidate.steps[-1][0]}: cannot be fitted ({error}); check the training channel"
        ) from error
    return SklearnModel(
        candidate, () if problem_type == REGRESSION else tuple(str(name) for name in candidate.classes_)
    )


def _candidates(features: pd.DataFrame, problem_type: str) -> dict[str, Any]:
    text = [name for name in features if features[name].dtype == object]
    rest = [name for name in features if name not in text]
    # Boosted trees take at most 255 categories a column; the rarest share one.
    codes = OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=np.nan, max_categories=200
    )
    hot = make_pipeline(
        SimpleImputer(strategy="constant", fill_value=""), OneHotEncoder(handle_unknown="ignore", max_categories=100)
    )
    scaled = make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler())
    for_trees = ColumnTransformer([("text", codes, text), ("number", "passthrough", rest)])
    for_lines = ColumnTransformer([("text", hot, text), ("number", scaled, rest)])
    mask = [True] * len(text) + [False] * len(rest)
    if problem_type == REGRESSION:
        trees, line = HistGradientBoostingRegressor, Ridge()
    else:
        trees, line = HistGradientBoostingClassifier, LogisticRegression(max_iter=300)
    return {
        "HistGradientBoosting": make_pipeline(for_trees, trees(categorical_features=mask, max_iter=60, random_state=0)),
        "LinearModel": make_pipeline(for_lines, line),
    }


def _saver(deployed: SklearnModel) -> Any:  # noqa: ANN401 - a closure
    def save(folder: Path) -> None:
        (folder / _FILE).write_bytes(pickle.dumps(deployed.estimator))

    return save


ENGINE = SklearnEngine()
