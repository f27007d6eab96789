"""Steps 1 to 10: the AWS that a command works on: the one that is up, or one of its own."""

import contextlib
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sagemaker_rehearsal.scenario import input_data, synthetic_data, workspace
from sagemaker_rehearsal.scenario.place import Place
from sagemaker_rehearsal.scenario.report import Report
from sagemaker_rehearsal.scenario.workspace import Running

Say = Callable[[str], None]


@contextlib.contextmanager
def joined(
    place: Place, work: Path, data: str | None, options: Mapping[str, Any], say: Say, report: Report
) -> Iterator[Running]:
    """Yield the AWS that is up in a folder, or one that ends with this command."""
    running = workspace.running(work)
    if running:
        say(f"on the AWS that is up at {running.url}")
        if data:
            say("--data is not used: builds have the data that `rehearse up` was given")
        _note(report, running.data)
        yield running
        return
    with started(place, work, data, options, say, report) as running:
        yield running


@contextlib.contextmanager
def started(
    place: Place, work: Path, data: str | None, options: Mapping[str, Any], say: Say, report: Report | None = None,
    port: int = 0,
) -> Iterator[Running]:  # fmt: skip
    """Start an AWS and yield it.

    Args:
        place: where the command was given.
        work: folder for its state.
        data: as the user named them; see `input_data.find`.
        options: for the account: `drills`, `idle_seconds`, `cold_start_seconds`.
        say: shows a line.
        report: gets the origin of the data.
        port: 0 takes a free one.
    """
    begin = time.monotonic()
    shutil.rmtree(work / "cloud", ignore_errors=True)
    chosen, origin = input_data.find(place.project, data, work, say, place.source)
    if report:
        _note(report, origin)
    from sagemaker_rehearsal.account import account  # its import takes two seconds: only who needs it waits
    from sagemaker_rehearsal.scenario.personas import People
    from sagemaker_rehearsal.server import clients

    options = {**options, "build_environment": {"DATA": chosen} if chosen else {}}
    with account(work / "cloud", place.region, port, options) as cloud:
        running = workspace.announce(work, cloud.url, place.region, clients.KEYS, origin)
        say(f"embedded AWS at {cloud.url} after {time.monotonic() - begin:.1f} s")
        try:
            People.of(running).arrive()
            yield running
        finally:
            workspace.withdraw(work)


def _note(report: Report, origin: str) -> None:
    report.facts["data"] = {"synthetic": origin == synthetic_data.NOTICE, "origin": origin}
