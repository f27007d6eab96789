"""Steps 1 to 10: one rehearsal from its folder to its report, as `rehearse run` does it."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from sagemaker_rehearsal.scenario import product, session, status, terminal, workspace
from sagemaker_rehearsal.scenario.personas import People
from sagemaker_rehearsal.scenario.place import Place
from sagemaker_rehearsal.scenario.report import Report
from sagemaker_rehearsal.scenario.team_repository import TeamRepository
from sagemaker_rehearsal.scenario.template_clone import TemplateClone
from sagemaker_rehearsal.scenario.ten_steps import ROUTES, Origin, Walk
from sagemaker_rehearsal.scenario.workspace import Running
from sagemaker_rehearsal.server.errors import InputError, RehearsalError

DEFAULT_NAME = "adult-income"  # cookiecutter.json's


@dataclass(frozen=True)
class Runner:
    """One rehearsal.

    Attributes:
        place: the template's clone, or the team's repository.
        origin: what steps 1 to 3 do there.
        work: folder for state, logs and results; of one rehearsal at a time.
        ask: puts a question to a person, and returns `approve` or `reject`.
        console: where progress is shown.
        name: the project's name; empty for that of settings.yaml.
        data: what to train on; see `input_data.find`.
        route: `s3` or `service-catalog`: by which of the two the project is created.
        options: of the AWS that is started; see `session.started`.
        as_json: whether the report is written to standard output at the end.
    """

    place: Place
    origin: Origin
    work: Path
    ask: Callable[[str], str]
    console: Console
    name: str = ""
    data: str | None = None
    route: str = ROUTES[0]
    options: Mapping[str, Any] = field(default_factory=dict)
    as_json: bool = False

    def run(self, *, keep: bool = False) -> None:
        """Do the ten steps, on the AWS that is up or on one that ends with them; write the report in any case.

        Args:
            keep: leave everything up until Ctrl-C.

        Raises:
            RejectedError: when a person rejected the model or the prod stage.
            RehearsalError: when a step failed, or another rehearsal is at work in the folder.
        """
        with workspace.alone(self.work):
            workspace.clear(self.work)
            name = self.name or self.place.name or DEFAULT_NAME
            report = Report(self.work, facts={"project": name, "region": self.place.region})

            def say(text: str) -> None:
                self._print(f"  [{time.monotonic() - report.started:6.1f} s] {text}")

            try:
                with session.joined(self.place, self.work, self.data, self.options, say, report) as running:
                    self._walk(running, name, report, say)
                    self._conclude(report)
                    if keep:
                        self._print("everything stays up until Ctrl-C; see `rehearse status`")
                        terminal.until_stopped()
            except BaseException:
                report.write()
                report.show(self.console)
                raise

    def _walk(self, running: Running, name: str, report: Report, say: Callable[[str], None]) -> None:
        people = People.of(running)
        try:
            Walk(people, self.work, report, self.ask, say, self._heading, self.origin, self.route).run(name)
        except RehearsalError:
            report.facts["iam"] = status.permissions(running.url, self.origin.unused_roles)
            for denial in report.facts["iam"]["denied"]:
                say(f"denied: {denial['principal']}: {denial['action']} on {denial['resource']}, {denial['because']}")
            raise
        report.facts["iam"] = status.permissions(running.url, self.origin.unused_roles)

    def _conclude(self, report: Report) -> None:
        report.show(self.console)
        for line in status.permission_lines(report.facts["iam"]):
            self._print(line)
        path = report.write()
        self._print(f"report: {terminal.short(path)}")
        if self.as_json:
            print(json.dumps(json.loads(path.read_text(encoding="utf-8")), indent=2))

    def _print(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def _heading(self, text: str) -> None:
        self.console.print(text, style="bold", highlight=False)


def origin(place: Place, template: Path | None = None) -> Origin:
    """Return what steps 1 to 3 do at a place.

    Args:
        place: the template's clone, or a team's repository.
        template: a product.yaml to provision in place of the wheel's; only in a team's repository.

    Raises:
        InputError: the template cannot be read, or is not for this place.
    """
    if place.settings:
        return TeamRepository(place.folder, place.settings, product.load(template))
    if template:
        raise InputError("--product: is for a team's repository; in the template, edit catalog/product.yaml")
    return TemplateClone(place.folder)
