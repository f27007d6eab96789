"""Steps 1 to 3, as far as steps 4 to 10 need them: the project in its account, and what a person asks the registry."""

import contextlib
import csv
import io
import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from sagemaker_rehearsal.pipelines.storage import Storage, split
from sagemaker_rehearsal.scenario import project
from sagemaker_rehearsal.scenario.settings import Settings
from sagemaker_rehearsal.server.clients import client, environment

PROJECT_ID = "p-rehearsal"
ACCOUNT = "123456789012"


@dataclass(frozen=True)
class Cloud:
    """Where the rehearsal's AWS is."""

    url: str
    region: str

    def client(self, service: str) -> Any:  # noqa: ANN401 (boto3 clients have no type)
        """A boto3 client for it."""
        return client(self.url, self.region, service)


@dataclass(frozen=True)
class Project:
    """One project in the account.

    Attributes:
        root: its repository.
    """

    cloud: Cloud
    root: Path
    settings: Settings

    @property
    def name(self) -> str:
        """The SageMaker project's name."""
        return str(self.settings.project)

    @property
    def _named(self) -> project.Project:
        return project.Project(self.name, PROJECT_ID, self.cloud.region)

    @property
    def bucket(self) -> str:
        """The project's bucket."""
        return self._named.bucket

    def endpoint(self, stage: str) -> str:
        """The name of a stage's endpoint."""
        return self._named.endpoint(stage)

    def stack(self, stage: str) -> str:
        """The name of a stage's stack."""
        return self._named.stack(stage)

    def pipeline(self) -> str:
        """The name of the SageMaker pipeline."""
        return self._named.training_pipeline

    def environment(self, **more: str) -> dict[str, str]:
        """The variables that the product's CodeBuild projects have."""
        role = f"arn:aws:iam::{ACCOUNT}:role/sagemaker-{self.name}-{PROJECT_ID}"
        return {
            **environment(self.cloud.url, self.cloud.region),
            "SAGEMAKER_PROJECT_NAME": self.name,
            "SAGEMAKER_PROJECT_ID": PROJECT_ID,
            "SAGEMAKER_PIPELINE_ROLE_ARN": f"{role}-pipeline",
            "SAGEMAKER_ENDPOINT_ROLE_ARN": f"{role}-endpoint",
            "ARTIFACT_BUCKET": self.bucket,
            "CODEBUILD_RESOLVED_SOURCE_VERSION": commit(self.root),
            **more,
        }

    def provision(self) -> None:
        """Make what steps 1 to 3 leave behind: the project's bucket and roles; twice is no error."""
        s3, iam = self.cloud.client("s3"), self.cloud.client("iam")
        place = {"CreateBucketConfiguration": {"LocationConstraint": self.cloud.region}}
        with contextlib.suppress(s3.exceptions.BucketAlreadyOwnedByYou):
            s3.create_bucket(Bucket=self.bucket, **({} if self.cloud.region == "us-east-1" else place))
        trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        for job in ("pipeline", "endpoint"):
            name = f"sagemaker-{self.name}-{PROJECT_ID}-{job}"
            with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
                iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)

    def newest(self, status: str) -> Mapping[str, Any] | None:
        """The model package of this status that was registered last."""
        group = self._named.group
        query = {"ModelApprovalStatus": status, "SortBy": "CreationTime", "SortOrder": "Descending"}
        try:
            found = self.cloud.client("sagemaker").list_model_packages(ModelPackageGroupName=group, **query)
        except ClientError:  # there is no group before the first registration
            return None
        return next(iter(found["ModelPackageSummaryList"]), None)

    def decide(self, arn: str, status: str) -> None:
        """Set a package's approval status."""
        said = f"{status} in the rehearsal"
        self.cloud.client("sagemaker").update_model_package(
            ModelPackageArn=arn, ModelApprovalStatus=status, ApprovalDescription=said
        )

    def described(self, arn: str) -> Mapping[str, Any]:
        """What the registry says of a model package."""
        return dict(self.cloud.client("sagemaker").describe_model_package(ModelPackageName=arn))

    def evaluation(self, arn: str) -> Mapping[str, Any]:
        """The evaluation that a model package points to."""
        uri = self.described(arn)["CustomerMetadataProperties"]["EvaluationUri"]
        return dict(json.loads(Storage(self.cloud.client("s3")).text(uri)))

    def held_out(self, arn: str, count: int) -> list[tuple[list[str], str]]:
        """The first held-out rows of a model package, without the target, and their targets."""
        uri = self.described(arn)["CustomerMetadataProperties"]["TestDataUri"]
        storage = Storage(self.cloud.client("s3"))
        bucket, _ = split(uri)
        key = next(key for key in storage.keys(uri) if key.endswith(".csv"))
        lines = csv.reader(io.StringIO(storage.text(f"s3://{bucket}/{key}")))
        target = next(lines).index(self.settings.target_column)
        chosen = [line for _, line in zip(range(count), lines, strict=False)]
        return [([*line[:target], *line[target + 1 :]], line[target]) for line in chosen]

    def invoke(self, endpoint: str, body: bytes) -> str:
        """Send rows (CSV without a header) to an endpoint, as an application does; give its answer."""
        answer = self.cloud.client("sagemaker-runtime").invoke_endpoint(
            EndpointName=endpoint, ContentType="text/csv", Accept="text/csv", Body=body
        )
        return str(answer["Body"].read().decode())


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
