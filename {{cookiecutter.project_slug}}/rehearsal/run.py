"""Steps 4 to 10: walk through them as people and AWS would, through boto3 and the real buildspecs."""

import contextlib
import csv
import io
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from rich.console import Console

from pipeline import names, settings, sources
from rehearsal import buildspec, data
from rehearsal.cloud.clients import client, environment
from rehearsal.cloud.errors import RehearsalError
from rehearsal.executor.processes import Processes
from rehearsal.executor.storage import Storage, split
from rehearsal.report import Report, metrics
from rehearsal.stacks import put_stack

PROJECT_ID = "p-rehearsal"
ACCOUNT = "123456789012"
ROWS_SHOWN = 3
ENDED = ("Succeeded", "Failed", "Stopped")


class RejectedError(Exception):
    """The model was rejected; nothing is deployed."""


@dataclass(frozen=True)
class Cloud:
    """Where the rehearsal's AWS is."""

    url: str
    region: str

    def client(self, service: str) -> Any:  # noqa: ANN401 (boto3 clients have no type)
        """A boto3 client for it."""
        return client(self.url, self.region, service)


@dataclass
class Rehearsal:
    """One walk through the steps.

    Attributes:
        root: the repository.
        work: folder for checkouts, logs and results.
        ask: asks a person for `approve` or `reject`; gets the question.
    """

    cloud: Cloud
    root: Path
    work: Path
    settings: settings.Settings
    report: Report
    console: Console
    processes: Processes
    ask: Callable[[str], str]
    given: str | None = None

    @property
    def project(self) -> str:
        """The SageMaker project's name."""
        return str(self.settings.project)

    def run(self) -> None:
        """Do steps 4 to 10.

        Raises:
            RejectedError: when a person rejected the model or the prod stage.
            RehearsalError: when a step failed.
        """
        arn = self.train()
        self.approve(arn)
        released = self.prepare(arn)
        self.deploy(7, "staging", released)
        self.check(released)
        self.results(arn)
        self.deploy(10, "prod", released, arn)

    def environment(self, **more: str) -> dict[str, str]:
        """The variables that the product's CodeBuild projects have."""
        role = f"arn:aws:iam::{ACCOUNT}:role/sagemaker-{self.project}-{PROJECT_ID}"
        return {
            **environment(self.cloud.url, self.cloud.region),
            "SAGEMAKER_PROJECT_NAME": self.project,
            "SAGEMAKER_PROJECT_ID": PROJECT_ID,
            "SAGEMAKER_PIPELINE_ROLE_ARN": f"{role}-pipeline",
            "SAGEMAKER_ENDPOINT_ROLE_ARN": f"{role}-endpoint",
            "ARTIFACT_BUCKET": names.bucket(PROJECT_ID),
            "CODEBUILD_RESOLVED_SOURCE_VERSION": commit(self.root),
            **more,
        }

    def provision(self) -> None:
        """Make what steps 1 to 3 leave behind: the project's bucket and roles; twice is no error."""
        s3, iam = self.cloud.client("s3"), self.cloud.client("iam")
        place = {"LocationConstraint": self.cloud.region}
        bucket = names.bucket(PROJECT_ID)
        with contextlib.suppress(s3.exceptions.BucketAlreadyOwnedByYou):
            s3.create_bucket(
                Bucket=bucket, **({} if self.cloud.region == "us-east-1" else {"CreateBucketConfiguration": place})
            )
        trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        for job in ("pipeline", "endpoint"):
            with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
                iam.create_role(
                    RoleName=f"sagemaker-{self.project}-{PROJECT_ID}-{job}", AssumeRolePolicyDocument=document
                )

    def build(self, name: str, source: Path, artifact: Path | None = None, **more: str) -> buildspec.Build:
        """Run one of the buildspecs.

        Raises:
            RehearsalError: when it failed, with its last words and its log.
        """
        log = self.work / "logs" / f"{name}.log"
        self.say(f"buildspecs/{name}.yml runs; its log is {_short(log, self.root)}")
        spec = buildspec.read(source / "buildspecs" / f"{name}.yml")
        done = buildspec.run(spec, source, log, self.environment(**more), self.processes, artifact)
        if not done.succeeded:
            raise RehearsalError(f"buildspecs/{name}.yml: {done.reason} (log: {_short(log, self.root)})")
        return done

    def train(self) -> str:
        """Step 4: build, train, evaluate, gate, register; give the model package's ARN."""
        with self.report.step(4) as step:
            self.head(4)
            self.provision()
            given = self.find_data()
            checkout = buildspec.checkout(self.root, self.work / "checkout-build")
            self.build("build", checkout, None, **({"DATA": given} if given else {}))
            self.follow(step.parts)
            package = self.newest("PendingManualApproval")
            if package is None:
                raise RehearsalError("the pipeline succeeded and registered no model package; see build/rehearsal/logs")
            step.evidence = package["ModelPackageArn"]
            self.note_facts(step.evidence)
        return step.evidence

    def find_data(self) -> str:
        """Find out what the pipeline will train on, and say so; give DATA for the build, or an empty text."""
        source = self.settings.data.source
        given = self.given or ("" if source == sources.ADULT else source)
        if given == data.NAME:
            given = str(data.write(self.work / data.NAME))
        elif given and not given.startswith("s3://"):
            given = str(Path(given).expanduser().resolve())
        try:
            origin = sources.find(source, given or None, self.work / "data").origin
        except sources.UnreachableError:
            self.say("UCI Adult is neither given (DATA=folder) nor cached nor to be downloaded")
            given = str(data.write(self.work / data.NAME))
            origin = sources.find(source, given, self.work / "data").origin
        self.report.facts["data"] = {"synthetic": origin == data.NOTICE, "origin": origin}
        self.say(f"data: {origin}")
        return given

    def note_facts(self, arn: str) -> None:
        """Take metrics and engine for the report from what was registered."""
        noted = self.cloud.client("sagemaker").describe_model_package(ModelPackageName=arn)
        evaluation = self.read_json(noted["CustomerMetadataProperties"]["EvaluationUri"], "evaluation.json")
        self.report.facts["metrics"] = metrics(evaluation)
        self.report.facts["held_out_rows"] = evaluation.get("rows")
        self.report.facts["engine"] = noted["InferenceSpecification"]["Containers"][0].get("Image", "")
        shown = ", ".join(
            f"{key} {value:.4f}" for key, value in self.report.facts["metrics"].items() if value is not None
        )
        self.say(f"registered {arn}: {shown} on {evaluation.get('rows')} held-out rows")

    def approve(self, arn: str) -> None:
        """Step 5: a person decides."""
        with self.report.step(5) as step:
            self.head(5)
            if self.ask(f"Approve {arn}?") != "approve":
                self.decide(arn, "Rejected")
                step.evidence = f"{arn} is Rejected"
                raise RejectedError(f"{arn} was rejected; nothing is deployed")
            self.decide(arn, "Approved")
            step.evidence = f"{arn} is Approved"

    def decide(self, arn: str, status: str) -> None:
        """Set a package's approval status."""
        said = f"{status} in the rehearsal"
        self.cloud.client("sagemaker").update_model_package(
            ModelPackageArn=arn, ModelApprovalStatus=status, ApprovalDescription=said
        )

    def prepare(self, arn: str) -> Path:
        """Step 6: the approval of this ARN, and no other, starts the deployment; give the folder of its artifact."""
        with self.report.step(6) as step:
            self.head(6)
            artifact = self.work / "artifact"
            self.build(
                "prepare",
                buildspec.checkout(self.root, self.work / "checkout-prepare"),
                artifact,
                MODEL_PACKAGE_ARN=arn,
            )
            release = json.loads((artifact / "build" / "release.json").read_text(encoding="utf-8"))
            if release["model_package_arn"] != arn:
                raise RehearsalError(f"{release['model_package_arn']} would be deployed, not the approved {arn}")
            step.evidence = _short(artifact / "build" / "release.json", self.root)
        return artifact

    def deploy(self, number: int, stage: str, artifact: Path, arn: str = "") -> None:
        """Steps 7 and 10: create or update the stage's stack, as CodePipeline's CloudFormation action does."""
        with self.report.step(number) as step:
            self.head(number)
            configuration = json.loads((artifact / "build" / f"{stage}.json").read_text(encoding="utf-8"))
            template = (artifact / "deploy" / "endpoint.yaml").read_text(encoding="utf-8")
            stack = names.deploy_stack(self.project, PROJECT_ID, stage)
            self.say(f"CloudFormation stack {stack}")
            outputs = put_stack(self.cloud, stack, template, configuration, self.say)
            endpoint = self.cloud.client("sagemaker").describe_endpoint(EndpointName=outputs["EndpointName"])
            step.evidence = endpoint["EndpointArn"]
            if arn:
                step.evidence += f" answered {self.invoke(outputs['EndpointName'], arn)} real rows"

    def check(self, artifact: Path) -> None:
        """Step 8: the automated test of staging."""
        with self.report.step(8) as step:
            self.head(8)
            source = self.work / "checkout-check"
            shutil.rmtree(source, ignore_errors=True)
            shutil.copytree(artifact, source)
            try:
                done = self.build("check", source, STAGE="staging")
                step.evidence = done.exported.get("DOSSIER_S3_URI", "") or _short(done.log, self.root)
            finally:
                for name in ("results.json", "dossier.html"):
                    if (source / "build" / name).exists():
                        shutil.copy2(source / "build" / name, self.work / name)

    def results(self, arn: str) -> None:
        """Step 9: results and dossier stand in S3; a person looks at them and decides about prod."""
        with self.report.step(9) as step:
            self.head(9)
            version = arn.rpartition("/")[2]
            target = self.work / "results"
            shutil.rmtree(target, ignore_errors=True)
            Storage(self.cloud.client("s3")).download(
                f"s3://{names.bucket(PROJECT_ID)}/releases/{version}/staging/", target
            )
            dossier = target / "dossier.html"
            if not dossier.exists():
                raise RehearsalError("the check wrote no dossier.html to S3; see logs/check.log")
            step.evidence = _short(dossier, self.root)
            self.say(f"open {step.evidence} in a browser")
            if self.ask("Deploy to prod?") != "approve":
                raise RejectedError("prod was rejected; staging stays as it is")

    def invoke(self, endpoint: str, arn: str) -> int:
        """Send held-out rows through sagemaker-runtime; show the answers; give how many there were."""
        rows = self.held_out(arn)
        body = "".join(_line(features) for features, _ in rows).encode()
        answer = self.cloud.client("sagemaker-runtime").invoke_endpoint(
            EndpointName=endpoint, ContentType="text/csv", Accept="text/csv", Body=body
        )
        answered = list(csv.reader(io.StringIO(answer["Body"].read().decode())))
        if len(answered) != len(rows):
            raise RehearsalError(f"endpoint {endpoint} gave {len(answered)} answers to {len(rows)} rows")
        for (features, actual), got in zip(rows, answered, strict=True):
            self.say(f"{','.join(features)[:70]}... -> {got[0]} (actual {actual})")
        return len(answered)

    def held_out(self, arn: str) -> list[tuple[list[str], str]]:
        """The first held-out rows, without the target, and their targets."""
        package = self.cloud.client("sagemaker").describe_model_package(ModelPackageName=arn)
        uri = package["CustomerMetadataProperties"]["TestDataUri"]
        storage = Storage(self.cloud.client("s3"))
        bucket, _ = split(uri)
        key = next(key for key in storage.keys(uri) if key.endswith(".csv"))
        lines = csv.reader(io.StringIO(storage.text(f"s3://{bucket}/{key}")))
        target = next(lines).index(self.settings.target_column)
        chosen = [line for _, line in zip(range(ROWS_SHOWN), lines, strict=False)]
        return [([*line[:target], *line[target + 1 :]], line[target]) for line in chosen]

    def newest(self, status: str) -> Mapping[str, Any] | None:
        """The package of this status that was registered last."""
        group = names.model_package_group(self.project, PROJECT_ID)
        try:
            found = self.cloud.client("sagemaker").list_model_packages(
                ModelPackageGroupName=group, ModelApprovalStatus=status, SortBy="CreationTime", SortOrder="Descending"
            )["ModelPackageSummaryList"]
        except ClientError:
            return None
        return found[0] if found else None

    def executions(self) -> list[Mapping[str, Any]]:
        """The pipeline's executions, the newest first."""
        name = names.pipeline(self.project, PROJECT_ID)
        with contextlib.suppress(ClientError):
            return list(
                self.cloud.client("sagemaker").list_pipeline_executions(PipelineName=name)["PipelineExecutionSummaries"]
            )
        return []

    def pipeline_steps(self) -> list[Mapping[str, Any]]:
        """The steps of the newest execution, in the order in which they started."""
        found = self.executions()
        if not found:
            return []
        arn = found[0]["PipelineExecutionArn"]
        answer = self.cloud.client("sagemaker").list_pipeline_execution_steps(
            PipelineExecutionArn=arn, SortOrder="Ascending"
        )
        return list(answer["PipelineExecutionSteps"])

    def failure(self) -> str:
        """Why the newest execution failed; empty when it did not."""
        failed = [step for step in self.pipeline_steps() if step["StepStatus"] == "Failed"]
        return f"pipeline step {failed[0]['StepName']}: {failed[0].get('FailureReason', 'failed')}" if failed else ""

    def follow(self, parts: list[dict[str, Any]]) -> None:
        """Show the steps of the execution that the build started until it has ended; leave them in `parts`.

        Raises:
            RehearsalError: when it did not succeed.
        """
        seen: dict[str, str] = {}
        try:
            while (status := self.executions()[0]["PipelineExecutionStatus"]) not in ENDED:
                self.show_steps(seen)
                time.sleep(0.3)
        finally:
            self.show_steps(seen)
            parts.extend(_part(step) for step in self.pipeline_steps())
        if status != "Succeeded":
            raise RehearsalError(self.failure() or f"the pipeline execution {status.lower()}")

    def show_steps(self, seen: dict[str, str]) -> None:
        """Print the pipeline's steps whose status is new."""
        for step in self.pipeline_steps():
            status = step["StepStatus"]
            if seen.get(step["StepName"]) != status:
                seen[step["StepName"]] = status
                part = _part(step)
                note = f" ({part['note']})" if part.get("note") else ""
                self.say(f"  {step['StepName']:12} {status.lower():10} {part['seconds']:6.1f} s{note}")

    def read_json(self, uri: str, name: str) -> Any:  # noqa: ANN401 (JSON)
        """Read a report that a package points to, by its own URI or its folder's."""
        whole = uri if uri.endswith(".json") else f"{uri.rstrip('/')}/{name}"
        return json.loads(Storage(self.cloud.client("s3")).text(whole))

    def head(self, number: int) -> None:
        """Say which step begins."""
        self.console.print(f"Step {number}: {self.report.steps[-1].name}", style="bold", highlight=False)

    def say(self, text: str) -> None:
        """Say what is happening, with the seconds since the start."""
        elapsed = time.monotonic() - self.report.started
        self.console.print(f"  [{elapsed:6.1f} s] {text}", markup=False, highlight=False, soft_wrap=True)


def _part(step: Mapping[str, Any]) -> dict[str, Any]:
    ended = step.get("EndTime")
    seconds = (ended - step["StartTime"]).total_seconds() if ended else time.time() - step["StartTime"].timestamp()
    part = {"name": step["StepName"], "status": step["StepStatus"].lower(), "seconds": round(max(0.0, seconds), 2)}
    outcome = step.get("Metadata", {}).get("Condition", {}).get("Outcome")
    cached = (
        "used again from " + step["CacheHitResult"]["SourcePipelineExecutionArn"] if "CacheHitResult" in step else ""
    )
    note = step.get("FailureReason") or cached or (f"outcome {outcome}" if outcome else "")
    return {**part, **({"note": note} if note else {})}


def _line(cells: list[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(cells)
    return buffer.getvalue()


def commit(root: Path) -> str:
    """The commit that is rehearsed; `uncommitted` without Git or with changes."""
    head, changed = _git(root, "rev-parse", "HEAD"), _git(root, "status", "--porcelain")
    return head if head and changed == "" else "uncommitted"


def _git(root: Path, *arguments: str) -> str | None:
    git = shutil.which("git")
    if not git or not (root / ".git").exists():
        return None
    done = subprocess.run([git, "-C", str(root), *arguments], capture_output=True, text=True, check=False)  # noqa: S603
    return None if done.returncode else done.stdout.strip()


def _short(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


def ask_person(question: str) -> str:
    """Ask on the terminal, or read a line from a pipe.

    Raises:
        RehearsalError: when nobody can answer.
    """
    while True:
        print(f"  {question} [approve/reject] ", end="", flush=True)
        answer = sys.stdin.readline()
        if not answer:
            raise RehearsalError(
                "nobody is here to approve; run it in a terminal, or give the approvals with --approve"
            )
        word = answer.strip().lower()
        if word in ("approve", "a", "y", "yes"):
            return "approve"
        if word in ("reject", "r", "n", "no"):
            return "reject"
