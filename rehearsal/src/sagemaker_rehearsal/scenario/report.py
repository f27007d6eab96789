"""Steps 1 to 10: what the rehearsal did: build/rehearsal/report.json and the table at the end."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

NAMES = {
    1: "Publish the product",
    2: "Create a project",
    3: "Provision it, seed its repository",
    4: "Train, evaluate, gate, register",
    5: "Approve the model",
    6: "Approval starts the deployment",
    7: "Staging endpoint",
    8: "Test of staging",
    9: "Results and approval for prod",
    10: "Prod endpoint answers",
}
CLASSIFICATION = ("auc", "weighted_f1", "accuracy", "log_loss")


@dataclass
class Step:
    """One of the ten steps, as far as it came."""

    step: int
    name: str
    status: str = "running"
    seconds: float = 0.0
    evidence: str = ""
    reason: str = ""
    parts: list[dict[str, Any]] = field(default_factory=list)

    def shown(self) -> dict[str, Any]:
        """Return the entry of report.json."""
        entry = {"step": self.step, "name": self.name, "status": self.status, "seconds": round(self.seconds, 2)}
        more = {"reason": self.reason, "parts": self.parts}
        return {**entry, "evidence": self.evidence, **{key: value for key, value in more.items() if value}}


@dataclass
class Report:
    """The whole rehearsal; written after every step, so that a broken one leaves a report too."""

    folder: Path
    steps: list[Step] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)

    @contextmanager
    def step(self, number: int) -> Iterator[Step]:
        """Time a step; when it raises, note why, and pass the error on."""
        entry = Step(number, NAMES[number])
        self.steps.append(entry)
        begun = time.monotonic()
        try:
            yield entry
            entry.status = "succeeded"
        except BaseException as error:
            stopped = isinstance(error, KeyboardInterrupt)
            entry.status = "stopped" if stopped else "failed"
            entry.reason = "stopped by Ctrl-C or a signal" if stopped else (str(error) or repr(error))
            raise
        finally:
            entry.seconds = time.monotonic() - begun
            self.write()

    def write(self) -> Path:
        """Write report.json whole or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        whole = {"steps": [step.shown() for step in self.steps], "metrics": {}, "data": {}, **self.facts}
        whole["seconds"] = round(time.monotonic() - self.started, 2)
        target = self.folder / "report.json"
        partial = target.with_suffix(".partial")
        partial.write_text(json.dumps(whole, indent=2, default=str) + "\n", encoding="utf-8")
        return partial.replace(target)

    def show(self, console: Console) -> None:
        """Print the table of the steps."""
        total = sum(step.seconds for step in self.steps) or 1.0
        table = Table(title="The steps of this rehearsal", show_lines=False, expand=False)
        for column in ("step", "what", "status"):
            table.add_column(column, no_wrap=True)
        table.add_column("seconds", justify="right", no_wrap=True)
        table.add_column("share", justify="right", no_wrap=True)
        table.add_column("evidence", overflow="fold")
        for step in self.steps:
            share = f"{100 * step.seconds / total:.0f} %"
            evidence = "" if step.reason else step.evidence
            table.add_row(str(step.step), step.name, step.status, f"{step.seconds:.1f}", share, evidence)
            for part in step.parts:
                part_share = f"{100 * part['seconds'] / total:.0f} %"
                table.add_row(
                    "", f"  {part['name']}", part["status"], f"{part['seconds']:.1f}", part_share, part.get("note", "")
                )
        console.print(table)


def metrics(evaluation: Mapping[str, Any]) -> dict[str, float]:
    """Return the metrics of the report from evaluation.json: the four of classification, or regression's own."""
    values: dict[str, float] = evaluation["metrics"]
    names = [name for name in CLASSIFICATION if name in values]
    if not names or str(evaluation.get("problem_type", "")).lower().startswith("regression"):
        names = list(values)
    return {name: values[name] for name in names}
