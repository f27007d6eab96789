"""Step 2: a project that is made straight from a template in S3, by CloudFormation under the role that was entered.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CfnCreateTemplateProvider.html

The stacks are called SP-..., as the policies of AWS's samples show (aws-samples/sagemaker-custom-project-templates,
s3_templates/sample-templates/iam/cfn-stack-sm-projects.json); what follows is not published.
"""

from dataclasses import dataclass
from typing import Any

from sagemaker_rehearsal.server.errors import invalid
from sagemaker_rehearsal.server.service import Call, Host

CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]


@dataclass
class FromTemplate:
    """A stack that was made of a template."""

    details: dict[str, Any]
    stack: str
    stack_id: str
    action: str
    given: dict[str, str]

    @classmethod
    def make(cls, call: Call, stack: str, given: dict[str, str], tags: list[dict[str, str]]) -> "FromTemplate":
        """Make the stack: the caller asks for it, the role makes the resources."""
        details = dict(call.params["TemplateProviders"][0].get("CfnTemplateProvider") or {})
        if not details:
            raise invalid("TemplateProviders must hold a CfnTemplateProvider")
        role = {"RoleARN": details["RoleARN"]} if details.get("RoleARN") else {}
        with call.cloud.acting(call.keys):
            made = call.cloud.client("cloudformation").create_stack(
                StackName=stack,
                TemplateURL=details["TemplateURL"],
                Parameters=_parameters(details, given),
                Capabilities=CAPABILITIES,
                Tags=tags,
                **role,
            )
        return cls(details, stack, made["StackId"], "Create", given)

    def status(self, cloud: Host) -> tuple[str, str]:
        """Tell it from the stack."""
        stack = cloud.client("cloudformation").describe_stacks(StackName=self.stack_id)["Stacks"][0]
        status, reason = stack["StackStatus"], stack.get("StackStatusReason", "")
        if status.endswith("_IN_PROGRESS"):
            return f"{self.action}InProgress", status
        good = {"Create": ("CREATE_COMPLETE",), "Update": ("UPDATE_COMPLETE",), "Delete": ("DELETE_COMPLETE",)}
        end = "Completed" if status in good[self.action] else "Failed"
        return f"{self.action}{end}", f"{status} {reason}".strip()

    def update(self, call: Call, tags: list[dict[str, str]]) -> None:
        """Change the stack."""
        given = (call.params.get("TemplateProvidersToUpdate") or [{}])[0].get("CfnTemplateProvider")
        if not given:
            return
        changed = {**self.details, **given}
        with call.cloud.acting(call.keys):
            call.cloud.client("cloudformation").update_stack(
                StackName=self.stack_id,
                TemplateURL=changed["TemplateURL"],
                Parameters=_parameters(changed, self.given),
                Capabilities=CAPABILITIES,
                **({"Tags": tags} if tags else {}),
            )
        self.details, self.action = changed, "Update"

    def delete(self, call: Call) -> None:
        """Remove the stack."""
        with call.cloud.acting(call.keys):
            call.cloud.client("cloudformation").delete_stack(StackName=self.stack_id)
        self.action = "Delete"

    def described(self, cloud: Host) -> dict[str, Any]:
        """Give the details, with the stack's reason."""
        message = " ".join(self.status(cloud)[1].split())[:1024]
        stack = {"Name": self.stack, "Id": self.stack_id, "StatusMessage": message}
        return {"TemplateProviderDetails": [{"CfnTemplateProviderDetail": {**self.details, "StackDetail": stack}}]}


def _parameters(details: dict[str, Any], given: dict[str, str]) -> list[dict[str, str]]:
    wanted = {one["Key"]: one.get("Value", "") for one in details.get("Parameters") or []} | given
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in wanted.items()]
