"""Steps 1 to 10: drive them through public APIs only, as people do; events start everything in between."""

import csv
import io
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from botocore.exceptions import ClientError

from sagemaker_rehearsal.scenario import personas, status, waiters
from sagemaker_rehearsal.scenario.project import Project
from sagemaker_rehearsal.scenario.report import NAMES, Report, Step, metrics
from sagemaker_rehearsal.scenario.terminal import RejectedError, short
from sagemaker_rehearsal.server.errors import RehearsalError

ROWS_SHOWN = 3
CATALOG = "sagemaker-autopilot-catalog"  # the ops stack
# AWS recommends the first for most use cases: https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-projects-templates-custom.html
ROUTES = ("s3", "service-catalog")
RESULTS = ("dossier.html", "results.json")
VISIBLE = {"Key": "sagemaker:studio-visibility", "Value": "true"}


class Origin(Protocol):
    """Where a project comes from: the template's clone, or a team's repository that was rendered from it."""

    @property
    def parameters(self) -> Mapping[str, str]:
        """The parameters of the product that are not to have their defaults."""

    @property
    def reuses(self) -> bool:
        """Whether a further walk goes on with the project that is there."""

    def publish(self, walk: "Walk") -> None:
        """Deploy the ops stack with the product."""

    @property
    def unused_roles(self) -> Collection[str]:
        """Names of roles whose grants this walk cannot use."""

    def seed(self, walk: "Walk", project: Project) -> str:
        """Fill the project's repository, unless the product does that; return the commit."""


@dataclass
class Walk:
    """One walk through the ten steps.

    Attributes:
        people: the personas, with their clients.
        work: folder for logs and results.
        report: is filled step by step.
        ask: puts a question to a person, and returns `approve` or `reject`.
        say: shows a line.
        heading: shows the beginning of a step.
        origin: does what differs between the template's clone and a team's repository.
        route: `s3` or `service-catalog`: by which of the two the project is created.
        done: ids of the executions that earlier steps waited for.
        approved: packages that need no approval, since a push deploys them again.
        pushed: when the rehearsal itself pushed, in seconds since 1970; None where the product seeds.
    """

    people: personas.People
    work: Path
    report: Report
    ask: Callable[[str], str]
    say: Callable[[str], None]
    heading: Callable[[str], None]
    origin: Origin
    route: str = ROUTES[0]
    done: set[str] = field(default_factory=set)
    approved: set[str] = field(default_factory=set)
    pushed: float | None = None

    def run(self, name: str) -> Project:
        """Walk all ten steps for a project, which is created unless it is there.

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
        """Step 1: operations publish the product, and equip the Studio role; return its id and the stack's outputs."""
        with self._step(1) as step:
            self.people.arrive()
            self.origin.publish(self)
            products = self.people.studio("servicecatalog").search_products()["ProductViewSummaries"]
            if not products:
                raise RehearsalError("no product is offered to the Studio role after publishing; see stack " + CATALOG)
            step.evidence = f"{products[0]['Name']} ({products[0]['ProductId']})"
            stacks = self.people.ops("cloudformation").describe_stacks(StackName=CATALOG)["Stacks"]
            outputs = waiters.outputs(stacks[0])
            self.people.equip(outputs["StudioPolicyArn"])
            self.say(f"operations attach {outputs['StudioPolicyArn']} to the Studio role")
            return str(products[0]["ProductId"]), outputs

    def create_from_s3(self, outputs: Mapping[str, str], name: str) -> Project:
        """Step 2: a lead creates a project from the template that Studio lists in S3, under the launch role."""
        with self._step(2) as step:
            bucket, _, prefix = outputs["StudioTemplates"].removeprefix("s3://").partition("/")
            key = self._listed(bucket, prefix)
            url = f"https://{bucket}.s3.{self.people.region}.amazonaws.com/{key}"
            provider = {
                "TemplateName": key.rpartition("/")[2].partition(".")[0],
                "TemplateURL": url,
                "RoleARN": outputs["LaunchRoleArn"],
                "Parameters": self._parameters(),
            }
            return self._created(step, name, url, {"TemplateProviders": [{"CfnTemplateProvider": provider}]})

    def _listed(self, bucket: str, prefix: str) -> str:
        """Return the key of the template that Studio lists: tagged, and where the domain's tag says."""
        s3 = self.people.studio("s3")
        for entry in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", []):
            if VISIBLE in s3.get_object_tagging(Bucket=bucket, Key=entry["Key"])["TagSet"]:
                return str(entry["Key"])
        raise RehearsalError(f"s3://{bucket}/{prefix} has no template with the tag {VISIBLE['Key']}")

    def create(self, product: str, name: str) -> Project:
        """Step 2: a lead creates a project from the newest version of the product."""
        with self._step(2) as step:
            versions = self.people.studio("servicecatalog").describe_product(Id=product)["ProvisioningArtifacts"]
            version = max(versions, key=lambda version: version["CreatedTime"])
            details = {
                "ProductId": product,
                "ProvisioningArtifactId": version["Id"],
                "ProvisioningParameters": self._parameters(),
            }
            template = f"version {version['Name']}"
            return self._created(step, name, template, {"ServiceCatalogProvisioningDetails": details})

    def _parameters(self) -> list[dict[str, str]]:
        return [{"Key": key, "Value": value} for key, value in self.origin.parameters.items()]

    def _created(self, step: Step, name: str, template: str, request: Mapping[str, Any]) -> Project:
        project = self._existing(name) if self.origin.reuses else None
        if project:
            self.say(f"{project['ProjectArn']} is there")
        else:
            project = self.people.studio("sagemaker").create_project(ProjectName=name, **request)
            self.say(f"{project['ProjectArn']} from {template}")
        step.evidence = project["ProjectArn"]
        return Project(name, project["ProjectId"], self.people.region)

    def _existing(self, name: str) -> dict[str, Any] | None:
        try:
            return dict(self.people.studio("sagemaker").describe_project(ProjectName=name))
        except ClientError:
            return None

    def seed(self, project: Project) -> None:
        """Step 3: wait until the product is provisioned, and its repository is filled."""
        with self._step(3) as step:
            waiters.provisioned(self.people, project, self.say)
            commit = self.origin.seed(self, project)
            step.evidence = f"commit {commit} in {self.people.url}/v1/repos/{project.repository}"

    def appoint(self, project: Project) -> None:
        """Between steps 3 and 5: operations let the approver approve."""
        policy = waiters.approver_policy(self.people, project)
        self.people.appoint(policy)
        self.say(f"operations attach {policy} to the approver's role")

    def train(self, project: Project) -> str:
        """Step 4: the push started CI, and CI the SageMaker pipeline; return the registered package's ARN."""
        with self._step(4) as step:
            if package := self._deployed_again():
                self.approved.add(package)
                step.evidence = f"nothing to train: the push deploys {package} again"
                return package
            self.done.add(waiters.pipeline(self.people, project.build_pipeline, self.say, self.done))
            waiters.training(self.people, project.training_pipeline, self.say, step.parts)
            arn = self.newest(project, "PendingManualApproval")
            step.evidence = arn
            self._note(arn)
            return arn

    def _deployed_again(self) -> str:
        """Return the approved package that the rehearsal's push deploys again; empty where the push trains.

        Raises:
            RehearsalError: the router ignored the push.
        """
        if self.pushed is None:
            return ""
        reaction = waiters.reaction(self.people, self.pushed)
        if reaction.ignored:
            raise RehearsalError(f"the push starts nothing: {reaction.ignored}")
        return reaction.package

    def newest(self, project: Project, status: str) -> str:
        """Return the ARN of the package of this status that was registered last."""
        query = {"ModelApprovalStatus": status, "SortBy": "CreationTime", "SortOrder": "Descending"}
        page = self.people.studio("sagemaker").list_model_packages(ModelPackageGroupName=project.group, **query)
        for package in page["ModelPackageSummaryList"]:
            return str(package["ModelPackageArn"])
        raise RehearsalError(f"group {project.group} has no model package that is {status}")

    def approve(self, package: str) -> None:
        """Step 5: a person looks at the metrics, and decides; both with the rights of the approver policy alone."""
        with self._step(5) as step:
            if package in self.approved:
                step.evidence = f"{package} was approved before"
                return
            sagemaker = self.people.approver("sagemaker")
            described = sagemaker.describe_model_package(ModelPackageName=package)
            quality = described["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"]
            bucket, _, key = quality.removeprefix("s3://").partition("/")
            self.people.approver("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
            self.say(f"the approver looks at {quality}")
            approved = self.ask(f"Approve {package}?") == "approve"
            decision = "Approved" if approved else "Rejected"
            sagemaker.update_model_package(
                ModelPackageArn=package,
                ModelApprovalStatus=decision,
                ApprovalDescription=f"{decision} in the rehearsal",
            )
            step.evidence = f"{package} is {decision}"
            if not approved:
                raise RejectedError(f"{package} was rejected; nothing is deployed")

    def start_of_deployment(self, project: Project, package: str) -> str:
        """Step 6: the approval started the deploy pipeline for exactly this package; return the execution's id."""
        with self._step(6) as step:
            execution = waiters.deployment(self.people, project.deploy_pipeline, package, self.say, self.done)
            self.done.add(execution)
            waiters.action(self.people, project.deploy_pipeline, execution, "Prepare", "Prepare", self.say)
            step.evidence = f"execution {execution} of {project.deploy_pipeline}"
            return execution

    def staging(self, project: Project, execution: str) -> None:
        """Step 7: the staging endpoint."""
        with self._step(7) as step:
            waiters.action(self.people, project.deploy_pipeline, execution, "Staging", "Deploy", self.say)
            step.evidence = self._endpoint(project, "staging")

    def check(self, project: Project, execution: str, package: str) -> None:
        """Step 8: the automated test of staging."""
        with self._step(8) as step:
            check = waiters.action(self.people, project.deploy_pipeline, execution, "Staging", "Check", self.say)
            self.say(f"build {check.get('externalExecutionId', '')} met everything that settings.yaml asks for")
            step.evidence = f"s3://{project.bucket}/{results(package)}/results.json"

    def results(self, project: Project, execution: str, package: str) -> None:
        """Step 9: a person looks at the dossier and decides about prod."""
        with self._step(9) as step:
            self._reject_older(project, execution)
            approval = waiters.approval(self.people, project.deploy_pipeline, execution, self.say)
            for name in RESULTS:
                source = {"Bucket": project.bucket, "Key": f"{results(package)}/{name}"}
                (self.work / name).write_bytes(self.people.approver("s3").get_object(**source)["Body"].read())
            step.evidence = short(self.work / "dossier.html")
            self.say(f"open {step.evidence} in a browser")
            approved = self.ask("Deploy to prod?") == "approve"
            self._answer(project, approval["token"], approved=approved)
            if not approved:
                raise RejectedError("prod was rejected; staging stays as it is")

    def _reject_older(self, project: Project, execution: str) -> None:
        """Reject an older execution that waits for its approval: the one that is walked would wait behind it."""
        codepipeline = self.people.approver("codepipeline")
        older, token = waiters.awaiting_approval(codepipeline, project.deploy_pipeline)
        if token and older != execution:
            self.say(f"execution {older} was never approved; it is rejected, since this one replaces it")
            self._answer(project, token, approved=False)

    def _answer(self, project: Project, token: str, *, approved: bool) -> None:
        self.people.approver("codepipeline").put_approval_result(
            pipelineName=project.deploy_pipeline,
            stageName="Approval",
            actionName="Approve",
            token=token,
            result={"summary": "decided in the rehearsal", "status": "Approved" if approved else "Rejected"},
        )

    def production(self, project: Project, execution: str, package: str) -> None:
        """Step 10: the prod endpoint, which an application calls."""
        with self._step(10) as step:
            waiters.action(self.people, project.deploy_pipeline, execution, "Production", "Deploy", self.say)
            endpoint = self._endpoint(project, "prod")
            count = self._invoke(project, package)
            waiters.action(self.people, project.deploy_pipeline, execution, "Production", "Check", self.say)
            step.evidence = f"{endpoint} answered {count} real rows"

    def _endpoint(self, project: Project, stage: str) -> str:
        described = self.people.ops("sagemaker").describe_endpoint(EndpointName=project.endpoint(stage))
        return str(described["EndpointArn"])

    def _object(self, bucket: str, key: str) -> bytes:
        return bytes(self.people.studio("s3").get_object(Bucket=bucket, Key=key)["Body"].read())

    def _invoke(self, project: Project, package: str) -> int:
        """Send held-out rows as an application does; show the answers; return how many there were."""
        rows = self._held_out(package)
        body = io.StringIO()
        csv.writer(body, lineterminator="\n").writerows(features for features, _ in rows)
        answer = status.invoke(self.people, project.endpoint("prod"), body.getvalue().encode())
        predictions = list(csv.reader(io.StringIO(answer)))
        if len(predictions) != len(rows):
            raise RehearsalError(f"{project.endpoint('prod')} gave {len(predictions)} answers to {len(rows)} rows")
        for (features, actual), prediction in zip(rows, predictions, strict=True):
            self.say(f"{','.join(features)[:70]}... -> {prediction[0]} (actual {actual})")
        return len(predictions)

    def _held_out(self, package: str) -> list[tuple[list[str], str]]:
        """Return the first held-out rows without the target, and their targets."""
        described = self.people.studio("sagemaker").describe_model_package(ModelPackageName=package)
        bucket, _, prefix = described["CustomerMetadataProperties"]["TestDataUri"].removeprefix("s3://").partition("/")
        keys = self.people.studio("s3").list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]
        key = next(entry["Key"] for entry in keys if entry["Key"].endswith(".csv"))
        lines = csv.reader(io.StringIO(self._object(bucket, key).decode()))
        target = next(lines).index(self.origin.parameters.get("TargetColumn", "income"))
        chosen = [line for _, line in zip(range(ROWS_SHOWN), lines, strict=False)]
        return [([*line[:target], *line[target + 1 :]], line[target]) for line in chosen]

    def _note(self, package: str) -> None:
        """Take metrics and engine for the report from what was registered."""
        described = self.people.studio("sagemaker").describe_model_package(ModelPackageName=package)
        evaluation_uri = described["CustomerMetadataProperties"]["EvaluationUri"]
        bucket, _, key = evaluation_uri.removeprefix("s3://").partition("/")
        evaluation = json.loads(self._object(bucket, key))
        self.report.facts["metrics"] = metrics(evaluation)
        self.report.facts["held_out_rows"] = evaluation.get("rows")
        self.report.facts["engine"] = described["InferenceSpecification"]["Containers"][0].get("Image", "")
        figures = {name: value for name, value in self.report.facts["metrics"].items() if value is not None}
        listed = ", ".join(f"{name} {value:.4f}" for name, value in figures.items())
        self.say(f"registered {package}: {listed} on {evaluation.get('rows')} held-out rows")

    def _step(self, number: int) -> Any:  # noqa: ANN401 (a context manager)
        self.heading(f"Step {number}: {NAMES[number]}")
        return self.report.step(number)


def results(package: str) -> str:
    """Return the folder in the project's bucket where the results of a package's staging test are."""
    return f"releases/{package.rpartition('/')[2]}/staging"
