"""Step 4: decide on which side a row stands: by the split column, else by a hash of the row's content. No I/O.

The hash makes the division the same in every run and on every machine, and puts equal rows on the same side.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.steps.tables import StepError

TRAIN, VALIDATION, TEST = "train", "validation", "test"
SIDES = (TRAIN, VALIDATION, TEST)
MISSING = frozenset({"", "na", "nan", "n/a", "null", "none"})


def is_missing(value: str) -> bool:
    """Return whether a target value counts as missing."""
    return value.strip().lower() in MISSING


def digest(values: Sequence[str]) -> bytes:
    """Identify a row by its content; lengths keep `a|b` apart from `ab|`."""
    hashed = hashlib.sha256()
    for value in values:
        text = value.encode("utf-8", "surrogatepass")
        hashed.update(b"%d:" % len(text))
        hashed.update(text)
    return hashed.digest()


@dataclass(frozen=True)
class Division:
    """How rows are divided."""

    test_fraction: float  # share of all rows that is held out, where no column says which
    validation_fraction: float  # share of all rows (with a column: of those marked train) for validation
    marks_validation: bool = False  # the column marks validation rows as well

    def side(self, key: bytes, mark: str | None) -> str:
        """Choose the side.

        Args:
            key: `digest` of the row.
            mark: the split column's value; None without one.

        Raises:
            StepError: when the value is not train, validation or test.
        """
        share = int.from_bytes(key[:8], "big") / 2**64
        if mark is None:
            if share < self.test_fraction:
                return TEST
            return VALIDATION if share < self.test_fraction + self.validation_fraction else TRAIN
        side = mark.strip().lower()
        if side not in SIDES:
            raise StepError(f"data.split_column: got {mark!r}; must be train, validation or test in every row; mend it")
        if side == TRAIN and not self.marks_validation:
            return VALIDATION if share < self.validation_fraction else TRAIN
        return side
