"""Step 3: an update of the product proposes the new rendering, and never touches what the team has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from catalog.hook.archive import pack
from tests.catalog.fakes.aws import Killed
from tests.catalog.fakes.world import NAME, Outside
from tests.catalog.hook.conftest import FOLDER, small_template


def seeded(more: Mapping[str, bytes] | None = None) -> Outside:
    """Return a world whose repository holds the first version of a template."""
    outside = Outside(small_template(more))
    outside.invoke(outside.event())
    outside.calls.made.clear()
    return outside


def second(outside: Outside, more: Mapping[str, bytes] | None = None, files: int = 3) -> dict[str, Any]:
    """Publish a second version and return the update to it."""
    digest = outside.publish(pack(small_template(more, files)), version="2")
    return outside.event("Update", TemplateVersionId="2", TemplateSha256=digest)


def test_an_update_without_a_change_does_nothing() -> None:
    """Three calls; the data are those of the Create, so that nothing that uses them is changed."""
    outside = seeded()
    answer = outside.invoke(outside.event("Update"))
    assert {**outside.sent[0]["Data"], "Summary": "unchanged"} == answer["Data"]
    assert ["GetObject", "GetFolder", "GetMergeOptions"] == outside.calls.made
    assert f"codecommit:{NAME}" == answer["PhysicalResourceId"]


def test_a_new_version_is_proposed_by_a_pull_request() -> None:
    """What is new is written, what is gone is deleted, what only became executable changes its mode."""
    outside = seeded({"old.txt": b"old", "tool": b"#!/bin/sh\n"})
    mine = outside.codecommit.user_commit("main", **{"src/mine.py": b"1"})
    template = small_template({"new.txt": b"new", "tool": b"#!/bin/sh\n"})
    template[f"{FOLDER}/tool"] = type(template[f"{FOLDER}/tool"])(b"#!/bin/sh\n", executable=True)
    digest = outside.publish(pack(template), version="2")
    answer = outside.invoke(outside.event("Update", TemplateVersionId="2", TemplateSha256=digest))
    repository = outside.codecommit
    tip = repository.commits[repository.branches["template"]]
    assert ("SUCCESS", "1") == (answer["Status"], answer["Data"]["PullRequestId"])
    assert {"Makefile", "README.md", "new.txt", "run.sh", "tool"} == set(tip.listing)
    assert "100755" == tip.listing["tool"][0]
    assert answer["Data"]["TreeId"] == tip.tree
    assert mine == repository.branches["main"]
    assert [("refs/heads/template", "refs/heads/main")] == [
        (target["sourceReference"], target["destinationReference"])
        for target in repository.requests["1"]["pullRequestTargets"]
    ]


def test_other_answers_are_proposed_alike() -> None:
    outside = seeded()
    answer = outside.invoke(outside.event("Update", Answers={"project_slug": "adult", "project_name": "Grown-ups"}))
    assert "1" == answer["Data"]["PullRequestId"]
    assert b"# Grown-ups\n" == outside.codecommit.files("template")["README.md"]


def test_a_repeated_update_finds_its_pull_request() -> None:
    outside = seeded()
    event = second(outside, {"new.txt": b"new"})
    first, again = outside.invoke(event), outside.invoke(event)
    assert first["Data"] == again["Data"]
    assert 1 == len(outside.codecommit.requests)


def test_a_further_version_joins_the_open_pull_request() -> None:
    """The request shows the branch `template`, whatever it holds."""
    outside = seeded()
    outside.invoke(second(outside, {"new.txt": b"new"}))
    assert "1" == outside.invoke(second(outside, {"newer.txt": b"newer"}))["Data"]["PullRequestId"]
    assert {"Makefile", "README.md", "newer.txt", "run.sh"} == set(outside.codecommit.files("template"))


def test_after_the_merge_an_update_has_nothing_to_propose() -> None:
    outside = seeded()
    event = second(outside, {"new.txt": b"new"})
    outside.invoke(event)
    outside.codecommit.merge("template", "main")
    outside.codecommit.requests.clear()
    assert "unchanged" == outside.invoke(event)["Data"]["Summary"]
    assert {} == outside.codecommit.requests


def test_a_file_may_become_a_folder_and_a_folder_a_file() -> None:
    """CodeCommit takes neither within one commit."""
    outside = seeded({"a": b"file", "b/c": b"in folder"})
    answer = outside.invoke(second(outside, {"a/c": b"in folder", "b": b"file"}))
    assert "SUCCESS" == answer["Status"]
    assert {"Makefile", "README.md", "a/c", "b", "run.sh"} == set(outside.codecommit.files("template"))


def number_of_calls() -> int:
    """Return how many calls an update of many files makes."""
    outside = seeded()
    outside.invoke(second(outside, files=150))
    return len(outside.calls.made)


@pytest.mark.parametrize("call", range(1, number_of_calls() + 1))
def test_an_update_killed_after_any_call_ends_the_same_when_repeated(call: int) -> None:
    outside = seeded()
    event = second(outside, files=150)
    outside.calls.kill_after = call
    with pytest.raises(Killed):
        outside.invoke(event)
    outside.calls.kill_after = None
    answer = outside.invoke(event)
    assert ("SUCCESS", "1") == (answer["Status"], answer["Data"]["PullRequestId"])
    assert 150 == len(outside.codecommit.files("template"))
    assert 1 == len(outside.codecommit.requests)


def test_another_repository_is_refused_with_the_way_out() -> None:
    outside = seeded()
    answer = outside.invoke(outside.event("Update", RepositoryName="sagemaker-adult-p-other"))
    assert "FAILED" == answer["Status"]
    assert "create a new SageMaker project instead" in answer["Reason"]
    assert f"codecommit:{NAME}" == answer["PhysicalResourceId"]


def test_another_branch_is_refused_with_the_way_out() -> None:
    outside = seeded()
    answer = outside.invoke(outside.event("Update", BranchName="trunk"))
    assert "FAILED" == answer["Status"]
    assert "BranchName: CI builds 'main', and cannot be moved to 'trunk'" in answer["Reason"]


def test_the_rollback_of_a_refused_update_succeeds() -> None:
    """CloudFormation then sends the former properties as new ones and the refused ones as old."""
    outside = seeded()
    for refused in ({"RepositoryName": "sagemaker-adult-p-other"}, {"BranchName": "trunk"}):
        event = outside.event("Update")
        event["OldResourceProperties"] = {**event["ResourceProperties"], **refused}
        assert "SUCCESS" == outside.invoke(event)["Status"]


@pytest.mark.parametrize("branch", ["main", "template"])
def test_a_deleted_branch_is_explained(branch: str) -> None:
    outside = seeded()
    event = second(outside, {"new.txt": b"new"})
    if branch == "main":
        outside.codecommit.default = "template"
    del outside.codecommit.branches[branch]
    assert (
        f"branch {'`template`' if branch == 'template' else repr(branch)} was deleted"
        in outside.invoke(event)["Reason"]
    )


def test_an_update_of_a_repository_that_is_still_empty_seeds_it(outside: Outside) -> None:
    assert "seeded" == outside.invoke(outside.event("Update"))["Data"]["Summary"]
    assert "main" == outside.codecommit.default
