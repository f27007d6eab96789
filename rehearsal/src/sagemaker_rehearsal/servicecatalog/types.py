"""Step 1: AWS::ServiceCatalog::*.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_ServiceCatalog.html
"""

import json
import uuid
from collections.abc import Mapping
from typing import Any

from sagemaker_rehearsal.cloudformation.api_type import ApiType
from sagemaker_rehearsal.cloudformation.resources import (
    Made,
    Properties,
    Resource,
    ResourceError,
    ResourceType,
    chosen,
    ignore_absence,
    tag_list,
    tags_of,
    without,
)
from sagemaker_rehearsal.server.service import Host

PRODUCT_MEMBERS = ("Name", "Owner", "Description", "Distributor", "SupportDescription", "SupportEmail", "SupportUrl")


def _token() -> str:
    return uuid.uuid4().hex


def _tag_changes(before: Properties, after: Properties) -> dict[str, Any]:
    lost = sorted(tags_of(before).keys() - tags_of(after).keys())
    new = [tag for tag in tag_list(after) if tag not in tag_list(before)]
    return {**({"AddTags": new} if new else {}), **({"RemoveTags": lost} if lost else {})}


class Portfolio(ResourceType):
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-servicecatalog-portfolio.html"""

    name = "AWS::ServiceCatalog::Portfolio"
    known = frozenset({"DisplayName", "ProviderName", "Description", "Tags"})

    def make(self, cloud: Host, name: str, properties: Properties) -> Made:
        """Create a portfolio."""
        client = cloud.client("servicecatalog")
        detail = client.create_portfolio(**properties, IdempotencyToken=_token())["PortfolioDetail"]
        return detail["Id"], {"PortfolioName": detail["DisplayName"]}

    def change(self, cloud: Host, old: Resource, name: str, properties: Properties) -> Mapping[str, str]:
        """Update a portfolio."""
        changes = {**without(properties, "Tags"), **_tag_changes(old.properties, properties)}
        cloud.client("servicecatalog").update_portfolio(Id=old.physical_resource_id, **changes)
        return {"PortfolioName": str(properties["DisplayName"])}

    def remove(self, cloud: Host, old: Resource) -> None:
        """Delete a portfolio."""
        ignore_absence(lambda: cloud.client("servicecatalog").delete_portfolio(Id=old.physical_resource_id))


class Product(ResourceType):
    """A product with its versions."""

    name = "AWS::ServiceCatalog::CloudFormationProduct"
    fixed = frozenset({"ProductType"})
    known = frozenset({*PRODUCT_MEMBERS, "Tags", "ProvisioningArtifactParameters", "ReplaceProvisioningArtifacts"})
    required = ("Name", "Owner", "ProvisioningArtifactParameters")

    def make(self, cloud: Host, name: str, properties: Properties) -> Made:
        """Create a product with its versions."""
        first, *others = properties["ProvisioningArtifactParameters"]
        client = cloud.client("servicecatalog")
        answer = client.create_product(
            **chosen(properties, (*PRODUCT_MEMBERS, "Tags")),
            ProductType="CLOUD_FORMATION_TEMPLATE",
            ProvisioningArtifactParameters=_version(first),
            IdempotencyToken=_token(),
        )
        product = answer["ProductViewDetail"]["ProductViewSummary"]["ProductId"]
        ids = [answer["ProvisioningArtifactDetail"]["Id"], *(_add(client, product, version) for version in others)]
        return product, _product_attributes(properties, ids)

    def change(self, cloud: Host, old: Resource, name: str, properties: Properties) -> Mapping[str, str]:
        """Update a product; versions are matched by position, and a changed template creates a new version."""
        client, product = cloud.client("servicecatalog"), old.physical_resource_id
        changes = {**chosen(properties, PRODUCT_MEMBERS), **_tag_changes(old.properties, properties)}
        client.update_product(Id=product, **changes)
        return _product_attributes(properties, _match(client, product, old, properties))

    def remove(self, cloud: Host, old: Resource) -> None:
        """Delete a product with its versions."""
        ignore_absence(lambda: cloud.client("servicecatalog").delete_product(Id=old.physical_resource_id))


def _product_attributes(properties: Properties, ids: list[str]) -> dict[str, str]:
    names = [str(version.get("Name", "")) for version in properties["ProvisioningArtifactParameters"]]
    return {
        "ProductName": str(properties["Name"]),
        "ProvisioningArtifactIds": ",".join(ids),
        "ProvisioningArtifactNames": ",".join(names),
    }


def _version(version: Mapping[str, Any]) -> dict[str, Any]:
    plain = str(version.get("DisableTemplateValidation", "false")).lower() == "true"
    return {**version, "DisableTemplateValidation": plain, "Type": version.get("Type", "CLOUD_FORMATION_TEMPLATE")}


def _add(client: Any, product: str, version: Mapping[str, Any]) -> str:  # noqa: ANN401 (boto3 clients have no type)
    response = client.create_provisioning_artifact(
        ProductId=product, Parameters=_version(version), IdempotencyToken=_token()
    )
    return str(response["ProvisioningArtifactDetail"]["Id"])


def _match(client: Any, product: str, old: Resource, properties: Properties) -> list[str]:  # noqa: ANN401 (as above)
    before, after = old.properties["ProvisioningArtifactParameters"], properties["ProvisioningArtifactParameters"]
    known = str(old.attributes["ProvisioningArtifactIds"]).split(",")
    replace = str(properties.get("ReplaceProvisioningArtifacts", "false")).lower() == "true"
    ids, lost = [], known[len(after) :]
    for place, version in enumerate(after):
        same = place < len(known) and version.get("Info") == before[place].get("Info") and not replace
        if place < len(known) and version == before[place]:
            ids.append(known[place])
        elif same:
            texts = {key: version[key] for key in ("Name", "Description") if key in version}
            client.update_provisioning_artifact(ProductId=product, ProvisioningArtifactId=known[place], **texts)
            ids.append(known[place])
        else:
            ids.append(_add(client, product, version))
            lost += known[place : place + 1]
    for artifact in lost:
        client.delete_provisioning_artifact(ProductId=product, ProvisioningArtifactId=artifact)
    return ids


class LaunchRoleConstraint(ResourceType):
    """The role that launches a product."""

    name = "AWS::ServiceCatalog::LaunchRoleConstraint"
    fixed = frozenset({"PortfolioId", "ProductId"})
    known = fixed | {"RoleArn", "LocalRoleName", "Description"}

    def make(self, cloud: Host, name: str, properties: Properties) -> Made:
        """Create the constraint."""
        parameters = chosen(properties, ("PortfolioId", "ProductId", "Description"))
        answer = cloud.client("servicecatalog").create_constraint(
            **parameters, Type="LAUNCH", Parameters=_role(properties), IdempotencyToken=_token()
        )
        return answer["ConstraintDetail"]["ConstraintId"], {}

    def change(self, cloud: Host, old: Resource, name: str, properties: Properties) -> Mapping[str, str]:
        """Replace the constraint's role."""
        cloud.client("servicecatalog").update_constraint(
            Id=old.physical_resource_id,
            Parameters=_role(properties),
            Description=properties.get("Description", ""),
        )
        return {}

    def remove(self, cloud: Host, old: Resource) -> None:
        """Delete the constraint."""
        ignore_absence(lambda: cloud.client("servicecatalog").delete_constraint(Id=old.physical_resource_id))


def _role(properties: Properties) -> str:
    role = {key: properties[key] for key in ("RoleArn", "LocalRoleName") if key in properties}
    if len(role) != 1:
        raise ResourceError("Properties validation failed: exactly one of RoleArn and LocalRoleName must be given")
    return json.dumps(role)


RESOURCE_TYPES: tuple[ResourceType, ...] = (
    Portfolio(),
    Product(),
    LaunchRoleConstraint(),
    ApiType(
        name="AWS::ServiceCatalog::PortfolioProductAssociation",
        service="servicecatalog",
        create_operation="associate_product_with_portfolio",
        delete_operation="disassociate_product_from_portfolio",
        ref=lambda request, answer: f"{request['PortfolioId']}|{request['ProductId']}",
        delete_request=lambda request: {key: request[key] for key in ("PortfolioId", "ProductId")},
    ),
    ApiType(
        name="AWS::ServiceCatalog::PortfolioPrincipalAssociation",
        service="servicecatalog",
        create_operation="associate_principal_with_portfolio",
        delete_operation="disassociate_principal_from_portfolio",
        ref=lambda request, answer: f"{request['PrincipalARN']}|{request['PortfolioId']}",
        delete_request=lambda request: {
            "PortfolioId": request["PortfolioId"],
            "PrincipalARN": request["PrincipalARN"],
            "PrincipalType": request["PrincipalType"],
        },
    ),
)
