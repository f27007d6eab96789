"""Step 6: find the model package to deploy: the requested version, else the newest that is approved.

Nothing that is pending or rejected is ever deployed, and nothing from another project's group. To roll back, approve
the older version again (its approval event names it) or give its ARN.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from pipeline.errors import FAILED, DeployError

ARN = re.compile(
    r"arn:aws[a-z-]*:sagemaker:(?P<region>[a-z0-9-]+):\d{12}:model-package/(?P<group>[a-zA-Z0-9-]{1,63})/(?P<version>\d{1,9})"
)
ABSENT = ("ResourceNotFound", "ResourceNotFoundException", "ValidationException")


@dataclass(frozen=True)
class Package:
    """One version in a model package group, as the registry lists it."""

    arn: str
    group: str
    version: int
    status: str
    created: datetime

    @classmethod
    def read(cls, answer: Mapping[str, Any]) -> "Package":
        """Take the fields from DescribeModelPackage's answer or from one ModelPackageSummary."""
        return cls(
            arn=answer["ModelPackageArn"],
            group=answer["ModelPackageGroupName"],
            version=int(answer["ModelPackageVersion"]),
            status=answer["ModelApprovalStatus"],
            created=answer["CreationTime"].astimezone(UTC),
        )


def newest(packages: Iterable[Package], group: str) -> Package:
    """Return the group's approved package that was created last; raise DeployError when none is approved.

    Of two from the same second the higher version is newer.
    """
    approved = [package for package in packages if package.status == "Approved" and package.group == group]
    if not approved:
        raise DeployError(
            f"model package group {group}: has no approved version; only approved models are deployed; approve one in "
            "Studio (Models > Registered models) or with `aws sagemaker update-model-package --model-package-arn ARN "
            "--model-approval-status Approved`, then start this again",
            FAILED,
        )
    return max(approved, key=lambda package: (package.created, package.version))


def require_form(arn: str, group: str) -> None:
    """Validate that an ARN names a version in the group, before any call to AWS.

    SageMaker writes names in lower case in some ARNs, so the group is compared without regard to case.

    Raises:
        DeployError: naming the form or the group that was expected.
    """
    match = ARN.fullmatch(arn)
    if match is None:
        raise DeployError(
            f"MODEL_PACKAGE_ARN: got {arn!r}; must be the ARN of one version, "
            "arn:aws:sagemaker:REGION:ACCOUNT:model-package/GROUP/VERSION; copy it from the model registry"
        )
    if match["group"].lower() != group.lower():
        raise DeployError(
            f"MODEL_PACKAGE_ARN: got {arn!r}; this project deploys from its own group {group} only; give the ARN of a "
            "version in that group or leave it out to take the newest approved one"
        )


def require_approved(package: Package, group: str) -> Package:
    """Return the requested package when it belongs to the group and is approved.

    Raises:
        DeployError: when it is pending, rejected or of another group.
    """
    if package.group.lower() != group.lower():
        raise DeployError(
            f"model package {package.arn}: belongs to group {package.group}, not to {group}; choose another"
        )
    if package.status != "Approved":
        raise DeployError(
            f"model package {package.arn}: its status is {package.status}; only approved models are deployed; approve "
            "it in Studio (Models > Registered models) or choose an approved version",
            FAILED,
        )
    return package


def find(sagemaker: Any, group: str, arn: str | None = None) -> Package:  # noqa: ANN401 (boto3 clients have no type)
    """Find the package to deploy in the registry: the named version, else the newest approved one.

    Raises:
        DeployError: when there is none, or it may not be deployed.
    """
    if arn:
        require_form(arn, group)
        try:
            return require_approved(Package.read(sagemaker.describe_model_package(ModelPackageName=arn)), group)
        except ClientError as error:
            rule = f"{_message(error)}; choose a version that is in the registry"
            raise DeployError(f"model package {arn}: {rule}") from error
    try:
        return newest(_approved(sagemaker, group), group)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ABSENT:
            raise
        rule = f"{_message(error)}; run the training pipeline first (steps 4 and 5)"
        raise DeployError(f"model package group {group}: {rule}", FAILED) from error


def _approved(sagemaker: Any, group: str) -> Iterable[Package]:  # noqa: ANN401
    """List every approved package; a page may be empty and still be followed by another."""
    pages = sagemaker.get_paginator("list_model_packages").paginate(
        ModelPackageGroupName=group, ModelApprovalStatus="Approved", SortBy="CreationTime", SortOrder="Descending"
    )
    for page in pages:
        yield from map(Package.read, page["ModelPackageSummaryList"])


def _message(error: ClientError) -> str:
    return str(error.response["Error"].get("Message", error)).strip().rstrip(".")
