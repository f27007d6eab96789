"""Step 4, Split and Evaluate: which columns the model relies on, by permutation importance on held-out rows.

Split shuffles one column at a time among some held-out rows, the batch transform answers the shuffled rows together
with the real ones, and Evaluate measures how much worse those answers are. So it is the registered artifact itself that
is explained, with nothing but its answers. Autopilot's own explainability report is a SageMaker Clarify job, and AWS
has closed Clarify to new customers:
https://docs.aws.amazon.com/sagemaker/latest/dg/clarify-availability-change.html

See "Permutation feature importance" in scikit-learn's user guide for the method and its limits: correlated
columns share their importance, or hide it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Array = Any
MAX_ROWS = 1000  # whose column is shuffled; the standard error falls with their root
MAX_ANSWERS = 40_000  # that a run pays for beside those of the held-out rows
MIN_ROWS = 100
NOTE = (
    "How much the loss on held-out rows rises when one column's values are shuffled among them; "
    "around 0, also below it, stands a column that the model does not need. These are not SHAP values."
)


@dataclass
class Sample:
    """A fixed-seed sample of rows that pass by, each with its number (reservoir sampling)."""

    size: int  # how many rows are kept
    rows: dict[int, list[str]] = field(default_factory=dict)
    _seen: int = 0
    _random: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311 (a sample, no secret)
    _slots: list[int] = field(default_factory=list)

    def offer(self, row: Sequence[str]) -> None:
        """Take the next row, or leave it."""
        number, self._seen = self._seen, self._seen + 1
        if number < self.size:
            self._slots.append(number)
        else:
            slot = self._random.randrange(self._seen)
            if slot >= self.size:
                return
            del self.rows[self._slots[slot]]
            self._slots[slot] = number
        self.rows[number] = list(row)


def sample_of(columns: int) -> Sample:
    """Return an empty sample whose size keeps the answers of all columns within MAX_ANSWERS."""
    return Sample(max(MIN_ROWS, min(MAX_ROWS, MAX_ANSWERS // max(columns, 1))))


def shuffled(sample: Sample) -> Iterator[list[str]]:
    """Yield the sample's rows once for each column, with that column's values in another order."""
    rows = [sample.rows[number] for number in sorted(sample.rows)]
    for at in range(len(rows[0]) if rows else 0):
        values = [row[at] for row in rows]
        random.Random(at).shuffle(values)  # noqa: S311 (an order, no secret)
        for row, value in zip(rows, values):  # noqa: B905 (strict needs 3.10, newer than some containers)
            yield [*row[:at], value, *row[at + 1 :]]


def report(features: Sequence[str], base: Array, shuffled_losses: Sequence[Array]) -> dict[str, Any]:
    """Build explainability.json.

    Args:
        features: the columns in the order of the rows.
        base: the sampled rows' losses.
        shuffled_losses: for each feature, the same rows' losses with that feature shuffled.

    Returns:
        Features by falling importance, each the mean rise of the loss with its standard error.
    """
    count = len(base)
    entries: list[dict[str, Any]] = []
    for name, loss in zip(features, shuffled_losses):  # noqa: B905 (as above)
        rise = loss - base
        error = float(np.std(rise, ddof=1) / np.sqrt(count)) if count > 1 else None
        entries.append({"name": name, "importance": float(np.mean(rise)) if count else 0.0, "standard_error": error})
    entries.sort(key=lambda entry: (-entry["importance"], entry["name"]))
    return {
        "version": "1.0",
        "method": "permutation importance",
        "note": NOTE,
        "rows": count,
        "loss": float(np.mean(base)) if count else None,
        "features": entries,
    }


def blocks(lines: Sequence[Sequence[str]], rows: int, split: Mapping[str, Any]) -> Iterator[Sequence[Sequence[str]]]:
    """Yield, for each feature, the answers to the rows in which it is shuffled.

    Args:
        lines: everything that the batch transform answered.
        rows: how many held-out rows stand before the shuffled ones.
        split: Split's report.
    """
    size = len(split["explained_rows"])
    for at in range(len(split["features"])):
        yield lines[rows + at * size : rows + (at + 1) * size]
