"""The command line `rehearse`: an AWS on this machine, and the steps of a SageMaker Autopilot project on it."""

import contextlib
import json
import os
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import click
from rich.console import Console

from sagemaker_rehearsal.pipelines.drills import DRILLS, HELP
from sagemaker_rehearsal.scenario import input_data, settings, synthetic_data, terminal, workspace
from sagemaker_rehearsal.scenario.report import Report
from sagemaker_rehearsal.server.errors import InputError, RehearsalError

WORK = Path("build/rehearsal")
REGION = "us-east-1"
ROUTES = ("s3", "service-catalog")
Command = Callable[..., Any]


def _guarded(command: Callable[..., None]) -> Command:
    """Let a command end with an exit code, and its errors with a sentence."""

    def run(**options: Any) -> int:  # noqa: ANN401 (click's)
        return terminal.guarded(lambda: command(**options))

    run.__doc__ = command.__doc__
    run.__name__ = command.__name__.strip("_")
    return run


_work = click.option(
    "--work", type=click.Path(path_type=Path), default=WORK, show_default=True,
    help="Folder of this rehearsal; with another one, two run side by side.",
)  # fmt: skip
_data = click.option(
    "--data",
    envvar="DATA",
    help="CSV, folder or s3:// URI to train on, or `synthetic`. Default: $DATA, else UCI Adult.",
)
_drill = click.option("--drill", "drills", multiple=True, type=click.Choice(list(DRILLS)), help=f"{HELP}.")
_cold = click.option(
    "--cold-start-seconds", type=float, default=0.0, show_default=True, help="Added to an endpoint's start from zero."
)
_idle = click.option(
    "--idle-seconds",
    type=float,
    default=0.0,
    show_default=True,
    help="Endpoints scale to zero after so long; 0: never.",
)
_json = click.option("--json", "as_json", is_flag=True, help="Write JSON, for a machine.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="sagemaker-rehearsal")
def cli() -> None:
    """Rehearse a SageMaker Autopilot project on this machine, without an AWS account.

    \b
    Examples:
      rehearse run --approve --data synthetic    all steps, without a question
      rehearse up                                an AWS that stays; then in another terminal:
      eval "$(rehearse env)"                     aws, boto3 and git talk to it

    \b
    Exit codes: 0 done, 1 a step failed, 2 wrong input, 3 a person rejected, 130 stopped.
    Completion of the shell: eval "$(_REHEARSE_COMPLETE=bash_source rehearse)" (or zsh_source, fish_source).
    """


@cli.command()
@_work
@_data
@_drill
@_idle
@_cold
@click.option("--approve", is_flag=True, help="Give both approvals instead of asking.")
@click.option(
    "--name", default="adult-income", show_default=True, help="The project's name (in a clone of the template)."
)
@click.option(
    "--route", type=click.Choice(ROUTES), default=ROUTES[0], show_default=True, help="How the project is made."
)
@click.option("--keep", is_flag=True, help="Leave everything up until Ctrl-C.")
@_guarded
def run(
    work: Path, data: str | None, approve: bool, name: str, route: str, keep: bool, **options: Any  # noqa: ANN401
) -> None:  # fmt: skip
    """Do the steps; on the AWS that is up, or on one of this command's own.

    In a clone of the template these are steps 1 to 10, in a team's repository steps 4 to 10.
    """
    work, console, place = work.resolve(), terminal.console(), _Place.here()
    with workspace.alone(work):
        workspace.clear(work)
        report = Report(work, facts={"project": place.name or name, "region": place.region})

        def say(text: str) -> None:
            elapsed = time.monotonic() - report.started
            _print(console, f"  [{elapsed:6.1f} s] {text}")

        try:
            with _running(place, work, data, options, say, report) as url:
                ask = terminal.asking(console, approve=approve)
                _walk(place, url, work, report, console, ask, say, name, route, data)
                report.show(console)
                _show_permissions(console, report)
                _print(console, f"report: {_short(report.write())}")
                if keep:
                    _print(console, "everything stays up until Ctrl-C; see `rehearse status`")
                    terminal.until_stopped()
        except BaseException:
            report.write()
            report.show(console)
            raise


@cli.command()
@_work
@_data
@_drill
@_idle
@_cold
@click.option("--port", default=0, show_default=True, help="Port on 127.0.0.1; 0 takes a free one.")
@_guarded
def up(work: Path, data: str | None, port: int, **options: Any) -> None:  # noqa: ANN401
    """Start an AWS and keep it until Ctrl-C or `rehearse down`."""
    work = work.resolve()
    with workspace.alone(work, "up.lock"):
        if workspace.running(work):
            raise RehearsalError("an AWS is up here already; see `rehearse status`")
        place = _Place.here(required=False)
        with _started(place, work, data, options, lambda text: print(text, flush=True), port=port) as url:
            _print_exports(url, place.region)
            print("until Ctrl-C or `rehearse down`", flush=True)
            terminal.until_stopped()


@cli.command()
@_work
@_guarded
def down(work: Path) -> None:
    """Stop the AWS that is up."""
    terminal.stop_running(work)


@cli.command()
@_work
@_json
@_guarded
def status(work: Path, as_json: bool) -> None:
    """Show projects, pipelines, model packages, stacks and endpoints."""
    from sagemaker_rehearsal.scenario import status as shown

    lines = list(shown.status(_people(work)))
    print(json.dumps(lines, indent=2) if as_json else "\n".join(lines))


@cli.command()
@_work
@click.argument("word", required=False)
@_guarded
def logs(work: Path, word: str | None) -> None:
    """List the logs, or show those whose path holds WORD."""
    found = [path.relative_to(work) for path in sorted(work.rglob("*.log")) if path.is_file()]
    chosen = [path for path in found if word and word in path.as_posix()]
    for path in chosen if word else found:
        print(f"== {path}")
        if word:
            print((work / path).read_text(encoding="utf-8", errors="replace"), end="")
    if word and not chosen:
        raise RehearsalError(f"no log's path holds {word!r}; `rehearse logs` lists them")


def _decide(work: Path, approve: bool) -> None:
    from sagemaker_rehearsal.scenario import status as shown

    print(shown.decide(_people(work), approve=approve))


@cli.command()
@_work
@_guarded
def approve(work: Path) -> None:
    """Approve what waits: production if a pipeline asks, else the newest pending model package."""
    _decide(work, approve=True)


@cli.command()
@_work
@_guarded
def reject(work: Path) -> None:
    """Reject what waits: production if a pipeline asks, else the newest pending model package."""
    _decide(work, approve=False)


@cli.command()
@_work
@click.argument("file", type=click.File("rb"), default="-")
@click.option("--endpoint", help="Default: the production endpoint that is there.")
@_guarded
def invoke(work: Path, file: IO[bytes], endpoint: str | None) -> None:
    """Send the rows of FILE (CSV without a header; default: standard input) to an endpoint."""
    from sagemaker_rehearsal.scenario import status as shown

    print(shown.invoke(_people(work), endpoint, file.read()), end="")


@cli.command()
@_work
@_json
@_guarded
def env(work: Path, as_json: bool) -> None:
    """Print the variables that lead aws, boto3 and git to the AWS that is up: eval "$(rehearse env)"."""
    people = _people(work)
    if as_json:
        print(json.dumps(_exports(people.url, people.region), indent=2))
    else:
        _print_exports(people.url, people.region)


class _Place:
    """Where a command was given: in a clone of the template, in a team's repository, or in another folder."""

    def __init__(self, template: Path | None, project: Path | None) -> None:
        self.template, self.project = template, project
        self.settings = settings.load(project / "settings.yaml") if project and not template else None

    @classmethod
    def here(cls, required: bool = True) -> "_Place":
        """Look at the current folder.

        Raises:
            InputError: it is neither, and one of both is needed.
        """
        folder = Path.cwd()
        if (folder / "cookiecutter.json").is_file() and (folder / "catalog" / "publish.py").is_file():
            return cls(folder, next(folder.glob("{{*}}"), None))
        if (folder / "settings.yaml").is_file() and (folder / "pipeline").is_dir():
            return cls(None, folder)
        if required:
            raise InputError(f"{folder}: is neither a clone of the template nor a repository made from it; go to one")
        return cls(None, None)

    @property
    def name(self) -> str:
        return self.settings.project if self.settings else ""

    @property
    def region(self) -> str:
        return os.environ.get("AWS_DEFAULT_REGION") or (self.settings.region if self.settings else REGION)


def _walk(
    place: _Place, url: str, work: Path, report: Report, console: Console, ask: Callable[[str], str],
    say: Callable[[str], None], name: str, route: str, data: str | None,
) -> None:  # fmt: skip
    if place.template:
        from sagemaker_rehearsal.scenario import status as shown
        from sagemaker_rehearsal.scenario.personas import People
        from sagemaker_rehearsal.scenario.ten_steps import Walk

        def head(text: str) -> None:
            console.print(text, style="bold", highlight=False)

        Walk(People(url, place.region), work, report, ask, say, head, place.template, route=route).run(name)
        report.facts["iam"] = shown.permissions(url)
        return
    from sagemaker_rehearsal.processes import Processes
    from sagemaker_rehearsal.scenario.team_project import Cloud, Project
    from sagemaker_rehearsal.scenario.team_walk import Rehearsal

    assert place.project is not None and place.settings is not None  # noqa: S101, PT018 (`here` saw to it)
    processes = Processes()
    try:
        project = Project(Cloud(url, place.region), place.project, place.settings)
        Rehearsal(project, work, report, console, processes, ask, data).run()
    finally:
        processes.stop()


@contextlib.contextmanager
def _running(
    place: _Place, work: Path, data: str | None, options: Mapping[str, Any], say: Callable[[str], None], report: Report
) -> Iterator[str]:
    """Give the address of the AWS that is up, or of one for this command."""
    found = workspace.running(work)
    if found:
        say(f"on the AWS that is up at {found[0]}")
        yield found[0]
        return
    with _started(place, work, data, options, say, report) as url:
        yield url


@contextlib.contextmanager
def _started(
    place: _Place, work: Path, data: str | None, options: Mapping[str, Any], say: Callable[[str], None],
    report: Report | None = None, port: int = 0,
) -> Iterator[str]:  # fmt: skip
    begun = time.monotonic()
    shutil.rmtree(work / "cloud", ignore_errors=True)
    given = ""
    if place.settings is None:  # a team's walk looks for the data in its first step
        given, origin = input_data.find(place.project, data, work, say)
        if report:
            report.facts["data"] = {"synthetic": origin == synthetic_data.NOTICE, "origin": origin}
    from sagemaker_rehearsal.account import account  # its import takes two seconds: only who needs it waits
    from sagemaker_rehearsal.scenario.personas import People

    chosen = {**options, "build_environment": {"DATA": given} if given else {}}
    with account(work / "cloud", place.region, port, chosen, enforced=place.settings is None) as cloud:
        workspace.announce(work, cloud.url, place.region)
        say(f"embedded AWS at {cloud.url} after {time.monotonic() - begun:.1f} s")
        try:
            People(cloud.url, place.region).arrive()
            yield cloud.url
        finally:
            workspace.withdraw(work)


def _people(work: Path) -> Any:  # noqa: ANN401 (its import takes a moment)
    found = workspace.running(work)
    if found is None:
        raise RehearsalError("no AWS is up here; start one with `rehearse up`, or with `rehearse run --keep`")
    from sagemaker_rehearsal.scenario.personas import People

    return People(found[0], found[1])


def _exports(url: str, region: str) -> dict[str, str]:
    from sagemaker_rehearsal.codecommit.access import git_environment
    from sagemaker_rehearsal.scenario.personas import People
    from sagemaker_rehearsal.server.clients import environment

    return {**environment(url, region), **git_environment(People(url, region))}


def _print_exports(url: str, region: str) -> None:
    for name, value in _exports(url, region).items():
        print(f"export {name}={shlex.quote(value)}")


def _show_permissions(console: Console, report: Report) -> None:
    if "iam" not in report.facts:
        return
    from sagemaker_rehearsal.scenario import status as shown

    for line in shown.permission_lines(report.facts["iam"]):
        _print(console, line)


def _print(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def _short(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    try:
        return int(cli.main(args=arguments, prog_name="rehearse", standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return terminal.STOPPED


def script() -> None:
    """Run as a console script."""
    sys.exit(main())
