"""Step 4: read the CSV files of a channel (text/csv;header=present) into a table of numbers and texts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from sagemaker_rehearsal.autopilot.metrics import BINARY, REGRESSION, AutoMLError

# The form of a number, in training and at the endpoint: ASCII, finite, surrounding blanks allowed.
NUMBER = re.compile(r"[ \t]*[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[ \t]*")
_NOT_FINITE = re.compile(r"[ \t]*[+-]?(?:nan|inf|infinity)[ \t]*", re.IGNORECASE)


@dataclass(frozen=True)
class Column:
    """A feature: its name and the type of its cells; an empty cell is missing in both types."""

    name: str
    type: Literal["number", "text"]


@dataclass(frozen=True)
class Tables:
    """The two channels with equal columns: features as float or text, the target as text (regression: float)."""

    train: pd.DataFrame
    validation: pd.DataFrame
    columns: tuple[Column, ...]


def read_tables(training: Path, validation: Path, target: str, problem_type: str) -> Tables:
    """Read both channels.

    Args:
        training: folder of the training channel's CSV files, each with a header.
        validation: folder of the validation channel's.
        target: TargetAttributeName.
        problem_type: ProblemType of CreateAutoMLJob.

    Raises:
        AutoMLError: a file, a column or a cell is invalid.
    """
    train, held = read_channel(training, "training"), read_channel(validation, "validation")
    names, others = [str(name) for name in train], [str(name) for name in held]
    if target not in names:
        raise AutoMLError(
            f"TargetAttributeName: got {target!r}; the training channel has {', '.join(names)}; correct target_column"
        )
    if set(names) != set(others):
        odd = ", ".join(sorted(set(names) ^ set(others)))
        raise AutoMLError(f"validation channel: {odd} stands in one channel only; give both channels the same columns")
    columns = tuple(
        Column(name, _type_of(pd.concat([train[name], held[name]], ignore_index=True)))
        for name in names
        if name != target
    )
    shaped = [
        _shape(frame, columns, target, problem_type, name)
        for frame, name in ((train, "training"), (held, "validation"))
    ]
    if problem_type != REGRESSION:
        _check_classes(shaped[0][target], shaped[1][target], problem_type)
    return Tables(shaped[0], shaped[1], columns)


def _check_classes(train: pd.Series[str], held: pd.Series[str], problem_type: str) -> None:
    known = sorted(set(train))
    if len(known) < 2 or (problem_type == BINARY and len(known) != 2):
        shown = ", ".join([repr(name) for name in known[:5]] + ["..."] * (len(known) > 5))
        rule = "exactly two classes" if problem_type == BINARY else "at least two classes"
        raise AutoMLError(
            f"training channel: target {train.name!r} has {len(known)} classes ({shown}); "
            f"{problem_type} needs {rule}; correct target_column, problem_type or the data"
        )
    if strangers := sorted(set(held) - set(known)):
        raise AutoMLError(
            f"validation channel: target {train.name!r} has class {strangers[0]!r}, which the training channel lacks; "
            "give training at least one row of each class"
        )


def read_channel(folder: Path, channel: str) -> pd.DataFrame:
    """Read every CSV file below `folder` as text, in the order of their names; an empty cell is missing."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith((".", "_")))
    if not files:
        raise AutoMLError(f"{channel} channel: {folder} has no file; write at least one CSV file with a header there")
    frames = [_read_file(path, channel) for path in files]
    if any(list(frame) != list(frames[0]) for frame in frames):
        raise AutoMLError(
            f"{channel} channel: its files have different headers; give each the same columns in one order"
        )
    table = pd.concat(frames, ignore_index=True)
    if table.empty:
        raise AutoMLError(f"{channel} channel: it has a header and no row; check the split's fractions")
    return table


def _read_file(path: Path, channel: str) -> pd.DataFrame:
    try:
        cells = pd.read_csv(path, header=None, dtype=str, keep_default_na=False, na_values=[""], encoding="utf-8")
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise AutoMLError(f"{channel} channel: {path.name} is not CSV in UTF-8 with a header ({error})") from error
    names = [str(name) for name in cells.iloc[0]]
    if len(set(names)) != len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise AutoMLError(f"{channel} channel: {path.name} names {', '.join(twice)} twice; name each column once")
    return cells.iloc[1:].set_axis(names, axis=1).reset_index(drop=True)


def _type_of(cells: pd.Series[str]) -> Literal["number", "text"]:
    present = cells.dropna()
    odd = present[~present.str.fullmatch(NUMBER)]
    if present.empty or len(odd) == len(present):
        return "text"
    if len(odd) and odd.str.fullmatch(_NOT_FINITE).all():
        raise AutoMLError(
            f"column {cells.name!r}: got {odd.iloc[0]!r} among numbers; every number must be finite; "
            "leave the cell empty"
        )
    return "text" if len(odd) else "number"


def _shape(
    frame: pd.DataFrame, columns: tuple[Column, ...], target: str, problem_type: str, channel: str
) -> pd.DataFrame:
    features = {c.name: numbers(frame[c.name]) if c.type == "number" else frame[c.name].astype(object) for c in columns}
    missing = np.flatnonzero(frame[target].isna())
    if len(missing):
        raise AutoMLError(
            f"{channel} channel, row {missing[0] + 1}: {target!r} is empty; every row needs a target; "
            "set data.drop_missing_target or fill it in"
        )
    if problem_type == REGRESSION:
        return pd.DataFrame({**features, target: _numeric_target(frame[target], channel)})
    return pd.DataFrame({**features, target: frame[target].astype(object)})


def _numeric_target(cells: pd.Series[str], channel: str) -> pd.Series[float]:
    odd = np.flatnonzero(~cells.str.fullmatch(NUMBER))
    if len(odd):
        raise AutoMLError(
            f"{channel} channel, row {odd[0] + 1}: target {cells.name!r} got {cells.iloc[odd[0]]!r}; "
            "a regression needs a number; correct the cell or problem_type"
        )
    return numbers(cells)


def numbers(cells: pd.Series[str]) -> pd.Series[float]:
    """Convert cells that are numbers or missing to floats."""
    return cells.str.strip().astype("float64")
