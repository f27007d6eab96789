"""Steps 1 and 2: Service Catalog's things as its API describes them. Pure."""

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
    """Leave out what has no value, as services do."""
    return {name: value for name, value in members.items() if value not in (None, "")}


def portfolio(kept: Catalogue, one: Portfolio) -> dict[str, Any]:
    """Describe a portfolio."""
    return filled(
        {
            "Id": one.id,
            "ARN": kept.arn("portfolio", one.id),
            "DisplayName": one.name,
            "Description": one.description,
            "CreatedTime": one.made,
            "ProviderName": one.provider,
        }
    )


def summary(one: Product, *, default_path: bool = False) -> dict[str, Any]:
    """Describe a product to who uses it."""
    return {
        "Id": "prodview-" + one.id.removeprefix("prod-"),
        "ProductId": one.id,
        "Name": one.name,
        "Owner": one.owner,
        "Type": TEMPLATE,
        "HasDefaultPath": default_path,
        **one.given,
    }


def detail(kept: Catalogue, one: Product) -> dict[str, Any]:
    """Describe a product to who owns it."""
    arn = kept.arn("product", one.id)
    return {"ProductViewSummary": summary(one), "Status": "AVAILABLE", "ProductARN": arn, "CreatedTime": one.made}


def artifact(one: Artifact) -> dict[str, Any]:
    """Describe a version to who owns it."""
    return filled({**version(one), "Type": TEMPLATE, "Active": one.active})


def version(one: Artifact) -> dict[str, Any]:
    """Describe a version to who uses it."""
    return filled(
        {
            "Id": one.id,
            "Name": one.name,
            "Description": one.description,
            "CreatedTime": one.made,
            "Guidance": one.guidance,
        }
    )


def constraint(one: Constraint) -> dict[str, Any]:
    """Describe a constraint."""
    return filled(
        {
            "ConstraintId": one.id,
            "Type": one.kind,
            "Description": one.description,
            "Owner": ACCOUNT,
            "ProductId": one.product,
            "PortfolioId": one.portfolio,
        }
    )


def path(one: Path) -> dict[str, Any]:
    """Describe a way to a product."""
    constraints = [filled({"Type": each.kind, "Description": each.description}) for each in one.constraints]
    return {"Id": one.id, "ConstraintSummaries": constraints, "Tags": one.portfolio.tags, "Name": one.portfolio.name}


def record(one: Record, of: Provisioned) -> dict[str, Any]:
    """Describe a request and what became of it."""
    return {
        "RecordId": one.id,
        "ProvisionedProductName": of.name,
        "Status": one.status,
        "CreatedTime": one.made,
        "UpdatedTime": one.changed,
        "ProvisionedProductType": "CFN_STACK",
        "RecordType": one.kind,
        "ProvisionedProductId": of.id,
        "ProductId": one.product,
        "ProvisioningArtifactId": one.artifact,
        "PathId": one.path,
        "RecordErrors": one.errors,
        "RecordTags": one.tags,
        **({"LaunchRoleArn": one.role_arn} if one.role_arn else {}),
    }


def provisioned(kept: Catalogue, one: Provisioned) -> dict[str, Any]:
    """Describe what was provisioned."""
    makers = [each for each in one.records if each.kind != "TERMINATE_PROVISIONED_PRODUCT"]
    good = [each.id for each in makers if each.status == "SUCCEEDED"]
    return filled(
        {
            "Name": one.name,
            "Arn": f"arn:aws:servicecatalog:{kept.cloud.region}:{ACCOUNT}:{one.arn_part}",
            "Type": "CFN_STACK",
            "Id": one.id,
            "Status": one.status,
            "StatusMessage": one.message,
            "CreatedTime": one.made,
            "IdempotencyToken": one.token,
            "LastRecordId": one.records[-1].id,
            "LastProvisioningRecordId": makers[-1].id,
            "LastSuccessfulProvisioningRecordId": good[-1] if good else "",
            "ProductId": one.product,
            "ProvisioningArtifactId": one.artifact,
            "LaunchRoleArn": one.role_arn,
        }
    )
