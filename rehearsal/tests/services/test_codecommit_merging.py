"""Step 3: pull requests and merges, as for a template's update."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sagemaker_rehearsal import codecommit
from sagemaker_rehearsal.server import Cloud
from tests.services.codecommit import Place, place, refused, running

BASE = b"".join(b"line %d\n" % number for number in range(20))


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with running(tmp_path_factory.mktemp("cloud")) as started:
        yield started


@pytest.fixture
def parted(cloud: Cloud) -> Place:
    """`side` and `main` have each changed another line of one file, and `side` has a new file."""
    repository = place(cloud)
    base = repository.commit(file=BASE)
    repository.ask("create_branch", branchName="side", commitId=base)
    repository.commit(parent=base, file=BASE.replace(b"line 2\n", b"main\n"))
    repository.commit(branch="side", parent=base, file=BASE.replace(b"line 17\n", b"side\n"), new=b"new\n")
    return repository


def both(source: str = "side", destination: str = "main", **more: str) -> dict[str, str]:
    return {"sourceCommitSpecifier": source, "destinationCommitSpecifier": destination, **more}


def propose(there: Place, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - as boto3
    target = {"repositoryName": there.name, "sourceReference": "side", "destinationReference": "main"}
    asked = {"title": "Take side", "targets": [target], **more}
    return dict(there.client.create_pull_request(**asked)["pullRequest"])


def test_what_can_be_merged_depends_on_the_level(parted: Place) -> None:
    by_file = parted.ask("get_merge_options", **both())
    by_line = parted.ask("get_merge_options", **both(conflictDetailLevel="LINE_LEVEL"))
    taken = parted.ask("get_merge_options", **both(conflictResolutionStrategy="ACCEPT_SOURCE"))
    ways = ["SQUASH_MERGE", "THREE_WAY_MERGE"]
    assert (by_file["mergeOptions"], by_line["mergeOptions"], taken["mergeOptions"]) == ([], ways, ways)
    base = parted.ask("get_commit", commitId=parted.tip("side"))["commit"]["parents"][0]
    commits = (by_file["sourceCommitId"], by_file["destinationCommitId"], by_file["baseCommitId"])
    assert commits == (parted.tip("side"), parted.tip("main"), base)


def test_a_three_way_merge_has_both_parents_and_says_so(parted: Place) -> None:
    sides = [parted.tip("main"), parted.tip("side")]
    merge = parted.ask("merge_branches_by_three_way", **both(conflictDetailLevel="LINE_LEVEL"))
    merged = parted.ask("get_file", filePath="file")["fileContent"]
    event = parted.events[-1]
    assert parted.ask("get_commit", commitId=merge["commitId"])["commit"]["parents"] == sides
    assert merged == BASE.replace(b"line 2\n", b"main\n").replace(b"line 17\n", b"side\n")
    detail = {key: event[key] for key in ("event", "commitId", "oldCommitId", "mergeOption", "conflictDetailsLevel")}
    assert detail == {
        "event": "referenceUpdated",
        "commitId": merge["commitId"],
        "oldCommitId": sides[0],
        "mergeOption": "THREE_WAY_MERGE",
        "conflictDetailsLevel": "LINE_LEVEL",
    }


def test_the_accepted_side_wins(parted: Place) -> None:
    merge = parted.ask("merge_branches_by_squash", **both(conflictResolutionStrategy="ACCEPT_SOURCE"))
    merged = parted.ask("get_file", filePath="file")["fileContent"]
    parents = parted.ask("get_commit", commitId=merge["commitId"])["commit"]["parents"]
    assert (merged, len(parents)) == (BASE.replace(b"line 17\n", b"side\n"), 1)


def test_a_merge_that_needs_a_person_is_refused(parted: Place) -> None:
    tip = parted.tip()
    codes = [parted.code(f"merge_branches_by_{way}", **both()) for way in ("fast_forward", "squash", "three_way")]
    assert (codes, parted.tip()) == (["ManualMergeRequiredException"] * 3, tip)


def test_histories_without_a_common_commit_cannot_be_compared(parted: Place) -> None:
    repository = codecommit.of(parted.cloud).get(parted.name)
    alone = repository.git.write_commit(repository.git.tree_of("main"), [], "A <a> 1 +0000", "alone")
    assert "TipsDivergenceExceededException" == parted.code("get_merge_options", **both(source=alone))


def test_a_pull_request_is_made_once_for_a_token(parted: Place) -> None:
    first, again = propose(parted, clientRequestToken="token-1"), propose(parted, clientRequestToken="token-1")
    other = refused(lambda: propose(parted, clientRequestToken="token-1", title="Other"))
    listed = parted.ask("list_pull_requests", pullRequestStatus="OPEN")["pullRequestIds"]
    assert (again, other, listed) == (first, "IdempotencyParameterMismatchException", [first["pullRequestId"]])


def test_an_open_pull_request_follows_its_branches(parted: Place) -> None:
    number = propose(parted)["pullRequestId"]
    newer = parted.commit(branch="side", parent=parted.tip("side"), more=b"more\n")
    target = parted.client.get_pull_request(pullRequestId=number)["pullRequest"]["pullRequestTargets"][0]
    parted.ask("delete_branch", branchName="side")
    closed = parted.client.get_pull_request(pullRequestId=number)["pullRequest"]["pullRequestStatus"]
    assert (target["sourceCommit"], closed) == (newer, "CLOSED")


def test_a_merged_pull_request_is_closed_and_tells_how(parted: Place) -> None:
    number = propose(parted)["pullRequestId"]
    asked = {"pullRequestId": number, "repositoryName": parted.name, "conflictDetailLevel": "LINE_LEVEL"}
    pull_request = parted.client.merge_pull_request_by_squash(**asked)["pullRequest"]
    again = refused(lambda: parted.client.merge_pull_request_by_squash(**asked))
    metadata = pull_request["pullRequestTargets"][0]["mergeMetadata"]
    who = "arn:aws:iam::123456789012:root"
    assert (pull_request["pullRequestStatus"], metadata) == (
        "CLOSED",
        {"isMerged": True, "mergedBy": who, "mergeCommitId": parted.tip(), "mergeOption": "SQUASH_MERGE"},
    )
    assert "PullRequestAlreadyClosedException" == again


def test_what_codecommit_refuses_of_pull_requests_is_refused(parted: Place) -> None:
    number = propose(parted)["pullRequestId"]
    target = {"repositoryName": parted.name, "sourceReference": "side", "destinationReference": "main"}
    client = parted.client
    codes = [
        refused(lambda: propose(parted, title="")),
        refused(lambda: propose(parted, title="t" * 151)),
        refused(lambda: propose(parted, targets=[])),
        refused(lambda: propose(parted, targets=[target, target])),
        refused(lambda: propose(parted, targets=[{**target, "sourceReference": "none"}])),
        refused(lambda: propose(parted, targets=[{**target, "sourceReference": "main"}])),
        refused(lambda: client.get_pull_request(pullRequestId="9999")),
        refused(lambda: client.get_pull_request(pullRequestId="x")),
        refused(lambda: client.update_pull_request_status(pullRequestId=number, pullRequestStatus="OPEN")),
        refused(lambda: client.update_pull_request_status(pullRequestId=number, pullRequestStatus="MERGED")),
    ]
    assert codes == [
        "TitleRequiredException",
        "InvalidTitleException",
        "TargetsRequiredException",
        "MultipleRepositoriesInPullRequestException",
        "ReferenceDoesNotExistException",
        "SourceAndDestinationAreSameException",
        "PullRequestDoesNotExistException",
        "InvalidPullRequestIdException",
        "InvalidPullRequestStatusUpdateException",
        "InvalidPullRequestStatusException",
    ]
