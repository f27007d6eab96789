"""Steps 1 to 3: portfolio.yaml and product.yaml are valid for the rehearsal's CloudFormation with every option."""

from __future__ import annotations

from typing import Any

import pytest

from catalog.bundle import ROOT
from sagemaker_rehearsal.cloudformation import differences, reading, template
from sagemaker_rehearsal.cloudformation.differences import LATER, Preview
from sagemaker_rehearsal.server.errors import AwsError

PRODUCT = reading.read((ROOT / "catalog" / "product.yaml").read_text(encoding="utf-8"))
PORTFOLIO = reading.read((ROOT / "catalog" / "portfolio.yaml").read_text(encoding="utf-8"))
PROJECT = {"SageMakerProjectName": "n", "SageMakerProjectId": "p-000000000001"}
GITHUB = {
    "GitProvider": "github",
    "ConnectionArn": "arn:aws:codeconnections:us-east-1:123456789012:connection/01234567-0123-0123-0123-0123456789ab",
    "RepositoryId": "team/repo",
}
CODE = {"HookZipKey": f"hook/{'0' * 16}/hook.zip", "RouterZipKey": f"router/{'0' * 16}/router.zip"}
WHOLE = {
    **CODE,
    "ProductTemplateKey": f"product/{'0' * 16}/product.yaml",
    "ProductVersionName": "v1 (01234567)",
    "StudioRoleArns": "arn:aws:iam::123456789012:role/a,arn:aws:iam::123456789012:role/b",
    "S3ProvisionedRoute": "true",
}
OPTIONS = {"NotificationEmail": "a@example.com", "RetrainingSchedule": "rate(7 days)"}
SECURED = {
    "KmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/01234567-0123-0123-0123-0123456789ab",
    "VpcAccess": "true",
}


def resolved(stack: dict[str, Any], parameters: dict[str, str]) -> dict[str, Any]:
    """Validate a template and return its resources' properties, as far as they are known before creation."""
    values = template.check(stack, parameters, ["CAPABILITY_NAMED_IAM"])
    seen = Preview(
        "id",
        "name",
        values,
        {},
        region_name="us-east-1",
        account_id="123456789012",
        template=stack,
        cross_stack_resources={},
    )
    seen.load()
    return {name: seen.resolved(name) for name in stack["Resources"] if seen.wanted(name)}


@pytest.mark.parametrize(
    ("stack", "parameters", "absent"),
    [
        (PORTFOLIO, {}, {"Product", "SeedFunction", "RouterFunction", "StudioRole1", "LaunchConstraint"}),
        (PORTFOLIO, CODE, {"Product", "StudioRole1"}),
        (PORTFOLIO, WHOLE, {"StudioRole3"}),
        (PRODUCT, PROJECT, {"Topic", "SeedRole", "Schedule"}),
        (PRODUCT, {**PROJECT, **OPTIONS}, {"SeedRole"}),
        (PRODUCT, {**PROJECT, **OPTIONS, **GITHUB}, {"Repository", "PushRule"}),
        (PRODUCT, {**PROJECT, **SECURED}, {"Topic", "SeedRole", "Schedule"}),
    ],
)
def test_a_template_resolves(stack: dict[str, Any], parameters: dict[str, str], absent: set[str]) -> None:
    resources = resolved(stack, parameters)
    changes = [
        change["ResourceChange"]["LogicalResourceId"]
        for change in differences.changes({}, None, stack, template.check(stack, parameters, ["CAPABILITY_NAMED_IAM"]))
    ]
    left = [name for name, properties in resources.items() if "Fn::" in str(properties) or "'Ref'" in str(properties)]
    assert (left, set(changes) == resources.keys(), absent & resources.keys()) == ([], True, set())
    assert absent <= stack["Resources"].keys()


def test_principals_are_taken_from_the_list() -> None:
    resources = resolved(PORTFOLIO, WHOLE)
    roles = [resources[f"StudioRole{number}"]["PrincipalARN"] for number in (1, 2)]
    policy = resources["ArtifactBucketPolicy"]["PolicyDocument"]["Statement"]
    listed = {
        statement["Sid"]: statement["Condition"]["ArnEquals"]["aws:PrincipalArn"]
        for statement in policy
        if "ArnEquals" in str(statement)
    }
    assert (roles, listed) == (WHOLE["StudioRoleArns"].split(","), {"StudioWritesNothing": roles})


def test_key_and_network_are_in_the_roles_where_they_are_given() -> None:
    plain, secured = (
        str([resource["Policies"] for name, resource in resolved(PRODUCT, parameters).items() if name.endswith("Role")])
        for parameters in (PROJECT, {**PROJECT, **SECURED})
    )
    assert ("kms:" in plain, "ec2:" in plain) == (False, False)
    for part in (SECURED["KmsKeyArn"], "s3.us-east-1.amazonaws.com", "sagemaker.us-east-1.amazonaws.com", "ec2:"):
        assert part in secured
    assert "s3.us-east-1.amazonaws.com" in str(resolved(PORTFOLIO, {})["Boundary"])


def test_the_seed_gets_what_its_host_needs() -> None:
    own, other = (resolved(PRODUCT, {**PROJECT, **more})["Seed"] for more in ({}, GITHUB))
    assert ({key for key in other if key not in own}, own["RepositoryName"], other["RepositoryName"]) == (
        {"ProjectBucket", "SeedProject"},
        LATER,
        "team/repo",
    )


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({**PROJECT, "GitProvider": "github"}, "ConnectionArn must be given where GitProvider is not codecommit"),
        ({**PROJECT, "RepositoryId": "a/b"}, "RepositoryId must be empty for codecommit"),
        ({**PROJECT, "SageMakerProjectName": "con"}, "Windows keeps this name for a device"),
        ({**PROJECT, "DefaultBranch": "HEAD"}, "Git or the template's own update branch uses this name"),
        ({**PROJECT, "RetentionInDays": "7"}, "must be one of AllowedValues [30, 60, 90, 180, 365]"),
        ({**PROJECT, "AuthorEmail": "nobody"}, "an e-mail address of at most 254 characters"),
    ],
)
def test_answers_that_break_a_rule_are_refused(parameters: dict[str, str], message: str) -> None:
    with pytest.raises(AwsError) as caught:
        template.check(PRODUCT, parameters, ["CAPABILITY_NAMED_IAM"])
    assert message in caught.value.message
