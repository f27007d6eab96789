"""Step 2: SageMaker's projects, created by the unmodified command line and by the S3-provisioned route."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.tests.services.command_line import aws
from rehearsal.tests.services.polling import until
from sagemaker_rehearsal import iam
from sagemaker_rehearsal.account import SERVICES
from sagemaker_rehearsal.iam import identity
from sagemaker_rehearsal.server import Cloud, clients
from tests.rehearsed import publishing

STUDIO = "arn:aws:iam::123456789012:role/service-role/studio"
LEAD = [
    "sagemaker:*Project",
    "servicecatalog:DescribeProduct",
    "servicecatalog:ProvisionProduct",
    "servicecatalog:TerminateProvisionedProduct",
]
Outputs = dict[str, str]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with Cloud(tmp_path_factory.mktemp("cloud"), services=SERVICES) as running:
        yield running


@pytest.fixture(scope="module")
def outputs(cloud: Cloud) -> Outputs:
    client = cloud.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    client.create_role(RoleName="studio", Path="/service-role/", AssumeRolePolicyDocument=document)
    allowed = {"Effect": "Allow", "Action": LEAD, "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    client.put_role_policy(RoleName="studio", PolicyName="lead", PolicyDocument=policy)
    return publishing.published(cloud, StudioRoleArns=STUDIO)


def details(cloud: Cloud, outputs: Outputs, **values: str) -> dict[str, Any]:
    response = cloud.client("servicecatalog").list_provisioning_artifacts(ProductId=outputs["ProductId"])
    version = response["ProvisioningArtifactDetails"][0]["Id"]
    parameters = [{"Key": key, "Value": value} for key, value in values.items()]
    return {"ProductId": outputs["ProductId"], "ProvisioningArtifactId": version, "ProvisioningParameters": parameters}


def settled(cloud: Cloud, name: str) -> dict[str, Any]:
    def ask() -> tuple[str, Any]:
        project = cloud.client("sagemaker").describe_project(ProjectName=name)
        return project["ProjectStatus"].removeprefix("Create").removeprefix("Update").removeprefix("Delete"), project

    return until(ask, "Completed", "Failed")


def refused(request: Callable[..., object], **params: object) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        request(**params)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def described_role(cloud: Cloud, project: dict[str, Any]) -> str:
    name = f"sagemaker-{project['ProjectName']}-{project['ProjectId']}-exec"
    return str(cloud.client("iam").get_role(RoleName=name)["Role"]["Description"])


def test_a_project_is_created_by_the_command_line_then_changed_and_deleted(cloud: Cloud, outputs: Outputs) -> None:
    details_json = json.dumps(details(cloud, outputs, Title="Given"))
    words = ("--project-name", "first", "--service-catalog-provisioning-details", details_json)
    created = aws(cloud, "sagemaker", "create-project", *words, "--project-description", "Of a test")
    project = settled(cloud, "first")
    seen = aws(cloud, "sagemaker", "describe-project", "--project-name", "first")
    assert (seen["ProjectStatus"], seen["ProjectId"], seen["ProjectArn"]) == (
        "CreateCompleted",
        created["ProjectId"],
        "arn:aws:sagemaker:us-east-1:123456789012:project/first",
    )
    assert (seen["ProjectDescription"], described_role(cloud, project)) == ("Of a test", "Given")
    provisioned = seen["ServiceCatalogProvisionedProductDetails"]
    assert provisioned["ProvisionedProductStatusMessage"] == "AVAILABLE"
    stack = f"SC-123456789012-{provisioned['ProvisionedProductId']}"
    tags = cloud.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]["Tags"]
    own = {tag["Key"]: tag["Value"] for tag in tags if tag["Key"].startswith("sagemaker:project")}
    assert own == {"sagemaker:project-name": "first", "sagemaker:project-id": created["ProjectId"]}

    update = {"ProvisioningParameters": [{"Key": "Retention", "Value": "60"}]}
    client = cloud.client("sagemaker")
    client.update_project(ProjectName="first", ServiceCatalogProvisioningUpdateDetails=update)
    changed = settled(cloud, "first")
    bucket = f"sagemaker-project-{created['ProjectId']}"
    rules = cloud.client("s3").get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    assert (changed["ProjectStatus"], described_role(cloud, project)) == ("UpdateCompleted", "Given")
    assert [rule["NoncurrentVersionExpiration"]["NoncurrentDays"] for rule in rules] == [60]

    client.delete_project(ProjectName="first")
    assert settled(cloud, "first")["ProjectStatus"] == "DeleteCompleted"
    assert refused(client.delete_project, ProjectName="first")[0] == "ConflictException"
    again = client.create_project(ProjectName="first", ServiceCatalogProvisioningDetails=details(cloud, outputs))[
        "ProjectId"
    ]
    assert (settled(cloud, "first")["ProjectId"], again == created["ProjectId"]) == (again, False)


def test_a_project_that_cannot_be_made_says_why_and_can_be_deleted(cloud: Cloud, outputs: Outputs) -> None:
    client = cloud.client("sagemaker")
    created = client.create_project(
        ProjectName="broken", ServiceCatalogProvisioningDetails=details(cloud, outputs, Broken="yes")
    )
    project = settled(cloud, "broken")
    reason = f"sagemaker-project-{created['ProjectId']} already exists"
    message = project["ServiceCatalogProvisionedProductDetails"]["ProvisionedProductStatusMessage"]
    assert (project["ProjectStatus"], message) == (
        "CreateFailed",
        f"The following resource(s) failed to create: [Doubled]. {reason}",
    )
    assert refused(client.update_project, ProjectName="broken")[0] == "ConflictException"
    client.delete_project(ProjectName="broken")
    assert settled(cloud, "broken")["ProjectStatus"] == "DeleteCompleted"


def test_a_project_takes_another_version_of_the_product(cloud: Cloud, outputs: Outputs) -> None:
    client = cloud.client("sagemaker")
    client.create_project(
        ProjectName="newer", ServiceCatalogProvisioningDetails=details(cloud, outputs, Retention="90")
    )
    project = settled(cloud, "newer")
    text = publishing.PRODUCT.replace("Description: !Ref Title", "Description: !Sub Newer ${Title}")
    publishing.published(cloud, text, "v2.0.0", StudioRoleArns=STUDIO)
    response = cloud.client("servicecatalog").list_provisioning_artifacts(ProductId=outputs["ProductId"])
    newest = response["ProvisioningArtifactDetails"][-1]["Id"]
    update = {"ProvisioningArtifactId": newest}
    client.update_project(ProjectName="newer", ServiceCatalogProvisioningUpdateDetails=update)
    changed = settled(cloud, "newer")
    assert (changed["ProjectStatus"], described_role(cloud, project)) == ("UpdateCompleted", "Newer A title")
    assert changed["ServiceCatalogProvisioningDetails"]["ProvisioningArtifactId"] == newest


def test_projects_are_listed(cloud: Cloud, outputs: Outputs) -> None:
    client = cloud.client("sagemaker")
    first_page = client.list_projects(SortBy="Name", SortOrder="Ascending", MaxResults=2)
    rest = client.list_projects(SortBy="Name", SortOrder="Ascending", MaxResults=2, NextToken=first_page["NextToken"])
    names = [summary["ProjectName"] for page in (first_page, rest) for summary in page["ProjectSummaryList"]]
    assert (names, len(client.list_projects(NameContains="bro")["ProjectSummaryList"])) == (sorted(names), 1)


@pytest.mark.parametrize(
    ("params", "code", "part"),
    [
        ({"ProjectName": "a_b"}, "ValidationException", "regular expression pattern"),
        ({"ProjectName": "x" * 33}, "ValidationException", "length less than or equal to 32"),
        ({"ProjectName": "none"}, "ValidationException", "Exactly one of ServiceCatalogProvisioningDetails"),
        (
            {"ProjectName": "none", "ServiceCatalogProvisioningDetails": {"ProductId": "prod-none"}},
            "ResourceNotFoundException",
            "prod-none",
        ),
    ],
)
def test_projects_that_aws_refuses(cloud: Cloud, params: dict[str, Any], code: str, part: str) -> None:
    error_code, message = refused(cloud.client("sagemaker").create_project, **params)
    assert (error_code, part in message) == (code, True)


def test_a_project_is_made_straight_from_the_bucket_under_the_launch_role(cloud: Cloud, outputs: Outputs) -> None:
    """Studio's S3-provisioned route: the published template and the role that the lead enters."""
    url = f"https://{outputs['ArtifactBucket']}.s3.us-east-1.amazonaws.com/studio/sagemaker-autopilot.yaml"
    provider = {"TemplateName": "autopilot", "TemplateURL": url, "RoleARN": outputs["LaunchRoleArn"]}
    client = cloud.client("sagemaker")
    client.create_project(ProjectName="direct", TemplateProviders=[{"CfnTemplateProvider": provider}])
    project = settled(cloud, "direct")
    detail = project["TemplateProviderDetails"][0]["CfnTemplateProviderDetail"]
    assert (project["ProjectStatus"], detail["StackDetail"]["Name"]) == (
        "CreateCompleted",
        f"SP-direct-{project['ProjectId']}",
    )
    client.delete_project(ProjectName="direct")
    assert settled(cloud, "direct")["ProjectStatus"] == "DeleteCompleted"


def test_with_permissions_enforced_a_lead_creates_a_project_by_the_launch_roles_rights(
    cloud: Cloud, outputs: Outputs
) -> None:
    """Last, because enforcement stays on: the lead may call SageMaker, but not create resources."""
    iam.enforce(cloud)
    keys = identity.keys_for(cloud, STUDIO, "lead", "sagemaker.amazonaws.com")
    lead = clients.client(cloud.url, cloud.region, "sagemaker", keys)
    lead.create_project(ProjectName="by-lead", ServiceCatalogProvisioningDetails=details(cloud, outputs))
    project = settled(cloud, "by-lead")
    assert (project["ProjectStatus"], project["ServiceCatalogProvisionedProductDetails"]) == (
        "CreateCompleted",
        {**project["ServiceCatalogProvisionedProductDetails"], "ProvisionedProductStatusMessage": "AVAILABLE"},
    )
    assert project["CreatedBy"]["IamIdentity"]["Arn"] == "arn:aws:sts::123456789012:assumed-role/studio/lead"
    stranger = clients.client(cloud.url, cloud.region, "s3", keys)
    assert refused(stranger.create_bucket, Bucket="sagemaker-project-p-000000000009")[0] == "AccessDenied"
    cloud.client("iam").delete_role_policy(RoleName="sagemaker-autopilot-launch", PolicyName="roles")
    lead.create_project(ProjectName="denied", ServiceCatalogProvisioningDetails=details(cloud, outputs))
    denied = settled(cloud, "denied")
    message = denied["ServiceCatalogProvisionedProductDetails"]["ProvisionedProductStatusMessage"]
    assert (denied["ProjectStatus"], "is not authorized to perform: iam:CreateRole" in message) == (
        "CreateFailed",
        True,
    )
