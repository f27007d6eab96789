"""Step 4: `python -m pipeline COMMAND`: from settings, flow and data to a running SageMaker pipeline.

`run` is what CI calls: validate, upload, upsert, start. It does not wait, since CodeBuild is paid by the minute and the
pipeline goes on without it; `--wait` follows the steps, and makes the exit code that of the pipeline.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from pipeline.aws import names, service
from pipeline.aws.environment import BUILD, Environment
from pipeline.aws.requests import Maker
from pipeline.aws.upload import Plan, execute, plan
from pipeline.data import sources
from pipeline.data.csv_check import check_csv
from pipeline.data.flows import flow_for
from pipeline.data.sources import Source
from pipeline.errors import BAD_INPUT, FAILED, PipelineError
from pipeline.settings.load import load, region
from pipeline.settings.model import Settings

ROOT = Path()
RUN_FILE = Path("build/run.json")


@dataclass(frozen=True)
class Command:
    """What every command gets: the command line, and what was read for it."""

    arguments: argparse.Namespace
    settings: Settings
    environment: Environment

    @property
    def name(self) -> str:
        """The SageMaker pipeline's name."""
        return names.pipeline(self.environment.project_name, self.environment.project_id)

    def client(self, service: str) -> Any:  # noqa: ANN401 (boto3 clients have no type)
        """Return a client; the import takes a moment, which `definition` saves."""
        import boto3

        return boto3.client(service, region_name=self.environment.region)


def definition(command: Command) -> int:
    """Print the pipeline's definition; no upload, no network."""
    print(json.dumps(_definition(command, _plan(command)), indent=2))
    return 0


def validate(command: Command) -> int:
    """Check settings, flows, every request and, where it is at hand, the CSV; no network."""
    _require_valid(command, _plan(command))
    print("settings.yaml, flows and requests are valid")
    location = command.arguments.data or command.settings.data.source
    if location != sources.ADULT and not location.startswith("s3://"):
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
    return _start(command, dict(command.arguments.parameter))


def run(command: Command) -> int:
    """Validate, upload, upsert and start."""
    _require_valid(command, _plan(command))
    _upsert(command, _upload(command))
    return _start(command, dict(command.arguments.parameter))


def status(command: Command) -> int:
    """Show the newest execution's steps."""
    sagemaker = command.client("sagemaker")
    arn = service.latest(sagemaker, command.name)
    execution = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
    print(f"{arn}  {execution['PipelineExecutionStatus']}")
    for step in service.steps(sagemaker, arn):
        print(f"{step.name:<12} {step.status:<10} {step.seconds:8.1f} s  {step.reason}".rstrip())
    return 0


def new_flow(command: Command) -> int:
    """Write a plain flow for a CSV."""
    path, target = command.arguments.csv, command.arguments.output
    table = check_csv(path, command.settings)
    if target.exists() and not command.arguments.force:
        raise PipelineError(f"{target}: exists; choose another --output, or give --force to replace it")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(flow_for(path, table.columns), encoding="utf-8")
    print(f"wrote {target} for {table.rows} rows and {len(table.columns)} columns; open it in Data Wrangler to go on")
    return 0


def find_data(arguments: argparse.Namespace) -> int:
    """Find the input CSV without a check, and print where it is and where it comes from, as JSON."""
    configured = arguments.source or load(ROOT / "settings.yaml").data.source
    source = sources.find(configured, arguments.data, arguments.work)
    print(json.dumps({"location": str(source.location), "origin": source.origin}))
    return 0


def _plan(command: Command, data: Source | None = None) -> Plan:
    source = command.settings.data.source
    known = data or (Source(source, source) if source.startswith("s3://") else None)
    return plan(ROOT, command.settings, command.environment.bucket, known)


def _definition(command: Command, planned: Plan) -> dict[str, Any]:
    from pipeline.definition import build  # with the SDK, which takes a second

    return build(command.settings, command.environment, planned.sources)


def _require_valid(command: Command, planned: Plan) -> None:
    from pipeline.aws.validate import problems

    mistakes = problems(_definition(command, planned))
    if mistakes:
        raise PipelineError("\n".join(mistakes))


def _data(command: Command) -> Source:
    """Find the input CSV, and check it where it is a file."""
    source = sources.find(command.settings.data.source, command.arguments.data, Path("build/data"))
    print(f"data: {source.origin}")
    if isinstance(source.location, Path):
        table = check_csv(source.location, command.settings)
        print(f"data: {table.rows} rows, {len(table.columns)} columns")
        for warning in table.warnings:
            print(f"warning: {source.location.name}: {warning}")
    return source


def _upload(command: Command) -> Plan:
    planned, bucket = _plan(command, _data(command)), command.environment.bucket
    done = execute(command.client("s3"), bucket, planned.uploads, command.settings.security.kms_key)
    print(f"uploaded {len(done)} of {len(planned.uploads)} files to s3://{bucket} (the others are there already)")
    return planned


def _upsert(command: Command, planned: Plan) -> None:
    tags = Maker(command.settings, command.environment).tags
    text = json.dumps(_definition(command, planned))
    print(service.upsert(command.client("sagemaker"), command.name, text, command.environment.role_arn, tags))


def _start(command: Command, changed: dict[str, str]) -> int:
    commit = command.environment.commit or "uncommitted"
    sagemaker, parameters = command.client("sagemaker"), {"Commit": commit, **changed}
    if uri := changed.get("InputDataUri"):  # other data than the definition's default came from elsewhere
        parameters.setdefault("DataOrigin", Source(uri, uri).note)
    arn = service.start(sagemaker, command.name, parameters, f"commit {commit}")
    RUN_FILE.parent.mkdir(parents=True, exist_ok=True)
    RUN_FILE.write_text(json.dumps({"PipelineExecutionArn": arn}) + "\n", encoding="utf-8")
    print(f"started {arn}")
    if command.arguments.wait:
        service.wait(sagemaker, arn, lambda line: print(line, flush=True), command.arguments.poll)
    return 0


FUNCTIONS = (definition, validate, upload, upsert, start, run, status, new_flow)
COMMANDS = {function.__name__.replace("_", "-"): function for function in FUNCTIONS}
OFFLINE = ("definition", "validate", "new-flow")


def _environment(settings: Settings, offline: bool) -> Environment:
    """Read the environment; an offline command does without, and shows a preview's names."""
    environ = {"AWS_DEFAULT_REGION": region(settings), **os.environ}
    if offline and not any(name in environ for name in BUILD if name != "AWS_DEFAULT_REGION"):
        environ |= {
            "SAGEMAKER_PROJECT_NAME": settings.project,
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
    data: dict[str, Any] = {"default": os.environ.get("DATA") or None}
    place = "folder, CSV or s3:// URI"
    for name, function in COMMANDS.items():
        sub = commands.add_parser(name, help=str(function.__doc__).splitlines()[0], description=function.__doc__)
        if name in ("validate", "upload", "upsert", "run"):
            instead = "in the place of settings.yaml's data.source (also: the variable DATA)"
            sub.add_argument("--data", help=f"{place} {instead}", **data)
        if name in ("start", "run"):
            sub.add_argument("--parameter", action="append", default=[], type=_parameter, metavar="NAME=VALUE")
            sub.add_argument("--wait", action="store_true", help="follow the steps; fail when the pipeline fails")
            sub.add_argument("--poll", type=float, default=15.0, help="seconds between two looks (default 15)")
        if name == "new-flow":
            sub.add_argument("csv", type=Path)
            sub.add_argument("--output", type=Path, default=Path("flows/preprocess.flow"))
            sub.add_argument("--force", action="store_true", help="replace the flow that is there")
    find = commands.add_parser("find-data", help=str(find_data.__doc__), description=find_data.__doc__)
    find.add_argument("--data", help=place, **data)
    find.add_argument("--source", help="in the place of settings.yaml's data.source")
    find.add_argument("--work", type=Path, default=Path("build/data"), help="folder for a CSV that has to be made")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return 0, 1 when it failed, or 2 when its input is wrong."""
    options = parse(arguments)
    try:
        if options.command == "find-data":
            return find_data(options)
        settings = load(ROOT / "settings.yaml")
        environment = _environment(settings, options.command in OFFLINE)
        os.environ.setdefault("AWS_DEFAULT_REGION", environment.region)
        return COMMANDS[options.command](Command(options, settings, environment))
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
