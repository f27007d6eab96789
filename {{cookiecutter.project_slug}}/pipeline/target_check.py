"""Step 4: check the target column and the split of the input CSV against the problem type. Pure."""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from pipeline.settings import Settings

SIDES = ("train", "validation", "test")
SHOWN = 10
MISSING = frozenset({"", "na", "nan", "n/a", "null", "none"})

Problem = tuple[int, str]


@dataclass
class Target:
    """Running counts of the target: rows of each value, missing ones, and the first that is no number."""

    values: Counter[str] = field(default_factory=Counter)
    missing: int = 0
    first_missing: int = 0
    first_text: tuple[int, str] | None = None

    def add(self, line: int, value: str) -> None:
        """Count one row's target."""
        if value.lower() in MISSING:
            self.first_missing = self.first_missing or line
            self.missing += 1
            return
        self.values[value] += 1
        if self.first_text is None and self.values[value] == 1 and not _finite(value):
            self.first_text = (line, value)


def problems(target: Target, split: Counter[str] | None, settings: Settings) -> Iterator[Problem]:
    """Give line and sentence of what is wrong with the target or the split."""
    column = f"column {settings.target_column}"
    if target.missing and not settings.data.drop_missing_target:
        yield (
            target.first_missing,
            f"{column}: {target.missing} rows have no target (the first on this line); fill them, or set "
            "data.drop_missing_target: true",
        )
    if not target.values:
        yield 1, f"{column}: holds no value; must hold what is to be predicted; choose another target_column"
    elif settings.problem_type == "Regression":
        yield from _numbers(target, column)
    else:
        yield from _classes(target, column, settings)
    if split is not None:
        yield from _sides(split, f"column {settings.data.split_column}")


def _numbers(target: Target, column: str) -> Iterator[Problem]:
    if target.first_text:
        line, value = target.first_text
        yield line, f"{column}: got {value[:40]!r}; a regression needs finite numbers; mend it or change problem_type"
    elif len(target.values) == 1:
        yield 1, f"{column}: is the same number in every row; there is nothing to predict; choose another target_column"


def _classes(target: Target, column: str, settings: Settings) -> Iterator[Problem]:
    rows, found = target.values.total(), len(target.values)
    shown = ", ".join(repr(name[:40]) for name in sorted(target.values)[:SHOWN]) + (", ..." if found > SHOWN else "")
    if found == 1:
        yield 1, f"{column}: holds a single class, {shown}; at least two are needed; choose another target_column"
    elif found > max(2, rows // 2):
        yield 1, f"{column}: holds {found} classes in {rows} rows; is it an id or a number? set Regression"
    elif settings.problem_type == "BinaryClassification" and found != 2:
        yield 1, f"{column}: holds {found} classes ({shown}); two are needed; set MulticlassClassification"
    elif settings.problem_type == "MulticlassClassification" and found < 3:
        yield 1, f"{column}: holds {found} classes ({shown}); set problem_type: BinaryClassification"
    positive = settings.positive_class
    if positive is not None and settings.problem_type == "BinaryClassification" and positive not in target.values:
        yield 1, f"{column}: no row is {positive!r}; positive_class must be one of the classes; the classes are {shown}"


def _sides(split: Counter[str], column: str) -> Iterator[Problem]:
    unknown = sorted(set(split) - set(SIDES))
    if unknown:
        yield 1, f"{column}: got {unknown[0][:40]!r}; must be train, validation or test in every row; mend it"
    for side in ("train", "test"):
        if not split[side]:
            yield (
                1,
                f"{column}: no row is {side!r}; train and test rows are needed; mark some or remove split_column",
            )


def _finite(value: str) -> bool:
    try:
        return math.isfinite(float(value))
    except ValueError:
        return False
