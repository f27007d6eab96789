"""Step 2: a project from a product of Service Catalog, provisioned as the caller."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sagemaker_rehearsal.server.errors import invalid
from sagemaker_rehearsal.server.service import Call, Host
from sagemaker_rehearsal.servicecatalog import of as catalogue
from sagemaker_rehearsal.servicecatalog.state import Provisioned, Record

KINDS = {
    "PROVISION_PRODUCT": "Create",
    "UPDATE_PROVISIONED_PRODUCT": "Update",
    "TERMINATE_PROVISIONED_PRODUCT": "Delete",
}
ENDS = {"SUCCEEDED": "Completed", "FAILED": "Failed"}


def key_value_list(values: Mapping[str, str]) -> list[dict[str, str]]:
    """Return parameters or tags as a list of Key and Value."""
    return [{"Key": key, "Value": value} for key, value in values.items()]


@dataclass
class FromProduct:
    """A project's provisioned product."""

    product: str
    details: dict[str, Any]
    provisioned: str
    record: str

    @classmethod
    def make(
        cls, call: Call, name: str, project_parameters: dict[str, str], tags: list[dict[str, str]]
    ) -> "FromProduct":
        """Provision the product as the caller."""
        details = dict(call.params["ServiceCatalogProvisioningDetails"])
        parameters = {
            parameter["Key"]: parameter.get("Value", "") for parameter in details.get("ProvisioningParameters") or []
        } | project_parameters
        with call.cloud.acting(call.keys):
            client = call.cloud.client("servicecatalog")
            version = details.get("ProvisioningArtifactId") or _newest_version(client, details["ProductId"])
            record = client.provision_product(
                ProductId=details["ProductId"],
                ProvisioningArtifactId=version,
                ProvisionedProductName=name,
                ProvisioningParameters=key_value_list(parameters),
                ProvisionToken=uuid.uuid4().hex,
                Tags=tags,
                **({"PathId": details["PathId"]} if details.get("PathId") else {}),
            )["RecordDetail"]
        resolved = {**details, "ProvisioningArtifactId": version}
        return cls(details["ProductId"], resolved, record["ProvisionedProductId"], record["RecordId"])

    def _find(self, cloud: Host) -> tuple[Record, Provisioned]:
        return catalogue(cloud).records[self.record]

    def status(self, cloud: Host) -> tuple[str, str]:
        """Return status and message, from the last record."""
        record, product = self._find(cloud)
        return KINDS[record.kind] + ENDS.get(record.status, "InProgress"), product.message or product.status

    def update(self, call: Call, tags: list[dict[str, str]]) -> None:
        """Update the provisioned product; omitted parameters keep their values."""
        details = call.params.get("ServiceCatalogProvisioningUpdateDetails")
        if not details:
            return
        _, product = self._find(call.cloud)
        version = details.get("ProvisioningArtifactId") or product.artifact
        parameters = {
            parameter["Key"]: parameter.get("Value", "") for parameter in details.get("ProvisioningParameters") or []
        }
        unchanged = [{"Key": key, "UsePreviousValue": True} for key in product.parameters if key not in parameters]
        with call.cloud.acting(call.keys):
            self.record = call.cloud.client("servicecatalog").update_provisioned_product(
                ProvisionedProductId=self.provisioned,
                ProvisioningArtifactId=version,
                ProvisioningParameters=[*key_value_list(parameters), *unchanged],
                UpdateToken=uuid.uuid4().hex,
                **({"Tags": tags} if tags else {}),
            )["RecordDetail"]["RecordId"]
        before = {
            parameter["Key"]: parameter.get("Value", "")
            for parameter in self.details.get("ProvisioningParameters") or []
        }
        self.details["ProvisioningArtifactId"] = version
        self.details["ProvisioningParameters"] = key_value_list({**before, **parameters})

    def delete(self, call: Call) -> None:
        """Terminate the provisioned product."""
        with call.cloud.acting(call.keys):
            self.record = call.cloud.client("servicecatalog").terminate_provisioned_product(
                ProvisionedProductId=self.provisioned, TerminateToken=uuid.uuid4().hex
            )["RecordDetail"]["RecordId"]

    def describe(self, cloud: Host) -> dict[str, Any]:
        """Return the project's details; after a failure, the status message is the stack's reason."""
        message = " ".join(self.status(cloud)[1].split())  # the service model allows no line breaks
        product = {"ProvisionedProductId": self.provisioned, "ProvisionedProductStatusMessage": message}
        return {
            "ServiceCatalogProvisioningDetails": self.details,
            "ServiceCatalogProvisionedProductDetails": product,
        }


def _newest_version(client: Any, product: str) -> str:  # noqa: ANN401 (boto3 clients have no type)
    """Return the id of the newest version that is not deprecated."""
    versions = client.describe_product(Id=product)["ProvisioningArtifacts"]
    candidates = [version for version in versions if version["Guidance"] == "DEFAULT"]
    if not candidates:
        raise invalid(f"Product {product} has no version to provision")
    return str(max(candidates, key=lambda version: version["CreatedTime"])["Id"])
