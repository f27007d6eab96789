"""Step 1: AWS::ServiceCatalog::*.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_ServiceCatalog.html
"""

import json
import uuid
from collections.abc import Mapping
from typing import Any

from sagemaker_rehearsal.cloudformation import handler
from sagemaker_rehearsal.cloudformation.resources import (
    HANDLERS,
    Properties,
    Resource,
    ResourceError,
    ResourceType,
    register,
)
from sagemaker_rehearsal.server.cloud import Cloud

PORTFOLIO, PRODUCT = "AWS::ServiceCatalog::Portfolio", "AWS::ServiceCatalog::CloudFormationProduct"
LAUNCH = "AWS::ServiceCatalog::LaunchRoleConstraint"
PRODUCT_MEMBERS = ("Name", "Owner", "Description", "Distributor", "SupportDescription", "SupportEmail", "SupportUrl")


def _token() -> str:
    return uuid.uuid4().hex


def _tag_changes(before: Properties, after: Properties) -> dict[str, Any]:
    kept = {one["Key"] for one in handler.tags_of(after)}
    lost = [one["Key"] for one in handler.tags_of(before) if one["Key"] not in kept]
    new = [one for one in handler.tags_of(after) if one not in handler.tags_of(before)]
    return {**({"AddTags": new} if new else {}), **({"RemoveTags": lost} if lost else {})}


class Portfolios:
    """AWS::ServiceCatalog::Portfolio."""

    fixed: frozenset[str] = frozenset()

    def create(self, cloud: Cloud, stack_id: str, logical: str, kind: str, properties: Properties) -> Resource:
        """Make a portfolio."""
        handler.require_known(PORTFOLIO, properties, {"DisplayName", "ProviderName", "Description", "Tags"})
        with handler.reasons():
            made = cloud.client("servicecatalog").create_portfolio(**properties, IdempotencyToken=_token())
        detail = made["PortfolioDetail"]
        return Resource(PORTFOLIO, logical, detail["Id"], properties, {"PortfolioName": detail["DisplayName"]})

    def update(self, cloud: Cloud, stack_id: str, old: Resource, properties: Properties) -> Resource:
        """Change a portfolio."""
        given = {key: value for key, value in properties.items() if key != "Tags"}
        changed = {**given, **_tag_changes(old.properties, properties)}
        with handler.reasons():
            cloud.client("servicecatalog").update_portfolio(Id=old.physical_resource_id, **changed)
        name = {"PortfolioName": str(properties["DisplayName"])}
        return Resource(PORTFOLIO, old.logical_resource_id, old.physical_resource_id, properties, name)

    def delete(self, cloud: Cloud, resource: Resource) -> None:
        """Remove a portfolio."""
        name = resource.physical_resource_id
        with handler.reasons():
            handler.gone(lambda: cloud.client("servicecatalog").delete_portfolio(Id=name))


class Products:
    """AWS::ServiceCatalog::CloudFormationProduct."""

    fixed = frozenset({"ProductType"})
    known = frozenset({*PRODUCT_MEMBERS, "Tags", "ProvisioningArtifactParameters", "ReplaceProvisioningArtifacts"})

    def create(self, cloud: Cloud, stack_id: str, logical: str, kind: str, properties: Properties) -> Resource:
        """Make a product with its versions."""
        handler.require_known(PRODUCT, properties, self.known)
        handler.require(properties, "Name", "Owner", "ProvisioningArtifactParameters")
        first, *others = properties["ProvisioningArtifactParameters"]
        given = {key: properties[key] for key in (*PRODUCT_MEMBERS, "Tags") if key in properties}
        client = cloud.client("servicecatalog")
        with handler.reasons():
            made = client.create_product(
                **given,
                ProductType="CLOUD_FORMATION_TEMPLATE",
                ProvisioningArtifactParameters=_version(first),
                IdempotencyToken=_token(),
            )
            name = made["ProductViewDetail"]["ProductViewSummary"]["ProductId"]
            ids = [made["ProvisioningArtifactDetail"]["Id"], *(_add(client, name, one) for one in others)]
        return self._made(logical, name, properties, ids)

    def update(self, cloud: Cloud, stack_id: str, old: Resource, properties: Properties) -> Resource:
        """Change a product; versions are matched by their place, and those that changed become other ones."""
        handler.require_known(PRODUCT, properties, self.known)
        given = {key: properties[key] for key in PRODUCT_MEMBERS if key in properties}
        client, name = cloud.client("servicecatalog"), old.physical_resource_id
        with handler.reasons():
            client.update_product(Id=name, **given, **_tag_changes(old.properties, properties))
            ids = _match(client, name, old, properties)
        return self._made(old.logical_resource_id, name, properties, ids)

    def delete(self, cloud: Cloud, resource: Resource) -> None:
        """Remove a product with all of its versions."""
        name = resource.physical_resource_id
        with handler.reasons():
            handler.gone(lambda: cloud.client("servicecatalog").delete_product(Id=name))

    def _made(self, logical: str, name: str, properties: Properties, ids: list[str]) -> Resource:
        names = [str(one.get("Name", "")) for one in properties["ProvisioningArtifactParameters"]]
        attributes = {
            "ProductName": str(properties["Name"]),
            "ProvisioningArtifactIds": ",".join(ids),
            "ProvisioningArtifactNames": ",".join(names),
        }
        return Resource(PRODUCT, logical, name, properties, attributes)


def _version(given: Mapping[str, Any]) -> dict[str, Any]:
    plain = str(given.get("DisableTemplateValidation", "false")).lower() == "true"
    return {**given, "DisableTemplateValidation": plain, "Type": given.get("Type", "CLOUD_FORMATION_TEMPLATE")}


def _add(client: Any, product: str, given: Mapping[str, Any]) -> str:  # noqa: ANN401 (boto3 clients have no type)
    made = client.create_provisioning_artifact(ProductId=product, Parameters=_version(given), IdempotencyToken=_token())
    return str(made["ProvisioningArtifactDetail"]["Id"])


def _match(client: Any, product: str, old: Resource, properties: Properties) -> list[str]:  # noqa: ANN401 (as above)
    before, after = old.properties["ProvisioningArtifactParameters"], properties["ProvisioningArtifactParameters"]
    known = str(old.attributes["ProvisioningArtifactIds"]).split(",")
    replace = str(properties.get("ReplaceProvisioningArtifacts", "false")).lower() == "true"
    ids, lost = [], known[len(after) :]
    for place, given in enumerate(after):
        same = place < len(known) and given.get("Info") == before[place].get("Info") and not replace
        if place < len(known) and given == before[place]:
            ids.append(known[place])
        elif same:
            texts = {key: given[key] for key in ("Name", "Description") if key in given}
            client.update_provisioning_artifact(ProductId=product, ProvisioningArtifactId=known[place], **texts)
            ids.append(known[place])
        else:
            ids.append(_add(client, product, given))
            lost += known[place : place + 1]
    for one in lost:
        client.delete_provisioning_artifact(ProductId=product, ProvisioningArtifactId=one)
    return ids


class Launches:
    """AWS::ServiceCatalog::LaunchRoleConstraint."""

    fixed = frozenset({"PortfolioId", "ProductId"})
    known = fixed | {"RoleArn", "LocalRoleName", "Description"}

    def create(self, cloud: Cloud, stack_id: str, logical: str, kind: str, properties: Properties) -> Resource:
        """Say by which role a product is launched."""
        handler.require_known(LAUNCH, properties, self.known)
        given = {key: properties[key] for key in ("PortfolioId", "ProductId", "Description") if key in properties}
        with handler.reasons():
            made = cloud.client("servicecatalog").create_constraint(
                **given, Type="LAUNCH", Parameters=_role(properties), IdempotencyToken=_token()
            )
        return Resource(LAUNCH, logical, made["ConstraintDetail"]["ConstraintId"], properties)

    def update(self, cloud: Cloud, stack_id: str, old: Resource, properties: Properties) -> Resource:
        """Name another role, or make another constraint."""
        if any(old.properties.get(key) != properties.get(key) for key in self.fixed):
            return self.create(cloud, stack_id, old.logical_resource_id, LAUNCH, properties)
        name = old.physical_resource_id
        with handler.reasons():
            cloud.client("servicecatalog").update_constraint(
                Id=name, Parameters=_role(properties), Description=properties.get("Description", "")
            )
        return Resource(LAUNCH, old.logical_resource_id, name, properties)

    def delete(self, cloud: Cloud, resource: Resource) -> None:
        """Remove the constraint."""
        name = resource.physical_resource_id
        with handler.reasons():
            handler.gone(lambda: cloud.client("servicecatalog").delete_constraint(Id=name))


def _role(properties: Properties) -> str:
    given = {key: properties[key] for key in ("RoleArn", "LocalRoleName") if key in properties}
    if len(given) != 1:
        raise ResourceError("Properties validation failed: exactly one of RoleArn and LocalRoleName must be given")
    return json.dumps(given)


HANDLERS.update({PORTFOLIO: Portfolios(), PRODUCT: Products(), LAUNCH: Launches()})
register(
    ResourceType(
        name="AWS::ServiceCatalog::PortfolioProductAssociation",
        service="servicecatalog",
        create="associate_product_with_portfolio",
        delete="disassociate_product_from_portfolio",
        ref=lambda request, answer: f"{request['PortfolioId']}|{request['ProductId']}",
        delete_request=lambda request: {key: request[key] for key in ("PortfolioId", "ProductId")},
    )
)
register(
    ResourceType(
        name="AWS::ServiceCatalog::PortfolioPrincipalAssociation",
        service="servicecatalog",
        create="associate_principal_with_portfolio",
        delete="disassociate_principal_from_portfolio",
        ref=lambda request, answer: f"{request['PrincipalARN']}|{request['PortfolioId']}",
        delete_request=lambda request: {
            "PortfolioId": request["PortfolioId"],
            "PrincipalARN": request["PrincipalARN"],
            "PrincipalType": request["PrincipalType"],
        },
    )
)
