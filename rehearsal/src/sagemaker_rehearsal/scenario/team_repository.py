"""Steps 1 to 3 in a team's repository: the wheel's product, and a repository that is filled from the working tree.

Publishing and the hook are left out: they are the template's. What they leave behind is created from the same
portfolio.yaml and product.yaml; from the push on everything is as in the template's walk.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from sagemaker_rehearsal.codecommit.access import git_environment
from sagemaker_rehearsal.scenario import personas, snapshot, waiters
from sagemaker_rehearsal.scenario.product import Product
from sagemaker_rehearsal.scenario.project import Project
from sagemaker_rehearsal.scenario.settings import Settings
from sagemaker_rehearsal.scenario.ten_steps import CATALOG, VISIBLE, Walk
from sagemaker_rehearsal.server.errors import RehearsalError

STUDIO_KEY = "studio/sagemaker-autopilot.yaml"
BRANCH = "main"


@dataclass(frozen=True)
class TeamRepository:
    """A repository that was rendered from the template; see `ten_steps.Origin`.

    Attributes:
        folder: where it is.
        settings: its settings.yaml.
        product: what is provisioned.
    """

    folder: Path
    settings: Settings
    product: Product
    reuses: bool = True
    unused_roles: tuple[str, ...] = ("sagemaker-autopilot-seed",)

    @property
    def parameters(self) -> Mapping[str, str]:
        """The parameters of the product that the settings imply."""
        return self.settings.parameters

    def publish(self, walk: Walk) -> None:
        """Create the ops stack as publishing does: first without what needs the bucket's content.

        Raises:
            RehearsalError: a stack failed, or another product is there.
        """
        cloudformation = walk.people.ops("cloudformation")
        parameters = {"StudioRoleArns": walk.people.role_arn(personas.STUDIO)}
        stack = _described(cloudformation)
        if stack:
            self._require_same(stack)
            walk.say(f"stack {CATALOG} is up")
            return
        walk.say(f"stack {CATALOG} from the wheel's portfolio.yaml; nothing is seeded, the working tree is pushed")
        request: dict[str, Any] = {"StackName": CATALOG, "TemplateBody": self.product.portfolio}
        request["Capabilities"] = ["CAPABILITY_NAMED_IAM"]
        cloudformation.create_stack(**request, Parameters=_listed(parameters))
        bucket = waiters.stack_ready(walk.people, CATALOG)["ArtifactBucket"]
        self._upload(walk, bucket)
        cloudformation.update_stack(**request, Parameters=_listed({**parameters, **self.product.keys}))
        waiters.stack_ready(walk.people, CATALOG)

    def _require_same(self, stack: Mapping[str, Any]) -> None:
        there = {parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in stack["Parameters"]}
        if there.get("ProductTemplateKey") != self.product.keys["ProductTemplateKey"]:
            raise RehearsalError("the AWS that is up was started with another product.yaml; `rehearse down` ends it")

    def _upload(self, walk: Walk, bucket: str) -> None:
        s3, keys = walk.people.ops("s3"), self.product.keys
        s3.put_object(Bucket=bucket, Key=keys["HookZipKey"], Body=self.product.seed)
        s3.put_object(Bucket=bucket, Key=keys["RouterZipKey"], Body=self.product.router)
        template = self.product.template.encode()
        s3.put_object(Bucket=bucket, Key=keys["ProductTemplateKey"], Body=template)
        s3.put_object(Bucket=bucket, Key=STUDIO_KEY, Body=template, Tagging=f"{VISIBLE['Key']}={VISIBLE['Value']}")

    def seed(self, walk: Walk, project: Project) -> str:
        """Push the working tree as the lead; return the commit.

        A push that changes nothing starts nothing, so the build pipeline is started by hand then.
        """
        if self.settings.git_provider != "codecommit":
            walk.say(f"settings.yaml names {self.settings.git_provider}; the rehearsal uses CodeCommit in its place")
        codepipeline = walk.people.ops("codepipeline")
        for pipeline in (project.build_pipeline, project.deploy_pipeline):
            executions = codepipeline.list_pipeline_executions(pipelineName=pipeline)["pipelineExecutionSummaries"]
            walk.done.update(execution["pipelineExecutionId"] for execution in executions)
        metadata = walk.people.ops("codecommit").get_repository(repositoryName=project.repository)
        url = metadata["repositoryMetadata"]["cloneUrlHttp"]
        walk.pushed = time.time()
        environment = git_environment(walk.people, walk.people.keys(personas.STUDIO))
        push = snapshot.push(self.folder, url, BRANCH, environment, walk.work)
        if push.changed:
            walk.say(f"git push {url} {BRANCH}: {push.files} files of the working tree")
        else:
            walk.say(f"the working tree is what {BRANCH} holds; the build pipeline is started by hand")
            codepipeline.start_pipeline_execution(name=project.build_pipeline)
            walk.pushed = None
        return push.commit


def _described(cloudformation: Any) -> Mapping[str, Any] | None:  # noqa: ANN401 (boto3 clients have no type)
    try:
        return dict(cloudformation.describe_stacks(StackName=CATALOG)["Stacks"][0])
    except ClientError:
        return None


def _listed(parameters: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
