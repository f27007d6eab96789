"""Step 4: `python -m pipeline COMMAND`: from settings, flow and data to a running SageMaker pipeline.

`run` is what CI calls: validate, upload, upsert, start. It does not wait, since CodeBuild is paid by the minute and the
pipeline goes on without it; `--wait` follows the steps, and makes the exit code that of the pipeline.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from pipeline import names, settings, sources
from pipeline.environment import BUILD, Environment
from pipeline.errors import BAD_INPUT, FAILED, PipelineError
from pipeline.settings_model import Settings
from pipeline.sources import Source

ROOT = Path()
RUN_FILE = Path("build/run.json")


@dataclass(frozen=True)
class Command:
    """What every command gets: the command line, and what was read for it."""

    given: argparse.Namespace
    settings: Settings
    environment: Environment

    @property
    def name(self) -> str:
        """The SageMaker pipeline's name."""
        return names.pipeline(self.environment.project_name, self.environment.project_id)

    def client(self, service: str) -> Any:  # noqa: ANN401 (boto3 clients have no type)
        """Make a client; the import takes a moment, which `definition` saves."""
        import boto3

        return boto3.client(service, region_name=self.environment.region)


def definition(command: Command) -> int:
    """Print the pipeline's definition; nothing is uploaded, nobody is asked."""
    print(json.dumps(_definition(command, _plan(command)), indent=2))
    return 0


def validate(command: Command) -> int:
    """Check settings, flows, every request and, where it is at hand, the CSV; nobody is asked."""
    found = _plan(command)
    _require_valid(command, found)
    print("settings.yaml, flows and requests are valid")
    given = command.given.data or command.settings.data.source
    if given != "uci-adult" and not given.startswith("s3://"):
        _data(command)
    return 0


def upload(command: Command) -> int:
    """Check the CSV and upload flow, scripts and data."""
    _upload(command)
    return 0


def upsert(command: Command) -> int:
    """Create or update the pipeline, with the uploaded data as the default of InputDataUri."""
    _upsert(command, _upload(command))
    return 0


def start(command: Command) -> int:
    """Start the pipeline as it is in the account."""
    return _start(command, dict(command.given.parameter))


def run(command: Command) -> int:
    """Validate, upload, upsert and start."""
    _require_valid(command, _plan(command))
    _upsert(command, _upload(command))
    return _start(command, dict(command.given.parameter))


def status(command: Command) -> int:
    """Show the newest execution's steps."""
    from pipeline import service

    sagemaker = command.client("sagemaker")
    arn = service.latest(sagemaker, command.name)
    described = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
    print(f"{arn}  {described['PipelineExecutionStatus']}")
    for step in service.steps(sagemaker, arn):
        print(f"{step.name:<12} {step.status:<10} {step.seconds:8.1f} s  {step.reason}".rstrip())
    return 0


def new_flow(command: Command) -> int:
    """Write a plain flow for a CSV."""
    from pipeline import csv_check
    from pipeline.new_flow import flow_for

    path, target = command.given.csv, command.given.output
    found = csv_check.check_csv(path, command.settings)
    if target.exists() and not command.given.force:
        raise PipelineError(f"{target}: exists; choose another --output, or give --force to replace it")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(flow_for(path, found.columns), encoding="utf-8")
    print(f"wrote {target} for {found.rows} rows and {len(found.columns)} columns; open it in Data Wrangler to go on")
    return 0


def find_data(given: argparse.Namespace) -> int:
    """Find the input CSV without a check, and print where it is and where it comes from, as JSON."""
    source = given.source or settings.load(ROOT / "settings.yaml").data.source
    found = sources.find(source, given.data, given.work)
    print(json.dumps({"location": str(found.location), "origin": found.origin}))
    return 0


def _plan(command: Command, data: Source | None = None) -> Any:  # noqa: ANN401
    from pipeline.upload import plan

    source = command.settings.data.source
    known = data or (Source(source, source) if source.startswith("s3://") else None)
    return plan(ROOT, command.settings, command.environment.bucket, known)


def _definition(command: Command, found: Any) -> dict[str, Any]:  # noqa: ANN401
    from pipeline.definition import build

    return build(command.settings, command.environment, found.sources)


def _require_valid(command: Command, found: Any) -> None:  # noqa: ANN401
    from pipeline.validate import problems

    wrong = problems(_definition(command, found))
    if wrong:
        raise PipelineError("\n".join(wrong))


def _data(command: Command) -> Source:
    """Find the input CSV, and check it where it is a file."""
    from pipeline import csv_check

    source = sources.find(command.settings.data.source, command.given.data, Path("build/data"))
    print(f"data: {source.origin}")
    if isinstance(source.location, Path):
        found = csv_check.check_csv(source.location, command.settings)
        print(f"data: {found.rows} rows, {len(found.columns)} columns")
        for warning in found.warnings:
            print(f"warning: {source.location.name}: {warning}")
    return source


def _upload(command: Command) -> Any:  # noqa: ANN401
    from pipeline.upload import execute

    found, bucket = _plan(command, _data(command)), command.environment.bucket
    done = execute(command.client("s3"), bucket, found.uploads, command.settings.security.kms_key)
    print(f"uploaded {len(done)} of {len(found.uploads)} files to s3://{bucket} (the others are there already)")
    return found


def _upsert(command: Command, found: Any) -> None:  # noqa: ANN401
    from pipeline import service
    from pipeline.requests import Maker

    tags = Maker(command.settings, command.environment).tags
    text = json.dumps(_definition(command, found))
    print(service.upsert(command.client("sagemaker"), command.name, text, command.environment.role_arn, tags))


def _start(command: Command, parameters: dict[str, str]) -> int:
    from pipeline import service

    commit = command.environment.commit or "uncommitted"
    sagemaker, given = command.client("sagemaker"), {"Commit": commit, **parameters}
    if uri := parameters.get("InputDataUri"):  # other data than the definition's default came from elsewhere
        given.setdefault("DataOrigin", Source(uri, uri).note)
    arn = service.start(sagemaker, command.name, given, f"commit {commit}")
    RUN_FILE.parent.mkdir(parents=True, exist_ok=True)
    RUN_FILE.write_text(json.dumps({"PipelineExecutionArn": arn}) + "\n", encoding="utf-8")
    print(f"started {arn}")
    if command.given.wait:
        service.wait(sagemaker, arn, lambda line: print(line, flush=True), command.given.poll)
    return 0


COMMANDS: dict[str, Callable[[Command], int]] = {
    "definition": definition,
    "validate": validate,
    "upload": upload,
    "upsert": upsert,
    "start": start,
    "run": run,
    "status": status,
    "new-flow": new_flow,
}
OFFLINE = ("definition", "validate", "new-flow")


def _environment(found: Settings, offline: bool) -> Environment:
    """Read the environment; a command that asks nobody does without, and shows a preview's names."""
    environ = {"AWS_DEFAULT_REGION": settings.region(found), **os.environ}
    if offline and not any(name in environ for name in BUILD if name != "AWS_DEFAULT_REGION"):
        environ |= {
            "SAGEMAKER_PROJECT_NAME": found.project,
            "SAGEMAKER_PROJECT_ID": "p-preview",
            "SAGEMAKER_PIPELINE_ROLE_ARN": f"arn:aws:iam::{0:012}:role/preview",
            "ARTIFACT_BUCKET": names.bucket("p-preview"),
        }
    return Environment.read(environ, BUILD)


def _parameter(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"got {text!r}; must be NAME=VALUE, such as GateThreshold=0.85")
    return name, value


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m pipeline", description="Train, gate and register a model.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, function in COMMANDS.items():
        one = commands.add_parser(name, help=str(function.__doc__).splitlines()[0], description=function.__doc__)
        if name in ("validate", "upload", "upsert", "run"):
            data = "folder, CSV or s3:// URI in the place of settings.yaml's data.source (also: the variable DATA)"
            one.add_argument("--data", default=os.environ.get("DATA") or None, help=data)
        if name in ("start", "run"):
            one.add_argument("--parameter", action="append", default=[], type=_parameter, metavar="NAME=VALUE")
            one.add_argument("--wait", action="store_true", help="follow the steps; fail when the pipeline fails")
            one.add_argument("--poll", type=float, default=15.0, help="seconds between two looks (default 15)")
        if name == "new-flow":
            one.add_argument("csv", type=Path)
            one.add_argument("--output", type=Path, default=Path("flows/preprocess.flow"))
            one.add_argument("--force", action="store_true", help="replace the flow that is there")
    find = commands.add_parser("find-data", help=str(find_data.__doc__), description=find_data.__doc__)
    find.add_argument("--data", default=os.environ.get("DATA") or None, help="folder, CSV or s3:// URI")
    find.add_argument("--source", help="in the place of settings.yaml's data.source")
    find.add_argument("--work", type=Path, default=Path("build/data"), help="folder for a CSV that has to be made")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return 0, 1 when it failed, or 2 when what it was given is wrong."""
    given = parse(arguments)
    try:
        if given.command == "find-data":
            return find_data(given)
        found = settings.load(ROOT / "settings.yaml")
        environment = _environment(found, given.command in OFFLINE)
        os.environ.setdefault("AWS_DEFAULT_REGION", environment.region)
        return COMMANDS[given.command](Command(given, found, environment))
    except PipelineError as error:
        for line in str(error).splitlines():
            print(f"error: {line}", file=sys.stderr)
        return error.exit_code
    except (BotoCoreError, ClientError) as error:
        print(f"error: AWS: {error}; check credentials, region and the role's permissions", file=sys.stderr)
        return FAILED
    except OSError as error:
        print(f"error: {error}; check the path and its permissions", file=sys.stderr)
        return BAD_INPUT


if __name__ == "__main__":
    sys.exit(main())
