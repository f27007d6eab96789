"""Steps 2 and 3: create, update and delete a provisioned product's stack as its launch role, and record the result.

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
    """A stack operation failed; the message is the stack's reason."""


def stack_name(provisioned: Provisioned) -> str:
    """Return the stack's name in Service Catalog's format."""
    return f"SC-{ACCOUNT}-{provisioned.id}"


def keys(cloud: Host, role_arn: str, caller: Mapping[str, str]) -> Mapping[str, str]:
    """Return the launch role's credentials, or the caller's without a launch constraint."""
    if not role_arn:
        return caller
    launch_keys = of_cloud(cloud).launch_keys
    if role_arn not in launch_keys:
        launch_keys[role_arn] = identity.keys_for(cloud, role_arn, "servicecatalog", "servicecatalog.amazonaws.com")
    return launch_keys[role_arn]


def start(
    cloud: Host, provisioned: Provisioned, record: Record, work: Callable[[Any], None], who: Mapping[str, str]
) -> None:
    """Run a stack operation in the background; record and product hold its result.

    Args:
        cloud: the embedded cloud.
        provisioned: the provisioned product.
        record: the request's record.
        work: the operation; takes a CloudFormation client and raises StackError.
        who: the caller's credentials.
    """
    provisioned.status, provisioned.message, record.status = "UNDER_CHANGE", "", "IN_PROGRESS"

    def run() -> None:
        try:
            with cloud.acting(keys(cloud, record.role_arn, who)):
                work(cloud.client("cloudformation"))
        except (ClientError, StackError) as error:
            failed(provisioned, record, str(error))
        except Exception as error:  # a bug of the rehearsal must not leave the product UNDER_CHANGE
            failed(provisioned, record, f"The rehearsal failed: {error!r}")
            raise
        else:
            succeeded(provisioned, record)

    threading.Thread(target=run, name=f"provision-{provisioned.name}", daemon=True).start()


def succeeded(provisioned: Provisioned, record: Record) -> None:
    """Record a success."""
    provisioned.status, provisioned.message, record.changed = "AVAILABLE", "", now()
    record.status = "SUCCEEDED"


def failed(provisioned: Provisioned, record: Record, reason: str) -> None:
    """Record a failure: a product whose stack still runs with its old configuration is TAINTED.

    https://docs.aws.amazon.com/servicecatalog/latest/dg/API_ProvisionedProductDetail.html
    """
    record.errors = [{"Code": "AmazonCloudFormationException", "Description": reason}]
    provisioned.status, provisioned.message = "ERROR" if record.kind == PROVISION else "TAINTED", reason
    record.changed = now()
    record.status = "FAILED"


def make(
    cloudformation: Any,  # noqa: ANN401 (boto3 clients have no type)
    provisioned: Provisioned,
    record: Record,
    template: str,
    tags: list[dict[str, str]],
) -> None:
    """Create the stack.

    Raises:
        StackError: with its reason.
    """
    provisioned.stack_id = cloudformation.create_stack(
        StackName=stack_name(provisioned),
        TemplateURL=template,
        Parameters=parameter_list(provisioned.parameters),
        Tags=tags,
        Capabilities=CAPABILITIES,
    )["StackId"]
    _await(cloudformation, provisioned, record, "CREATE_COMPLETE")


def change(
    cloudformation: Any,  # noqa: ANN401 (boto3 clients have no type)
    provisioned: Provisioned,
    record: Record,
    template: str,
    parameters: dict[str, str],
) -> None:
    """Update the stack; an update without changes is a success.

    Raises:
        StackError: with its reason.
    """
    try:
        cloudformation.update_stack(
            StackName=provisioned.stack_id,
            TemplateURL=template,
            Parameters=parameter_list(parameters),
            Capabilities=CAPABILITIES,
        )
    except ClientError as error:
        if NO_CHANGE not in str(error):
            raise
    _await(cloudformation, provisioned, record, "UPDATE_COMPLETE", "CREATE_COMPLETE")


def remove(
    cloudformation: Any,  # noqa: ANN401 (boto3 clients have no type)
    provisioned: Provisioned,
    record: Record,
) -> None:
    """Delete the stack, if there is one.

    Raises:
        StackError: with its reason.
    """
    if provisioned.stack_id:
        cloudformation.delete_stack(StackName=provisioned.stack_id)
        _await(cloudformation, provisioned, record, "DELETE_COMPLETE")


def parameter_list(parameters: Mapping[str, str]) -> list[dict[str, str]]:
    """Return parameters in CloudFormation's format."""
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]


def _await(
    cloudformation: Any,  # noqa: ANN401 (boto3 clients have no type)
    provisioned: Provisioned,
    record: Record,
    *good: str,
) -> None:
    while True:
        stack = cloudformation.describe_stacks(StackName=provisioned.stack_id)["Stacks"][0]
        if not stack["StackStatus"].endswith("_IN_PROGRESS"):
            break
        time.sleep(POLL_SECONDS)
    record.outputs = outputs(stack)
    if stack["StackStatus"] not in good:
        raise StackError(stack.get("StackStatusReason") or f"The stack ended as {stack['StackStatus']}")


def outputs(stack: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return a stack's outputs in a record's format, preceded by the stack's ARN as on AWS."""
    arn = "The ARN of the launched Cloudformation Stack"
    first = {"OutputKey": "CloudformationStackARN", "OutputValue": stack["StackId"], "Description": arn}
    members = ("OutputKey", "OutputValue", "Description")
    entries = [{key: str(output[key]) for key in members if output.get(key)} for output in stack.get("Outputs") or []]
    return [first, *entries]
