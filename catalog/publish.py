"""Step 1: publish the template as a product: `python -m catalog.publish plan` prints what `apply` would do."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from catalog import bundle
from catalog.bundle import ROOT, BundleError
from catalog.release import (
    GIVEN_TO_STACK,
    MAX_STACK_TEMPLATE,
    STUDIO_KEY,
    VISIBLE,
    AddVersion,
    ChangeStack,
    Deprecate,
    Lenient,
    MakeStack,
    PublishError,
    State,
    Step,
    Upload,
    UploadProduct,
    Version,
    Wanted,
    pinned,
    plan,
)

STACK = "sagemaker-autopilot-catalog"
ROUNDS = 4  # the bucket; its content and the functions; and then nothing should be left
DIGEST = "product-digest"  # metadata of the object that Studio's own route offers


@dataclass(frozen=True)
class Aws:
    """The services that publishing talks to."""

    s3: Any
    cloudformation: Any
    servicecatalog: Any
    region: str
    stack: str = STACK
    sleep: Callable[[float], None] = time.sleep
    say: Callable[[str], None] = print


def goal_of(parameters: Mapping[str, str], *, dirty: bool, root: Path = ROOT) -> Wanted:
    """Pack what this commit publishes.

    Raises:
        PublishError: the working tree differs from the commit, or a template is missing or too long.
    """
    template, hook, router = bundle.make(root / "build" / "catalog" / "wheels", root)
    manifest = bundle.manifest((template, hook, router), root)
    if not manifest.clean and not dirty:
        raise PublishError("the working tree differs from the commit; commit it, or add --dirty for a trial")
    stack, product = (text_of(root / "catalog" / name) for name in ("portfolio.yaml", "product.yaml"))
    if len(stack.encode()) > MAX_STACK_TEMPLATE:
        raise PublishError(
            f"portfolio.yaml: has more than {MAX_STACK_TEMPLATE} bytes, which CloudFormation takes at once"
        )
    declared = frozenset(yaml.load(stack, Lenient).get("Parameters", {}))  # noqa: S506 - a safe loader
    if missing := sorted(GIVEN_TO_STACK - declared):
        raise PublishError(f"portfolio.yaml: must declare the parameters {', '.join(missing)}, which publishing gives")
    if unknown := sorted(set(parameters) - declared):
        raise PublishError(f"{', '.join(unknown)}: no such parameter; portfolio.yaml has {', '.join(sorted(declared))}")
    version = manifest.version + ("" if manifest.clean else "-dirty")
    return Wanted(version, template, hook, router, product, stack, declared, parameters)


def text_of(path: Path) -> str:
    """Return a file's text.

    Raises:
        PublishError: it is not there.
    """
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        raise PublishError(f"{path.name}: is missing beside catalog/publish.py; restore it") from None


def look(aws: Aws, goal: Wanted) -> State:
    """Return what is there.

    Raises:
        PublishError: the stack's first deployment failed; such a stack can only be deleted.
    """
    stack = described(aws)
    if stack is None or stack["StackStatus"] == "REVIEW_IN_PROGRESS":
        return State()
    if stack["StackStatus"] in ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED"):
        raise PublishError(
            f"stack {aws.stack} was never made ({stack['StackStatus']}); its events in CloudFormation say why; "
            f"correct that, delete it (aws cloudformation delete-stack --stack-name {aws.stack}) and apply again"
        )
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
    bucket, product = outputs.get("ArtifactBucket", ""), outputs.get("ProductId", "")
    heads = {
        key: head(aws, bucket, key) for key in (*(bundle.key for bundle in goal.bundles), goal.product_key, STUDIO_KEY)
    }
    return State(
        stack=aws.cloudformation.get_template(StackName=aws.stack, TemplateStage="Original")["TemplateBody"],
        parameters={
            parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in stack.get("Parameters", [])
        },
        bucket=bucket,
        product=product,
        objects={key: answer["VersionId"] for key, answer in heads.items() if answer and key != STUDIO_KEY},
        studio=(heads[STUDIO_KEY] or {}).get("Metadata", {}).get(DIGEST, ""),
        versions=tuple(versions_of(aws, product)) if product else (),
    )


def described(aws: Aws) -> dict[str, Any] | None:
    """Return the ops stack, if there is one."""
    from botocore.exceptions import ClientError

    try:
        stack: dict[str, Any] = aws.cloudformation.describe_stacks(StackName=aws.stack)["Stacks"][0]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":
            return None
        raise
    return stack


def head(aws: Aws, bucket: str, key: str) -> dict[str, Any] | None:
    """Return what S3 knows of an object, if it is there."""
    from botocore.exceptions import ClientError

    try:
        answer: dict[str, Any] = aws.s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("404", "NoSuchKey", "NotFound"):
            return None
        raise
    return answer


def versions_of(aws: Aws, product: str) -> list[Version]:
    """Return the versions of the product that can be provisioned."""
    details = aws.servicecatalog.list_provisioning_artifacts(ProductId=product)["ProvisioningArtifactDetails"]
    return [
        Version(detail["Id"], detail["Name"], detail.get("Guidance") == "DEPRECATED")
        for detail in details
        if detail["Active"]
    ]


def apply(aws: Aws, goal: Wanted, *, deprecate: bool) -> None:
    """Carry out plans until nothing is left: the first one makes the bucket that the second fills.

    Raises:
        PublishError: a stack failed, or plans do not end.
    """
    for _ in range(ROUNDS):
        state = look(aws, goal)
        steps = plan(state, goal, deprecate=deprecate)
        if not steps:
            return
        for step in steps:
            aws.say(str(step))
            act(aws, state, goal, step)
    raise PublishError("something changes the catalogue at the same time; run `plan` to see what is left")


def act(aws: Aws, state: State, goal: Wanted, step: Step) -> None:
    """Carry out one step."""
    match step:
        case MakeStack(parameters):
            change(aws, "CREATE", goal, parameters, {})
        case ChangeStack(parameters, _):
            change(aws, "UPDATE", goal, parameters, state.parameters)
        case Upload(packed):
            aws.s3.put_object(Bucket=state.bucket, Key=packed.key, Body=packed.data, ContentType="application/zip")
        case UploadProduct(key, visible):
            upload_product(aws, state, goal, key, visible=visible)
        case AddVersion(name, key):
            add_version(aws, state, name, key)
        case Deprecate(version):
            aws.servicecatalog.update_provisioning_artifact(
                ProductId=state.product, ProvisioningArtifactId=version.id, Guidance="DEPRECATED"
            )


def upload_product(aws: Aws, state: State, goal: Wanted, key: str, *, visible: bool) -> None:
    """Put product.yaml, pinned to the template that is in the bucket by now."""
    template = head(aws, state.bucket, goal.template.key)
    if template is None:
        raise PublishError(f"{goal.template.key}: was not found after its upload; run `apply` again")
    text = pinned(goal.product, bucket=state.bucket, template=goal.template, version_id=template["VersionId"])
    tags = {"Tagging": "&".join(f"{name}={value}" for name, value in VISIBLE.items())} if visible else {}
    aws.s3.put_object(
        Bucket=state.bucket,
        Key=key,
        Body=text.encode(),
        ContentType="text/yaml",
        Metadata={DIGEST: goal.digest},
        **tags,
    )


def add_version(aws: Aws, state: State, name: str, key: str) -> None:
    """Offer a version. The token makes a repeated call one."""
    suffix = ".cn" if aws.region.startswith("cn-") else ""
    url = f"https://{state.bucket}.s3.{aws.region}.amazonaws.com{suffix}/{key}"
    aws.servicecatalog.create_provisioning_artifact(
        ProductId=state.product,
        Parameters={"Name": name, "Info": {"LoadTemplateFromURL": url}, "Type": "CLOUD_FORMATION_TEMPLATE"},
        IdempotencyToken=key.split("/")[1],
    )


def change(aws: Aws, kind: str, goal: Wanted, parameters: Mapping[str, str], before: Mapping[str, str]) -> None:
    """Make a change set, show it and execute it; parameters that are not given keep their values."""
    unchanged = [
        {"ParameterKey": name, "UsePreviousValue": True} for name in before if name in goal.declared - set(parameters)
    ]
    new = [{"ParameterKey": name, "ParameterValue": value} for name, value in sorted(parameters.items())]
    aws.cloudformation.create_change_set(
        StackName=aws.stack,
        ChangeSetName="publish",
        ChangeSetType=kind,
        TemplateBody=goal.stack,
        Parameters=[*unchanged, *new],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    outcome = ended(
        aws, "Status", lambda: aws.cloudformation.describe_change_set(StackName=aws.stack, ChangeSetName="publish")
    )
    if outcome["Status"] == "FAILED":
        aws.cloudformation.delete_change_set(StackName=aws.stack, ChangeSetName="publish")
        raise PublishError(f"the change set failed: {outcome.get('StatusReason', '')}")
    for row in outcome.get("Changes", []):
        resource = row["ResourceChange"]
        aws.say(f"  {resource['Action'].lower()} {resource['LogicalResourceId']} ({resource['ResourceType']})")
    aws.cloudformation.execute_change_set(StackName=aws.stack, ChangeSetName="publish")
    status = ended(aws, "StackStatus", lambda: described(aws) or {"StackStatus": "DELETED"})["StackStatus"]
    if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        raise PublishError(f"stack {aws.stack} ended as {status}; its events in CloudFormation say why")


def ended(aws: Aws, name: str, ask: Callable[[], Any]) -> dict[str, Any]:
    """Return what is described once its status is no longer one of work in progress."""
    wait = 0.25
    while True:
        status: dict[str, Any] = ask()
        if not status[name].endswith(("_PROGRESS", "PENDING", "CREATING")):
            return status
        aws.sleep(wait)
        wait = min(2 * wait, 4.0)


def arguments(words: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m catalog.publish", description=__doc__)
    parser.add_argument("command", choices=["plan", "apply"])
    parser.add_argument("--stack", default=STACK, help="name of the ops stack")
    parser.add_argument("--parameter", action="append", default=[], metavar="NAME=VALUE", help="of portfolio.yaml")
    parser.add_argument("--deprecate", action="store_true", help="deprecate older product versions")
    parser.add_argument("--dirty", action="store_true", help="publish a working tree that is not committed")
    return parser.parse_args(words)


def connect(stack: str) -> Aws:
    """Return the services of the account and region that the environment names."""
    import boto3

    session = boto3.session.Session()
    if not session.region_name:
        raise PublishError("no region: set AWS_DEFAULT_REGION")
    s3, cloudformation, servicecatalog = map(session.client, ("s3", "cloudformation", "servicecatalog"))
    return Aws(s3, cloudformation, servicecatalog, session.region_name, stack)


def main(words: Sequence[str] | None = None) -> int:
    """Print the plan, or carry it out."""
    options = arguments(words)
    if wrong := [text for text in options.parameter if "=" not in text]:
        print(f"error: --parameter {wrong[0]}: must be NAME=VALUE", file=sys.stderr)
        return 2
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        goal = goal_of(
            dict(text.split("=", 1) for text in options.parameter), dirty=options.dirty or options.command == "plan"
        )
        aws = connect(options.stack)
        if options.command == "apply":
            apply(aws, goal, deprecate=options.deprecate)
        steps = plan(look(aws, goal), goal, deprecate=options.deprecate)
    except (PublishError, BundleError, ClientError, BotoCoreError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(*map(str, steps) if steps else [f"nothing to do: {goal.name} is published"], sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
