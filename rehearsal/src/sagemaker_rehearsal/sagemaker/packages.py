"""Steps 4 and 5: the model registry, stored by moto; this module corrects where moto differs from AWS."""

from typing import Any

from moto.sagemaker.models import sagemaker_backends

from sagemaker_rehearsal.sagemaker import state_events
from sagemaker_rehearsal.sagemaker.lists import PAGES
from sagemaker_rehearsal.server import backends
from sagemaker_rehearsal.server.errors import AwsError, invalid
from sagemaker_rehearsal.server.service import ACCOUNT, Call, Host, operation


@operation("sagemaker", "UpdateModelPackage")
def update_model_package(call: Call) -> dict[str, Any]:
    """Update the requested members only; moto would drop description and metadata that the request omits."""
    arn = call.params["ModelPackageArn"]
    before = call.cloud.client("sagemaker").describe_model_package(ModelPackageName=arn)
    metadata = {**before.get("CustomerMetadataProperties", {}), **call.params.get("CustomerMetadataProperties", {})}
    request = {
        "ApprovalDescription": before.get("ApprovalDescription"),
        **call.params,
        "CustomerMetadataProperties": metadata,
    }
    answer = call.to_moto({key: value for key, value in request.items() if value is not None})
    state_events.package(call, arn, before)
    return answer


@operation("sagemaker", "CreateModelPackage")
def create_model_package(call: Call) -> dict[str, Any]:
    """Register a version; as on AWS, the group is given by ARN or name."""
    params = dict(call.params)
    group = params.get("ModelPackageGroupName")
    if group:
        params["ModelPackageGroupName"] = group.rpartition("/")[2]
        params.setdefault("ModelApprovalStatus", "PendingManualApproval")
    answer = call.to_moto(params)
    state_events.package(call, answer["ModelPackageArn"], {})
    return answer


@operation("sagemaker", "CreateModelPackageGroup")
def create_model_package_group(call: Call) -> dict[str, Any]:
    """Create a group; reject an existing name, where moto would replace the group."""
    name = call.params["ModelPackageGroupName"]
    groups = call.cloud.client("sagemaker").list_model_package_groups(NameContains=name)["ModelPackageGroupSummaryList"]
    if any(group["ModelPackageGroupName"] == name for group in groups):
        raise invalid(f"Model Package Group already exists: {call.arn('model-package-group', name)}")
    return call.to_moto()


@operation("sagemaker", "ListModelPackages")
def list_model_packages(call: Call) -> dict[str, Any]:
    """List packages in the requested order; an absent group is an error, as on AWS."""
    group = call.params.get("ModelPackageGroupName")
    if group:
        name = group.rpartition("/")[2]
        call.cloud.client("sagemaker").describe_model_package_group(ModelPackageGroupName=name)
    asked = {key: value for key, value in call.params.items() if key not in ("NextToken", "MaxResults")}
    if group:
        asked["ModelPackageGroupName"] = name
    answer = call.to_moto({**asked, "MaxResults": 100})
    listed = list(answer["ModelPackageSummaryList"])
    while answer.get("NextToken"):
        answer = call.to_moto({**asked, "MaxResults": 100, "NextToken": answer["NextToken"]})
        listed += answer["ModelPackageSummaryList"]
    packages = [package for package in listed if package["ModelPackageArn"] not in _deleted(call)]
    # packages of the same second are sorted by version
    if call.params.get("SortBy", "CreationTime") == "CreationTime":
        packages.sort(
            key=lambda package: (package["CreationTime"], package.get("ModelPackageVersion", 0)),
            reverse=call.params.get("SortOrder", "Ascending") == "Descending",
        )
    return PAGES.page(call, "ModelPackageSummaryList", packages)


@operation("sagemaker", "DescribeModelPackageGroup")
def describe_model_package_group(call: Call) -> dict[str, Any]:
    """Describe a group; an absent one is a ValidationException, as on AWS."""
    try:
        return call.to_moto()
    except AwsError as error:
        name = call.params["ModelPackageGroupName"]
        raise invalid(f"ModelPackageGroup {call.arn('model-package-group', name)} does not exist.") from error


@operation("sagemaker", "DescribeModelPackage")
def describe_model_package(call: Call) -> dict[str, Any]:
    """Describe a package, unless it was deleted."""
    answer = call.to_moto()
    if answer["ModelPackageArn"] in _deleted(call):
        raise invalid(f"ModelPackage {call.params['ModelPackageName']} does not exist.")
    return answer


@operation("sagemaker", "DeleteModelPackage")
def delete_model_package(call: Call) -> None:
    """Delete a version; moto numbers versions by count, so the record is only hidden to keep its number unused."""
    package = call.cloud.client("sagemaker").describe_model_package(ModelPackageName=call.params["ModelPackageName"])
    _deleted(call).add(package["ModelPackageArn"])


@operation("sagemaker", "DeleteModelPackageGroup")
def delete_model_package_group(call: Call) -> None:
    """Delete an empty group; one with versions is a conflict, as on AWS."""
    name, sagemaker = call.params["ModelPackageGroupName"].rpartition("/")[2], call.cloud.client("sagemaker")
    sagemaker.describe_model_package_group(ModelPackageGroupName=name)
    if sagemaker.list_model_packages(ModelPackageGroupName=name)["ModelPackageSummaryList"]:
        raise AwsError(
            "ConflictException", f"Model Package Group {name} cannot be deleted: it contains model packages."
        )
    with backends.alone():
        del sagemaker_backends[ACCOUNT][call.region].model_package_groups[name]


def _deleted(call: Call) -> set[str]:
    return call.cloud.state_of(_none_deleted)


def _none_deleted(_: Host) -> set[str]:
    return set()
