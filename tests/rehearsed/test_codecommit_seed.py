"""Steps 3 and 4: the unmodified hook and router work with the rehearsed CodeCommit through boto3."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog.hook.artifact import File
from catalog.hook.calls import Caller, Deadline
from catalog.hook.commit import Outcome, create, update
from catalog.hook.errors import NotEmptyError
from catalog.hook.repository import Repository
from catalog.hook.request import Artifact, Request
from catalog.hook.tree import Tree
from catalog.router.decide import Here, Push, read
from catalog.router.handler import Account
from rehearsal.tests.services.codecommit import Place, git, place, running
from sagemaker_rehearsal import events as bus
from sagemaker_rehearsal.server import Cloud

ARTIFACT = Artifact("bucket", "template/abc/template.zip", "1", "a" * 64)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with running(tmp_path_factory.mktemp("cloud")) as started:
        yield started


@pytest.fixture
def empty(cloud: Cloud) -> Place:
    return place(cloud)


def hook(there: Place) -> Repository:
    return Repository(there.name, Caller(there.client, Deadline(lambda: 60_000.0, 1.0)))


def request(kind: str) -> Request:
    return Request(
        id="1",
        kind=kind,
        provider="codecommit",
        repository="",
        branch="main",
        answers={},
        artifact=ARTIFACT,
        old_branch="main",
        project_bucket="",
        seed_project="",
    )


def rendered(count: int = 130, readme: bytes = b"read\n") -> Tree:
    """Return more files than one commit of the API allows, with folders and a script."""
    files = {f"pipeline/part{n % 7}/file{n}.py": File(b"x = %d\n" % n) for n in range(count)}
    return Tree({"README.md": File(readme), "run.sh": File(b"#!/bin/sh\n", executable=True), **files})


def test_the_hook_seeds_a_repository_by_one_event_for_main(empty: Place, tmp_path: Path) -> None:
    done = create(hook(empty), rendered(), request("Create"))
    git(tmp_path, "clone", "--quiet", empty.url, "clone")
    clone = tmp_path / "clone"
    tree, branch = git(clone, "rev-parse", "HEAD^{tree}"), git(clone, "branch", "--show-current")
    assert (done, tree, branch, empty.told()) == (
        Outcome(empty.tip(), rendered().id, "seeded"),
        rendered().id,
        "main",
        [
            ("referenceCreated", "refs/heads/template"),
            ("referenceUpdated", "refs/heads/template"),
            ("referenceCreated", "refs/heads/main"),
        ],
    )


def test_seeding_again_changes_nothing(empty: Place) -> None:
    first = create(hook(empty), rendered(), request("Create"))
    empty.forget_events()
    again = create(hook(empty), rendered(), request("Create"))
    assert (again, empty.events) == (Outcome(first.commit, first.tree, "was seeded already"), [])


def test_an_interrupted_seed_is_completed(empty: Place) -> None:
    class Killed(Exception):  # noqa: N818 - not an error
        """The function was terminated."""

    class Dying(Repository):
        def make_branch(self, branch: str, commit: str) -> None:
            raise Killed

    repository = hook(empty)
    with pytest.raises(Killed):
        create(Dying(repository.name, repository.call), rendered(), request("Create"))
    done = create(repository, rendered(), request("Create"))
    assert (done.summary, done.tree, empty.told()[-1]) == (
        "seeded",
        rendered().id,
        ("referenceCreated", "refs/heads/main"),
    )


def test_a_repository_with_other_files_is_left_alone(empty: Place) -> None:
    commit = empty.commit(mine=b"mine\n")
    with pytest.raises(NotEmptyError):
        create(hook(empty), rendered(), request("Create"))
    assert (commit, {"branches": ["main"]}) == (empty.tip(), empty.ask("list_branches"))


def test_an_update_is_proposed_once_and_merged_by_git(empty: Place, tmp_path: Path) -> None:
    create(hook(empty), rendered(), request("Create"))
    tip = empty.tip()
    newer = rendered(count=120, readme=b"new\n")
    first, again = (update(hook(empty), newer, request("Update")) for _ in range(2))
    number = first.pull_request
    pull_request = empty.client.get_pull_request(pullRequestId=number)["pullRequest"]
    target = pull_request["pullRequestTargets"][0]
    assert (again.pull_request, pull_request["pullRequestStatus"], empty.tip(), target) == (
        number,
        "OPEN",
        tip,
        {
            "repositoryName": empty.name,
            "sourceReference": "refs/heads/template",
            "destinationReference": "refs/heads/main",
            "destinationCommit": tip,
            "sourceCommit": first.commit,
            "mergeBase": tip,
            "mergeMetadata": {"isMerged": False},
        },
    )
    git(tmp_path, "clone", "--quiet", empty.url, "clone")
    git(tmp_path / "clone", "merge", "--quiet", "--ff-only", "origin/template")
    git(tmp_path / "clone", "push", "--quiet", "origin", "main")
    merged = empty.client.get_pull_request(pullRequestId=number)["pullRequest"]
    unchanged = update(hook(empty), newer, request("Update"))
    assert (merged["pullRequestStatus"], merged["pullRequestTargets"][0]["mergeMetadata"]["isMerged"]) == (
        "CLOSED",
        True,
    )
    assert (unchanged.summary, empty.tip(), newer.id) == ("unchanged", first.commit, first.tree)


def test_the_router_reads_the_event_and_asks_what_changed(cloud: Cloud) -> None:
    there = place(cloud, "sagemaker-adult-p-abc123def456")
    account = Account(cloud.client)
    first = there.commit(README=b"1\n", flow=b"flow\n")
    moved = {"filePath": "flows/flow", "sourceFile": {"filePath": "flow", "isMove": True}}
    second = there.ask("create_commit", branchName="main", parentCommitId=first, putFiles=[moved])["commitId"]
    events = [event for event in bus.of(cloud).events if event["detail"]["repositoryName"] == there.name]
    pushes = [read(event, Here("123456789012", "us-east-1")) for event in events]
    project = "adult-p-abc123def456"
    expected = [
        Push(events[0]["id"], project, "main", first, ""),
        Push(events[1]["id"], project, "main", second, first),
    ]
    lost = Push("3", project, "main", second, "0" * 39 + "1")
    assert (pushes, [account.changed(push) for push in (*expected, lost)]) == (
        expected,
        [None, ["flow", "flows/flow"], None],
    )
