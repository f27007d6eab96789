"""Step 2: who creates projects from S3 may pass the launch role; attempts to misuse it are denied.

A Studio user who passes the role to CloudFormation with a template of his own could create a project's role that he
may assume. Each step is denied, and the denial names the statement. `studio` has the README's permissions; `strong`
may also use all of CloudFormation and S3, pass and assume every role, and is not named in the bucket policy.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.tests.services.polling import until
from sagemaker_rehearsal import iam
from sagemaker_rehearsal.account import SERVICES
from sagemaker_rehearsal.iam import usage
from sagemaker_rehearsal.server import Cloud
from tests.rehearsed import publishing

ROLES = "arn:aws:iam::123456789012:role/"
ALLOWED = {
    "studio": ["sagemaker:*", "s3:*"],
    "strong": ["sagemaker:*", "s3:*", "cloudformation:*", "iam:PassRole", "sts:AssumeRole"],
}
HIS_OWN, BOUNDARY = "of-a-studio-user", "arn:aws:iam::123456789012:policy/sagemaker-autopilot-boundary"
POLICY = "sagemaker-autopilot-studio"
TEMPLATE, PROJECTS_ONLY = f"({POLICY}: ProjectsAreMadeOfTheTemplate)", f"({POLICY}: LaunchRoleMakesProjectsOnly)"
CAPABILITIES = ["CAPABILITY_NAMED_IAM"]


def role(name: str, *principals: str, boundary: str = BOUNDARY) -> dict[str, Any]:
    """Return a template's role resource."""
    allowed = [{"Effect": "Allow", "Principal": {"AWS": list(principals)}, "Action": "sts:AssumeRole"}]
    properties = {"RoleName": name, "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": allowed}}
    return {
        "Type": "AWS::IAM::Role",
        "Properties": properties | ({"PermissionsBoundary": boundary} if boundary else {}),
    }


def template(**resources: dict[str, Any]) -> str:
    return json.dumps({"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources})


MINE = template(Mine=role("sagemaker-mine-p-1-exec", f"{ROLES}studio", f"{ROLES}strong"))


@dataclass
class Account:
    """An account with a catalogue, a project and a Studio user's own templates."""

    cloud: Cloud
    outputs: dict[str, str]
    stack: str = ""

    def client(self, who: str, service: str) -> Any:  # noqa: ANN401 (boto3)
        return iam.client_as(self.cloud, f"{ROLES}{who}", "user", service)

    @property
    def url(self) -> str:
        """The template's address as Studio lists it."""
        return f"https://{self.outputs['ArtifactBucket']}.s3.us-east-1.amazonaws.com/studio/sagemaker-autopilot.yaml"

    @property
    def launch(self) -> dict[str, Any]:
        return {"RoleARN": self.outputs["LaunchRoleArn"], "Capabilities": CAPABILITIES}

    def settled(self, stack: str) -> dict[str, Any]:
        def ask() -> tuple[str, Any]:
            described = self.cloud.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
            return described["StackStatus"], described

        return until(ask, "CREATE_COMPLETE", "UPDATE_COMPLETE", "ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")

    def denied(self, ask: Callable[[], object]) -> set[str]:
        """Return the reasons of a request's denials."""
        before = {str(record) for record in usage.denied(self.cloud)}
        with pytest.raises(ClientError) as caught:
            ask()
        assert "AccessDenied" in caught.value.response["Error"]["Code"]
        return {str(record["because"]) for record in usage.denied(self.cloud) if str(record) not in before}


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with Cloud(tmp_path_factory.mktemp("cloud"), services=SERVICES) as cloud:
        for name, actions in ALLOWED.items():
            people(cloud, name, actions)
        new_account = Account(cloud, publishing.published(cloud, StudioRoleArns=f"{ROLES}studio"))
        for name in ALLOWED:
            cloud.client("iam").attach_role_policy(RoleName=name, PolicyArn=new_account.outputs["StudioPolicyArn"])
        s3: Any = cloud.client("s3")
        for bucket in (HIS_OWN, f"{new_account.outputs['ArtifactBucket']}.s3.x"):
            s3.create_bucket(Bucket=bucket)
            s3.put_object(Bucket=bucket, Key="studio/sagemaker-autopilot.yaml", Body=MINE.encode())
        iam.enforce(cloud)
        new_account.stack = project(new_account, "studio", "first")
        yield new_account


def people(cloud: Cloud, name: str, actions: list[str]) -> None:
    client: Any = cloud.client("iam")
    service = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
    client.create_role(
        RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [service]})
    )
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]}
    client.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=json.dumps(policy))


def project(account: Account, who: str, name: str) -> str:
    """Create a project as intended; return its stack's name."""
    provider = {"TemplateName": "autopilot", "TemplateURL": account.url, "RoleARN": account.outputs["LaunchRoleArn"]}
    sagemaker = account.client(who, "sagemaker")
    response = sagemaker.create_project(ProjectName=name, TemplateProviders=[{"CfnTemplateProvider": provider}])
    stack = f"SP-{name}-{response['ProjectId']}"
    assert account.settled(stack)["StackStatus"] == "CREATE_COMPLETE"
    return stack


def test_projects_are_made_changed_and_removed_as_they_are_meant(account: Account) -> None:
    before = len(usage.denied(account.cloud))
    stack = project(account, "studio", "second")
    sagemaker = account.client("studio", "sagemaker")
    provider = {
        "TemplateName": "autopilot",
        "TemplateURL": account.url,
        "Parameters": [{"Key": "Title", "Value": "New"}],
    }
    sagemaker.update_project(ProjectName="second", TemplateProvidersToUpdate=[{"CfnTemplateProvider": provider}])
    assert account.settled(stack)["StackStatus"] == "UPDATE_COMPLETE"
    sagemaker.delete_project(ProjectName="second")

    def ask() -> tuple[str, Any]:
        described = sagemaker.describe_project(ProjectName="second")
        return described["ProjectStatus"], described

    until(ask, "DeleteCompleted")
    assert len(usage.denied(account.cloud)) == before


def create(account: Account, who: str, **parameters: object) -> Callable[[], object]:
    cloudformation = account.client(who, "cloudformation")
    return lambda: cloudformation.create_stack(**{**account.launch, "StackName": "SP-mine", **parameters})


@pytest.mark.parametrize("who", ALLOWED)
def test_nobody_replaces_the_template(account: Account, who: str) -> None:
    s3, bucket = account.client(who, "s3"), account.outputs["ArtifactBucket"]
    reasons = account.denied(lambda: s3.put_object(Bucket=bucket, Key="studio/mine.yaml", Body=MINE.encode()))
    assert reasons == {f"with an explicit deny in an identity-based policy ({POLICY}: TemplatesAreTheOpsTeams)"}


@pytest.mark.parametrize("who", ALLOWED)
@pytest.mark.parametrize(
    "place",
    [
        "",
        f"https://{HIS_OWN}.s3.us-east-1.amazonaws.com",
        f"https://s3.us-east-1.amazonaws.com/{HIS_OWN}",
        "look-alike",
    ],
)
def test_a_template_of_ones_own_makes_no_project(account: Account, who: str, place: str) -> None:
    """Neither in the request, nor in another bucket, nor in a bucket named like the artifact bucket's address."""
    bucket = account.outputs["ArtifactBucket"]
    host = f"https://{bucket}.s3.x.s3.us-east-1.amazonaws.com" if place == "look-alike" else place
    parameters = {"TemplateURL": f"{host}/studio/sagemaker-autopilot.yaml"} if place else {"TemplateBody": MINE}
    (reason,) = account.denied(create(account, who, **parameters))
    assert reason.endswith(TEMPLATE)


def test_nor_does_sagemaker_for_its_caller(account: Account) -> None:
    url = f"https://{HIS_OWN}.s3.us-east-1.amazonaws.com/studio/sagemaker-autopilot.yaml"
    provider = {"TemplateName": "mine", "TemplateURL": url, "RoleARN": account.outputs["LaunchRoleArn"]}
    sagemaker = account.client("studio", "sagemaker")
    (reason,) = account.denied(
        lambda: sagemaker.create_project(ProjectName="mine", TemplateProviders=[{"CfnTemplateProvider": provider}])
    )
    assert reason.endswith(TEMPLATE)


def test_the_launch_role_makes_no_other_stack(account: Account) -> None:
    """Not even from the right template: updates of a stack of another name would not be restricted to the template."""
    for parameters in ({"TemplateBody": MINE}, {"TemplateURL": account.url}):
        (strong,) = account.denied(create(account, "strong", StackName="mine", **parameters))
        (studio,) = account.denied(create(account, "studio", StackName="mine", **parameters))
        assert (strong.endswith(PROJECTS_ONLY), studio.endswith(PROJECTS_ONLY)) == (True, True)


@pytest.mark.parametrize("who", ALLOWED)
def test_a_project_is_not_changed_into_something_else(account: Account, who: str) -> None:
    """Such a request names no role, and CloudFormation would use the role that created the stack."""
    cloudformation = account.client(who, "cloudformation")
    parameters = {"StackName": account.stack, "TemplateBody": MINE, "Capabilities": CAPABILITIES}
    (update,) = account.denied(lambda: cloudformation.update_stack(**parameters))
    (change,) = account.denied(lambda: cloudformation.create_change_set(**parameters, ChangeSetName="mine"))
    (keep,) = account.denied(lambda: cloudformation.update_stack(StackName=account.stack, UsePreviousTemplate=True))
    assert [reason.endswith(TEMPLATE) for reason in (update, change, keep)] == [True] * 3


def test_the_launch_role_goes_to_no_other_service_and_no_other_role_makes_projects(account: Account) -> None:
    sagemaker, launch = account.client("studio", "sagemaker"), account.outputs["LaunchRoleArn"]
    parameters = {"PipelineName": "mine", "PipelineDefinition": "{}", "ClientRequestToken": "x" * 32, "RoleArn": launch}
    assert account.denied(lambda: sagemaker.create_pipeline(**parameters)) == {
        "because no identity-based policy allows the iam:PassRole action"
    }
    assert account.denied(create(account, "studio", TemplateURL=account.url, RoleARN=f"{ROLES}strong")) == {
        "because no identity-based policy allows the cloudformation:CreateStack action"
    }


def test_nobody_of_studio_acts_as_a_project_whatever_its_roles_trust(account: Account) -> None:
    """The last step, after an administrator created such a role: only the Studio policy prevents it."""
    admin = account.cloud.client("cloudformation")
    admin.create_stack(StackName="made-by-admin", TemplateBody=MINE, Capabilities=CAPABILITIES)
    assert account.settled("made-by-admin")["StackStatus"] == "CREATE_COMPLETE"
    request = {"RoleArn": f"{ROLES}sagemaker-mine-p-1-exec", "RoleSessionName": "mine"}
    for who in ALLOWED:
        sts = account.client(who, "sts")
        (reason,) = account.denied(lambda sts=sts: sts.assume_role(**request))  # type: ignore[misc]
        assert reason.endswith(f"({POLICY}: NobodyActsAsAProject)")
    policy = account.outputs["StudioPolicyArn"]
    account.cloud.client("iam").detach_role_policy(RoleName="strong", PolicyArn=policy)
    try:
        assert account.client("strong", "sts").assume_role(**request)["Credentials"]
    finally:
        account.cloud.client("iam").attach_role_policy(RoleName="strong", PolicyArn=policy)


@pytest.mark.parametrize(
    ("resource", "action"),
    [
        (role("sagemaker-mine-p-2-exec", f"{ROLES}studio", boundary=""), "iam:CreateRole"),
        (role("sagemaker-mine-p-2-exec", f"{ROLES}studio", boundary="arn:aws:iam::aws:policy/AdministratorAccess"),
         "iam:CreateRole"),
        (role("mine", f"{ROLES}studio"), "iam:CreateRole"),
        ({"Type": "AWS::IAM::ManagedPolicy", "Properties": {"ManagedPolicyName": "mine", "PolicyDocument": {
            "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}}},
         "iam:CreatePolicy"),
        ({"Type": "AWS::IAM::ManagedPolicy", "Properties": {"ManagedPolicyName": "sagemaker-mine-p-2-approver",
            "Roles": ["studio"], "PolicyDocument": {
                "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}}},
         "iam:AttachRolePolicy"),
        ({"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "mine"}}, "s3:CreateBucket"),
    ],
)  # fmt: skip
def test_what_the_launch_role_itself_cannot_make_from_any_template(
    account: Account, resource: dict[str, Any], action: str
) -> None:
    """With any template, as from an administrator: no role without the boundary, no name but a project's."""
    name = f"SP-any-{action.replace(':', '-')}-{len(json.dumps(resource))}"
    account.cloud.client("cloudformation").create_stack(
        StackName=name, TemplateBody=template(Mine=resource), **account.launch
    )
    assert account.settled(name)["StackStatus"] == "ROLLBACK_COMPLETE"
    events = account.cloud.client("cloudformation").describe_stack_events(StackName=name)["StackEvents"]
    reasons = [str(event.get("ResourceStatusReason")) for event in events]
    assert [True] == [True for reason in reasons if f"is not authorized to perform: {action}" in reason][:1]
