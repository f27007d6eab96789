"""Steps 4 and 6: which events start which pipeline, and why all others start none."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.router.decide import (
    PROJECT,
    Approval,
    Here,
    Ignore,
    Package,
    Push,
    Source,
    Start,
    needs_package,
    on_approval,
    on_push,
    read,
)
from tests.catalog.fakes.aws import model
from tests.catalog.fakes.delivery import FIXTURES, HERE, OTHER, documented
from tests.catalog.fakes.delivery import PROJECT as MINE

Event = dict[str, Any]
Spoil = Callable[[Event], object]
NEW, OLD = "9fceb02d0ae598e95dc970b74767f19372d61af8", "3e5983d00ae598e95dc970b74767f19372d61af8"
PUSH = Push("01234567-0123-0123-0123-000000000002", MINE, "main", NEW, OLD)
ARN = f"arn:aws:sagemaker:us-east-2:123456789012:model-package/{MINE}/2"
APPROVAL = Approval("844e2571-85d4-695f-b930-0153b71dcb42", MINE, ARN)
SOURCE = Source(f"sagemaker-{MINE}", "main")
PACKAGE = Package(ARN, "Approved", OLD, "2021-02-24T17:00:14+00:00")


def test_fixtures_cite_the_page_they_are_taken_from() -> None:
    sources = [json.loads(path.read_text())["$comment"] for path in FIXTURES.glob("*.json")]
    assert [] == [text for text in sources if not text.startswith("https://docs.aws.amazon.com/")]
    assert len(sources) >= 6


def test_a_branch_that_moves_is_a_push() -> None:
    assert PUSH == read(documented("codecommit-reference-updated"), HERE)


def test_a_new_branch_is_a_push_without_an_older_commit() -> None:
    assert Push("01234567-0123-0123-0123-000000000001", MINE, "main", NEW, "") == read(
        documented("codecommit-reference-created"), HERE
    )


@pytest.mark.parametrize("source", ["aws.sagemaker", ["aws.sagemaker"]], ids=["as delivered", "as in AWS's example"])
def test_an_approval_names_its_version(source: object) -> None:
    assert APPROVAL == read(documented("sagemaker-model-package-approved") | {"source": source}, HERE)


@pytest.mark.parametrize("fields", [None, [], ["ModelApprovalStatus", "ApprovalDescription"], "ModelApprovalStatus", 7])
def test_an_approval_need_not_say_what_changed(fields: object) -> None:
    """Events of former years do not, and the registry is asked anyway."""
    event = documented("sagemaker-model-package-approved")
    event["detail"]["UpdatedModelPackageFields"] = fields
    assert APPROVAL == read(event, HERE)


@pytest.mark.parametrize("before", [{}, {"previousModelApprovalStatus": "PendingManualApproval"}])
def test_an_approval_is_told_from_the_stamp_that_follows_it(before: dict[str, str]) -> None:
    """AWS's own router goes by what changed: approvals by API and in Unified Studio do not say what was before.

    A stamp of customer metadata after a deployment sends `Approved` again, as it says
    (aws/CICD-for-SageMakerUnifiedStudio, "Deploy trigger behavior").
    """
    approved, stamped = (documented("sagemaker-model-package-approved") for _ in range(2))
    approved["detail"] |= before | {"UpdatedModelPackageFields": ["ModelApprovalStatus"]}
    stamped["detail"] |= {"UpdatedModelPackageFields": ["CustomerMetadataProperties"]}
    because = f"{ARN} was approved before; only CustomerMetadataProperties changed"
    assert (read(approved, HERE), read(stamped, HERE)) == (APPROVAL, Ignore(because))


def test_a_group_is_called_as_the_event_calls_it_where_the_arn_is_in_lower_case() -> None:
    event = documented("sagemaker-model-package-approved")
    event["detail"]["ModelPackageGroupName"] = MINE.replace("adult", "Adult")
    assert Approval(APPROVAL.event, MINE.replace("adult", "Adult"), ARN) == read(event, HERE)


def top(**fields: object) -> Spoil:
    """Return what sets fields of an event."""
    return lambda event: event.update(fields)


def detail(**fields: object) -> Spoil:
    """Return what sets fields of an event's detail."""
    return lambda event: event["detail"].update(fields)


def lacks(name: str) -> Spoil:
    """Return what removes a field of an event's detail."""
    return lambda event: event["detail"].pop(name)


# which event, what is other than in AWS's example, and the reason in the log
UPDATED, CREATED, APPROVED = (
    "codecommit-reference-updated",
    "codecommit-reference-created",
    "sagemaker-model-package-approved",
)
FOREIGN = ARN.replace("123456789012", "210987654321")
IGNORED: list[tuple[str, Spoil, str]] = [
    (UPDATED, top(detail=None), "no event of EventBridge: it has no detail"),
    (UPDATED, lambda event: event.pop("detail"), "no event of EventBridge: it has no detail"),
    (UPDATED, lambda event: event.pop("id"), "no event of EventBridge: it has no id"),
    (UPDATED, top(id="a b"), "no event of EventBridge: it has no id"),
    (UPDATED, top(id="a" * 101), "no event of EventBridge: it has no id"),
    (UPDATED, top(account="210987654321"), "an event of account '210987654321' in 'us-east-2'; this is another place"),
    (APPROVED, top(region="eu-west-1"), "an event of account '123456789012' in 'eu-west-1'; this is another place"),
    (UPDATED, top(source="aws.s3"), "events of type 'CodeCommit Repository State Change' from 'aws.s3' start nothing"),
    (
        APPROVED,
        top(source="aws.codecommit"),
        "events of type 'SageMaker Model Package State Change' from 'aws.codecommit' start nothing",
    ),
    (
        UPDATED,
        top(**{"detail-type": "CodeCommit Pull Request State Change"}),
        "events of type 'CodeCommit Pull Request State Change' from 'aws.codecommit' start nothing",
    ),
    (
        UPDATED,
        detail(repositoryName="MyDemoRepo"),
        "repository 'MyDemoRepo' is not a project's: its name must be sagemaker-NAME-ID",
    ),
    (UPDATED, lacks("repositoryName"), "repository '' is not a project's: its name must be sagemaker-NAME-ID"),
    (UPDATED, detail(referenceType="tag"), f"a 'tag' in sagemaker-{MINE}; only branches start pipelines"),
    (
        "codecommit-unreferenced-merge-commit-created",
        top(),
        f"a None in sagemaker-{MINE}; only branches start pipelines",
    ),
    (
        "codecommit-reference-deleted",
        top(),
        f"event 'referenceDeleted' in sagemaker-{MINE}: no commit arrived",
    ),
    (UPDATED, lacks("commitId"), f"event 'referenceUpdated' in sagemaker-{MINE}: names no commits"),
    (UPDATED, lacks("oldCommitId"), f"event 'referenceUpdated' in sagemaker-{MINE}: names no commits"),
    (CREATED, detail(commitId="main"), f"event 'referenceCreated' in sagemaker-{MINE}: names no commits"),
    (
        APPROVED,
        detail(ModelPackageArn="arn:aws:sagemaker:us-east-2:123456789012:model-package/mine/2"),
        "model package 'arn:aws:sagemaker:us-east-2:123456789012:model-package/mine/2' is not a version in a project's "
        "group, NAME-ID",
    ),
    (APPROVED, lacks("ModelPackageArn"), "model package '' is not a version in a project's group, NAME-ID"),
    (APPROVED, detail(ModelPackageArn=FOREIGN), f"{FOREIGN} belongs to another account or region"),
    (
        APPROVED,
        detail(ModelPackageGroupName=OTHER),
        f"{ARN} is not in the group '{OTHER}' that the event names",
    ),
    (APPROVED, lacks("ModelPackageGroupName"), f"{ARN} is not in the group None that the event names"),
    (
        APPROVED,
        detail(ModelApprovalStatus="PendingManualApproval"),
        f"{ARN} is PendingManualApproval; only an approval starts the deployment",
    ),
    (
        "sagemaker-model-package-rejected",
        top(),
        f"{ARN} is Rejected; only an approval starts the deployment",
    ),
    (
        APPROVED,
        detail(UpdatedModelPackageFields=["ModelLifeCycle", "CustomerMetadataProperties"]),
        f"{ARN} was approved before; only ModelLifeCycle, CustomerMetadataProperties changed",
    ),
]


@pytest.mark.parametrize(("name", "spoil", "because"), IGNORED)
def test_every_other_event_is_ignored_with_its_reason(name: str, spoil: Spoil, because: str) -> None:
    event = documented(name)
    spoil(event)
    assert Ignore(because) == read(event, HERE)


@pytest.mark.parametrize("event", [None, [], "push", 7, {}, {"detail": []}])
def test_what_is_no_event_is_ignored(event: object) -> None:
    assert Ignore("no event of EventBridge: it has no detail") == read(event, HERE)


def build(because: str) -> Start:
    """Return what a push to training code starts."""
    return Start(f"sagemaker-{MINE}-build", NEW, {}, f"{PUSH.event}-build", because)


def deploy(because: str) -> Start:
    """Return what a push to deployment code starts: the model that is approved, put out by the pushed code."""
    variables = {"ModelPackageArn": ARN, "Commit": OLD}
    return Start(f"sagemaker-{MINE}-deploy", NEW, variables, f"{PUSH.event}-deploy", because)


MANY = [f"pipeline/{n}.py" for n in range(7)]
FEW = "pipeline/0.py, pipeline/1.py, pipeline/2.py, pipeline/3.py, pipeline/4.py and 2 more"
DECISIONS: list[tuple[str, list[str] | None, Package | None, object]] = [
    ("training", ["settings.yaml", "README.md"], None, (build("changed: settings.yaml"),)),
    ("much training", MANY, None, (build(f"changed: {FEW}"),)),
    ("deploying", ["deploy/check.py"], PACKAGE, (deploy("changed: deploy/check.py"),)),
    (
        "both",
        ["deploy/check.py", "flows/preprocess.flow"],
        PACKAGE,
        (build("changed: flows/preprocess.flow"), deploy("changed: deploy/check.py")),
    ),
    ("both before an approval", ["deploy/a", "flows/b"], None, (build("changed: flows/b"),)),
    (
        "deploying before an approval",
        ["deploy/check.py"],
        None,
        Ignore("deploy/check.py changed, but no model is approved yet; the first approval deploys"),
    ),
    (
        "neither",
        ["README.md", "tests/a.py"],
        PACKAGE,
        Ignore("none of the 2 changed paths is part of training or deploying: README.md, tests/a.py"),
    ),
    ("nothing", [], PACKAGE, Ignore(f"{NEW} holds the same files as the commit before it")),
    ("a new branch", None, None, (build("there is no earlier commit to compare with"),)),
]


@pytest.mark.parametrize(
    ("changed", "package", "expected"), [row[1:] for row in DECISIONS], ids=[r[0] for r in DECISIONS]
)
def test_what_a_push_starts(changed: list[str] | None, package: Package | None, expected: object) -> None:
    assert expected == on_push(PUSH, SOURCE, changed, package)


@pytest.mark.parametrize(
    ("source", "because"),
    [
        (
            Source(f"sagemaker-{OTHER}", "main"),
            f"the pipeline of {MINE} is built from sagemaker-{OTHER}, not from sagemaker-{MINE}",
        ),
        (Source(f"sagemaker-{MINE}", "dev"), f"branch 'main' of sagemaker-{MINE}; the pipelines are built from 'dev'"),
    ],
    ids=["repository", "branch"],
)
def test_a_push_to_what_the_pipeline_is_not_built_from_starts_nothing(source: Source, because: str) -> None:
    assert Ignore(because) == on_push(PUSH, source, None, PACKAGE)


@pytest.mark.parametrize(
    ("changed", "needed"), [(None, False), ([], False), (["settings.yaml"], False), (["deploy/check.py"], True)]
)
def test_the_registry_is_asked_only_where_the_answer_matters(changed: list[str] | None, needed: bool) -> None:
    assert needed == needs_package(changed)


def test_an_approval_deploys_that_version_by_the_code_that_trained_it() -> None:
    (start,) = on_approval(APPROVAL, PACKAGE)  # type: ignore[misc]
    assert (f"sagemaker-{MINE}-deploy", OLD, "approved") == (start.pipeline, start.commit, start.because)
    assert {"ModelPackageArn": ARN, "Commit": OLD} == start.variables


def test_a_version_without_a_commit_is_deployed_from_the_branch() -> None:
    """A laptop registered it."""
    (start,) = on_approval(APPROVAL, Package(ARN, "Approved"))  # type: ignore[misc]
    assert ("", {"ModelPackageArn": ARN}) == (start.commit, start.variables)
    assert "approved; it names no commit, so the branch's tip deploys it" == start.because
    assert f"{APPROVAL.event}-deploy" == start.token


def test_all_events_of_one_approval_start_one_deployment_and_the_next_approval_another() -> None:
    """`SageMaker AI may send multiple events to EventBridge for each state change`, each with its own id."""
    second = Approval("99999999-85d4-695f-b930-0153b71dcb42", MINE, ARN)
    later = Package(ARN, "Approved", OLD, "2021-02-25T17:00:14+00:00")
    rows = [(APPROVAL, PACKAGE), (second, PACKAGE), (second, later)]
    tokens = [on_approval(*row)[0].token for row in rows]  # type: ignore[index]
    assert tokens[0] == tokens[1] != tokens[2]


@pytest.mark.parametrize(
    ("package", "because"),
    [
        (Package(ARN, "Rejected"), f"{ARN} is Rejected by now; only approved models are deployed"),
        (None, f"{ARN} is not in the registry any more"),
    ],
    ids=["rejected", "deleted"],
)
def test_an_approval_that_was_taken_back_meanwhile_starts_nothing(package: Package | None, because: str) -> None:
    assert Ignore(because) == on_approval(APPROVAL, package)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
EVENTS = [documented(path.stem) for path in sorted(FIXTURES.glob("*.json"))]
# What a hostile or mistaken event would hold: parts of another project, other kinds of text, anything else.
telling = st.sampled_from(
    [f"sagemaker-{OTHER}", OTHER, ARN.replace(MINE, OTHER), "main", NEW, "Approved", ["aws.codecommit"]]
)


@st.composite
def spoiled(draw: st.DrawFn) -> Event:
    """Return a documented event of which some fields are something else."""
    event: Event = json.loads(json.dumps(draw(st.sampled_from(EVENTS))))
    for holder in (event, event["detail"]):
        for name in draw(st.lists(st.sampled_from(sorted(holder)), max_size=2)):
            holder[name] = draw(telling | values)
    return event


@settings(max_examples=300, derandomize=True)
@given(values | spoiled())
def test_no_event_makes_the_reader_fail(event: object) -> None:
    assert isinstance(read(event, HERE), Push | Approval | Ignore)


@settings(max_examples=300, derandomize=True)
@given(spoiled())
def test_no_event_starts_the_pipeline_of_another_project_than_its_own(event: Event) -> None:
    """Neither by a mistake in it nor on purpose: the names of the pipelines follow from what the event is about."""
    subject = read(event, HERE)
    if isinstance(subject, Ignore):
        return
    if isinstance(subject, Push):
        own = event["detail"]["repositoryName"]
        decision = on_push(subject, Source(own, subject.branch), ["settings.yaml", "deploy/check.py"], PACKAGE)
    else:
        own = f"sagemaker-{event['detail']['ModelPackageArn'].split('/')[1]}"
        decision = on_approval(subject, Package(subject.package, "Approved"))
    assert not isinstance(decision, Ignore)
    assert {start.pipeline.rpartition("-")[0] for start in decision} == {own}


@settings(max_examples=200, derandomize=True)
@given(st.from_regex(PROJECT, fullmatch=True), st.from_regex(PROJECT, fullmatch=True))
def test_no_two_projects_share_a_pipeline(item: str, other: str) -> None:
    names = [{f"sagemaker-{project}-{job}" for job in ("build", "deploy")} for project in (item, other)]
    assert (item == other) == bool(names[0] & names[1])


@settings(max_examples=100, derandomize=True)
@given(st.from_regex(r"[a-zA-Z0-9-]{1,100}", fullmatch=True), st.booleans())
def test_tokens_are_such_as_codepipeline_takes(event: str, dated: bool) -> None:
    shape = model("codepipeline").operation_model("StartPipelineExecution").input_shape.members["clientRequestToken"]
    starts = on_approval(Approval(event, MINE, ARN), Package(ARN, "Approved", changed="2021" if dated else ""))
    assert all(re.fullmatch(shape.metadata["pattern"], start.token) for start in starts)  # type: ignore[union-attr]
    assert all(len(start.token) <= shape.metadata["max"] for start in starts)  # type: ignore[union-attr]


def test_another_place_is_told_from_this_one() -> None:
    event = documented("codecommit-reference-updated")
    assert isinstance(read(event, Here("123456789012", "us-east-1")), Ignore)
