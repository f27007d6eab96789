"""Step 3: a repository is seeded once, however often and however badly the event is delivered."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from catalog.hook.artifact import Files
from catalog.hook.handler import respond
from tests.catalog.fakes.aws import Killed
from tests.catalog.fakes.world import NAME, Lambda, Outside
from tests.catalog.hook.conftest import small_template

MANY = 230  # files, hence three commits


def main_events(outside: Outside) -> list[tuple[str, str, str]]:
    """Return the events that a rule on the branch that CI builds would see."""
    return [event for event in outside.codecommit.events if event[1] == "main"]


def states(outside: Outside) -> tuple[str | None, set[str], int]:
    """Return the default branch, the trees of both branches, and how many events told of `main`."""
    repository = outside.codecommit
    trees = {repository.commits[repository.branches[name]].tree for name in ("main", "template")}
    return repository.default, trees, len(main_events(outside))


def test_create_seeds_both_branches_by_one_commit_and_tells_of_main_once(outside: Outside) -> None:
    answer = outside.invoke(outside.event())
    repository = outside.codecommit
    tree = answer["Data"]["TreeId"]
    assert "SUCCESS" == answer["Status"]
    assert ("main", {tree}, 1) == states(outside)
    assert 1 == len(repository.commits)
    assert {"Makefile", "README.md", "run.sh"} == set(repository.files("main"))
    assert b"run:\n\techo {{ not.rendered }}\n" == repository.files("main")["Makefile"]
    assert {
        "Repository": NAME,
        "Branch": "main",
        "CommitId": repository.branches["main"],
        "TreeId": tree,
        "PullRequestId": "",
        "Summary": "seeded",
    } == answer["Data"]


def test_a_create_of_the_products_template_takes_eight_calls_at_most(product: Files) -> None:
    """One of them for each hundred files; then two branches, one of them the default."""
    outside = Outside(product)
    answer = outside.invoke(outside.event())
    commits = ["CreateCommit"] * -(-len(outside.codecommit.files("main")) // 100)
    assert "SUCCESS" == answer["Status"]
    assert ["GetObject", "GetRepository", *commits, "CreateBranch", "UpdateDefaultBranch"] == outside.calls.made
    assert len(outside.calls.made) <= 8


def test_a_replay_of_that_create_takes_three_calls(product: Files) -> None:
    """To find that everything is done; the data are those of the first answer."""
    outside = Outside(product)
    first = outside.invoke(outside.event())
    outside.calls.made.clear()
    again = outside.invoke(outside.event())
    assert ["GetObject", "GetRepository", "GetFolder"] == outside.calls.made
    assert {**first["Data"], "Summary": "was seeded already"} == again["Data"]
    assert first["PhysicalResourceId"] == again["PhysicalResourceId"]
    assert 1 == len(main_events(outside))


def test_more_than_a_hundred_files_are_several_commits_and_one_event() -> None:
    outside = Outside(small_template(files=101))
    answer = outside.invoke(outside.event())
    assert 2 == len(outside.codecommit.commits)
    assert [("referenceCreated", "main", answer["Data"]["TreeId"])] == main_events(outside)


def test_large_files_are_spread_over_commits() -> None:
    """No commit carries more than 7 MB; the fake refuses it as CodeCommit does."""
    outside = Outside(small_template({f"data{n}": bytes(4 * 2**20) for n in range(3)}))
    assert "SUCCESS" == outside.invoke(outside.event())["Status"]
    assert 3 == len(outside.codecommit.commits)


@pytest.mark.parametrize(
    ("size", "sentence"), [(6 * 2**20 + 1, "has 6291457 bytes; CodeCommit takes at most 6291456"), (0, "is empty")]
)
def test_a_file_that_codecommit_does_not_take_is_named_before_anything_is_committed(size: int, sentence: str) -> None:
    outside = Outside(small_template({"data.bin": bytes(size)}))
    answer = outside.invoke(outside.event())
    assert "FAILED" == answer["Status"]
    assert f"'data.bin': {sentence}" in answer["Reason"]
    assert {} == outside.codecommit.branches


def number_of_calls() -> int:
    """Return how many calls a Create of many files makes."""
    outside = Outside(small_template(files=MANY))
    outside.invoke(outside.event())
    return len(outside.calls.made)


@pytest.mark.parametrize("call", range(1, number_of_calls() + 1))
def test_killed_after_any_call_and_delivered_again_it_ends_the_same(call: int) -> None:
    """No answer was sent by the killed function; Lambda delivers the event again. One event tells of `main`."""
    outside = Outside(small_template(files=MANY))
    outside.calls.kill_after = call
    with pytest.raises(Killed):
        outside.invoke(outside.event())
    assert [] == outside.sent
    outside.calls.kill_after = None
    answer = outside.invoke(outside.event())
    assert "SUCCESS" == answer["Status"]
    assert ("main", {answer["Data"]["TreeId"]}, 1) == states(outside)
    assert 3 == len(outside.codecommit.commits)


def test_killed_after_every_call_in_turn_it_still_ends() -> None:
    """Each delivery gets one call further than the one before."""
    outside = Outside(small_template(files=MANY))
    deliveries = 0
    while not outside.sent:
        deliveries += 1
        outside.calls.kill_after = len(outside.calls.made) + 2 + deliveries
        try:
            outside.invoke(outside.event())
        except Killed:
            continue
    assert ("main", {outside.sent[0]["Data"]["TreeId"]}, 1) == states(outside)


def test_throttled_five_times_it_waits_longer_each_time(outside: Outside) -> None:
    outside.calls.throttle = 5
    assert "SUCCESS" == outside.invoke(outside.event())["Status"]
    assert [0.2, 0.4, 0.8, 1.6, 3.2] == outside.slept
    assert ["GetObject", "GetRepository", "CreateCommit", "CreateBranch", "UpdateDefaultBranch"] == outside.calls.made


def test_throttled_for_ever_it_gives_up_in_time_for_the_answer(outside: Outside) -> None:
    """Sleeping takes time off the clock."""
    clock = Lambda(30_000)
    outside.calls.throttle = 10**6
    world = outside.world()

    def sleep(seconds: float) -> None:
        clock.milliseconds -= seconds * 1000

    world = type(world)(world.client, world.send, world.environment, sleep)
    respond(outside.event(), clock, world)
    assert ["FAILED"] == [answer["Status"] for answer in outside.sent]
    assert "AWS kept asking to slow down until time ran out; retry" in outside.sent[0]["Reason"]
    assert clock.milliseconds > 5_000


@pytest.mark.parametrize("files", [3, MANY])
def test_two_deliveries_at_the_same_time_make_one_seed(files: int) -> None:
    """Both succeed with the same data; whoever is late finds what the other one did."""
    outside = Outside(small_template(files=files))
    gate, looks = threading.Barrier(2, timeout=20), iter([True, True])

    def together(operation: str) -> None:
        """Let the first look of both be at the same moment."""
        if operation == "GetRepository" and next(looks, False):
            gate.wait()

    outside.calls.on_call = together
    both = [threading.Thread(target=respond, args=[outside.event(), Lambda(), outside.world()]) for _ in range(2)]
    for entry in both:
        entry.start()
    for entry in both:
        entry.join()
    data = [{**answer["Data"], "Summary": ""} for answer in outside.sent]
    assert ["SUCCESS", "SUCCESS"] == [answer["Status"] for answer in outside.sent]
    assert data[0] == data[1]
    assert ("main", {data[0]["TreeId"]}, 1) == states(outside)
    assert -(-files // 100) == len(outside.codecommit.commits)


@pytest.mark.parametrize("branch", ["main", "dev", "template"])
def test_a_repository_with_somebody_elses_commits_is_left_alone(outside: Outside, branch: str) -> None:
    outside.codecommit.user_commit(branch, **{"mine.py": b"1"})
    before = dict(outside.codecommit.branches)
    answer = outside.invoke(outside.event())
    assert "FAILED" == answer["Status"]
    assert "the repository is not empty and was not seeded by this stack" in answer["Reason"]
    assert before == outside.codecommit.branches


def test_a_create_that_is_repeated_after_the_team_has_pushed_touches_nothing(outside: Outside) -> None:
    """The answer to the first delivery was lost; meanwhile `main` went on."""
    first = outside.invoke(outside.event())
    mine = outside.codecommit.user_commit("main", **{"mine.py": b"1"})
    again = outside.invoke(outside.event())
    assert {**first["Data"], "Summary": "was seeded already"} == again["Data"]
    assert mine == outside.codecommit.branches["main"]


def test_another_default_branch_is_seeded_alike(outside: Outside) -> None:
    answer = outside.invoke(outside.event(BranchName="release/2026.11", Answers={"project_slug": "adult"}))
    assert "SUCCESS" == answer["Status"]
    assert "release/2026.11" == outside.codecommit.default


REFUSALS: list[tuple[dict[str, str], str]] = [
    ({"GetRepository": "OperationNotAllowedException"}, "choose GitProvider github, gitlab or bitbucket"),
    ({"CreateCommit": "OperationNotAllowedException"}, "CodeCommit does not serve this account"),
    ({"GetRepository": "RepositoryDoesNotExistException"}, "does not exist; CloudFormation makes it before the seed"),
    ({"CreateCommit": "AccessDeniedException"}, "CreateCommit was denied for repository sagemaker-adult-p-abc123"),
    ({"GetObject": "AccessDenied"}, "GetObject was denied for s3://ops-bucket/template/abc/template.zip"),
    ({"CreateCommit": "NameLengthExceededException"}, "CreateCommit failed for repository"),
    (
        {"CreateCommit": "EncryptionKeyAccessDeniedException"},
        "the role of the function sagemaker-autopilot-seed must allow it",
    ),
]


@pytest.mark.parametrize(("refuse", "sentence"), REFUSALS, ids=[next(iter(row[0].values())) for row in REFUSALS])
def test_what_aws_refuses_is_explained_without_addresses(
    outside: Outside, refuse: dict[str, str], sentence: str
) -> None:
    """An account or its organization may be restricted; the sentence names the way out."""
    outside.calls.refuse = refuse
    answer: dict[str, Any] = outside.invoke(outside.event())
    assert "FAILED" == answer["Status"]
    assert sentence in answer["Reason"]
    assert "token=abc" not in answer["Reason"]


def test_a_repository_that_never_rests_is_given_up(outside: Outside) -> None:
    outside.calls.refuse = {"CreateCommit": "ConcurrentReferenceUpdateException"}
    assert (
        "the repository changed 8 times while it was being seeded; retry" in outside.invoke(outside.event())["Reason"]
    )
