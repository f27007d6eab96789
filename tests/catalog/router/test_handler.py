"""Steps 4 and 6: the router asks AWS no more than it must, starts what was decided once, and logs why."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings

from catalog.router.handler import handler
from tests.catalog.fakes.aws import Killed
from tests.catalog.fakes.delivery import OTHER, PROJECT, Delivery, Event, documented
from tests.catalog.router.test_decide import spoiled

BUILD, DEPLOY = f"sagemaker-{PROJECT}-build", f"sagemaker-{PROJECT}-deploy"
TRAINED = "3e5983d00ae598e95dc970b74767f19372d61af8"
Capture = pytest.CaptureFixture[str]


@dataclass
class Context:
    """What Lambda says of an invocation."""

    invoked_function_arn: str = "arn:aws:lambda:us-east-2:123456789012:function:sagemaker-autopilot-router"


@pytest.fixture
def delivery() -> Delivery:
    """Return an account with two projects."""
    return Delivery()


def approve(delivery: Delivery, version: int = 2, group: str = PROJECT, commit: str = TRAINED) -> Event:
    """Let an approver approve a version, and return SageMaker's event."""
    arn = delivery.registry.add(group, version, "Approved", commit, hours=version)
    event = documented("sagemaker-model-package-approved")
    event["detail"] |= {"ModelPackageArn": arn, "ModelPackageGroupName": group, "ModelPackageVersion": version}
    return event


def logged(capsys: Capture) -> list[dict[str, Any]]:
    """Return the lines of the log."""
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def reasons(capsys: Capture) -> list[str]:
    """Return why each event was ignored."""
    return [row["because"] for row in logged(capsys) if row["outcome"] == "ignored"]


def test_a_push_of_training_code_starts_the_build_at_its_commit(delivery: Delivery) -> None:
    """Three calls; the registry is not asked."""
    event = delivery.push("settings.yaml", "README.md")
    delivery.deliver(event)
    assert [{"pipeline": BUILD, "commit": event["detail"]["commitId"], "variables": {}}] == delivery.started
    assert ["GetPipeline", "GetDifferences", "StartPipelineExecution"] == delivery.calls.made


def test_the_first_push_starts_the_build_without_a_comparison(delivery: Delivery) -> None:
    """The seed's only event of `main`."""
    delivery.deliver(documented("codecommit-reference-created"))
    assert [BUILD] == [entry["pipeline"] for entry in delivery.started]
    assert ["GetPipeline", "StartPipelineExecution"] == delivery.calls.made


def test_a_push_over_an_older_commit_that_is_gone_starts_the_build(delivery: Delivery) -> None:
    event = delivery.push("README.md")
    event["detail"]["oldCommitId"] = "0" * 40
    delivery.deliver(event)
    assert [BUILD] == [entry["pipeline"] for entry in delivery.started]


def test_a_readme_edit_starts_nothing_and_says_so(delivery: Delivery, capsys: Capture) -> None:
    delivery.deliver(delivery.push("README.md"))
    assert [] == delivery.started
    assert ["none of the 1 changed paths is part of training or deploying: README.md"] == reasons(capsys)


def test_changes_are_read_to_their_last_page(delivery: Delivery) -> None:
    """The one path that matters comes last of a hundred."""
    delivery.deliver(delivery.push(*(f"docs/{number:03}.md" for number in range(100)), "settings.yaml"))
    assert [BUILD] == [entry["pipeline"] for entry in delivery.started]
    assert 3 == delivery.calls.made.count("GetDifferences")


@pytest.mark.parametrize(("old", "new"), [("pipeline/a.py", "docs/a.py"), ("docs/a.py", "pipeline/a.py")])
def test_a_file_that_is_moved_out_or_in_counts(delivery: Delivery, old: str, new: str) -> None:
    event = delivery.push(old)
    event["detail"]["oldCommitId"] = delivery.codecommit.branches["main"]
    event["detail"]["commitId"] = delivery.codecommit.user_moves("main", old, new)
    delivery.deliver(event)
    assert [BUILD] == [entry["pipeline"] for entry in delivery.started]


def test_a_push_of_deployment_code_deploys_the_newest_approved_model(delivery: Delivery) -> None:
    """Not the newest one, not one of another project, and not only what stands on the first page."""
    for version, status in ((1, "Approved"), (2, "Approved"), (3, "Rejected"), (4, "PendingManualApproval")):
        delivery.registry.add(PROJECT, version, status, TRAINED, hours=version)
    delivery.registry.add(OTHER, 9, "Approved", TRAINED, hours=9)
    event = delivery.push("deploy/check.py")
    delivery.deliver(event)
    arn = f"arn:aws:sagemaker:us-east-2:123456789012:model-package/{PROJECT}/2"
    variables = {"ModelPackageArn": arn, "Commit": TRAINED}
    assert [{"pipeline": DEPLOY, "commit": event["detail"]["commitId"], "variables": variables}] == delivery.started


@pytest.mark.parametrize("status", ["Rejected", None], ids=["none approved", "no group"])
def test_before_an_approval_deployment_code_starts_nothing(
    delivery: Delivery, status: str | None, capsys: Capture
) -> None:
    if status:
        delivery.registry.add(PROJECT, 1, status)
    delivery.deliver(delivery.push("deploy/check.py"))
    assert [] == delivery.started
    assert ["deploy/check.py changed, but no model is approved yet; the first approval deploys"] == reasons(capsys)


def test_a_push_to_another_branch_is_ignored_by_one_call(delivery: Delivery, capsys: Capture) -> None:
    event = delivery.push("settings.yaml")
    event["detail"]["referenceName"] = "template"
    delivery.deliver(event)
    assert ["GetPipeline"] == delivery.calls.made
    assert [f"branch 'template' of sagemaker-{PROJECT}; the pipelines are built from 'main'"] == reasons(capsys)


def test_a_project_on_another_host_is_not_built_by_a_repository_of_its_name(
    delivery: Delivery, capsys: Capture
) -> None:
    delivery.codepipeline.sources[BUILD] = {"FullRepositoryId": "team/adult", "BranchName": "main"}
    delivery.deliver(delivery.push("settings.yaml"))
    assert [] == delivery.started
    assert [f"the pipeline of {PROJECT} is built from another Git host, not from sagemaker-{PROJECT}"] == reasons(
        capsys
    )


def test_an_approval_deploys_exactly_that_version(delivery: Delivery) -> None:
    """A newer one is approved as well; an older one approved again is how to roll back."""
    event = approve(delivery, 1)
    approve(delivery, 2)
    delivery.deliver(event)
    arn = event["detail"]["ModelPackageArn"]
    variables = {"ModelPackageArn": arn, "Commit": TRAINED}
    assert [{"pipeline": DEPLOY, "commit": TRAINED, "variables": variables}] == delivery.started
    assert ["DescribeModelPackage", "StartPipelineExecution"] == delivery.calls.made


@pytest.mark.parametrize("noted", ["", "uncommitted", "main; rm -rf /"])
def test_what_is_no_commit_is_never_given_to_a_pipeline(delivery: Delivery, noted: str) -> None:
    """`uncommitted` is what a laptop notes."""
    event = approve(delivery, commit=noted)
    delivery.deliver(event)
    variables = {"ModelPackageArn": event["detail"]["ModelPackageArn"]}
    assert [{"pipeline": DEPLOY, "commit": "", "variables": variables}] == delivery.started


def test_a_rejection_starts_nothing(delivery: Delivery) -> None:
    """Not a call is made."""
    delivery.deliver(documented("sagemaker-model-package-rejected"))
    assert ([], []) == (delivery.started, delivery.calls.made)


@pytest.mark.parametrize(
    ("status", "sentence"),
    [("Rejected", "is Rejected by now; only approved models are deployed"), ("", "is not in the registry any more")],
    ids=["rejected", "deleted"],
)
def test_a_late_event_of_an_approval_that_was_taken_back_starts_nothing(
    delivery: Delivery, status: str, sentence: str, capsys: Capture
) -> None:
    event = approve(delivery)
    arn = event["detail"]["ModelPackageArn"]
    delivery.registry.packages[arn]["ModelApprovalStatus"] = status
    if not status:
        del delivery.registry.packages[arn]
    delivery.deliver(event)
    assert [] == delivery.started
    assert [f"{arn} {sentence}"] == reasons(capsys)


def test_events_delivered_twice_start_one_execution(delivery: Delivery) -> None:
    """Lambda and EventBridge deliver at least once; a token makes two requests one."""
    for event in (delivery.push("settings.yaml"), approve(delivery)):
        delivery.deliver(event)
        delivery.deliver(event)
    assert [BUILD, DEPLOY] == [entry["pipeline"] for entry in delivery.started]


def test_two_events_of_one_approval_start_one_execution_and_a_new_approval_another(delivery: Delivery) -> None:
    event = approve(delivery)
    delivery.deliver(event)
    delivery.deliver({**event, "id": "99999999-85d4-695f-b930-0153b71dcb42"})
    assert 1 == len(delivery.started)
    package = delivery.registry.packages[event["detail"]["ModelPackageArn"]]
    package["LastModifiedTime"] = package["LastModifiedTime"].replace(hour=23)
    delivery.deliver({**event, "id": "77777777-85d4-695f-b930-0153b71dcb42"})
    assert 2 == len(delivery.started)


@pytest.mark.parametrize("which", ["push", "approval"])
@pytest.mark.parametrize("call", [1, 2, 3, 4])
def test_killed_after_any_call_and_delivered_again_it_starts_each_pipeline_once(
    delivery: Delivery, which: str, call: int
) -> None:
    approval = approve(delivery)
    event = approval if which == "approval" else delivery.push("settings.yaml", "deploy/check.py")
    delivery.calls.kill_after = call
    try:
        delivery.deliver(event)
    except Killed:
        delivery.calls.kill_after = None
        delivery.deliver(event)
    expected = [DEPLOY] if which == "approval" else [BUILD, DEPLOY]
    delivery.calls.kill_after = None
    delivery.deliver(event)
    assert expected == [entry["pipeline"] for entry in delivery.started]


@pytest.mark.parametrize("which", ["push", "approval"])
@pytest.mark.parametrize("code", ["ThrottlingException", "ConflictException", "AccessDeniedException"])
def test_an_error_that_may_pass_is_raised_so_that_lambda_delivers_again(
    delivery: Delivery, which: str, code: str
) -> None:
    """And then it works; meanwhile nothing was logged as ignored."""
    event = approve(delivery) if which == "approval" else delivery.push("settings.yaml")
    for operation in ("StartPipelineExecution", "DescribeModelPackage", "GetPipeline", "GetDifferences"):
        delivery.calls.refuse = {operation: code}
        if operation in (("GetPipeline", "GetDifferences") if which == "approval" else ("DescribeModelPackage",)):
            continue
        with pytest.raises(ClientError, match=code):
            delivery.deliver(event)
        assert [] == delivery.started
    delivery.calls.refuse = {}
    delivery.deliver(event)
    assert 1 == len(delivery.started)


def test_throttled_while_it_lists_models_it_raises_too(delivery: Delivery) -> None:
    delivery.calls.refuse = {"ListModelPackages": "ThrottlingException"}
    with pytest.raises(ClientError, match="ThrottlingException"):
        delivery.deliver(delivery.push("deploy/check.py"))


@pytest.mark.parametrize("which", ["push", "approval"])
def test_a_project_that_was_removed_is_ignored_with_a_line(delivery: Delivery, which: str, capsys: Capture) -> None:
    """Its events are still under way when its pipelines are gone; repeating them would not help."""
    event = approve(delivery) if which == "approval" else delivery.push("settings.yaml")
    delivery.codepipeline.sources.clear()
    delivery.deliver(event)
    gone = DEPLOY if which == "approval" else BUILD
    assert [f"there is no pipeline {gone}: its project was removed"] == reasons(capsys)


def test_the_log_is_one_line_of_json_for_each_pipeline(delivery: Delivery, capsys: Capture) -> None:
    approve(delivery)
    event = delivery.push("settings.yaml", "deploy/check.py")
    delivery.deliver(event)
    rows = logged(capsys)
    commit = event["detail"]["commitId"]
    assert {
        "level": "INFO",
        "outcome": "started",
        "event": event["id"],
        "type": "CodeCommit Repository State Change",
        "pipeline": BUILD,
        "execution": "execution-1",
        "commit": commit,
        "variables": {},
        "because": "changed: settings.yaml",
    } == rows[0]
    assert (DEPLOY, "changed: deploy/check.py") == (rows[1]["pipeline"], rows[1]["because"])
    assert 2 == len(rows)


@settings(
    max_examples=100, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(event=spoiled())
def test_no_event_starts_what_belongs_to_another_project_of_the_account(event: Event) -> None:
    """The whole way: both projects have pipelines, repositories and approved models."""
    delivery = Delivery()
    delivery.registry.add(PROJECT, 2, "Approved", TRAINED)
    delivery.registry.add(OTHER, 2, "Approved", TRAINED)
    delivery.deliver(event)
    about = (
        json.dumps([event["detail"].get(name) for name in ("repositoryName", "ModelPackageArn")])
        if delivery.started
        else ""
    )
    assert all(entry["pipeline"][len("sagemaker-") :].rpartition("-")[0] in about for entry in delivery.started)


@pytest.mark.parametrize("event", [None, "x", {"detail": {}}, {"detail": {}, "id": "1", "account": "9", "region": "x"}])
def test_lambda_invokes_the_handler_of_its_own_place(event: object, capsys: Capture) -> None:
    """Account and region are those of the function's ARN; what is not of them needs no client."""
    handler(event, Context())
    assert ["ignored"] == [row["outcome"] for row in logged(capsys)]


def test_an_event_of_this_place_passes_the_check_of_the_place(capsys: Capture) -> None:
    handler(documented("sagemaker-model-package-rejected"), Context())
    assert "only an approval starts the deployment" in reasons(capsys)[0]
