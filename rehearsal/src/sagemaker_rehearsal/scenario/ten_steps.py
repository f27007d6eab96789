"""Steps 1 to 10: walk through them as people do, through the public APIs; what happens in between happens by itself."""

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sagemaker_rehearsal.scenario import personas, waiters
from sagemaker_rehearsal.scenario import status as look
from sagemaker_rehearsal.scenario.project import Project
from sagemaker_rehearsal.scenario.report import Report, metrics
from sagemaker_rehearsal.scenario.terminal import RejectedError
from sagemaker_rehearsal.scenario.watch import Watch
from sagemaker_rehearsal.server import clients
from sagemaker_rehearsal.server.errors import RehearsalError

ROWS_SHOWN = 3
# AWS recommends the first for most use cases: https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-projects-templates-custom.html
ROUTES = ("s3", "service-catalog")
VISIBLE = {"Key": "sagemaker:studio-visibility", "Value": "true"}
NAMES = {
    1: "Publish the product",
    2: "Create a project",
    3: "Provision it, seed its repository",
    4: "Train, evaluate, gate, register",
    5: "Approve the model",
    6: "Approval starts the deployment",
    7: "Staging endpoint",
    8: "Test of staging",
    9: "Results and approval for prod",
    10: "Prod endpoint answers",
}


@dataclass
class Walk:
    """One walk through the ten steps.

    Attributes:
        who: the people, with their clients.
        work: folder for logs and results.
        report: is filled step by step.
        ask: asks a person for `approve` or `reject`; gets the question.
        say: shows a line.
        head: shows the beginning of a step.
        template: the template's clone, whose `catalog.publish` publishes.
        answers: parameters of the product that are not to have their defaults.
        route: `s3` or `service-catalog`: by which of the two the project is made.
        done: ids of the executions that earlier steps waited for.
    """

    who: personas.People
    work: Path
    report: Report
    ask: Callable[[str], str]
    say: Callable[[str], None]
    head: Callable[[str], None]
    template: Path = field(default_factory=Path.cwd)
    answers: Mapping[str, str] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    route: str = ROUTES[0]

    def run(self, name: str) -> Project:
        """Walk all ten steps for a new project.

        Raises:
            RejectedError: when a person rejected the model or the prod stage.
            RehearsalError: when a step failed.
        """
        product, outputs = self.publish()
        project = self.create_from_s3(outputs, name) if self.route == "s3" else self.create(product, name)
        self.seed(project)
        self.appoint(project)
        package = self.train(project)
        self.approve(package)
        execution = self.start_of_deployment(project, package)
        self.staging(project, execution)
        self.check(project, execution, package)
        self.results(project, execution, package)
        self.production(project, execution, package)
        return project

    def publish(self) -> tuple[str, dict[str, str]]:
        """Step 1: operations publish the product, and equip the Studio role; give its id and the stack's outputs."""
        with self._step(1) as step:
            self.who.arrive()
            log = self.work / "logs" / "publish.log"
            self.say(f"python -m catalog.publish apply; its log is {shown(log)}")
            command = [sys.executable, "-m", "catalog.publish", "apply", "--dirty"]
            command += ["--parameter", f"StudioRoleArns={self.who.role_arn(personas.STUDIO)}"]
            run(command, self.template, log, clients.environment(self.who.url, self.who.region))
            found = self.who.studio("servicecatalog").search_products()["ProductViewSummaries"]
            if not found:
                raise RehearsalError(f"no product is offered to the Studio role after publishing; see {shown(log)}")
            step.evidence = f"{found[0]['Name']} ({found[0]['ProductId']})"
            stack = self.who.ops("cloudformation").describe_stacks(StackName="sagemaker-autopilot-catalog")["Stacks"][0]
            outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
            self.who.equip(outputs["StudioPolicyArn"])
            self.say(f"operations attach {outputs['StudioPolicyArn']} to the Studio role")
            return str(found[0]["ProductId"]), outputs

    def create_from_s3(self, outputs: Mapping[str, str], name: str) -> Project:
        """Step 2: a lead creates a project from the template that Studio lists in S3, under the launch role."""
        with self._step(2) as step:
            bucket, _, prefix = outputs["StudioTemplates"].removeprefix("s3://").partition("/")
            key = self._listed(bucket, prefix)
            provider = {
                "TemplateName": key.rpartition("/")[2].partition(".")[0],
                "TemplateURL": f"https://{bucket}.s3.{self.who.region}.amazonaws.com/{key}",
                "RoleARN": outputs["LaunchRoleArn"],
                "Parameters": [{"Key": key, "Value": value} for key, value in self.answers.items()],
            }
            made = self.who.studio("sagemaker").create_project(
                ProjectName=name, TemplateProviders=[{"CfnTemplateProvider": provider}]
            )
            step.evidence = made["ProjectArn"]
            self.say(f"{made['ProjectArn']} from {provider['TemplateURL']}")
            return Project(name, made["ProjectId"], self.who.region)

    def _listed(self, bucket: str, prefix: str) -> str:
        """Give the key of the template that Studio lists: with the tag, below the place that the domain's tag names."""
        s3 = self.who.studio("s3")
        for one in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", []):
            if VISIBLE in s3.get_object_tagging(Bucket=bucket, Key=one["Key"])["TagSet"]:
                return str(one["Key"])
        raise RehearsalError(f"s3://{bucket}/{prefix} has no template with the tag {VISIBLE['Key']}")

    def create(self, product: str, name: str) -> Project:
        """Step 2: a lead creates a project from the newest version of the product."""
        with self._step(2) as step:
            catalog, sagemaker = self.who.studio("servicecatalog"), self.who.studio("sagemaker")
            versions = catalog.describe_product(Id=product)["ProvisioningArtifacts"]
            version = max(versions, key=lambda one: one["CreatedTime"])
            details = {
                "ProductId": product,
                "ProvisioningArtifactId": version["Id"],
                "ProvisioningParameters": [{"Key": key, "Value": value} for key, value in self.answers.items()],
            }
            made = sagemaker.create_project(ProjectName=name, ServiceCatalogProvisioningDetails=details)
            step.evidence = made["ProjectArn"]
            self.say(f"{made['ProjectArn']} from version {version['Name']}")
            return Project(name, made["ProjectId"], self.who.region)

    def seed(self, project: Project) -> None:
        """Step 3: wait until the product is provisioned, and the hook has seeded the repository."""
        with self._step(3) as step:
            waiters.provisioned(self.who, project, self.say)
            branch = self.who.studio("codecommit").get_branch(repositoryName=project.repository, branchName="main")
            commit = branch["branch"]["commitId"]
            step.evidence = f"commit {commit} in {self.who.url}/v1/repos/{project.repository}"

    def appoint(self, project: Project) -> None:
        """Between steps 3 and 5: operations let the approver approve."""
        policy = waiters.approver_policy(self.who, project)
        self.who.appoint(policy)
        self.say(f"operations attach {policy} to the approver's role")

    def train(self, project: Project) -> str:
        """Step 4: the push started CI, and CI the SageMaker pipeline; give the registered package's ARN."""
        with self._step(4) as step:
            self.done.add(waiters.pipeline(self.who, project.build_pipeline, self.say, self.done))
            Watch(self.who.studio("sagemaker"), project.training_pipeline, self.say).follow(step.parts)
            arn = self.newest(project, "PendingManualApproval")
            step.evidence = arn
            self._note(arn)
            return arn

    def newest(self, project: Project, status: str) -> str:
        """Give the ARN of the package of this status that was registered last."""
        query = {"ModelApprovalStatus": status, "SortBy": "CreationTime", "SortOrder": "Descending"}
        found = self.who.studio("sagemaker").list_model_packages(ModelPackageGroupName=project.group, **query)
        for one in found["ModelPackageSummaryList"]:
            return str(one["ModelPackageArn"])
        raise RehearsalError(f"group {project.group} has no model package that is {status}")

    def approve(self, package: str) -> None:
        """Step 5: a person looks at the metrics, and decides; both with the rights of the approver policy alone."""
        with self._step(5) as step:
            sagemaker = self.who.approver("sagemaker")
            described = sagemaker.describe_model_package(ModelPackageName=package)
            quality = described["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"]
            bucket, _, key = quality.removeprefix("s3://").partition("/")
            self.who.approver("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
            self.say(f"the approver looks at {quality}")
            approved = self.ask(f"Approve {package}?") == "approve"
            status = "Approved" if approved else "Rejected"
            sagemaker.update_model_package(
                ModelPackageArn=package, ModelApprovalStatus=status, ApprovalDescription=f"{status} in the rehearsal"
            )
            step.evidence = f"{package} is {status}"
            if not approved:
                raise RejectedError(f"{package} was rejected; nothing is deployed")

    def start_of_deployment(self, project: Project, package: str) -> str:
        """Step 6: the approval started the deploy pipeline for exactly this package; give the execution's id."""
        with self._step(6) as step:
            execution = waiters.deployment(self.who, project.deploy_pipeline, package, self.say, self.done)
            self.done.add(execution)
            waiters.action(self.who, project.deploy_pipeline, execution, "Prepare", "Prepare", self.say)
            step.evidence = f"execution {execution} of {project.deploy_pipeline}"
            return execution

    def staging(self, project: Project, execution: str) -> None:
        """Step 7: the staging endpoint."""
        with self._step(7) as step:
            waiters.action(self.who, project.deploy_pipeline, execution, "Staging", "Deploy", self.say)
            step.evidence = self._endpoint(project, "staging")

    def check(self, project: Project, execution: str, package: str) -> None:
        """Step 8: the automated test of staging."""
        with self._step(8) as step:
            done = waiters.action(self.who, project.deploy_pipeline, execution, "Staging", "Check", self.say)
            self.say(f"build {done.get('externalExecutionId', '')} met everything that settings.yaml asks for")
            step.evidence = f"s3://{project.bucket}/{results(package)}/results.json"

    def results(self, project: Project, execution: str, package: str) -> None:
        """Step 9: a person looks at the dossier and decides about prod."""
        with self._step(9) as step:
            asked = waiters.approval(self.who, project.deploy_pipeline, execution, self.say)
            target = self.work / "dossier.html"
            dossier = {"Bucket": project.bucket, "Key": f"{results(package)}/dossier.html"}
            target.write_bytes(self.who.approver("s3").get_object(**dossier)["Body"].read())
            step.evidence = shown(target)
            self.say(f"open {shown(target)} in a browser")
            approved = self.ask("Deploy to prod?") == "approve"
            self.who.approver("codepipeline").put_approval_result(
                pipelineName=project.deploy_pipeline,
                stageName="Approval",
                actionName="Approve",
                token=asked["token"],
                result={"summary": "decided in the rehearsal", "status": "Approved" if approved else "Rejected"},
            )
            if not approved:
                raise RejectedError("prod was rejected; staging stays as it is")

    def production(self, project: Project, execution: str, package: str) -> None:
        """Step 10: the prod endpoint, which an application calls."""
        with self._step(10) as step:
            waiters.action(self.who, project.deploy_pipeline, execution, "Production", "Deploy", self.say)
            endpoint = self._endpoint(project, "prod")
            count = self._invoke(project, package)
            waiters.action(self.who, project.deploy_pipeline, execution, "Production", "Check", self.say)
            step.evidence = f"{endpoint} answered {count} real rows"

    def _endpoint(self, project: Project, stage: str) -> str:
        described = self.who.ops("sagemaker").describe_endpoint(EndpointName=project.endpoint(stage))
        return str(described["EndpointArn"])

    def _object(self, bucket: str, key: str) -> bytes:
        return bytes(self.who.studio("s3").get_object(Bucket=bucket, Key=key)["Body"].read())

    def _invoke(self, project: Project, package: str) -> int:
        """Send held-out rows as an application does; show the answers; give how many there were."""
        rows = self._held_out(package)
        body = io.StringIO()
        csv.writer(body, lineterminator="\n").writerows(features for features, _ in rows)
        answered = list(
            csv.reader(io.StringIO(look.invoke(self.who, project.endpoint("prod"), body.getvalue().encode())))
        )
        if len(answered) != len(rows):
            raise RehearsalError(f"{project.endpoint('prod')} gave {len(answered)} answers to {len(rows)} rows")
        for (features, actual), got in zip(rows, answered, strict=True):
            self.say(f"{','.join(features)[:70]}... -> {got[0]} (actual {actual})")
        return len(answered)

    def _held_out(self, package: str) -> list[tuple[list[str], str]]:
        """Give the first held-out rows without the target, and their targets."""
        described = self.who.studio("sagemaker").describe_model_package(ModelPackageName=package)
        bucket, _, prefix = described["CustomerMetadataProperties"]["TestDataUri"].removeprefix("s3://").partition("/")
        keys = self.who.studio("s3").list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]
        key = next(one["Key"] for one in keys if one["Key"].endswith(".csv"))
        lines = csv.reader(io.StringIO(self._object(bucket, key).decode()))
        target = next(lines).index(self.answers.get("TargetColumn", "income"))
        chosen = [line for _, line in zip(range(ROWS_SHOWN), lines, strict=False)]
        return [([*line[:target], *line[target + 1 :]], line[target]) for line in chosen]

    def _note(self, package: str) -> None:
        """Take metrics and engine for the report from what was registered."""
        described = self.who.studio("sagemaker").describe_model_package(ModelPackageName=package)
        notes = described["CustomerMetadataProperties"]
        bucket, _, key = notes["EvaluationUri"].removeprefix("s3://").partition("/")
        evaluation = json.loads(self._object(bucket, key))
        self.report.facts["metrics"] = metrics(evaluation)
        self.report.facts["held_out_rows"] = evaluation.get("rows")
        self.report.facts["engine"] = described["InferenceSpecification"]["Containers"][0].get("Image", "")
        figures = {name: value for name, value in self.report.facts["metrics"].items() if value is not None}
        said = ", ".join(f"{name} {value:.4f}" for name, value in figures.items())
        self.say(f"registered {package}: {said} on {evaluation.get('rows')} held-out rows")

    def _step(self, number: int) -> Any:  # noqa: ANN401 (a context manager)
        self.head(f"Step {number}: {NAMES[number]}")
        return self.report.step(number, NAMES[number])


def results(package: str) -> str:
    """Give the folder in the project's bucket where the results of a package's staging test are."""
    return f"releases/{package.rpartition('/')[2]}/staging"


def run(command: list[str], folder: Path, log: Path, environment: Mapping[str, str]) -> None:
    """Run one of the project's own commands as a person would.

    Raises:
        RehearsalError: when it failed, with its last words.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    with log.open("wb") as output:
        code = subprocess.run(  # noqa: S603 (our own commands)
            command, cwd=folder, env={**kept, **environment}, stdout=output, stderr=subprocess.STDOUT, check=False
        ).returncode
    if code:
        words = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() or ["it wrote nothing"]
        raise RehearsalError(f"{' '.join(command[1:4])} ended with exit code {code}: {words[-1]} (log: {shown(log)})")


def shown(path: Path) -> str:
    """Write a path as short as it can be."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
