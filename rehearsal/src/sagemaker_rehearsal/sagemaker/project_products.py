"""Step 2: a project that is made of a product of Service Catalog, in the name of whoever creates it."""

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


def named(values: Mapping[str, str]) -> list[dict[str, str]]:
    """Give parameters or tags as lists."""
    return [{"Key": key, "Value": value} for key, value in values.items()]


@dataclass
class FromProduct:
    """What was provisioned of a product."""

    product: str
    details: dict[str, Any]
    provisioned: str
    record: str

    @classmethod
    def make(cls, call: Call, name: str, given: dict[str, str], tags: list[dict[str, str]]) -> "FromProduct":
        """Provision the product in the caller's name."""
        details = dict(call.params["ServiceCatalogProvisioningDetails"])
        wanted = {one["Key"]: one.get("Value", "") for one in details.get("ProvisioningParameters") or []} | given
        with call.cloud.acting(call.keys):
            client = call.cloud.client("servicecatalog")
            version = details.get("ProvisioningArtifactId") or _default(client, details["ProductId"])
            record = client.provision_product(
                ProductId=details["ProductId"],
                ProvisioningArtifactId=version,
                ProvisionedProductName=name,
                ProvisioningParameters=named(wanted),
                ProvisionToken=uuid.uuid4().hex,
                Tags=tags,
                **({"PathId": details["PathId"]} if details.get("PathId") else {}),
            )["RecordDetail"]
        kept = {**details, "ProvisioningArtifactId": version}
        return cls(details["ProductId"], kept, record["ProvisionedProductId"], record["RecordId"])

    def _kept(self, cloud: Host) -> tuple[Record, Provisioned]:
        return catalogue(cloud).records[self.record]

    def status(self, cloud: Host) -> tuple[str, str]:
        """Tell it from the last record."""
        record, product = self._kept(cloud)
        return KINDS[record.kind] + ENDS.get(record.status, "InProgress"), product.message or product.status

    def update(self, call: Call, tags: list[dict[str, str]]) -> None:
        """Update the provisioned product; parameters that are not given keep their values."""
        details = call.params.get("ServiceCatalogProvisioningUpdateDetails")
        if not details:
            return
        _, product = self._kept(call.cloud)
        version = details.get("ProvisioningArtifactId") or product.artifact
        given = {one["Key"]: one.get("Value", "") for one in details.get("ProvisioningParameters") or []}
        kept = [{"Key": key, "UsePreviousValue": True} for key in product.parameters if key not in given]
        with call.cloud.acting(call.keys):
            self.record = call.cloud.client("servicecatalog").update_provisioned_product(
                ProvisionedProductId=self.provisioned,
                ProvisioningArtifactId=version,
                ProvisioningParameters=[*named(given), *kept],
                UpdateToken=uuid.uuid4().hex,
                **({"Tags": tags} if tags else {}),
            )["RecordDetail"]["RecordId"]
        before = {one["Key"]: one.get("Value", "") for one in self.details.get("ProvisioningParameters") or []}
        self.details["ProvisioningArtifactId"] = version
        self.details["ProvisioningParameters"] = named({**before, **given})

    def delete(self, call: Call) -> None:
        """Terminate the provisioned product."""
        with call.cloud.acting(call.keys):
            self.record = call.cloud.client("servicecatalog").terminate_provisioned_product(
                ProvisionedProductId=self.provisioned, TerminateToken=uuid.uuid4().hex
            )["RecordDetail"]["RecordId"]

    def described(self, cloud: Host) -> dict[str, Any]:
        """Give the details; the status message is the stack's reason, where something failed."""
        message = " ".join(self.status(cloud)[1].split())  # the model takes no line breaks
        product = {"ProvisionedProductId": self.provisioned, "ProvisionedProductStatusMessage": message}
        return {
            "ServiceCatalogProvisioningDetails": self.details,
            "ServiceCatalogProvisionedProductDetails": product,
        }


def _default(client: Any, product: str) -> str:  # noqa: ANN401 (boto3 clients have no type)
    """Give the newest version that is not deprecated."""
    versions = client.describe_product(Id=product)["ProvisioningArtifacts"]
    found = [one for one in versions if one["Guidance"] == "DEFAULT"]
    if not found:
        raise invalid(f"Product {product} has no version to provision")
    return str(max(found, key=lambda one: one["CreatedTime"])["Id"])
