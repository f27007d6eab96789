"""Step 4: check the header, the target column and the split of the input CSV against the settings. No I/O."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from pipeline.settings.model import Settings
from pipeline.settings.rules import nearest
from pipeline.steps.division import SIDES, is_missing

# This product's own limit: beyond it the report, the endpoint's payload and Autopilot's runtime need another design.
MAX_COLUMNS = 1000
SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
SHOWN_COLUMNS = 20
SHOWN = 10

Problem = tuple[int, str]


def is_number(text: str) -> bool:
    """Return whether Autopilot would read a finite number."""
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def header_problems(header: Sequence[str], settings: Settings) -> list[str]:
    """Return a sentence for each mistake in the names of the columns."""
    if not header:
        return ["is empty; must have a header; write the columns' names on the first line"]
    if len(header) == 1:
        for separator, name in SEPARATORS.items():
            if separator in header[0]:
                return [f"has one column, with {name} in it; fields must be separated by commas; save it with commas"]
    if len(header) > MAX_COLUMNS:
        return [f"has {len(header)} columns; at most {MAX_COLUMNS} are taken; leave out what does not help to predict"]
    return [*_names(header), *_required(header, settings)]


def _names(header: Sequence[str]) -> Iterator[str]:
    for place, name in enumerate(header, start=1):
        if not name.strip():
            yield f"column {place}: has no name; every column needs one; name it in the header"
    for name, times in Counter(header).items():
        if times > 1 and name.strip():
            yield f"column {name}: stands {times} times in the header; names must differ; rename all but one"


def _required(header: Sequence[str], settings: Settings) -> Iterator[str]:
    target, split = settings.target_column, settings.data.split_column
    if target not in header:
        yield _absent(header, target, "target_column")
    if split and split not in header:
        yield _absent(header, split, "data.split_column")
    if not set(header) - {target, split}:
        yield f"has no column beside {target}; a model needs at least one feature; add columns"


def _absent(header: Sequence[str], name: str, key: str) -> str:
    listed = ", ".join(header[:SHOWN_COLUMNS]) + (", ..." if len(header) > SHOWN_COLUMNS else "")
    hint = f"{nearest(name, header)} the columns are {listed}".lstrip()
    return f"column {name}: is not in the header; settings.yaml's {key} names it; {hint}"


@dataclass
class Target:
    """Running counts of the target: rows of each value, missing ones, and the first that is no number."""

    values: Counter[str] = field(default_factory=Counter)
    missing: int = 0
    first_missing: int = 0
    first_text: tuple[int, str] | None = None

    def add(self, line: int, value: str) -> None:
        """Count one row's target."""
        if is_missing(value):
            self.first_missing = self.first_missing or line
            self.missing += 1
            return
        self.values[value] += 1
        if self.first_text is None and self.values[value] == 1 and not is_number(value):
            self.first_text = (line, value)


def target_problems(target: Target, split: Counter[str] | None, settings: Settings) -> Iterator[Problem]:
    """Yield line and sentence of what is wrong with the target or the split."""
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
    rows, classes = target.values.total(), len(target.values)
    shown = ", ".join(repr(name[:40]) for name in sorted(target.values)[:SHOWN]) + (", ..." if classes > SHOWN else "")
    if classes == 1:
        yield 1, f"{column}: holds a single class, {shown}; at least two are needed; choose another target_column"
    elif classes > max(2, rows // 2):
        yield 1, f"{column}: holds {classes} classes in {rows} rows; is it an id or a number? set Regression"
    elif settings.problem_type == "BinaryClassification" and classes != 2:
        yield 1, f"{column}: holds {classes} classes ({shown}); two are needed; set MulticlassClassification"
    elif settings.problem_type == "MulticlassClassification" and classes < 3:
        yield 1, f"{column}: holds {classes} classes ({shown}); set problem_type: BinaryClassification"
    positive = settings.positive_class
    if positive is not None and settings.problem_type == "BinaryClassification" and positive not in target.values:
        yield 1, f"{column}: no row is {positive!r}; positive_class must be one of the classes; the classes are {shown}"


def _sides(split: Counter[str], column: str) -> Iterator[Problem]:
    unknown = sorted(set(split) - set(SIDES))
    if unknown:
        yield 1, f"{column}: got {unknown[0][:40]!r}; must be train, validation or test in every row; mend it"
    for side in ("train", "test"):
        if not split[side]:
            yield (1, f"{column}: no row is {side!r}; train and test rows are needed; mark some or remove split_column")
