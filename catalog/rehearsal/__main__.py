"""The ten steps: `python -m catalog.rehearsal up | run | status | logs | approve | reject | invoke | down`."""

import argparse
import contextlib
import functools
import os
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from pipeline.sources import ADULT
from rehearsal import data, drills, input_data, state, terminal
from rehearsal.cloud.clients import environment
from rehearsal.cloud.cloud import Cloud
from rehearsal.cloud.errors import RehearsalError
from rehearsal.report import Report
from rich.console import Console

from catalog.rehearsal import look
from catalog.rehearsal.account import account
from catalog.rehearsal.codecommit import git_environment
from catalog.rehearsal.people import People
from catalog.rehearsal.walk import ROUTES, Walk

WORK = Path("build/rehearsal")
REGION = "us-east-1"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; see `rehearsal.terminal.guarded` for the exit codes."""
    options = _parser().parse_args(arguments)
    return terminal.guarded(lambda: options.command(options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m catalog.rehearsal", description=__doc__)
    commands = parser.add_subparsers(required=True)

    def command(name: str, function: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text)
        made.add_argument("--work", type=Path, default=WORK, help="folder of this rehearsal; another one, another AWS")
        made.set_defaults(command=function)
        return made

    run = command("run", _run, "do the ten steps; on the AWS that is up, or on one of its own")
    up = command("up", _up, "start the embedded AWS and keep it until Ctrl-C or `down`")
    up.add_argument("--port", type=int, default=0, help="0 takes a free one")
    for made in (run, up):
        made.add_argument("--data", default=os.environ.get("DATA") or None, help="CSV, folder or s3:// URI to train on")
        made.add_argument("--drill", action="append", default=[], choices=drills.DRILLS, help=drills.HELP)
    run.add_argument("--approve", action="store_true", help="give both approvals instead of asking")
    run.add_argument("--name", default="adult-income", help="the project's name")
    run.add_argument("--route", choices=ROUTES, default=ROUTES[0], help="by which the project is made")
    run.add_argument("--keep", action="store_true", help="leave the endpoints up until Ctrl-C")
    run.add_argument("--publisher", default=sys.executable, help="Python with what `catalog.publish` needs")
    command("status", _status, "show the projects, pipelines and endpoints of the AWS that is up")
    logs = command("logs", _logs, "list the logs, or show those whose path holds a word")
    logs.add_argument("word", nargs="?")
    for name in ("approve", "reject"):
        one = command(name, _decide, f"{name} what waits: a model package, or prod")
        one.set_defaults(approve=name == "approve")
    invoke = command("invoke", _invoke, "send rows (CSV without a header) to an endpoint")
    invoke.add_argument("file", nargs="?", type=argparse.FileType("rb"), default=None, help="default: standard input")
    invoke.add_argument("--endpoint", help="default: the prod endpoint that is there")
    command("down", _down, "stop the AWS that is up")
    return parser


def _run(options: argparse.Namespace) -> int:
    work, console = options.work.resolve(), terminal.console()
    with state.alone(work):
        state.clear(work)
        report = Report(work, facts={"project": options.name, "region": REGION})

        def say(text: str) -> None:
            elapsed = time.monotonic() - report.started
            console.print(f"  [{elapsed:6.1f} s] {text}", markup=False, highlight=False, soft_wrap=True)

        try:
            with _cloud(options, work, report, say) as url:
                who = People(url, REGION)
                ask = terminal.asking(console, approve=options.approve)
                heading = functools.partial(_head, console)
                walk = Walk(who, work, report, ask, say, heading, options.publisher, route=options.route)
                walk.run(options.name)
                report.facts["iam"] = look.permissions(url)
                report.show(console)
                for line in look.permission_lines(report.facts.get("iam")):
                    console.print(line, markup=False, highlight=False, soft_wrap=True)
                console.print(f"report: {report.write()}", markup=False, highlight=False, soft_wrap=True)
                if options.keep:
                    console.print("everything stays up until Ctrl-C; see `python -m catalog.rehearsal status`")
                    terminal.until_stopped()
        except BaseException:
            report.write()
            report.show(console)
            raise
    return 0


def _head(console: Console, text: str) -> None:
    console.print(text, style="bold", highlight=False)


@contextlib.contextmanager
def _cloud(options: argparse.Namespace, work: Path, report: Report, say: Callable[[str], None]) -> Iterator[str]:
    """Give the address of the AWS that is up, or of one for this command."""
    up = state.running(work)
    if up:
        say(f"on the AWS that is up at {up[0]}")
        yield up[0]
        return
    with _started(options, work, 0, say, report) as cloud:
        yield cloud.url


@contextlib.contextmanager
def _started(
    options: argparse.Namespace, work: Path, port: int, say: Callable[[str], None], report: Report | None = None
) -> Iterator[Cloud]:
    shutil.rmtree(work / "cloud", ignore_errors=True)
    given, origin = input_data.find(ADULT, options.data, work, say)
    if report:
        report.facts["data"] = {"synthetic": origin == data.NOTICE, "origin": origin}
    begun = time.monotonic()
    chosen = {"build_environment": {"DATA": given} if given else {}, "drills": options.drill}
    with account(work / "cloud", REGION, port, chosen) as cloud:
        state.announce(work, cloud.url, REGION)
        say(f"embedded AWS at {cloud.url} after {time.monotonic() - begun:.1f} s")
        try:
            yield cloud
        finally:
            state.withdraw(work)


def _up(options: argparse.Namespace) -> int:
    work = options.work.resolve()
    with state.alone(work, "up.lock"):
        if state.running(work):
            raise RehearsalError("an AWS is up here already; see `python -m catalog.rehearsal status`")
        with _started(options, work, options.port, lambda text: print(text, flush=True)) as cloud:
            for name, value in {**environment(cloud.url, cloud.region), **git_environment(cloud)}.items():
                print(f"export {name}={shlex.quote(value)}")
            print("until Ctrl-C or `python -m catalog.rehearsal down`", flush=True)
            terminal.until_stopped()
    return 0


def _who(options: argparse.Namespace) -> People:
    up = state.running(options.work)
    if up is None:
        raise RehearsalError("no AWS is up here; start one with `python -m catalog.rehearsal up`, or with `run --keep`")
    return People(up[0], up[1])


def _status(options: argparse.Namespace) -> int:
    print(*look.status(_who(options)), sep="\n")
    return 0


def _logs(options: argparse.Namespace) -> int:
    found = [path.relative_to(options.work) for path in sorted(options.work.rglob("*.log")) if path.is_file()]
    chosen = [path for path in found if options.word and options.word in path.as_posix()]
    for path in chosen if options.word else found:
        print(f"== {path}")
        if options.word:
            print((options.work / path).read_text(encoding="utf-8", errors="replace"), end="")
    if options.word and not chosen:
        raise RehearsalError(f"no log's path holds {options.word!r}; `python -m catalog.rehearsal logs` lists them")
    return 0


def _decide(options: argparse.Namespace) -> int:
    print(look.decide(_who(options), approve=options.approve))
    return 0


def _invoke(options: argparse.Namespace) -> int:
    body = (options.file or sys.stdin.buffer).read()
    print(look.invoke(_who(options), options.endpoint, body), end="")
    return 0


def _down(options: argparse.Namespace) -> int:
    terminal.stop_running(options.work)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
