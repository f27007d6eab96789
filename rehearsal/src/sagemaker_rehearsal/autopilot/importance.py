"""Step 4: permutation importance: the rise of the loss when one column's values are shuffled."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from sagemaker_rehearsal.autopilot.engine import Model
from sagemaker_rehearsal.autopilot.metrics import BINARY, REGRESSION, Array, Prediction, log_loss

MAX_ROWS = 2000
REPEATS = 3


def importance(model: Model, rows: pd.DataFrame, target: str, problem_type: str, seed: int = 0) -> dict[str, float]:
    """Measure each feature's importance, largest first.

    Args:
        model: the model to explain.
        rows: rows that the model was not fitted on, with their target.
        target: name of the target column.
        problem_type: a classifier is measured by its log loss, a regression by its mean squared error.
        seed: fixes the sample (at most MAX_ROWS rows) and the shuffles.

    Returns:
        The mean rise of the loss over REPEATS shuffles; around 0 (also just below) for a column without influence.
    """
    random = np.random.default_rng(seed)
    sample = rows.sample(min(len(rows), MAX_ROWS), random_state=seed).reset_index(drop=True)
    features, loss = sample.drop(columns=target), _loss(sample[target], problem_type)
    base = loss(model.predict(features))
    rises = {
        str(name): float(
            np.mean([loss(model.predict(_shuffled(features, str(name), random))) - base for _ in range(REPEATS)])
        )
        for name in features
    }
    return dict(sorted(rises.items(), key=lambda pair: -pair[1]))


def _shuffled(features: pd.DataFrame, name: str, random: np.random.Generator) -> pd.DataFrame:
    return features.assign(**{name: features[name].to_numpy()[random.permutation(len(features))]})


def _loss(truth: pd.Series[str], problem_type: str) -> Callable[[Prediction], float]:
    if problem_type == REGRESSION:
        numbers: Array = truth.to_numpy(dtype=float)
        return lambda answer: float(np.mean((numbers - np.asarray(answer.values)) ** 2))
    labels = [str(label) for label in truth]
    return lambda answer: log_loss(labels, answer)


def expected_value(answer: Prediction, problem_type: str, positive: str = "") -> float:
    """Return the mean prediction: the positive class's probability, a regression's value, or 0 for more classes."""
    if answer.values is not None:
        return float(answer.values.mean())
    if problem_type == BINARY and answer.probabilities is not None:
        return float(answer.probabilities[:, answer.classes.index(positive)].mean())
    return 0.0
