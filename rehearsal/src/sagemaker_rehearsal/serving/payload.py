"""Step 7: bodies of an invocation as tables, and answers as bodies, in the form of Autopilot's container. Pure."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import numpy as np
import pandas as pd

from sagemaker_rehearsal.autopilot.table import NUMBER, Column
from sagemaker_rehearsal.serving.limits import ServingError
from sagemaker_rehearsal.serving.media import CSV

_QUOTED = re.compile('[,"\r\n]')
_POSITIONAL_NAME = re.compile(r"_c[0-9]+", re.IGNORECASE)
Cells = Sequence[Sequence[Any]]


def decode(body: bytes) -> str:
    """Read a body as UTF-8; a byte order mark at its start is dropped.

    Raises:
        ServingError: it is empty, or no UTF-8.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ServingError(f"the body is not UTF-8 at byte offset {error.start}; encode it as UTF-8") from error
    if not text.strip():
        raise ServingError("the body is empty; send at least one row")
    return text


def csv_cells(text: str) -> list[list[str]]:
    """Split CSV without a header into cells.

    Raises:
        ServingError: its quoting is broken.
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        return list(reader)
    except csv.Error as error:
        raise ServingError(f"the body is not CSV near line {reader.line_num} ({error}); check its quotes") from error


def json_cells(text: str) -> list[list[Any]]:
    """Take the rows out of {"instances": [{"features": [...]}, ...]}.

    Raises:
        ServingError: it is no JSON, or of another form.
    """
    try:
        content = json.loads(text, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise ServingError("the body is nested too deeply; send lists of plain values") from error
    except ValueError as error:
        place = f" at line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        raise ServingError(f"the body is not JSON{place}; send {_FORM}") from error
    instances = content.get("instances") if isinstance(content, dict) else None
    if not isinstance(instances, list) or not instances:
        raise ServingError(f'the JSON body has no rows under "instances"; send {_FORM}')
    return [_features(entry, row) for row, entry in enumerate(instances, start=1)]


_FORM = '{"instances": [{"features": [value, ...]}]}'


def _refuse_constant(name: str) -> NoReturn:
    raise ServingError(f"the JSON body holds {name}, which JSON does not have; send null for a missing number")


def _features(entry: object, row: int) -> list[Any]:
    features = entry.get("features") if isinstance(entry, dict) else None
    if not isinstance(features, list):
        raise ServingError(f'instance {row} has no list "features"; send {_FORM}')
    return features


def table(rows: Cells, columns: Sequence[Column], first_row: int = 1) -> pd.DataFrame:
    """Type the cells as in training; empty cells and nulls are missing.

    Args:
        rows: cells by row, text (CSV) or JSON values.
        columns: the model's features, in order.
        first_row: what the first row is called in errors.

    Raises:
        ServingError: a row has another count of columns, the first is a header, or a cell does not fit its column.
    """
    rows = [row or [""] for row in rows] if len(columns) == 1 else rows  # one empty cell is an empty line
    for number, row in enumerate(rows, start=first_row):
        if len(row) != len(columns):
            hint = "; is the target among them? send features only" if len(row) == len(columns) + 1 else ""
            raise ServingError(f"expected {len(columns)} columns, got {len(row)}, row {number}{hint}")
    _refuse_header(rows[0], columns)
    cells = zip(columns, zip(*rows, strict=True), strict=True)
    return pd.DataFrame({column.name: _typed(column, values, first_row) for column, values in cells})


def _refuse_header(row: Sequence[Any], columns: Sequence[Column]) -> None:
    names = [str(cell).strip().lower() for cell in row]
    in_numbers = [cell for cell, column in zip(names, columns, strict=True) if column.type == "number" and cell]
    no_number = len(in_numbers) > 1 and not any(NUMBER.fullmatch(cell) for cell in in_numbers)
    if no_number and all(isinstance(cell, str) for cell in row) and not all(map(_not_finite, in_numbers)):
        raise ServingError(_HEADER)
    if names == [column.name.strip().lower() for column in columns] or all(map(_POSITIONAL_NAME.fullmatch, names)):
        raise ServingError(_HEADER)


_HEADER = "row 1 is a header row (names, not values); the endpoint takes rows without a header; remove the first line"


def _not_finite(text: str) -> bool:
    return text.lstrip("+-") in ("nan", "inf", "infinity")


def _typed(column: Column, values: Sequence[Any], first_row: int) -> pd.Series[Any]:
    read = _number if column.type == "number" else _text
    typed = []
    for row, value in enumerate(values, start=first_row):
        try:
            typed.append(read(value))
        except ValueError as error:
            raise ServingError(f"row {row}, column {column.name!r}: {error}") from None
    return pd.Series(typed, dtype="float64" if column.type == "number" else object)


def _number(value: object) -> float:
    if value is None or (isinstance(value, str) and not value.strip(" \t")):
        return np.nan
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise ValueError("got a value that is no number; send a number, or nothing where it is missing")
    if isinstance(value, str) and not NUMBER.fullmatch(value):
        raise ValueError("got text, expected a finite number; send a number, or nothing where it is missing")
    try:
        number = float(value)
    except OverflowError:
        number = np.inf
    if not np.isfinite(number):
        raise ValueError("got a number that is too large or not finite; send a finite number")
    return number


def _text(value: object) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, (list, dict)):
        raise ValueError("got a list or an object, expected text; send one plain value")
    text = value if isinstance(value, str) else json.dumps(value)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("got half a surrogate pair, which is no character; send valid Unicode") from None
    return text


def render(answers: Sequence[Mapping[str, Any]], media_type: str) -> bytes:
    """Write answers, one mapping a row, as CSV lines (lists as one quoted cell) or as {"predictions": [...]}."""
    if media_type != CSV:
        return json.dumps({"predictions": list(answers)}, ensure_ascii=False).encode()
    return "".join(",".join(map(_cell, answer.values())) + "\n" for answer in answers).encode()


def _cell(value: object) -> str:
    text = str(value)  # csv.writer with lines that end in a line feed would leave a carriage return unquoted
    return '"' + text.replace('"', '""') + '"' if not text or _QUOTED.search(text) else text
