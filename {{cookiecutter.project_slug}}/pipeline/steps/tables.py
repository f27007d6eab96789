"""Step 4: read the CSV files that a job gets, as text and in order: what no step changes, no step reformats."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from pathlib import Path

csv.field_size_limit(sys.maxsize)


class StepError(Exception):
    """A job cannot do its work; the sentence ends up as the pipeline's failure reason."""


def csv_files(folder: Path) -> list[Path]:
    """List the CSV files of a folder (Spark writes part-00000.csv and so on) in the order of their names.

    Raises:
        StepError: when there is none.
    """
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix in (".csv", ".out"))
    paths = [path for path in paths if path.stat().st_size]
    if not paths:
        raise StepError(f"{folder}: holds no CSV with rows; the step before wrote nothing; read its log")
    return paths


def header(folder: Path) -> list[str]:
    """Read the column names of the first file."""
    with csv_files(folder)[0].open(encoding="utf-8-sig", newline="") as file:
        return next(csv.reader(file), [])


def rows(folder: Path) -> Iterator[list[str]]:
    """Yield the rows of all files, without their headers.

    Raises:
        StepError: when the files' headers differ, or a row has another number of fields.
    """
    names = header(folder)
    for path in csv_files(folder):
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            if next(reader, []) != names:
                raise StepError(f"{path.name}: has another header than the first file; run the pipeline again")
            for row in reader:
                if len(row) == len(names):
                    yield row
                elif row:
                    where = f"{path.name}: the row that ends on line {reader.line_num}"
                    raise StepError(f"{where} has {len(row)} fields; the header has {len(names)}; mend the flow")


def read_lines(folder: Path) -> Iterator[list[str]]:
    """Yield the records of files without a header: what a batch transform wrote."""
    for path in csv_files(folder):
        with path.open(encoding="utf-8", newline="") as file:
            yield from (row for row in csv.reader(file) if row)
