"""The command line `rehearse`: an AWS on this machine, and the steps of a SageMaker Autopilot project on it."""

import json
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click
from rich.console import Console

from sagemaker_rehearsal.pipelines.drills import DRILLS, HELP
from sagemaker_rehearsal.scenario import place as places
from sagemaker_rehearsal.scenario import session, terminal, workspace
from sagemaker_rehearsal.scenario.place import Place
from sagemaker_rehearsal.scenario.report import Report
from sagemaker_rehearsal.server.errors import InputError, RehearsalError

if TYPE_CHECKING:
    from sagemaker_rehearsal.scenario.personas import People
    from sagemaker_rehearsal.scenario.ten_steps import Origin

WORK = Path("build/rehearsal")
DEFAULT_NAME = "adult-income"
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
@click.option("--name", help="The project's name. Default: that of settings.yaml; in the template, adult-income.")
@click.option(
    "--route", type=click.Choice(ROUTES), default=ROUTES[0], show_default=True, help="How the project is created."
)
@click.option(
    "--product",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A product.yaml to provision in place of the packaged one (in a team's repository).",
)
@click.option("--keep", is_flag=True, help="Leave everything up until Ctrl-C.")
@_guarded
def run(
    work: Path, data: str | None, approve: bool, name: str | None, route: str, product: Path | None, keep: bool,
    **options: Any,  # noqa: ANN401
) -> None:  # fmt: skip
    """Do steps 1 to 10; on the AWS that is up, or on one of this command's own.

    In a clone of the template, the template is published and seeds a repository. In a team's repository the packaged
    product is provisioned, and its repository is filled from the working tree, committed or not.
    """
    work, console, place = work.resolve(), terminal.console(), places.with_project()
    origin = _origin(place, product)
    with workspace.alone(work):
        workspace.clear(work)
        name = name or place.name or DEFAULT_NAME
        report = Report(work, facts={"project": name, "region": place.region})

        def say(text: str) -> None:
            elapsed = time.monotonic() - report.started
            _print(console, f"  [{elapsed:6.1f} s] {text}")

        try:
            with session.joined(place, work, data, options, say, report) as url:
                _walk(url, place, origin, name, route, work, report, console, approve, say)
                report.show(console)
                _show_permissions(console, report)
                _print(console, f"report: {terminal.short(report.write())}")
                if keep:
                    _print(console, "everything stays up until Ctrl-C; see `rehearse status`")
                    terminal.until_stopped()
        except BaseException:
            report.write()
            report.show(console)
            raise


def _origin(place: Place, product: Path | None) -> "Origin":
    from sagemaker_rehearsal.scenario import product as packaged
    from sagemaker_rehearsal.scenario.team_repository import TeamRepository
    from sagemaker_rehearsal.scenario.template_clone import TemplateClone

    if place.settings:
        return TeamRepository(place.folder, place.settings, packaged.load(product))
    if product:
        raise InputError("--product: is for a team's repository; in the template, edit catalog/product.yaml")
    return TemplateClone(place.folder)


def _walk(
    url: str, place: Place, origin: "Origin", name: str, route: str, work: Path, report: Report, console: Console,
    approve: bool, say: Callable[[str], None],
) -> None:  # fmt: skip
    from sagemaker_rehearsal.scenario import status as current
    from sagemaker_rehearsal.scenario.personas import People
    from sagemaker_rehearsal.scenario.ten_steps import Walk

    def heading(text: str) -> None:
        console.print(text, style="bold", highlight=False)

    ask = terminal.asking(console, approve=approve)
    try:
        Walk(People(url, place.region), work, report, ask, say, heading, origin, route).run(name)
    except RehearsalError:
        report.facts["iam"] = current.permissions(url, origin.unused_roles)
        for denial in report.facts["iam"]["denied"]:
            say(f"denied: {denial}")
        raise
    report.facts["iam"] = current.permissions(url, origin.unused_roles)


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
        place = places.current()
        with session.started(place, work, data, options, lambda text: print(text, flush=True), port=port) as url:
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
    from sagemaker_rehearsal.scenario import status as current

    lines = list(current.status(_people(work)))
    print(json.dumps(lines, indent=2) if as_json else "\n".join(lines))


@cli.command()
@_work
@click.argument("word", required=False)
@_guarded
def logs(work: Path, word: str | None) -> None:
    """List the logs, or show those whose path holds WORD."""
    paths = [path.relative_to(work) for path in sorted(work.rglob("*.log")) if path.is_file()]
    chosen = [path for path in paths if word and word in path.as_posix()]
    for path in chosen if word else paths:
        print(f"== {path}")
        if word:
            print((work / path).read_text(encoding="utf-8", errors="replace"), end="")
    if word and not chosen:
        raise RehearsalError(f"no log's path holds {word!r}; `rehearse logs` lists them")


def _decide(work: Path, approve: bool) -> None:
    from sagemaker_rehearsal.scenario import status as current

    print(current.decide(_people(work), approve=approve))


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
    from sagemaker_rehearsal.scenario import status as current

    print(current.invoke(_people(work), endpoint, file.read()), end="")


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


def _people(work: Path) -> "People":
    running = workspace.running(work)
    if running is None:
        raise RehearsalError("no AWS is up here; start one with `rehearse up`, or with `rehearse run --keep`")
    from sagemaker_rehearsal.scenario.personas import People  # its import takes a moment

    return People(running.url, running.region)


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
    from sagemaker_rehearsal.scenario import status as current

    for line in current.permission_lines(report.facts["iam"]):
        _print(console, line)


def _print(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)


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
