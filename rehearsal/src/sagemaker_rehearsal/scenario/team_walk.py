"""Steps 4 to 10: walk through them as people and AWS would, through boto3 and the real buildspecs."""

import csv
import io
import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from sagemaker_rehearsal.codebuild import buildspec
from sagemaker_rehearsal.pipelines.storage import Storage
from sagemaker_rehearsal.processes import Processes
from sagemaker_rehearsal.scenario import input_data, synthetic_data
from sagemaker_rehearsal.scenario.report import Report, metrics
from sagemaker_rehearsal.scenario.stacks import put_stack
from sagemaker_rehearsal.scenario.team_project import Project
from sagemaker_rehearsal.scenario.terminal import RejectedError
from sagemaker_rehearsal.scenario.watch import Watch
from sagemaker_rehearsal.server.errors import RehearsalError

ROWS_SHOWN = 3


@dataclass
class Rehearsal:
    """One walk through the steps.

    Attributes:
        work: folder for checkouts, logs and results.
        ask: asks a person for `approve` or `reject`; gets the question.
    """

    project: Project
    work: Path
    report: Report
    console: Console
    processes: Processes
    ask: Callable[[str], str]
    given: str | None = None

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

    def build(self, name: str, source: Path, artifact: Path | None = None, **more: str) -> buildspec.Build:
        """Run one of the buildspecs.

        Raises:
            RehearsalError: when it failed, with its last words and its log.
        """
        log = self.work / "logs" / f"{name}.log"
        self.say(f"buildspecs/{name}.yml runs; its log is {_short(log, self.project.root)}")
        spec = buildspec.read(source / "buildspecs" / f"{name}.yml")
        done = buildspec.run(spec, source, log, self.project.environment(**more), self.processes, artifact)
        if not done.succeeded:
            raise RehearsalError(f"buildspecs/{name}.yml: {done.reason} (log: {_short(log, self.project.root)})")
        return done

    def train(self) -> str:
        """Step 4: build, train, evaluate, gate, register; give the model package's ARN."""
        with self.report.step(4) as step:
            self.head(4)
            self.project.provision()
            given, origin = input_data.find(
                self.project.root, self.given, self.work, self.say, self.project.settings.source
            )
            self.report.facts["data"] = {"synthetic": origin == synthetic_data.NOTICE, "origin": origin}
            checkout = buildspec.checkout(self.project.root, self.work / "checkout-build")
            self.build("build", checkout, None, **({"DATA": given} if given else {}))
            sagemaker = self.project.cloud.client("sagemaker")
            Watch(sagemaker, self.project.pipeline(), self.say).follow(step.parts)
            package = self.project.newest("PendingManualApproval")
            if package is None:
                raise RehearsalError("the pipeline succeeded and registered no model package; see build/rehearsal/logs")
            step.evidence = package["ModelPackageArn"]
            self.note_facts(step.evidence)
        return step.evidence

    def note_facts(self, arn: str) -> None:
        """Take metrics and engine for the report from what was registered."""
        noted, evaluation = self.project.described(arn), self.project.evaluation(arn)
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
                self.project.decide(arn, "Rejected")
                step.evidence = f"{arn} is Rejected"
                raise RejectedError(f"{arn} was rejected; nothing is deployed")
            self.project.decide(arn, "Approved")
            step.evidence = f"{arn} is Approved"

    def prepare(self, arn: str) -> Path:
        """Step 6: the approval of this ARN, and no other, starts the deployment; give the folder of its artifact."""
        with self.report.step(6) as step:
            self.head(6)
            artifact = self.work / "artifact"
            self.build(
                "prepare",
                buildspec.checkout(self.project.root, self.work / "checkout-prepare"),
                artifact,
                MODEL_PACKAGE_ARN=arn,
            )
            release = json.loads((artifact / "build" / "release.json").read_text(encoding="utf-8"))
            if release["model_package_arn"] != arn:
                raise RehearsalError(f"{release['model_package_arn']} would be deployed, not the approved {arn}")
            step.evidence = _short(artifact / "build" / "release.json", self.project.root)
        return artifact

    def deploy(self, number: int, stage: str, artifact: Path, arn: str = "") -> None:
        """Steps 7 and 10: create or update the stage's stack, as CodePipeline's CloudFormation action does."""
        with self.report.step(number) as step:
            self.head(number)
            configuration = json.loads((artifact / "build" / f"{stage}.json").read_text(encoding="utf-8"))
            template = (artifact / "deploy" / "endpoint.yaml").read_text(encoding="utf-8")
            stack = self.project.stack(stage)
            self.say(f"CloudFormation stack {stack}")
            outputs = put_stack(self.project.cloud, stack, template, configuration, self.say)
            endpoint = self.project.cloud.client("sagemaker").describe_endpoint(EndpointName=outputs["EndpointName"])
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
                step.evidence = done.exported.get("DOSSIER_S3_URI", "") or _short(done.log, self.project.root)
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
            storage = Storage(self.project.cloud.client("s3"))
            storage.download(f"s3://{self.project.bucket}/releases/{version}/staging/", target)
            dossier = target / "dossier.html"
            if not dossier.exists():
                raise RehearsalError("the check wrote no dossier.html to S3; see logs/check.log")
            step.evidence = _short(dossier, self.project.root)
            self.say(f"open {step.evidence} in a browser")
            if self.ask("Deploy to prod?") != "approve":
                raise RejectedError("prod was rejected; staging stays as it is")

    def invoke(self, endpoint: str, arn: str) -> int:
        """Send held-out rows through sagemaker-runtime; show the answers; give how many there were."""
        rows, body = self.project.held_out(arn, ROWS_SHOWN), io.StringIO()
        csv.writer(body, lineterminator="\n").writerows(features for features, _ in rows)
        answered = list(csv.reader(io.StringIO(self.project.invoke(endpoint, body.getvalue().encode()))))
        if len(answered) != len(rows):
            raise RehearsalError(f"endpoint {endpoint} gave {len(answered)} answers to {len(rows)} rows")
        for (features, actual), got in zip(rows, answered, strict=True):
            self.say(f"{','.join(features)[:70]}... -> {got[0]} (actual {actual})")
        return len(answered)

    def head(self, number: int) -> None:
        """Say which step begins."""
        self.console.print(f"Step {number}: {self.report.steps[-1].name}", style="bold", highlight=False)

    def say(self, text: str) -> None:
        """Say what is happening, with the seconds since the start."""
        elapsed = time.monotonic() - self.report.started
        self.console.print(f"  [{elapsed:6.1f} s] {text}", markup=False, highlight=False, soft_wrap=True)


def _short(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
