"""The command line `rehearse`: an AWS on this machine, and the steps of a SageMaker Autopilot project on it."""

import json
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from sagemaker_rehearsal.pipelines.drills import DRILLS, HELP
from sagemaker_rehearsal.scenario import place as places
from sagemaker_rehearsal.scenario import session, terminal, workspace
from sagemaker_rehearsal.server.errors import RehearsalError

if TYPE_CHECKING:
    from sagemaker_rehearsal.scenario.personas import People

WORK = Path("build/rehearsal")
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

    \b
    Completion: eval "$(_REHEARSE_COMPLETE=bash_source rehearse)"   (or zsh_source, fish_source)
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
@_json
@_guarded
def run(
    work: Path, data: str | None, approve: bool, name: str | None, route: str, product: Path | None, keep: bool,
    as_json: bool, **options: Any,  # noqa: ANN401
) -> None:  # fmt: skip
    """Do steps 1 to 10; on the AWS that is up, or on one of this command's own.

    In a clone of the template, the template is published and seeds a repository. In a team's repository the packaged
    product is provisioned, and its repository is filled from the working tree, committed or not.

    \b
    Examples:
      rehearse run                      asks at both approvals
      rehearse run --approve --json     without a question; the report goes to standard output
      rehearse run --data my.csv        trains on this file
    """
    place = places.with_project()
    from sagemaker_rehearsal.scenario import runner

    console = terminal.console(stderr=as_json)
    runner.Runner(
        place, runner.origin(place, product), work.resolve(), terminal.asking(console, approve=approve), console,
        name or "", data, route, options, as_json,
    ).run(keep=keep)  # fmt: skip


@cli.command()
@_work
@_data
@_drill
@_idle
@_cold
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    show_default=True,
    help="Port on 127.0.0.1; 0 takes a free one.",
)
@_guarded
def up(work: Path, data: str | None, port: int, **options: Any) -> None:  # noqa: ANN401
    """Start an AWS and keep it until Ctrl-C or `rehearse down`.

    \b
    Example:
      rehearse up                       then, in another terminal:
      eval "$(rehearse env)"
      rehearse run; aws codepipeline list-pipelines
    """
    work = work.resolve()
    with workspace.alone(work, "up.lock"):
        if workspace.running(work):
            raise RehearsalError("an AWS is up here already; see `rehearse status`")
        place = places.current()
        with session.started(place, work, data, options, lambda text: print(text, flush=True), port=port) as running:
            from sagemaker_rehearsal.scenario.personas import People  # its import takes a moment

            _print_exports(People.of(running))
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

    resources = list(current.status(_people(work)))
    if as_json:
        print(json.dumps([asdict(resource) for resource in resources], indent=2))
    else:
        print("\n".join(map(str, resources)))


@cli.command()
@_work
@click.argument("word", required=False)
@_guarded
def logs(work: Path, word: str | None) -> None:
    """List the logs, or show those whose path holds WORD.

    \b
    Examples:
      rehearse logs                     what there is
      rehearse logs router              why a push or an approval started something, or nothing
    """
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
    """Send the rows of FILE (CSV without a header; default: standard input) to an endpoint.

    \b
    Example:
      rehearse invoke rows.csv
    """
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
        print(json.dumps(_exports(people), indent=2))
    else:
        _print_exports(people)


def _people(work: Path) -> "People":
    running = workspace.running(work)
    if running is None:
        raise RehearsalError("no AWS is up here; start one with `rehearse up`, or with `rehearse run --keep`")
    from sagemaker_rehearsal.scenario.personas import People  # its import takes a moment

    return People.of(running)


def _exports(people: "People") -> dict[str, str]:
    from sagemaker_rehearsal.codecommit.access import git_environment

    return {**people.environment(), **git_environment(people, people.administrator)}


def _print_exports(people: "People") -> None:
    for name, value in _exports(people).items():
        print(f"export {name}={shlex.quote(value)}")


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
