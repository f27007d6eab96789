"""Steps 6 to 10 on the command line: `python -m deploy approved | prepare | check | dossier | link`."""

import argparse
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from deploy.approved import find
from deploy.prepare import Release
from deploy.stages import STAGES
from pipeline.aws import names
from pipeline.aws.environment import COMMON, Environment
from pipeline.errors import FAILED, DeployError, PipelineError
from pipeline.settings.load import load

SETTINGS = Path("settings.yaml")
# The check retries by itself, so that throttling is counted; an endpoint answers within 60 s
RUNTIME = Config(retries={"total_max_attempts": 1}, read_timeout=70, connect_timeout=10)
CONSOLES = {"cn": "console.amazonaws.cn", "us-gov": "console.amazonaws-us-gov.com"}
REQUIRED = {"prepare": (*COMMON, "SAGEMAKER_ENDPOINT_ROLE_ARN")}


def approved(environment: Environment, _: argparse.Namespace) -> int:
    """Print the ARN of the model package that would be deployed."""
    group = names.model_package_group(environment.project_name, environment.project_id)
    print(find(boto3.client("sagemaker"), group, environment.model_package_arn).arn)
    return 0


def prepare(environment: Environment, _: argparse.Namespace) -> int:
    """Write build/staging.json, build/prod.json and build/release.json."""
    from deploy import prepare as step

    for path in step.run(load(SETTINGS), environment, boto3.client("sagemaker"), Path()):
        print(path)
    return 0


def check(environment: Environment, arguments: argparse.Namespace) -> int:
    """Test the stage's endpoint; 1 when it is not good enough."""
    release = Release.load()
    from deploy import check as step  # with matplotlib, which takes a second

    clients = step.Clients(
        boto3.client("sagemaker"), boto3.client("sagemaker-runtime", config=RUNTIME), boto3.client("s3")
    )
    results = step.run(load(SETTINGS), clients, environment.bucket, release, arguments.stage, Path())
    for check in results["checks"]:
        print(f"{'met    ' if check['passed'] else 'NOT MET'}  {check['name']}: {check['sentence']}")
    _print_links(environment, release, arguments.stage)
    if not results["passed"]:
        missed = ", ".join(check["name"] for check in results["checks"] if not check["passed"])
        raise DeployError(
            f"{arguments.stage} is not good enough ({missed}); nothing goes further; the dossier shows why; "
            "reject this model package or correct the cause and start the deployment again",
            FAILED,
        )
    return 0


def dossier(environment: Environment, arguments: argparse.Namespace) -> int:
    """Make the dossier anew from the results that the check left in S3."""
    release = Release.load()
    from deploy import check as step
    from deploy import dossier as writer
    from deploy.evidence import gather
    from deploy.storage import Storage

    storage = Storage(boto3.client("s3"))
    prefix = release.prefix(arguments.stage)
    results = storage.json(f"s3://{environment.bucket}/{prefix}results.json")
    evidence = gather(boto3.client("sagemaker"), storage, release.model_package_arn)
    Path("build").mkdir(exist_ok=True)
    html = writer.render(evidence, results)
    step.publish(storage, environment.bucket, prefix, "dossier.html", html, "text/html", Path())
    _print_links(environment, release, arguments.stage)
    return 0


def link(environment: Environment, arguments: argparse.Namespace) -> int:
    """Print shell assignments of DOSSIER_URL and DOSSIER_S3_URI, for the buildspec's exported variables."""
    for name, value in dossier_links(environment, Release.load(), arguments.stage).items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


def dossier_links(environment: Environment, release: Release, stage: str) -> dict[str, str]:
    """Where the dossier stands: a page of the console for people, and its S3 URI."""
    key = f"{release.prefix(stage)}dossier.html"
    region = environment.region
    regional = f"{region}.console.aws.amazon.com"
    host = next((console for start, console in CONSOLES.items() if region.startswith(f"{start}-")), regional)
    return {
        "DOSSIER_URL": f"https://{host}/s3/object/{environment.bucket}?region={region}&prefix={quote(key)}",
        "DOSSIER_S3_URI": f"s3://{environment.bucket}/{key}",
    }


def _print_links(environment: Environment, release: Release, stage: str) -> None:
    for name, value in dossier_links(environment, release, stage).items():
        print(f"{name}={value}")


COMMANDS = {function.__name__: function for function in (approved, prepare, check, dossier, link)}


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m deploy", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)
    for name, command in COMMANDS.items():
        sub = commands.add_parser(name, help=(command.__doc__ or "").strip().rstrip("."))
        if name in ("check", "dossier", "link"):
            sub.add_argument("--stage", choices=STAGES, default=os.environ.get("STAGE") or "staging")
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code: 0 done, 1 failed, 2 bad input."""
    options = parser().parse_args(arguments)
    try:
        return COMMANDS[options.command](Environment.read(os.environ, REQUIRED.get(options.command, COMMON)), options)
    except PipelineError as error:
        return _error(error, error.exit_code)
    except ClientError as error:
        return _error(f"AWS refused {error.operation_name}: {error.response['Error'].get('Message', error)}", FAILED)
    except BotoCoreError as error:
        return _error(f"AWS cannot be reached: {error}; check AWS_DEFAULT_REGION and the credentials", FAILED)


def _error(sentence: Any, exit_code: int) -> int:  # noqa: ANN401
    print(f"error: {sentence}", file=sys.stderr)
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
