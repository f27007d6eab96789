"""Step 2: a project from a template in S3, created by CloudFormation with the given role.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CfnCreateTemplateProvider.html

The stacks are named SP-..., as in the policies of AWS's samples (aws-samples/sagemaker-custom-project-templates,
s3_templates/sample-templates/iam/cfn-stack-sm-projects.json); the rest of the name is not documented.
"""

from dataclasses import dataclass
from typing import Any

from sagemaker_rehearsal.server.errors import invalid
from sagemaker_rehearsal.server.service import Call, Host

CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]


@dataclass
class FromTemplate:
    """A project's stack."""

    details: dict[str, Any]
    stack: str
    stack_id: str
    action: str
    project_parameters: dict[str, str]

    @classmethod
    def make(
        cls, call: Call, stack: str, project_parameters: dict[str, str], tags: list[dict[str, str]]
    ) -> "FromTemplate":
        """Create the stack as the caller; CloudFormation creates the resources as the role."""
        details = dict(call.params["TemplateProviders"][0].get("CfnTemplateProvider") or {})
        if not details:
            raise invalid("TemplateProviders must hold a CfnTemplateProvider")
        role = {"RoleARN": details["RoleARN"]} if details.get("RoleARN") else {}
        with call.cloud.acting(call.keys):
            response = call.cloud.client("cloudformation").create_stack(
                StackName=stack,
                TemplateURL=details["TemplateURL"],
                Parameters=_parameters(details, project_parameters),
                Capabilities=CAPABILITIES,
                Tags=tags,
                **role,
            )
        return cls(details, stack, response["StackId"], "Create", project_parameters)

    def status(self, cloud: Host) -> tuple[str, str]:
        """Return status and message, from the stack."""
        stack = cloud.client("cloudformation").describe_stacks(StackName=self.stack_id)["Stacks"][0]
        status, reason = stack["StackStatus"], stack.get("StackStatusReason", "")
        if status.endswith("_IN_PROGRESS"):
            return f"{self.action}InProgress", status
        good = {"Create": ("CREATE_COMPLETE",), "Update": ("UPDATE_COMPLETE",), "Delete": ("DELETE_COMPLETE",)}
        end = "Completed" if status in good[self.action] else "Failed"
        return f"{self.action}{end}", f"{status} {reason}".strip()

    def update(self, call: Call, tags: list[dict[str, str]]) -> None:
        """Update the stack."""
        provider = (call.params.get("TemplateProvidersToUpdate") or [{}])[0].get("CfnTemplateProvider")
        if not provider:
            return
        changed = {**self.details, **provider}
        with call.cloud.acting(call.keys):
            call.cloud.client("cloudformation").update_stack(
                StackName=self.stack_id,
                TemplateURL=changed["TemplateURL"],
                Parameters=_parameters(changed, self.project_parameters),
                Capabilities=CAPABILITIES,
                **({"Tags": tags} if tags else {}),
            )
        self.details, self.action = changed, "Update"

    def delete(self, call: Call) -> None:
        """Delete the stack."""
        with call.cloud.acting(call.keys):
            call.cloud.client("cloudformation").delete_stack(StackName=self.stack_id)
        self.action = "Delete"

    def describe(self, cloud: Host) -> dict[str, Any]:
        """Return the project's details, with the stack's reason."""
        message = " ".join(self.status(cloud)[1].split())[:1024]
        stack = {"Name": self.stack, "Id": self.stack_id, "StatusMessage": message}
        return {"TemplateProviderDetails": [{"CfnTemplateProviderDetail": {**self.details, "StackDetail": stack}}]}


def _parameters(details: dict[str, Any], project_parameters: dict[str, str]) -> list[dict[str, str]]:
    values = {
        parameter["Key"]: parameter.get("Value", "") for parameter in details.get("Parameters") or []
    } | project_parameters
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]
