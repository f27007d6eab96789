"""Steps 4 to 10 on a laptop: `python -m rehearsal up | run | approve | reject | invoke | status | down`."""

import argparse
import contextlib
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from rich.console import Console

from pipeline import settings
from rehearsal import drills, state, terminal
from rehearsal.cloud.errors import RehearsalError
from rehearsal.executor.processes import Processes
from rehearsal.project import Cloud, Project
from rehearsal.report import Report
from rehearsal.run import Rehearsal


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; see `terminal.guarded` for the exit codes."""
    options = _parser().parse_args(arguments)
    return terminal.guarded(lambda: options.command(options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m rehearsal", description=__doc__)
    commands = parser.add_subparsers(required=True)

    def command(name: str, function: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text)
        made.set_defaults(command=function)
        return made

    run = command("run", _run, "do steps 4 to 10; on the cloud that is up, or on one of its own")
    run.add_argument("--data", default=os.environ.get("DATA") or None, help="CSV, folder or s3:// URI; default: $DATA")
    run.add_argument("--approve", action="store_true", help="give both approvals instead of asking")
    run.add_argument("--report", type=Path, help="folder for a copy of report.json and the dossier")
    run.add_argument("--keep", action="store_true", help="leave the endpoints up until Ctrl-C")
    up = command("up", _up, "start the embedded AWS and keep it until Ctrl-C or `down`")
    up.add_argument("--port", type=int, default=0, help="0 takes a free one")
    for made in (run, up):
        made.add_argument(
            "--idle-seconds", type=float, default=0.0, help="endpoints scale to zero after so long; 0: never"
        )
        made.add_argument("--cold-start-seconds", type=float, default=0.0, help="added to a start from zero")
        made.add_argument("--drill", action="append", default=[], choices=drills.DRILLS, help=drills.HELP)
    for name in ("approve", "reject"):
        one = command(name, _decide, f"{name} a model package on the cloud that is up")
        one.add_argument("arn", nargs="?", help="default: the newest that is pending")
        one.set_defaults(status={"approve": "Approved", "reject": "Rejected"}[name])
    invoke = command(
        "invoke", _invoke, "send rows (CSV without a header, from a file or standard input) to an endpoint"
    )
    invoke.add_argument("file", nargs="?", type=argparse.FileType("rb"), default=None, help="default: standard input")
    invoke.add_argument("--stage", choices=("staging", "prod"), default="prod")
    command("status", _status, "show the cloud that is up: packages, stacks and endpoints")
    command("down", _down, "stop the cloud that is up")
    return parser


def _run(options: argparse.Namespace) -> int:
    chosen = settings.load(Path("settings.yaml"))
    root, work, console = Path.cwd(), (Path.cwd() / state.FOLDER), terminal.console()
    with state.alone(work):
        state.clear(work)
        report = Report(work, facts={"project": chosen.project, "region": _region(chosen)})
        processes = Processes()
        try:
            with _cloud(options, work, _region(chosen)) as cloud:
                ask = terminal.asking(console, approve=options.approve)
                project = Project(cloud, root, chosen)
                one = Rehearsal(project, work, report, console, processes, ask, options.data)
                one.run()
                report.show(console)
                console.print(f"report: {report.write().relative_to(root)}", highlight=False)
                if options.keep:
                    _keep(console, cloud)
        except BaseException:
            report.write()
            report.show(console)
            raise
        finally:
            processes.stop()
            if options.report:
                _copy(work, options.report)
    return 0


def _region(chosen: settings.Settings) -> str:
    return os.environ.get("AWS_DEFAULT_REGION") or str(chosen.region)


@contextlib.contextmanager
def _cloud(options: argparse.Namespace, work: Path, region: str) -> Iterator[Cloud]:
    """The cloud that is up, or one for this command."""
    up = state.running(work)
    if up:
        print(f"on the cloud that is up at {up[0]}", flush=True)
        yield Cloud(up[0], up[1])
        return
    with _started(options, work, region, 0) as cloud:
        yield cloud


@contextlib.contextmanager
def _started(options: argparse.Namespace, work: Path, region: str, port: int) -> Iterator[Cloud]:
    begun = time.monotonic()
    print("starting the embedded AWS (moto) ...", flush=True)
    from rehearsal.cloud.cloud import Cloud as Embedded  # its import takes two seconds: only who needs it waits

    shutil.rmtree(work / "cloud", ignore_errors=True)
    chosen = {
        "idle_seconds": options.idle_seconds,
        "cold_start_seconds": options.cold_start_seconds,
        "drills": options.drill,
    }
    with Embedded(work / "cloud", region, port, options=chosen) as embedded:
        state.announce(work, embedded.url, region)
        print(f"embedded AWS at {embedded.url} after {time.monotonic() - begun:.1f} s", flush=True)
        try:
            yield Cloud(embedded.url, region)
        finally:
            state.withdraw(work)


def _keep(console: Console, cloud: Cloud) -> None:
    console.print(
        "the endpoints stay up until Ctrl-C; in another terminal: python -m rehearsal invoke", highlight=False
    )
    terminal.until_stopped()


def _copy(work: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for name in ("report.json", "results/dossier.html", "results/results.json"):
        if (work / name).exists():
            shutil.copy2(work / name, target / Path(name).name)


def _up(options: argparse.Namespace) -> int:
    chosen = settings.load(Path("settings.yaml"))
    work = Path.cwd() / state.FOLDER
    with state.alone(work, "up.lock"):
        if state.running(work):
            raise RehearsalError("a cloud is up here already; see `python -m rehearsal status`")
        with _started(options, work, _region(chosen), options.port) as cloud:
            from rehearsal.cloud.clients import environment

            for name, value in environment(cloud.url, cloud.region).items():
                print(f"export {name}={value}")
            print("until Ctrl-C or `python -m rehearsal down`", flush=True)
            terminal.until_stopped()
    return 0


def _found() -> tuple[Cloud, int]:
    up = state.running(Path.cwd() / state.FOLDER)
    if up is None:
        raise RehearsalError("no cloud is up here; start one with `python -m rehearsal up`, or with `run --keep`")
    return Cloud(up[0], up[1]), up[2]


def _project(cloud: Cloud) -> Project:
    return Project(cloud, Path.cwd(), settings.load(Path("settings.yaml")))


def _decide(options: argparse.Namespace) -> int:
    one = _project(_found()[0])
    newest = one.newest("PendingManualApproval")
    arn = options.arn or (newest["ModelPackageArn"] if newest else None)
    if arn is None:
        raise RehearsalError("no model package is pending; run `python -m rehearsal run` first, or name one")
    one.decide(arn, options.status)
    print(f"{arn} is {options.status}")
    return 0


def _invoke(options: argparse.Namespace) -> int:
    one = _project(_found()[0])
    body = (options.file or sys.stdin.buffer).read()
    print(one.invoke(one.endpoint(options.stage), body), end="")
    return 0


def _status(options: argparse.Namespace) -> int:
    cloud, process = _found()
    one = _project(cloud)
    print(f"embedded AWS at {cloud.url} (process {process})")
    for status in ("PendingManualApproval", "Approved", "Rejected"):
        package = one.newest(status)
        if package:
            print(f"model package {package['ModelPackageArn']}: {status}")
    for stack in cloud.client("cloudformation").describe_stacks()["Stacks"]:
        print(f"stack {stack['StackName']}: {stack['StackStatus']}")
    for endpoint in cloud.client("sagemaker").list_endpoints()["Endpoints"]:
        print(f"endpoint {endpoint['EndpointName']}: {endpoint['EndpointStatus']}")
    return 0


def _down(options: argparse.Namespace) -> int:
    terminal.stop_running(Path.cwd() / state.FOLDER)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
