"""Steps 1 to 3: how soon the embedded AWS is ready, its memory, and whether many projects slow each other down."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sagemaker_rehearsal.account import account
from sagemaker_rehearsal.scenario.personas import People
from sagemaker_rehearsal.scenario.report import Report
from sagemaker_rehearsal.scenario.template_clone import TemplateClone
from sagemaker_rehearsal.scenario.ten_steps import Walk

REGION = "us-east-1"
COUNTS = (1, 10, 50)
# Builds end at once: what is measured is provisioning, not training
NO_DATA = {"build_environment": {"DATA": "/no/such/data"}}


def row(name: str, value: float, unit: str = "") -> None:
    """Print one figure."""
    print(f"{name:<50} {value:>8.2f} {unit}", flush=True)


def ready(folder: Path) -> float:
    """Return the seconds from the command line to the exports that `up` prints."""
    begun = time.monotonic()
    command = [sys.executable, "-m", "sagemaker_rehearsal", "up", "--data", "synthetic", "--work", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        any(line.startswith("until") for line in process.stdout or ())
        taken = time.monotonic() - begun
        process.terminate()
    return taken


def megabytes() -> float:
    """Return the peak memory of this process, which holds the whole embedded AWS."""
    match = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(match[1]) / 1024 if match else 0.0


def provisioned(walk: Walk, product: str, count: int) -> float:
    """Return the seconds that so many projects take that are created at once."""
    begun = time.monotonic()
    projects = [walk.create(product, f"many-{count}-{number}") for number in range(count)]
    for project in projects:
        walk.seed(project)
    return time.monotonic() - begun


def main() -> None:
    """Print one row a figure."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        row("control: `up` is ready (limit 5)", ready(folder / "up"), "s")
        with account(folder / "cloud", REGION, options=NO_DATA) as cloud:
            walk = Walk(
                People(cloud.url, REGION), folder / "work", Report(folder / "work"), lambda _: "", lambda _: None,
                lambda _: None, TemplateClone(Path.cwd()),
            )  # fmt: skip
            product, _ = walk.publish()
            row("control: memory after publishing (limit 500)", megabytes(), "MB")
            each = {count: provisioned(walk, product, count) / count for count in COUNTS}
            for count, seconds in each.items():
                row(f"control: a project, of {count} at once", seconds, "s")
            row("control: one of 50 to one alone (limit 1)", each[COUNTS[-1]] / each[1])
            row("control: memory with 61 projects", megabytes(), "MB")


if __name__ == "__main__":
    os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
    main()
