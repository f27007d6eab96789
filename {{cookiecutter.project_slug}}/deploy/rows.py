"""Step 8: which held-out rows are sent to the endpoint, and what its answers say."""

import ast
import csv
import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipeline.errors import DeployError

# A serverless endpoint takes at most 4 MB a request:
# https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html
MAX_BODY_BYTES = 4 * 1024 * 1024
BATCH_ROWS = 500


@dataclass(frozen=True)
class Row:
    """One held-out row: its number in the file (from 0), the features as text, and the true value."""

    number: int
    features: tuple[str, ...]
    actual: str

    def line(self) -> str:
        """Write as one CSV line without a header, as batch transform saw it."""
        buffer = io.StringIO()
        csv.writer(buffer, lineterminator="\n").writerow(self.features)
        return buffer.getvalue()


@dataclass(frozen=True)
class HeldOut:
    """The held-out file: feature names and all rows."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    @classmethod
    def read(cls, text: str, target: str, where: str) -> "HeldOut":
        """Parse the test side that Split wrote (a header, the target among the columns).

        Raises:
            DeployError: when the target column or every row is absent.
        """
        lines = csv.reader(io.StringIO(text))
        header = next(lines, [])
        if target not in header:
            rule = "target_column must be the one the package was trained on"
            raise DeployError(f"{where}: has no column {target!r}; {rule}")
        at = header.index(target)
        rows = tuple(
            Row(number, (*fields[:at], *fields[at + 1 :]), fields[at])
            for number, fields in enumerate(filter(None, lines))
        )
        if not rows:
            raise DeployError(f"{where}: has no rows; run the training pipeline again")
        return cls((*header[:at], *header[at + 1 :]), rows)

    def sample(self, size: int) -> list[Row]:
        """Choose `size` rows by the hash of their content: the same rows in every run, in the file's order."""
        ranked = sorted(self.rows, key=lambda row: (hashlib.sha256(row.line().encode()).digest(), row.number))
        return sorted(ranked[:size], key=lambda row: row.number)


@dataclass(frozen=True)
class Answer:
    """The container's answer to one row; a regression has only a label (the number as text)."""

    label: str
    probabilities: tuple[float, ...] = ()
    classes: tuple[str, ...] = ()

    @classmethod
    def read(cls, fields: Sequence[str]) -> "Answer":
        """Parse one line: `label,probability,"[p1, p2]","['a', 'b']"` or `value`.

        Raises:
            ValueError: when the line has neither form.
        """
        if len(fields) == 1:
            return cls(str(float(fields[0])))
        label, _, probabilities, classes = fields
        shares, names = ast.literal_eval(probabilities), ast.literal_eval(classes)
        answer = cls(label, tuple(float(share) for share in shares), tuple(str(name) for name in names))
        if len(answer.probabilities) != len(answer.classes):
            raise ValueError(f"{len(answer.probabilities)} probabilities for {len(answer.classes)} classes")
        return answer

    def differs_from(self, other: "Answer", tolerance: float) -> bool:
        """Return whether two answers to one row differ by more than `tolerance` (of a number: as a share)."""
        if bool(self.classes) != bool(other.classes):
            return True
        if not self.classes:
            ours, theirs = float(self.label), float(other.label)
            return abs(ours - theirs) > tolerance * max(1.0, abs(theirs))
        theirs_by_class = dict(zip(other.classes, other.probabilities, strict=True))
        gaps = [abs(p - theirs_by_class.get(c, 2.0)) for c, p in zip(self.classes, self.probabilities, strict=True)]
        return max(gaps) > tolerance or (self.label != other.label and max(gaps) > 0)


def read_answers(text: str) -> list[Answer]:
    """Parse the lines of one answer or of a batch transform's output.

    Raises:
        ValueError: when a line is no answer of Autopilot's container.
    """
    try:
        return [Answer.read(fields) for fields in csv.reader(io.StringIO(text)) if fields]
    except (SyntaxError, TypeError, csv.Error) as error:
        raise ValueError(str(error)) from error


def batches(rows: Sequence[Row], max_bytes: int = MAX_BODY_BYTES, max_rows: int = BATCH_ROWS) -> Iterator[list[Row]]:
    """Group rows so that no request is over the limit; a row that is over it alone makes a batch of its own."""
    batch: list[Row] = []
    size = 0
    for row in rows:
        bytes_here = len(row.line().encode())
        if batch and (size + bytes_here > max_bytes or len(batch) == max_rows):
            yield batch
            batch, size = [], 0
        batch.append(row)
        size += bytes_here
    if batch:
        yield batch
