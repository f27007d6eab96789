"""Steps 1 and 2: Service Catalog's resources in the form of its API. Pure functions."""

from typing import Any

from sagemaker_rehearsal.server.service import ACCOUNT
from sagemaker_rehearsal.servicecatalog.state import (
    Artifact,
    Catalogue,
    Constraint,
    Path,
    Portfolio,
    Product,
    Provisioned,
    Record,
)

TEMPLATE = "CLOUD_FORMATION_TEMPLATE"


def filled(members: dict[str, Any]) -> dict[str, Any]:
    """Leave out members without a value, as AWS does."""
    return {name: value for name, value in members.items() if value not in (None, "")}


def portfolio(catalogue: Catalogue, portfolio: Portfolio) -> dict[str, Any]:
    """Describe a portfolio."""
    return filled(
        {
            "Id": portfolio.id,
            "ARN": catalogue.arn("portfolio", portfolio.id),
            "DisplayName": portfolio.name,
            "Description": portfolio.description,
            "CreatedTime": portfolio.created,
            "ProviderName": portfolio.provider,
        }
    )


def summary(product: Product, *, default_path: bool = False) -> dict[str, Any]:
    """Describe a product for end users."""
    return {
        "Id": "prodview-" + product.id.removeprefix("prod-"),
        "ProductId": product.id,
        "Name": product.name,
        "Owner": product.owner,
        "Type": TEMPLATE,
        "HasDefaultPath": default_path,
        **product.details,
    }


def detail(catalogue: Catalogue, product: Product) -> dict[str, Any]:
    """Describe a product for administrators."""
    arn = catalogue.arn("product", product.id)
    return {
        "ProductViewSummary": summary(product),
        "Status": "AVAILABLE",
        "ProductARN": arn,
        "CreatedTime": product.created,
    }


def artifact(artifact: Artifact) -> dict[str, Any]:
    """Describe a version for administrators."""
    return filled({**version(artifact), "Type": TEMPLATE, "Active": artifact.active})


def version(artifact: Artifact) -> dict[str, Any]:
    """Describe a version for end users."""
    return filled(
        {
            "Id": artifact.id,
            "Name": artifact.name,
            "Description": artifact.description,
            "CreatedTime": artifact.created,
            "Guidance": artifact.guidance,
        }
    )


def constraint(constraint: Constraint) -> dict[str, Any]:
    """Describe a constraint."""
    return filled(
        {
            "ConstraintId": constraint.id,
            "Type": constraint.kind,
            "Description": constraint.description,
            "Owner": ACCOUNT,
            "ProductId": constraint.product,
            "PortfolioId": constraint.portfolio,
        }
    )


def path(path: Path) -> dict[str, Any]:
    """Describe a launch path."""
    constraints = [filled({"Type": each.kind, "Description": each.description}) for each in path.constraints]
    return {"Id": path.id, "ConstraintSummaries": constraints, "Tags": path.portfolio.tags, "Name": path.portfolio.name}


def record(record: Record, provisioned: Provisioned) -> dict[str, Any]:
    """Describe a record."""
    return {
        "RecordId": record.id,
        "ProvisionedProductName": provisioned.name,
        "Status": record.status,
        "CreatedTime": record.created,
        "UpdatedTime": record.changed,
        "ProvisionedProductType": "CFN_STACK",
        "RecordType": record.kind,
        "ProvisionedProductId": provisioned.id,
        "ProductId": record.product,
        "ProvisioningArtifactId": record.artifact,
        "PathId": record.path,
        "RecordErrors": record.errors,
        "RecordTags": record.tags,
        **({"LaunchRoleArn": record.role_arn} if record.role_arn else {}),
    }


def provisioned(catalogue: Catalogue, provisioned: Provisioned) -> dict[str, Any]:
    """Describe a provisioned product."""
    makers = [each for each in provisioned.records if each.kind != "TERMINATE_PROVISIONED_PRODUCT"]
    good = [each.id for each in makers if each.status == "SUCCEEDED"]
    return filled(
        {
            "Name": provisioned.name,
            "Arn": f"arn:aws:servicecatalog:{catalogue.cloud.region}:{ACCOUNT}:{provisioned.arn_part}",
            "Type": "CFN_STACK",
            "Id": provisioned.id,
            "Status": provisioned.status,
            "StatusMessage": provisioned.message,
            "CreatedTime": provisioned.created,
            "IdempotencyToken": provisioned.token,
            "LastRecordId": provisioned.records[-1].id,
            "LastProvisioningRecordId": makers[-1].id,
            "LastSuccessfulProvisioningRecordId": good[-1] if good else "",
            "ProductId": provisioned.product,
            "ProvisioningArtifactId": provisioned.artifact,
            "LaunchRoleArn": provisioned.role_arn,
        }
    )
