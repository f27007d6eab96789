"""Steps 2 and 3: work on a provisioned product's stack as its launch role, and say what became of it.

https://docs.aws.amazon.com/servicecatalog/latest/adminguide/constraints-launch.html
"""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from sagemaker_rehearsal.iam import identity
from sagemaker_rehearsal.server.service import ACCOUNT, Host
from sagemaker_rehearsal.servicecatalog.state import Provisioned, Record, now
from sagemaker_rehearsal.servicecatalog.state import of as of_cloud

POLL_SECONDS = 0.2
CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
PROVISION, UPDATE, TERMINATE = "PROVISION_PRODUCT", "UPDATE_PROVISIONED_PRODUCT", "TERMINATE_PROVISIONED_PRODUCT"
NO_CHANGE = "No updates are to be performed"


class StackError(Exception):
    """A stack did not become what was asked for; the message is the stack's reason."""


def stack_name(of: Provisioned) -> str:
    """Name the stack, as Service Catalog does."""
    return f"SC-{ACCOUNT}-{of.id}"


def keys(cloud: Host, role_arn: str, caller: Mapping[str, str]) -> Mapping[str, str]:
    """Return the launch role's keys, or the caller's where there is no launch constraint."""
    if not role_arn:
        return caller
    kept = of_cloud(cloud).launch_keys
    if role_arn not in kept:
        kept[role_arn] = identity.keys_for(cloud, role_arn, "servicecatalog", "servicecatalog.amazonaws.com")
    return kept[role_arn]


def start(cloud: Host, of: Provisioned, record: Record, work: Callable[[Any], None], who: Mapping[str, str]) -> None:
    """Work in the background; the record and the product tell what became of it.

    Args:
        cloud: the embedded cloud.
        of: the provisioned product.
        record: of the request.
        work: gets a CloudFormation client; raises StackError.
        who: the keys of the caller.
    """
    of.status, of.message, record.status = "UNDER_CHANGE", "", "IN_PROGRESS"

    def run() -> None:
        try:
            with cloud.acting(keys(cloud, record.role_arn, who)):
                work(cloud.client("cloudformation"))
        except (ClientError, StackError) as error:
            failed(of, record, str(error))
        except Exception as error:  # a fault of the rehearsal must not leave the product under change
            failed(of, record, f"The rehearsal failed: {error!r}")
            raise
        else:
            succeeded(of, record)

    threading.Thread(target=run, name=f"provision-{of.name}", daemon=True).start()


def succeeded(of: Provisioned, record: Record) -> None:
    """Note that all is as it was asked for."""
    of.status, of.message, record.changed = "AVAILABLE", "", now()
    record.status = "SUCCEEDED"


def failed(of: Provisioned, record: Record, reason: str) -> None:
    """Note a failure: a product whose stack runs, although not as asked for, is tainted.

    https://docs.aws.amazon.com/servicecatalog/latest/dg/API_ProvisionedProductDetail.html
    """
    record.errors = [{"Code": "AmazonCloudFormationException", "Description": reason}]
    of.status, of.message = "ERROR" if record.kind == PROVISION else "TAINTED", reason
    record.changed = now()
    record.status = "FAILED"


def make(cloudformation: Any, of: Provisioned, record: Record, template: str, tags: list[dict[str, str]]) -> None:  # noqa: ANN401 (boto3 clients have no type)
    """Make the stack.

    Raises:
        StackError: with its reason.
    """
    of.stack_id = cloudformation.create_stack(
        StackName=stack_name(of),
        TemplateURL=template,
        Parameters=listed(of.parameters),
        Tags=tags,
        Capabilities=CAPABILITIES,
    )["StackId"]
    _await(cloudformation, of, record, "CREATE_COMPLETE")


def change(cloudformation: Any, of: Provisioned, record: Record, template: str, parameters: dict[str, str]) -> None:  # noqa: ANN401 (boto3 clients have no type)
    """Change the stack; a change that changes nothing has succeeded.

    Raises:
        StackError: with its reason.
    """
    try:
        cloudformation.update_stack(
            StackName=of.stack_id, TemplateURL=template, Parameters=listed(parameters), Capabilities=CAPABILITIES
        )
    except ClientError as error:
        if NO_CHANGE not in str(error):
            raise
    _await(cloudformation, of, record, "UPDATE_COMPLETE", "CREATE_COMPLETE")


def remove(cloudformation: Any, of: Provisioned, record: Record) -> None:  # noqa: ANN401 (boto3 clients have no type)
    """Remove the stack, if there is one.

    Raises:
        StackError: with its reason.
    """
    if of.stack_id:
        cloudformation.delete_stack(StackName=of.stack_id)
        _await(cloudformation, of, record, "DELETE_COMPLETE")


def listed(parameters: Mapping[str, str]) -> list[dict[str, str]]:
    """Give parameters as CloudFormation takes them."""
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]


def _await(cloudformation: Any, of: Provisioned, record: Record, *good: str) -> None:  # noqa: ANN401 (boto3 clients have no type)
    while True:
        stack = cloudformation.describe_stacks(StackName=of.stack_id)["Stacks"][0]
        if not stack["StackStatus"].endswith("_IN_PROGRESS"):
            break
        time.sleep(POLL_SECONDS)
    record.outputs = outputs(stack)
    if stack["StackStatus"] not in good:
        raise StackError(stack.get("StackStatusReason") or f"The stack ended as {stack['StackStatus']}")


def outputs(stack: Mapping[str, Any]) -> list[dict[str, str]]:
    """Give a stack's outputs as a record has them."""
    arn = "The ARN of the launched Cloudformation Stack"
    first = {"OutputKey": "CloudformationStackARN", "OutputValue": stack["StackId"], "Description": arn}
    members = ("OutputKey", "OutputValue", "Description")
    given = [{key: str(one[key]) for key in members if one.get(key)} for one in stack.get("Outputs") or []]
    return [first, *given]
