"""Step 3, for other Git hosts: the seed project's program pushes the tree once, over real Git."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from catalog.hook.artifact import File
from catalog.hook.calls import Caller, Deadline
from catalog.hook.connection import Host, packed, reason
from catalog.hook.errors import OutOfTimeError, SeedBuildError
from catalog.hook.push import LOST, NOT_EMPTY, REFUSED, WRONG_TREE, address
from catalog.hook.request import Request, parse
from catalog.hook.tree import Tree
from tests.catalog.fakes.aws import Calls, Killed, Service, refused
from tests.catalog.fakes.world import Lambda, Outside, Storage

TREE = Tree({"README.md": File(b"# Adult\n"), "bin/run.sh": File(b"#!/bin/sh\r\n", executable=True), "e": File(b"")})
Git = Callable[..., str]
Build = Callable[..., int]


@pytest.fixture
def request_(outside: Outside) -> Request:
    """Return a Create for a repository on GitHub."""
    host = {"Provider": "github", "RepositoryName": "team/adult"}
    return parse(
        outside.event(**host, ProjectBucket="sagemaker-project-p-abc123", SeedProject="sagemaker-a-p-abc123-seed")
    )


@pytest.fixture
def git(tmp_path: Path) -> Git:
    """Return a function that runs Git in the repository that stands for the host's."""
    bare = tmp_path / "host.git"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(bare)], check=True)

    def run(*arguments: str) -> str:
        who = ["-c", "user.name=T", "-c", "user.email=t@example.com"]
        command = ["git", "-C", str(bare), *who, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    return run


@pytest.fixture
def build(tmp_path: Path, git: Git, request_: Request) -> Build:
    """Return a function that does what the seed project does: runs the zip."""

    def run(tree: Tree = TREE, kind: str = "Create", **environment: str) -> int:
        seed = tmp_path / "seed.zip"
        seed.write_bytes(packed(tree, replace(request_, kind=kind)))
        variables = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "SEED_REMOTE": str(tmp_path / "host.git")}
        command = [sys.executable, str(seed)]
        return subprocess.run(command, env={**variables, **environment}, check=False, capture_output=True).returncode

    return run


def tree_of(git: Git, branch: str) -> str:
    """Return the tree of a branch on the host."""
    return git("rev-parse", f"{branch}^{{tree}}")


def team_commits(git: Git, branch: str = "main") -> str:
    """Let the team add a file on the host."""
    blob = (
        subprocess.run(
            ["git", "-C", git("rev-parse", "--absolute-git-dir"), "hash-object", "-w", "--stdin"],
            input=b"mine",
            capture_output=True,
            check=True,
        )
        .stdout.decode()
        .strip()
    )
    tree = (
        subprocess.run(
            ["git", "-C", git("rev-parse", "--absolute-git-dir"), "mktree"],
            input=f"100644 blob {blob}\tmine.py\n".encode(),
            capture_output=True,
            check=True,
        )
        .stdout.decode()
        .strip()
    )
    parent = git("for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}")
    commit = git("commit-tree", tree, "-m", "mine", *(["-p", parent] if parent else []))
    git("update-ref", f"refs/heads/{branch}", commit)
    return commit


def test_an_empty_repository_is_seeded_byte_for_byte(git: Git, build: Build) -> None:
    """Also what Git would convert, and what CodeCommit would refuse."""
    assert 0 == build()
    assert [TREE.id, TREE.id] == [tree_of(git, branch) for branch in ("main", "template")]
    assert git("rev-parse", "main") == git("rev-parse", "template")


def test_a_second_build_changes_nothing(git: Git, build: Build) -> None:
    assert 0 == build()
    before = git("rev-parse", "main", "template")
    assert 0 == build()
    assert before == git("rev-parse", "main", "template")


def test_a_build_that_ended_after_the_first_push_is_completed(git: Git, build: Build) -> None:
    assert 0 == build()
    commit = git("rev-parse", "main")
    git("update-ref", "-d", "refs/heads/template")
    assert 0 == build()
    assert commit == git("rev-parse", "template")


def test_after_the_team_has_pushed_a_create_changes_nothing(git: Git, build: Build) -> None:
    assert 0 == build()
    mine = team_commits(git)
    assert 0 == build()
    assert mine == git("rev-parse", "main")


def test_a_repository_with_a_readme_of_its_own_is_left_alone(git: Git, build: Build) -> None:
    """Hosts offer to make one; the reason says to give an empty repository."""
    mine = team_commits(git)
    assert NOT_EMPTY == build()
    assert mine == git("for-each-ref", "--format=%(objectname)")


def test_an_update_goes_to_the_template_branch_on_top_of_what_is_there(git: Git, build: Build) -> None:
    assert 0 == build()
    mine, seed = team_commits(git), git("rev-parse", "template")
    new = Tree({**TREE.files, "new.txt": File(b"new")})
    assert [0, 0] == [build(new, "Update"), build(new, "Update")]
    assert new.id == tree_of(git, "template")
    assert (mine, seed) == (git("rev-parse", "main"), git("rev-parse", "template^"))


def test_an_update_without_its_branch_is_explained(git: Git, build: Build) -> None:
    assert 0 == build()
    git("update-ref", "-d", "refs/heads/template")
    assert LOST == build(kind="Update")


@pytest.mark.parametrize("kind", ["Create", "Update"])
def test_of_two_builds_at_the_same_time_the_later_one_completes_what_the_other_did(
    git: Git, build: Build, kind: str
) -> None:
    """A second delivery: its commit has the same tree and another time, so the host refuses it as no fast-forward."""
    new = Tree({**TREE.files, "new.txt": File(b"new")})
    assert 0 == build()
    first = git("rev-parse", "main")
    quicker = git("commit-tree", tree_of(git, "main"), "-m", "quicker")
    if kind == "Update":
        assert 0 == build(new, "Update")
        quicker = git("rev-parse", "template")
        git("update-ref", "refs/heads/template", first)
    else:
        git("update-ref", "-d", "refs/heads/main")
        git("update-ref", "-d", "refs/heads/template")
    late = Path(git("rev-parse", "--absolute-git-dir"), "hooks", "pre-receive")
    moved = "template" if kind == "Update" else "main"
    late.write_text(
        f"#!/bin/sh\n[ -e late ] && exit 0\ntouch late\n"
        f"env -u GIT_QUARANTINE_PATH git update-ref refs/heads/{moved} {quicker}\nexit 1\n"
    )
    late.chmod(0o755)
    assert 0 == build(new if kind == "Update" else TREE, kind)
    assert [first if kind == "Update" else quicker, quicker] == [
        git("rev-parse", name) for name in ("main", "template")
    ]


def test_a_host_that_refuses_is_explained(build: Build, tmp_path: Path) -> None:
    assert REFUSED == build(SEED_REMOTE=str(tmp_path / "nowhere.git"))


@pytest.mark.parametrize(
    ("arn", "expected"),
    [
        (
            "arn:aws:codeconnections:eu-west-1:123456789012:connection/aaaa-bbbb",
            "https://codeconnections.eu-west-1.amazonaws.com/git-http/123456789012/eu-west-1/aaaa-bbbb/team/adult.git",
        ),
        (
            "arn:aws:codestar-connections:us-east-1:123456789012:connection/aaaa-bbbb",
            "https://codestar-connections.us-east-1.amazonaws.com/git-http/123456789012/us-east-1/aaaa-bbbb/team/adult.git",
        ),
    ],
)
def test_the_address_goes_by_way_of_the_connection(arn: str, expected: str) -> None:
    """The form that CodePipeline hands to full clones, for both names of the service."""
    assert expected == address({"CONNECTION_ARN": arn, "REPOSITORY": "team/adult"})


class CodeBuild(Service):
    """A CodeBuild whose build takes two looks and then ends as it was told."""

    service = "codebuild"

    def __init__(self, calls: Calls, status: str, message: str) -> None:
        super().__init__(calls)
        self.status, self.message, self.looks, self.key = status, message, 0, ""
        self.started: dict[str, dict[str, Any]] = {}

    def _build(self) -> dict[str, Any]:
        ended = self.looks > 1
        phase = {"phaseType": "BUILD", "contexts": [{"message": self.message}]}
        return {"id": "seed:1", "buildStatus": self.status if ended else "IN_PROGRESS", "phases": [phase]}

    def _start_build(self, idempotencyToken: str, **order: Any) -> dict[str, Any]:  # noqa: N803, ANN401 - as boto3
        if self.started.setdefault(idempotencyToken, order) != order:
            raise refused("InvalidInputException", "StartBuild", "parameter mismatch")
        self.key = order["environmentVariablesOverride"][0]["value"]
        return {"build": self._build()}

    def _batch_get_builds(self, ids: list[str]) -> dict[str, Any]:
        self.looks += 1
        return {"builds": [self._build()]}


def seed_by(
    status: str, message: str, request: Request
) -> tuple[CodeBuild, Storage, list[float], Callable[[], object]]:
    """Return the hook's side of a seed through a connection."""
    calls, slept = Calls(), list[float]()
    storage, codebuild = Storage(calls), CodeBuild(calls, status, message)
    deadline = Deadline(Lambda().get_remaining_time_in_millis, 8, slept.append)
    host = Host(Caller(storage, deadline), Caller(codebuild, deadline))
    return codebuild, storage, slept, lambda: host.seed(TREE, request)


def test_the_hook_hands_the_tree_to_the_build_and_waits(request_: Request) -> None:
    codebuild, storage, slept, seed = seed_by("SUCCEEDED", "", request_)
    outcome = seed()
    assert (TREE.id, "pushed by build seed:1") == (outcome.tree, outcome.summary)  # type: ignore[attr-defined]
    assert [("sagemaker-project-p-abc123", codebuild.key, "1")] == list(storage.objects)
    assert [4.0, 4.0] == slept


@pytest.mark.parametrize("call", range(1, 5))
def test_killed_after_any_call_and_delivered_again_it_starts_one_build(request_: Request, call: int) -> None:
    """Put, start, and two looks; the second delivery finds the first one's build."""
    codebuild, storage, _, seed = seed_by("SUCCEEDED", "", request_)
    codebuild.calls.kill_after = call
    with pytest.raises(Killed):
        seed()
    codebuild.calls.kill_after = None
    assert (TREE.id, "pushed by build seed:1") == (seed().tree, seed().summary)  # type: ignore[attr-defined]
    assert (1, 1) == (len(codebuild.started), len(storage.objects))


def test_throttled_five_times_the_seed_of_another_host_waits_too(request_: Request) -> None:
    codebuild, _, slept, seed = seed_by("SUCCEEDED", "", request_)
    codebuild.calls.throttle = 5
    seed()
    assert [0.2, 0.4, 0.8, 1.6, 3.2, 4.0, 4.0] == slept


def test_a_build_that_does_not_end_is_named_in_time_for_the_answer(request_: Request) -> None:
    """The build goes on, and the retry finds what it pushed."""
    clock = Lambda(30_000)

    def sleep(seconds: float) -> None:
        clock.milliseconds -= seconds * 1000

    deadline = Deadline(clock.get_remaining_time_in_millis, 8, sleep)
    calls = Calls()
    codebuild = CodeBuild(calls, "IN_PROGRESS", "")
    host = Host(Caller(Storage(calls), deadline), Caller(codebuild, deadline))
    with pytest.raises(OutOfTimeError, match="build seed:1 was not done until time ran out; retry in some minutes"):
        host.seed(TREE, request_)
    assert clock.milliseconds > 8_000


FAILURES = [
    ("exit status 3", "the repository is not empty and was not seeded by this stack"),
    ("exit status 4", "the connection must be in state AVAILABLE"),
    ("exit status 5", "report this as a defect"),
    ("exit status 6", "branch `template`, or the one that CI builds, was deleted"),
    ("exit status 1", "its log says more"),
    ("", "its log says more"),
]


@pytest.mark.parametrize(("message", "sentence"), FAILURES, ids=[row[0] or "none" for row in FAILURES])
def test_a_build_that_fails_is_explained(request_: Request, message: str, sentence: str) -> None:
    """CodeBuild quotes the exit status in the context of a phase:
    https://docs.aws.amazon.com/codebuild/latest/APIReference/API_PhaseContext.html
    """
    *_, seed = seed_by("FAILED", f"Error while executing command: python3 seed.zip. Reason: {message}", request_)
    with pytest.raises(SeedBuildError, match=sentence):
        seed()


def test_every_status_of_the_program_has_a_sentence() -> None:
    result = {
        reason({"buildStatus": "FAILED", "phases": [{"contexts": [{"message": f"exit status {status}"}]}]})
        for status in (NOT_EMPTY, REFUSED, WRONG_TREE, LOST)
    }
    assert 4 == len(result)
