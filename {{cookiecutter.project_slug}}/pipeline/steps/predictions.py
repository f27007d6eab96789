"""Step 4, Evaluate: align the answers of Autopilot's container with the true values, as arrays. No I/O."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from pipeline.steps.tables import StepError

Array = Any  # numpy's types are not in every container


@dataclass(frozen=True)
class Answers:
    """Aligned arrays, one element a held-out row.

    Attributes:
        actual: true values: indices into `classes`, or numbers for a regression.
        predicted: answered values, likewise.
        shares: rows x classes, the answered probabilities; empty for a regression.
        classes: sorted class names; empty for a regression.
    """

    actual: Array
    predicted: Array
    shares: Array
    classes: tuple[str, ...] = ()


def classified(actual: Sequence[str], lines: Iterable[Sequence[str]], known: Iterable[str]) -> Answers:
    """Read lines of the form `label,probability,"[p1, p2]","['a', 'b']"`.

    Args:
        actual: the true class of each row.
        lines: the fields of each line of the batch transform's output.
        known: the classes of all sides; others may only come from the held-out rows.

    Raises:
        StepError: when a line has another form, names an unknown class, or the numbers of lines differ.
    """
    return aligned(actual, (_fields(number, fields) for number, fields in enumerate(lines, start=1)), known)


def aligned(
    actual: Sequence[str], answers: Iterable[tuple[str, Sequence[float], Sequence[str]]], known: Iterable[str]
) -> Answers:
    """Set label, probabilities and their classes beside the true class of each row.

    Raises:
        StepError: when an answer names an unknown class, or the numbers differ.
    """
    classes = tuple(sorted({*known, *actual}))
    at = {name: index for index, name in enumerate(classes)}
    labels, shares = [], []
    for number, (label, probabilities, names) in enumerate(answers, start=1):
        row = [0.0] * len(classes)
        try:
            for index, share in zip(_order(tuple(names), classes), probabilities):  # noqa: B905 (strict needs 3.10)
                row[index] = float(share)
            labels.append(at[_class(label, classes)])
        except KeyError as error:
            raise StepError(f"predictions, line {number}: got {error.args[0]}; known are {list(classes)}") from error
        shares.append(row)
    _require_equal(len(actual), len(labels))
    return Answers(np.array([at[name] for name in actual]), np.array(labels), np.array(shares), classes)


def _fields(number: int, fields: Sequence[str]) -> tuple[str, Sequence[float], Sequence[str]]:
    try:
        label, _, probabilities, names = fields
        return label, [float(share) for share in json.loads(probabilities)], _names(names)
    except (ValueError, SyntaxError, TypeError) as error:
        rule = "must be label,probability,probabilities,labels with known classes"
        raise StepError(f"predictions, line {number}: got {list(fields)!r:.200}; {rule} ({error})") from error


def regressed(actual: Sequence[str], lines: Iterable[Sequence[str]]) -> Answers:
    """Read lines that hold a number each; raise StepError when one does not, or the numbers of lines differ."""
    values = []
    for number, fields in enumerate(lines, start=1):
        try:
            values.append(float(fields[0]))
        except ValueError as error:
            raise StepError(f"predictions, line {number}: got {list(fields)!r:.200}; must be a number") from error
    _require_equal(len(actual), len(values))
    return Answers(np.array([float(value) for value in actual]), np.array(values), np.empty((len(values), 0)))


def constant(shares: Mapping[str, float], answers: Answers) -> Answers:
    """Return the constant answer to the same rows: the training rows' most frequent class, with their shares."""
    row = np.array([shares.get(name, 0.0) for name in answers.classes])
    count = len(answers.actual)
    return Answers(answers.actual, np.full(count, int(np.argmax(row))), np.tile(row, (count, 1)), answers.classes)


def constant_number(mean: float, answers: Answers) -> Answers:
    """Return the constant answer of a regression: the training rows' mean."""
    return Answers(answers.actual, np.full(len(answers.actual), mean), answers.shares)


@lru_cache(maxsize=64)
def _names(text: str) -> tuple[str, ...]:
    return tuple(str(name) for name in ast.literal_eval(text))


@lru_cache(maxsize=64)
def _order(names: tuple[str, ...], classes: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(classes.index(_class(name, classes)) for name in names)


@lru_cache(maxsize=4096)
def _class(label: str, classes: tuple[str, ...]) -> str:
    """Find the class that a label means: the same text, or the same number (`1.0` for `1`)."""
    if label in classes:
        return label
    for name in classes:
        try:
            if float(name) == float(label):
                return name
        except ValueError:
            continue
    raise KeyError(f"unknown class {label!r}")


def _require_equal(rows: int, lines: int) -> None:
    if rows != lines:
        rule = "the batch transform must answer each row with one line"
        raise StepError(f"predictions: {lines} answers for {rows} held-out rows; {rule}; read the transform job's log")
