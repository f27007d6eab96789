"""S3, CloudFormation and Service Catalog as far as publishing uses them: one stack, its bucket and its product."""

from __future__ import annotations

import datetime
from typing import Any

from catalog.publish import Aws
from tests.catalog.fakes.aws import Calls, Service, refused

BUCKET = "sagemaker-autopilot-artifacts-123456789012"
NOW = datetime.datetime(2026, 11, 24, tzinfo=datetime.UTC)


class Objects(Service):
    """A versioned bucket, which is there once the stack is."""

    service = "s3"

    def __init__(self, calls: Calls) -> None:
        super().__init__(calls)
        self.objects: dict[str, dict[str, Any]] = {}
        self.puts = 0

    def _head_object(self, Bucket: str, Key: str) -> dict[str, Any]:
        assert Bucket == BUCKET
        if Key not in self.objects:
            raise refused("404", "HeadObject", status=404)
        return {name: self.objects[Key][name] for name in ("VersionId", "Metadata")}

    def _put_object(self, Bucket: str, Key: str, Body: bytes, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - as boto3
        assert Bucket == BUCKET
        self.puts += 1
        self.objects[Key] = {"Metadata": {}, **more, "Body": Body, "VersionId": f"v{self.puts}"}
        return {"VersionId": f"v{self.puts}"}


class ServiceCatalog(Service):
    """One product."""

    service = "servicecatalog"

    def __init__(self, calls: Calls) -> None:
        super().__init__(calls)
        self.versions: dict[str, dict[str, Any]] = {}
        self.tokens: dict[str, str] = {}

    def add(self, name: str) -> str:
        """Add a version, as CloudFormation does for the first one."""
        number = f"pa-{len(self.versions) + 1}"
        self.versions[number] = {"Id": number, "Name": name, "Active": True, "Guidance": "DEFAULT"}
        return number

    def _list_provisioning_artifacts(self, ProductId: str) -> dict[str, Any]:
        assert ProductId == "prod-1"
        return {"ProvisioningArtifactDetails": list(self.versions.values())}

    def _create_provisioning_artifact(
        self,
        ProductId: str,
        Parameters: dict[str, Any],
        IdempotencyToken: str,
    ) -> dict[str, Any]:
        assert ProductId == "prod-1"
        number = self.tokens.get(IdempotencyToken) or self.add(Parameters["Name"])
        self.tokens[IdempotencyToken] = number
        self.versions[number]["Description"] = Parameters["Info"]["LoadTemplateFromURL"]
        return {"ProvisioningArtifactDetail": self.versions[number]}

    def _update_provisioning_artifact(
        self, ProductId: str, ProvisioningArtifactId: str, Guidance: str
    ) -> dict[str, Any]:
        assert ProductId == "prod-1"
        self.versions[ProvisioningArtifactId]["Guidance"] = Guidance
        return {}


class CloudFormation(Service):
    """One stack, changed through change sets, each of which takes one look to be made and one to be carried out."""

    service = "cloudformation"

    def __init__(self, calls: Calls, catalog: ServiceCatalog, ends: str = "COMPLETE") -> None:
        super().__init__(calls)
        self.catalog, self.ends = catalog, ends
        self.body, self.parameters, self.status = "", dict[str, str](), ""
        self.set: dict[str, Any] = {}

    def _describe_stacks(self, StackName: str) -> dict[str, Any]:
        if not self.status:
            raise refused("ValidationError", "DescribeStacks", f"Stack with id {StackName} does not exist")
        seen = self.status
        self.status = self.status.replace("IN_PROGRESS", self.ends)
        outputs = {"ArtifactBucket": BUCKET} | ({"ProductId": "prod-1"} if self.catalog.versions else {})
        stack = {
            "StackName": StackName,
            "CreationTime": NOW,
            "StackStatus": seen,
            "Parameters": [{"ParameterKey": k, "ParameterValue": v} for k, v in self.parameters.items()],
            "Outputs": [{"OutputKey": k, "OutputValue": v} for k, v in outputs.items()],
        }
        return {"Stacks": [stack]}

    def _get_template(self, StackName: str, TemplateStage: str) -> dict[str, Any]:
        assert TemplateStage == "Original"
        return {"TemplateBody": self.body}

    def _create_change_set(self, StackName: str, ChangeSetType: str, **request: Any) -> dict[str, Any]:  # noqa: ANN401 - as boto3
        if (ChangeSetType == "CREATE") != (not self.status):
            raise refused("ValidationError", "CreateChangeSet")
        unchanged = {
            parameter["ParameterKey"] for parameter in request["Parameters"] if parameter.get("UsePreviousValue")
        }
        assert unchanged <= set(self.parameters)
        new = {
            parameter["ParameterKey"]: parameter["ParameterValue"]
            for parameter in request["Parameters"]
            if "ParameterValue" in parameter
        }
        old = {name: self.parameters[name] for name in unchanged}
        self.set = {"body": request["TemplateBody"], "parameters": old | new, "status": "CREATE_IN_PROGRESS"}
        return {"Id": "set"}

    def _describe_change_set(self, StackName: str, ChangeSetName: str) -> dict[str, Any]:
        seen, self.set["status"] = self.set["status"], "CREATE_COMPLETE"
        row = {"Action": "Modify", "LogicalResourceId": "SeedFunction", "ResourceType": "AWS::Lambda::Function"}
        return {"Status": seen, "Changes": [{"Type": "Resource", "ResourceChange": row}]}

    def _execute_change_set(self, StackName: str, ChangeSetName: str) -> dict[str, Any]:
        self.status = "UPDATE_IN_PROGRESS" if self.body else "CREATE_IN_PROGRESS"
        self.body, self.parameters = self.set["body"], self.set["parameters"]
        if self.parameters.get("ProductVersionName") and not self.catalog.versions:
            self.catalog.add(self.parameters["ProductVersionName"])
        return {}


class Account:
    """An account in which nothing is published yet."""

    def __init__(self, ends: str = "COMPLETE") -> None:
        self.calls, self.said = Calls(), list[str]()
        self.s3, self.servicecatalog = Objects(self.calls), ServiceCatalog(self.calls)
        self.cloudformation = CloudFormation(self.calls, self.servicecatalog, ends)

    @property
    def aws(self) -> Aws:
        """Return it as publishing sees it."""
        services = (self.s3, self.cloudformation, self.servicecatalog)
        return Aws(*services, "eu-west-1", sleep=lambda _: None, say=self.said.append)
