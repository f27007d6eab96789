"""Step 1: publishing does what its plan says, once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from catalog.bundle import Bundle
from catalog.publish import apply, look
from catalog.release import STUDIO_KEY, PublishError, State, Wanted, pinned, plan
from tests.catalog.fakes.publishing import BUCKET, Account

PRODUCT = """\
Mappings:
  Published:
    Template:
      Bucket: unpublished
      Key: unpublished
      VersionId: unpublished
      Sha256: unpublished
"""
NAMES = (
    "HookZipKey",
    "RouterZipKey",
    "ProductTemplateKey",
    "ProductVersionName",
    "S3ProvisionedRoute",
    "PortfolioName",
)
FIRST = Wanted(
    version="v1.0.0",
    template=Bundle("template", b"template 1"),
    hook=Bundle("hook", b"hook 1"),
    router=Bundle("router", b"router 1"),
    product=PRODUCT,
    stack="Resources: 1",
    declared=frozenset(NAMES),
)
STUDIO = f"upload {STUDIO_KEY}, tagged for Studio's S3-provisioned route"
SECOND = replace(FIRST, version="v1.1.0", template=Bundle("template", b"template 2"))


def steps(account: Account, goal: Wanted, *, deprecate: bool = False) -> list[str]:
    """Return the plan as it is printed."""
    return [str(step) for step in plan(look(account.aws, goal), goal, deprecate=deprecate)]


def published(goal: Wanted = FIRST) -> Account:
    """Return an account in which a version is published."""
    account = Account()
    apply(account.aws, goal, deprecate=False)
    account.said.clear()
    account.calls.made.clear()
    return account


def test_into_an_empty_account_the_stack_comes_first_and_the_rest_when_its_bucket_is_there() -> None:
    account = Account()
    assert ["make the ops stack with its artifact bucket; uploads, functions and product follow"] == steps(
        account, FIRST
    )
    apply(account.aws, FIRST, deprecate=False)
    assert [
        "make the ops stack with its artifact bucket; uploads, functions and product follow",
        "  modify SeedFunction (AWS::Lambda::Function)",
        f"upload {FIRST.template.key} (10 bytes)",
        f"upload {FIRST.hook.key} (6 bytes)",
        f"upload {FIRST.router.key} (8 bytes)",
        f"upload {FIRST.product_key}",
        STUDIO,
        f"update the ops stack through a change set: HookZipKey = {FIRST.hook.key}, ProductTemplateKey = "
        f"{FIRST.product_key}, ProductVersionName = {FIRST.name}, RouterZipKey = {FIRST.router.key}",
        "  modify SeedFunction (AWS::Lambda::Function)",
    ] == account.said
    assert [FIRST.name] == [version["Name"] for version in account.servicecatalog.versions.values()]


def test_what_is_published_is_not_published_again() -> None:
    account = published()
    assert [] == steps(account, FIRST)
    assert [] == [call for call in account.calls.made if not call.startswith(("Describe", "Get", "Head", "List"))]


def test_planning_changes_nothing() -> None:
    account = published()
    account.calls.made.clear()
    steps(account, SECOND, deprecate=True)
    assert [] == [call for call in account.calls.made if not call.startswith(("Describe", "Get", "Head", "List"))]


def test_another_template_is_a_new_version_and_the_older_one_is_kept() -> None:
    account = published()
    expected = [
        f"upload {SECOND.template.key} (10 bytes)",
        f"upload {SECOND.product_key}",
        STUDIO,
        f"add product version {SECOND.name}",
    ]
    assert expected == steps(account, SECOND)
    apply(account.aws, SECOND, deprecate=False)
    assert [(FIRST.name, "DEFAULT"), (SECOND.name, "DEFAULT")] == [
        (version["Name"], version["Guidance"]) for version in account.servicecatalog.versions.values()
    ]
    url = f"https://{BUCKET}.s3.eu-west-1.amazonaws.com/{SECOND.product_key}"
    assert url == account.servicecatalog.versions["pa-2"]["Description"]
    assert [] == steps(account, SECOND)


def test_older_versions_are_deprecated_when_asked() -> None:
    account = published()
    apply(account.aws, SECOND, deprecate=True)
    guidance = {version["Name"]: version["Guidance"] for version in account.servicecatalog.versions.values()}
    assert {FIRST.name: "DEPRECATED", SECOND.name: "DEFAULT"} == guidance


def test_another_commit_with_the_same_template_is_no_new_version() -> None:
    """A new hook alone updates its function; projects have no use for a version without a difference."""
    account = published()
    goal = replace(FIRST, version="v1.0.1", hook=Bundle("hook", b"hook 2"))
    assert [
        f"upload {goal.hook.key} (6 bytes)",
        f"update the ops stack through a change set: HookZipKey = {goal.hook.key}",
    ] == steps(account, goal)


def test_a_changed_portfolio_keeps_the_parameters_of_the_stack() -> None:
    account = published(replace(FIRST, parameters={"PortfolioName": "ML"}))
    goal = replace(FIRST, stack="Resources: 2")
    assert ["update the ops stack through a change set: portfolio.yaml changed"] == steps(account, goal)
    apply(account.aws, goal, deprecate=False)
    assert "ML" == account.cloudformation.parameters["PortfolioName"]


def test_the_product_is_pinned_to_one_version_of_the_template() -> None:
    account = published()
    body = account.s3.objects[FIRST.product_key]["Body"].decode()
    version = account.s3.objects[FIRST.template.key]["VersionId"]
    assert pinned(PRODUCT, bucket=BUCKET, template=FIRST.template, version_id=version) == body
    assert [f'VersionId: "{version}"', f'Sha256: "{FIRST.template.sha256}"'] == [
        x.strip() for x in body.splitlines()[-2:]
    ]


def test_without_the_s3_route_there_is_nothing_for_studio_to_list() -> None:
    account = published(replace(FIRST, parameters={"S3ProvisionedRoute": "false"}))
    assert (STUDIO_KEY in account.s3.objects, [text for text in steps(account, SECOND) if "Studio" in text]) == (
        False,
        [],
    )


def test_the_s3_route_gets_the_newest_product_with_the_tag_that_studio_looks_for() -> None:
    """It is on unless somebody switched it off."""
    account = published()
    assert "sagemaker:studio-visibility=true" == account.s3.objects[STUDIO_KEY]["Tagging"]
    assert STUDIO in steps(account, SECOND)
    apply(account.aws, SECOND, deprecate=False)
    assert account.s3.objects[SECOND.product_key]["Body"] == account.s3.objects[STUDIO_KEY]["Body"]


@pytest.mark.parametrize("call", range(1, 30))
def test_interrupted_after_any_call_it_can_be_run_again(call: int) -> None:
    """Every step is looked up again, and none is done twice."""
    account = Account()
    account.calls.kill_after = call
    try:
        apply(account.aws, FIRST, deprecate=False)
    except BaseException as killed:
        assert "Killed" == type(killed).__name__  # noqa: PT017
    account.calls.kill_after = None
    account.cloudformation.status = account.cloudformation.status.replace("IN_PROGRESS", "COMPLETE")
    apply(account.aws, FIRST, deprecate=False)
    assert [FIRST.name] == [version["Name"] for version in account.servicecatalog.versions.values()]
    assert 5 == account.s3.puts


def test_a_stack_that_fails_is_said_to() -> None:
    with pytest.raises(PublishError, match="ended as CREATE_ROLLBACK_COMPLETE; its events"):
        apply(Account(ends="ROLLBACK_COMPLETE").aws, FIRST, deprecate=False)


@pytest.mark.parametrize("status", ["ROLLBACK_COMPLETE", "ROLLBACK_FAILED"])
def test_a_stack_that_was_never_made_must_be_deleted_first(status: str) -> None:
    account = published()
    account.cloudformation.status = status
    with pytest.raises(PublishError, match=r"was never made.*delete-stack --stack-name sagemaker-autopilot-catalog"):
        apply(account.aws, FIRST, deprecate=False)
    assert ["DescribeStacks"] == account.calls.made


def test_a_comment_in_the_portfolio_is_no_reason_for_a_change_set() -> None:
    """CloudFormation finds no change in it, and the change set would fail."""
    account = published()
    assert [] == steps(account, replace(FIRST, stack="# said anew\nMetadata: {a: b}\nResources: 1"))


def test_a_short_form_with_another_argument_is_a_change() -> None:
    account = published(replace(FIRST, stack="Resources: {A: !Sub x}"))
    goal = replace(FIRST, stack="Resources: {A: !Sub y}")
    assert ["update the ops stack through a change set: portfolio.yaml changed"] == steps(account, goal)


def test_a_product_without_a_place_for_its_template_is_refused() -> None:
    with pytest.raises(PublishError, match=r"Mappings\.Published\.Template must have"):
        pinned("Mappings: {}", bucket="b", template=FIRST.template, version_id="1")


def test_only_declared_parameters_are_given_to_the_stack() -> None:
    goal = replace(FIRST, declared=frozenset(NAMES) - {"RouterZipKey"})
    texts = [str(step) for step in plan(State(stack="", bucket=BUCKET), goal)]
    assert [] == [text for text in texts if "RouterZipKey" in text]
