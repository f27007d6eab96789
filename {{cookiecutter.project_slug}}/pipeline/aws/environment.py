"""Steps 4 to 9: the environment variables of the product's CodeBuild projects (or of the rehearsal)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.errors import PipelineError

STAGES = ("staging", "prod")
# Project name and id: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateProject.html
# The pattern of role ARNs is that of every SageMaker request; the bucket's is S3's.
RULES = {
    "SAGEMAKER_PROJECT_NAME": (r"[a-zA-Z](-*[a-zA-Z0-9]){0,31}", "1 to 32 letters, digits and -"),
    "SAGEMAKER_PROJECT_ID": (r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,19}", "1 to 20 letters and digits"),
    "SAGEMAKER_PIPELINE_ROLE_ARN": (r"arn:aws[a-z-]*:iam::\d{12}:role/?[\w+=,.@/-]+", "the ARN of a role"),
    "SAGEMAKER_ENDPOINT_ROLE_ARN": (r"arn:aws[a-z-]*:iam::\d{12}:role/?[\w+=,.@/-]+", "the ARN of a role"),
    "ARTIFACT_BUCKET": (r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "the name of a bucket"),
    "AWS_DEFAULT_REGION": (r"[a-z]{2}(-[a-z]+)+-\d", "a region's code"),
    "MODEL_PACKAGE_ARN": (
        r"arn:aws[a-z-]*:sagemaker:[a-z0-9-]+:\d{12}:model-package/\S+",
        "the ARN of a model package",
    ),
    "STAGE": ("staging|prod", "staging or prod"),
}
COMMON = ("SAGEMAKER_PROJECT_NAME", "SAGEMAKER_PROJECT_ID", "ARTIFACT_BUCKET", "AWS_DEFAULT_REGION")
BUILD = (*COMMON, "SAGEMAKER_PIPELINE_ROLE_ARN")


class EnvironmentVariableError(PipelineError):
    """Every environment variable that is absent or wrong, one a line."""


@dataclass(frozen=True)
class Environment:
    """The project that this run belongs to."""

    project_name: str
    project_id: str
    role_arn: str  # the role of the pipeline and its jobs; empty where only deploying
    bucket: str
    region: str
    commit: str = ""  # the commit that is built; empty on a laptop
    endpoint_role_arn: str = ""  # the endpoint's role (deploy only)
    model_package_arn: str = ""  # the package to deploy (deploy only)
    stage: str = ""  # the stage to check (check only)

    @classmethod
    def read(cls, environ: Mapping[str, str], required: tuple[str, ...] = COMMON) -> "Environment":
        """Read the variables.

        Args:
            environ: `os.environ`, usually.
            required: the names that must be there: `COMMON` to deploy, `BUILD` to train.

        Raises:
            EnvironmentVariableError: listing every variable that is absent or wrong.
        """
        checked = [_problem(name, environ.get(name, "")) for name in RULES if environ.get(name) or name in required]
        problems = [problem for problem in checked if problem]
        if problems:
            raise EnvironmentVariableError("\n".join(problems))
        return cls(
            project_name=environ.get("SAGEMAKER_PROJECT_NAME", ""),
            project_id=environ.get("SAGEMAKER_PROJECT_ID", ""),
            role_arn=environ.get("SAGEMAKER_PIPELINE_ROLE_ARN", ""),
            bucket=environ.get("ARTIFACT_BUCKET", ""),
            region=environ.get("AWS_DEFAULT_REGION", ""),
            commit=environ.get("COMMIT") or environ.get("CODEBUILD_RESOLVED_SOURCE_VERSION", ""),
            endpoint_role_arn=environ.get("SAGEMAKER_ENDPOINT_ROLE_ARN", ""),
            model_package_arn=environ.get("MODEL_PACKAGE_ARN", ""),
            stage=environ.get("STAGE", ""),
        )


def _problem(name: str, value: str) -> str:
    pattern, rule = RULES[name]
    if value and re.fullmatch(pattern, value):
        return ""
    got = f"got {value!r}" if value else "is not set"
    return f"{name}: {got}; must be {rule}; the product's CodeBuild projects and `make rehearsal` set it"
