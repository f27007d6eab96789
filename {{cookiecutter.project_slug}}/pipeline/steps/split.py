"""Step 4, Split: divide the cleaned rows into train, validation and held-out rows; no row stands on two sides.

A row of the training side that equals a validation or held-out row (features and target) is left out there; the
held-out side keeps every row. Rows are read one at a time; only the hashes of the held-out ones stay in memory.

What the batch transform answers is in features/: the held-out rows without their target, and behind them the shuffled
rows by which Evaluate explains the model (pipeline/steps/explanation.py).
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import math
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from pipeline.steps import explanation, tables
from pipeline.steps.division import SIDES, TEST, TRAIN, VALIDATION, Division, digest, is_missing
from pipeline.steps.gate import BINARY, REGRESSION
from pipeline.steps.tables import StepError

WEAKER = {TRAIN: (VALIDATION, TEST), VALIDATION: (TEST,), TEST: ()}


@dataclass(frozen=True)
class Row:
    """A row without its split column, and the side that it was given."""

    values: list[str]
    key: bytes
    side: str


@dataclass
class Layout:
    """Which columns there are and what they mean."""

    names: list[str]
    target: str
    split_column: str

    def __post_init__(self) -> None:
        for name, setting in ((self.target, "target_column"), (self.split_column, "data.split_column")):
            if name and name not in self.names:
                raise StepError(f"{setting}: {name!r} is not among the flow's columns {self.names}; mend the flow")
        self.split_at = self.names.index(self.split_column) if self.split_column else None
        self.columns = [name for name in self.names if not self.split_column or name != self.split_column]
        self.target_at = self.columns.index(self.target)

    def values(self, row: Sequence[str]) -> list[str]:
        """Return the row without the split column; a transform splits at line ends, so none stays inside a field."""
        values = [value for at, value in enumerate(row) if at != self.split_at]
        return [" ".join(value.splitlines()) if "\n" in value or "\r" in value else value for value in values]

    def mark(self, row: Sequence[str]) -> str | None:
        """Return the split column's value."""
        return None if self.split_at is None else row[self.split_at]


@dataclass
class Report:
    """What was counted on the way."""

    rows: Counter[str] = field(default_factory=Counter)
    removed: Counter[str] = field(default_factory=Counter)
    classes: dict[str, Counter[str]] = field(default_factory=lambda: {side: Counter() for side in SIDES})
    missing_target: int = 0
    training_sum: float = 0.0
    explained: list[int] = field(default_factory=list)

    def positive(self, named: str) -> str | None:
        """Return the positive class: the given one, else the rarer of both.

        Raises:
            StepError: when the given one does not occur, or there are not two classes.
        """
        total: Counter[str] = sum(self.classes.values(), Counter())
        classes = sorted(total, key=lambda name: (total[name], name))
        if len(classes) != 2:
            rule = "BinaryClassification needs two; mend the flow"
            raise StepError(f"target_column: holds the classes {classes[:10]}; {rule}")
        if named and named not in classes:
            raise StepError(f"positive_class: got {named!r}; the classes are {classes}; write one of them")
        return named or classes[0]


def divided(
    folder: Path, layout: Layout, division: Division, drop_missing: bool, report: Report | None
) -> Iterator[Row]:
    """Yield every row with its side.

    Raises:
        StepError: at the first row without a target, unless such rows are to be dropped.
    """
    for number, row in enumerate(tables.rows(folder), start=1):
        values = layout.values(row)
        if is_missing(values[layout.target_at]):
            if not drop_missing:
                rule = "every row needs one; mend the data, or set data.drop_missing_target: true"
                raise StepError(f"target_column: row {number} of the flow's output has no {layout.target!r}; {rule}")
            if report:
                report.missing_target += 1
            continue
        key = digest(values)
        yield Row(values, key, division.side(key, layout.mark(row)))


def split(options: argparse.Namespace) -> dict[str, Any]:
    """Read, divide and write the rows; return the report."""
    layout = Layout(tables.header(options.input), options.target, options.split_column)
    marks = {mark.strip().lower() for mark in map(layout.mark, tables.rows(options.input)) if mark is not None}
    division = Division(options.test_fraction, options.validation_fraction, VALIDATION in marks)
    keys: dict[str, set[bytes]] = {side: set() for side in SIDES}
    for row in divided(options.input, layout, division, options.drop_missing_target, None):
        if row.side != TRAIN:
            keys[row.side].add(row.key)
    report = Report()
    _write(options, layout, divided(options.input, layout, division, options.drop_missing_target, report), keys, report)
    _require_rows(report)
    return _summary(options, layout, report)


def _write(
    options: argparse.Namespace, layout: Layout, rows: Iterator[Row], keys: dict[str, set[bytes]], report: Report
) -> None:
    with ExitStack() as stack:
        writers = {side: _writer(stack, options.output / side / f"{side}.csv") for side in SIDES}
        features = _writer(stack, options.output / "features" / "features.csv")
        for writer in writers.values():
            writer.writerow(layout.columns)
        sample = explanation.sample_of(len(layout.columns) - 1)
        for row in rows:
            if any(row.key in keys[stronger] for stronger in WEAKER[row.side]):
                report.removed[row.side] += 1
                continue
            target = row.values[layout.target_at]
            report.rows[row.side] += 1
            if options.problem_type == REGRESSION:
                number = _number(target, layout.target)
                report.training_sum += number if row.side == TRAIN else 0.0
            else:
                report.classes[row.side][target] += 1
            writers[row.side].writerow(row.values)
            if row.side == TEST:
                values = [*row.values[: layout.target_at], *row.values[layout.target_at + 1 :]]
                features.writerow(values)
                sample.offer(values)
        features.writerows(explanation.shuffled(sample))
        report.explained = sorted(sample.rows)


def _writer(stack: ExitStack, path: Path) -> Any:  # noqa: ANN401 (csv gives its writer no type)
    path.parent.mkdir(parents=True, exist_ok=True)
    return csv.writer(stack.enter_context(path.open("w", encoding="utf-8", newline="")), lineterminator="\n")


def _number(text: str, target: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise StepError(f"target_column: {target!r} holds {text!r}; Regression needs finite numbers; mend the flow")
    return number


def _require_rows(report: Report) -> None:
    for side in SIDES:
        if not report.rows[side]:
            rule = "every side needs rows; give more data, larger fractions or another data.split_column"
            raise StepError(f"the {side} side is empty ({dict(report.rows)}); {rule}")


def _summary(options: argparse.Namespace, layout: Layout, report: Report) -> dict[str, Any]:
    held_out = (options.output / TEST / f"{TEST}.csv").read_bytes()
    return {
        "rows": {side: report.rows[side] for side in SIDES},
        "classes": {side: dict(sorted(report.classes[side].items())) for side in SIDES},
        "duplicates_removed": {side: report.removed[side] for side in (TRAIN, VALIDATION)},
        "missing_target_removed": report.missing_target,
        "features": [name for name in layout.columns if name != layout.target],
        "explained_rows": report.explained,
        "positive_class": report.positive(options.positive_class) if options.problem_type == BINARY else None,
        "target_mean": report.training_sum / report.rows[TRAIN] if options.problem_type == REGRESSION else None,
        "held_out_sha256": hashlib.sha256(held_out).hexdigest(),
    }


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line that pipeline/aws/requests.py writes."""
    parser = argparse.ArgumentParser(
        description="Divide rows into train, validation and held-out rows.", allow_abbrev=False
    )
    parser.add_argument("--input", type=Path, required=True, help="folder of CSV files with headers")
    parser.add_argument("--output", type=Path, required=True, help="folder that gets a folder for each side")
    parser.add_argument("--target", required=True)
    parser.add_argument("--split-column", default="")
    parser.add_argument("--test-fraction", type=float, default=0.2)
    parser.add_argument("--validation-fraction", type=float, default=0.1)
    parser.add_argument("--problem-type", required=True)
    parser.add_argument("--positive-class", default="")
    parser.add_argument("--drop-missing-target", type=lambda text: text == "true", nargs="?", const=True, default=False)
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the job; return its exit code."""
    options = parse(arguments)
    try:
        report = split(options)
    except StepError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    path = options.output / "split" / "report.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(f"rows {report['rows']}, duplicates removed {report['duplicates_removed']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
