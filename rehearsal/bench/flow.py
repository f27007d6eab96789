"""Step 4: seconds and memory of the flow runner from 10^4 to 10^6 rows.

    python -m bench.flow [--data FOLDER_WITH_adult.data] [--rows 10000 100000 1000000] [--smote-rows 10000 30000 100000]

Rows are Adult's, repeated with noise in the numbers, so that few are duplicates; without --data, rows of that kind are
drawn. Each measurement is a process of its own, run as the pipeline's job is, so that its peak memory is its own.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[2] / "{{cookiecutter.project_slug}}"
PREPROCESS = ROOT / "flows" / "preprocess.flow"
SMOTE = ROOT / "flows" / "examples" / "balance.flow"
NAMES = (
    "age", "workclass", "fnlwgt", "education", "education_num", "marital_status", "occupation", "relationship", "race",
    "sex", "capital_gain", "capital_loss", "hours_per_week", "native_country", "income",
)  # fmt: skip
NOISY = ("age", "fnlwgt", "hours_per_week")


@dataclass(frozen=True)
class Row:
    """One line of the table: what ran on how many rows, for how long, with how much memory at the peak."""

    name: str
    rows: int
    seconds: float
    megabytes: float


def adult(folder: Path | None) -> pd.DataFrame:
    """Return Adult's rows as they are in its file (blanks and question marks kept), or drawn ones."""
    if folder:
        return pd.read_csv(folder / "adult.data", names=list(NAMES), dtype=str, keep_default_na=False)
    draw = np.random.default_rng(0)
    labels = {name: [f" {name}-{i}" for i in range(9)] + [" ?"] for name in NAMES}
    numeric = (*NOISY, "education_num", "capital_gain", "capital_loss")
    numbers = {name: draw.integers(0, 99, 20_000).astype(str) for name in numeric}
    texts = {name: draw.choice(labels[name], 20_000) for name in NAMES if name not in numbers and name != "income"}
    income = draw.choice([" <=50K", " >50K"], 20_000, p=[0.76, 0.24])
    return pd.DataFrame({**numbers, **texts, "income": income})[list(NAMES)]


def repeated(frame: pd.DataFrame, rows: int) -> pd.DataFrame:
    """Return the frame repeated to `rows` rows, with noise in three columns of numbers."""
    draw = np.random.default_rng(rows)
    result = frame.iloc[np.resize(np.arange(len(frame)), rows)].reset_index(drop=True)
    for name in NOISY:
        result[name] = (pd.to_numeric(result[name]) + draw.integers(0, 50, rows)).astype(str)
    return result


def write(file: Path, data: Path | None, rows: int, split: bool) -> None:
    """Write the rows that one measurement reads."""
    frame = adult(data)
    if not split:
        frame = frame.apply(lambda column: column.str.strip())
    frame = repeated(frame, rows)
    (frame.assign(split="train") if split else frame).to_csv(file, index=False)


def write_apart(*arguments: object) -> None:
    """Write in a process of its own: Linux counts the memory of a parent as its child's."""
    process = multiprocessing.get_context("spawn").Process(target=write, args=arguments)
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit("error: the rows could not be written; see the message above")


def measure(name: str, flow: Path, dataset: str, data: Path | None, rows: int) -> Row:
    """Run the flow on so many rows as a job and return what it took."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "flow").mkdir()
        (root / "flow" / flow.name).write_bytes(flow.read_bytes())
        (root / dataset).mkdir()
        write_apart(root / dataset / "rows.csv", data, rows, flow == PREPROCESS)
        start = time.perf_counter()
        command = [sys.executable, "-m", "sagemaker_rehearsal.datawrangler", "--processing-root", str(root)]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
    if status:
        raise SystemExit(f"error: {name} on {rows} rows failed; see the message above")
    return Row(name, rows, seconds, usage.ru_maxrss / 1024)


def measurements(options: argparse.Namespace) -> Iterator[Row]:
    """Yield each measurement as it is made, the flow first, SMOTE after it."""
    for rows in options.rows:
        yield measure("preprocess.flow", PREPROCESS, "data.csv", options.data, rows)
    for rows in options.smote_rows:
        yield measure("SMOTE (balance.flow)", SMOTE, "train.csv", options.data, rows)


def growth(before: Row | None, row: Row) -> str:
    """Return by which power of the rows the time grew since the row before; 1.00 is linear."""
    if before is None or before.name != row.name:
        return ""
    return f"{math.log(row.seconds / before.seconds) / math.log(row.rows / before.rows):.2f}"


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="the folder with adult.data")
    parser.add_argument("--rows", type=int, nargs="*", default=[10**4, 10**5, 10**6])
    parser.add_argument("--smote-rows", type=int, nargs="*", default=[10**4, 3 * 10**4, 10**5])
    print("| flow | rows | seconds | peak MB | growth (power of rows) |\n|---|---:|---:|---:|---:|")
    before = None
    for row in measurements(parser.parse_args()):
        line = f"| {row.name} | {row.rows:,} | {row.seconds:.1f} | {row.megabytes:.0f} | {growth(before, row)} |"
        print(line, flush=True)
        before = row
    print("\nThe seconds hold the start of Python and pandas (about 1 s). SMOTE compares each minority row with all")
    print("others and grows faster than its rows.")


if __name__ == "__main__":
    main()
