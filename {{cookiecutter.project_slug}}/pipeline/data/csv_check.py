"""Step 4: read the input CSV once before any paid job starts; report all that Autopilot or the split would fail on.

Only the standard library: the check runs wherever the pipeline is started. One pass, a row at a time; memory grows with
the number of distinct target values and, for the count of duplicates, by some bytes a row.
"""

import codecs
import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from pipeline.data.columns import Target, header_problems, is_number, target_problems
from pipeline.errors import DataError
from pipeline.settings.model import Settings
from pipeline.steps.division import is_missing

# "The dataset must have at least 500 rows": https://docs.aws.amazon.com/sagemaker/latest/dg/autopilot-datasets-problem-types.html
MIN_ROWS = 500
MAX_FIELD = 131_072
SHOWN = 3
RARE = 0.1
BYTE_ORDER_MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


@dataclass(frozen=True)
class Findings:
    """What was read from the CSV."""

    rows: int  # number of rows, without the header
    columns: tuple[str, ...]
    classes: dict[str, int]  # rows of each class of the target; empty for a regression
    warnings: tuple[str, ...]  # sentences on what is odd and still taken


@dataclass
class Column:
    """Running counts of one column."""

    name: str
    missing: int = 0
    numbers: int = 0
    texts: int = 0
    first_text: tuple[int, str] = (0, "")

    def add(self, line: int, value: str) -> None:
        """Count one value."""
        text = value.strip()
        if is_missing(text):
            self.missing += 1
        elif is_number(text):
            self.numbers += 1
        else:
            if not self.texts:
                self.first_text = (line, text)
            self.texts += 1


@dataclass
class Table:
    """Running counts of the whole file."""

    columns: tuple[Column, ...]
    target: Target
    split: Counter[str] | None
    rows: int = 0
    seen: set[int] = field(default_factory=set)
    ragged: list[tuple[int, int]] = field(default_factory=list)

    def add(self, line: int, row: Sequence[str]) -> None:
        """Count one row."""
        self.rows += 1
        if len(row) != len(self.columns):
            self.ragged.append((line, len(row)))
            return
        for column, value in zip(self.columns, row, strict=True):
            column.add(line, value)
        self.seen.add(hash(tuple(row)))

    @property
    def duplicates(self) -> int:
        """Rows that stand more than once, beyond the first."""
        return self.rows - len(self.ragged) - len(self.seen)


def check_csv(path: Path, settings: Settings) -> Findings:
    """Check the input CSV against the settings.

    Raises:
        DataError: listing every mistake as `FILE:LINE: column NAME: RULE; REMEDY`.
    """
    require_utf8(path)
    with path.open(encoding="utf-8-sig", newline="") as file:
        records = read_records(file, path.name)
        _, header = next(records, (0, []))
        in_header = header_problems(header, settings)
        if in_header:
            raise DataError("\n".join(f"{path.name}:1: {problem}" for problem in in_header))
        table = count(records, header, settings)
    problems = [*table_problems(table), *target_problems(table.target, table.split, settings)]
    if problems:
        raise DataError("\n".join(f"{path.name}:{line}: {sentence}" for line, sentence in problems))
    classes = dict(table.target.values) if settings.problem_type != "Regression" else {}
    return Findings(table.rows, tuple(header), classes, tuple(warnings(table, settings)))


def require_utf8(path: Path) -> None:
    """Decode the whole file once, a piece at a time.

    Raises:
        DataError: when it is absent, empty or not UTF-8, with the byte's offset.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    offset = 0
    try:
        with path.open("rb") as file:
            head = file.read(4)
            for mark, name in BYTE_ORDER_MARKS.items():
                if head.startswith(mark):
                    raise DataError(f"{path.name}: is {name} (byte order mark seen); must be UTF-8; save it as UTF-8")
            file.seek(0)
            while piece := file.read(1 << 20):
                pending = len(decoder.getstate()[0])
                decoder.decode(piece)
                offset += len(piece)
            pending = len(decoder.getstate()[0])
            decoder.decode(b"", final=True)
    except OSError as error:
        raise DataError(f"{path.name}: cannot be read ({error.strerror}); give the path of a CSV") from error
    except UnicodeDecodeError as error:
        at = offset - pending + error.start
        raise DataError(
            f"{path.name}: byte {at}: is not UTF-8; convert the file, e.g. iconv -f latin1 -t utf-8 in.csv > out.csv"
        ) from error
    if not offset:
        raise DataError(f"{path.name}:1: is empty; must have a header and at least {MIN_ROWS} rows; give another file")


def read_records(file: TextIO, name: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each record with the line that it begins on; blank lines are passed over.

    Raises:
        DataError: at a quote that is never closed, or a field over the limit.
    """
    reader = csv.reader(file, strict=True)
    csv.field_size_limit(MAX_FIELD)
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise DataError(f"{name}:{line}: {_malformed(error, reader.line_num - line)}") from error
        if row:
            yield line, row


def _malformed(error: csv.Error, lines: int) -> str:
    if "field limit" in str(error) and lines < 1:
        return f"a field is longer than {MAX_FIELD} characters (128 KiB); shorten it or leave the column out"
    if "unexpected end" in str(error) or "field limit" in str(error):
        return 'a quote is opened here and never closed; close it, or double it ("") if it is part of the text'
    return f'is no CSV ({error}); put quotes around whole fields and double quotes inside them ("")'


def count(records: Iterator[tuple[int, list[str]]], header: Sequence[str], settings: Settings) -> Table:
    """Go through all rows once."""
    target_at = header.index(settings.target_column)
    split_at = header.index(settings.data.split_column) if settings.data.split_column else None
    split: Counter[str] | None = None if split_at is None else Counter()
    table = Table(tuple(Column(name) for name in header), Target(), split)
    for line, row in records:
        table.add(line, row)
        if len(row) == len(header):
            table.target.add(line, row[target_at].strip())
            if split is not None and split_at is not None:
                split[row[split_at].strip()] += 1
    return table


def table_problems(table: Table) -> Iterator[tuple[int, str]]:
    """Yield line and sentence of what is wrong with the rows."""
    width = len(table.columns)
    for line, got in table.ragged[:SHOWN]:
        yield (line, f"has {got} fields; the header has {width} columns; quote fields with commas, fill missing ones")
    if len(table.ragged) > SHOWN:
        line = table.ragged[SHOWN][0]
        yield line, f"and {len(table.ragged) - SHOWN} more rows have another number of fields than the header, {width}"
    if table.rows < MIN_ROWS:
        yield 1, f"has {table.rows} rows; Autopilot needs at least {MIN_ROWS}; give more rows"


def warnings(table: Table, settings: Settings) -> Iterator[str]:
    """Yield a sentence for everything that is odd and still taken."""
    target = settings.target_column
    for column in table.columns:
        if column.name != target:
            yield from column_warnings(column, table.rows)
    if table.duplicates:
        yield f"{table.duplicates} of {table.rows} rows stand there more than once"
    if settings.problem_type != "Regression":
        for name, rows in table.target.values.items():
            if rows < RARE * table.rows:
                yield f"column {target}: class {name!r} has {rows} of {table.rows} rows: imbalanced"
    if settings.data.drop_missing_target and table.target.missing:
        yield f"column {target}: {table.target.missing} rows without a target are left out"


def column_warnings(column: Column, rows: int) -> Iterator[str]:
    """Yield a sentence for missing values, and one for text among numbers."""
    if column.missing:
        yield f"column {column.name}: {column.missing} of {rows} values are missing; Autopilot fills them"
    if column.texts and column.numbers >= column.texts:
        line, text = column.first_text
        yield (
            f"column {column.name}: {column.texts} of {rows} values are no finite numbers (first on line {line}: "
            f"{text[:40]!r}); a cast in the flow makes them missing, without one the column is taken as text"
        )
