"""Steps 3 and 4: plain Git and the AWS CLI work with the rehearsal's CodeCommit."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sagemaker_rehearsal import codecommit, iam
from sagemaker_rehearsal.server import Cloud
from sagemaker_rehearsal.server.errors import AwsError
from tests.services.codecommit import Place, git, place, running
from tests.services.command_line import aws


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with running(tmp_path_factory.mktemp("cloud")) as started:
        yield started


@pytest.fixture
def empty(cloud: Cloud) -> Place:
    return place(cloud)


@pytest.fixture
def work(empty: Place, tmp_path: Path) -> Path:
    """A clone of the empty repository, with one commit on `main`."""
    git(tmp_path, "clone", "--quiet", empty.url, "work")
    folder = tmp_path / "work"
    git(folder, "checkout", "--quiet", "-b", "main")
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    committed(folder, "README.md", "one\n")
    return folder


def committed(folder: Path, path: str, text: str) -> str:
    (folder / path).write_text(text)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "-m", f"write {path}")
    return git(folder, "rev-parse", "HEAD")


def test_a_push_fills_an_empty_repository(empty: Place, work: Path) -> None:
    git(work, "push", "--quiet", "origin", "main")
    tip = git(work, "rev-parse", "HEAD")
    default = empty.ask("get_repository")["repositoryMetadata"]["defaultBranch"]
    assert (default, empty.tip(), empty.told()) == ("main", tip, [("referenceCreated", "refs/heads/main")])


def test_what_the_api_commits_is_cloned_and_fetched(empty: Place, tmp_path: Path) -> None:
    first = empty.commit(a=b"a\n")
    git(tmp_path, "clone", "--quiet", empty.url, "clone")
    cloned = (tmp_path / "clone" / "a").read_bytes()
    second = empty.commit(parent=first, a=b"b\n")
    git(tmp_path / "clone", "pull", "--quiet")
    after = (tmp_path / "clone" / "a").read_bytes()
    assert (cloned, after, git(tmp_path / "clone", "rev-parse", "HEAD")) == (b"a\n", b"b\n", second)


def test_each_reference_of_a_push_is_told_once(empty: Place, work: Path) -> None:
    git(work, "push", "--quiet", "origin", "main")
    first, second = git(work, "rev-parse", "HEAD"), committed(work, "README.md", "two\n")
    git(work, "tag", "-a", "v1", "-m", "one")
    git(work, "push", "--quiet", "origin", "main", "main:refs/heads/feature/x", "v1")
    git(work, "push", "--quiet", "origin", "main")
    git(work, "push", "--quiet", "origin", "--delete", "feature/x")
    identity = empty.ask("get_repository")["repositoryMetadata"]["repositoryId"]
    assert empty.told() == [
        ("referenceCreated", "refs/heads/main"),
        ("referenceCreated", "refs/heads/feature/x"),
        ("referenceUpdated", "refs/heads/main"),
        ("referenceCreated", "refs/tags/v1"),
        ("referenceDeleted", "refs/heads/feature/x"),
    ]
    assert empty.events[2] == {
        "event": "referenceUpdated",
        "repositoryName": empty.name,
        "repositoryId": identity,
        "referenceType": "branch",
        "referenceName": "main",
        "referenceFullName": "refs/heads/main",
        "commitId": second,
        "oldCommitId": first,
    }
    tag = {key: empty.events[3][key] for key in ("referenceType", "referenceName", "commitId")}
    assert tag == {"referenceType": "tag", "referenceName": "v1", "commitId": second}


def test_a_push_that_is_behind_is_rejected_and_a_forced_one_is_told(empty: Place, work: Path) -> None:
    git(work, "push", "--quiet", "origin", "main")
    old = empty.tip()
    newer = empty.commit(parent=old, a=b"a\n")
    committed(work, "README.md", "mine\n")
    with pytest.raises(RuntimeError, match="rejected"):
        git(work, "push", "--quiet", "origin", "main")
    tip = empty.tip()
    git(work, "push", "--quiet", "--force", "origin", "main")
    assert (tip, empty.events[-1]["oldCommitId"], len(empty.events)) == (newer, newer, 3)


def test_a_large_push_arrives_whole(empty: Place, work: Path) -> None:
    """Git sends packs above `http.postBuffer` (1 MiB) in chunks, with no length."""
    (work / "large").write_bytes(os.urandom(3 * 2**20))
    tip = committed(work, "README.md", "with a large file\n")
    git(work, "push", "--quiet", "origin", "main")
    blob = git(work, "rev-parse", "HEAD:large")
    assert (empty.tip(), empty.ask("get_blob", blobId=blob)["content"]) == (tip, (work / "large").read_bytes())


def test_a_push_that_breaks_off_changes_nothing_and_blocks_nobody(empty: Place) -> None:
    first = empty.commit(a=b"a\n")
    empty.forget_events()
    line = f"{first} {'0' * 40} refs/heads/main\0report-status"
    body = f"{len(line) + 4:04x}{line}0000".encode()
    host = empty.cloud.url.removeprefix("http://")
    head = f"POST /v1/repos/{empty.name}/git-receive-pack HTTP/1.1\r\nHost: {host}\r\nContent-Length: 999999\r\n"
    kind = "Content-Type: application/x-git-receive-pack-request\r\n\r\n"
    with socket.create_connection(("127.0.0.1", int(empty.cloud.url.rpartition(":")[2]))) as connection:
        connection.sendall((head + kind).encode() + body[:40])
    second = empty.commit(parent=first, a=b"b\n")
    assert (empty.tip(), empty.told()) == (second, [("referenceUpdated", "refs/heads/main")])


def test_pushes_that_codecommit_refuses_are_refused(empty: Place, work: Path) -> None:
    git(work, "push", "--quiet", "origin", "main")
    with pytest.raises(RuntimeError, match="InvalidBranchNameException"):
        git(work, "push", "--quiet", "origin", f"main:refs/heads/{'a' * 40}")
    with pytest.raises(RuntimeError, match="deletion of the current branch prohibited"):
        git(work, "push", "--quiet", "origin", "--delete", "main")
    assert [("referenceCreated", "refs/heads/main")] == empty.told()


def test_a_repository_that_is_not_there_is_not_found(cloud: Cloud, empty: Place, tmp_path: Path) -> None:
    for name in ("none", "%2e%2e", f"{empty.name}/objects"):
        with pytest.raises(RuntimeError, match="not found"):
            git(tmp_path, "ls-remote", f"{cloud.url}/v1/repos/{name}")


def test_the_api_sees_what_was_pushed(empty: Place, work: Path) -> None:
    git(work, "push", "--quiet", "origin", "main")
    second = committed(work, "README.md", "two\n")
    git(work, "push", "--quiet", "origin", "main")
    commit = empty.ask("get_commit", commitId=second)["commit"]
    response = empty.ask(
        "get_differences", beforeCommitSpecifier=f"{commit['parents'][0]}", afterCommitSpecifier="main"
    )
    assert (commit["message"], [difference["afterBlob"]["path"] for difference in response["differences"]]) == (
        "write README.md\n",
        ["README.md"],
    )


def test_git_finds_the_cloud_under_the_addresses_that_codecommit_gives(empty: Place, tmp_path: Path) -> None:
    empty.commit(a=b"a\n")
    address = empty.ask("get_repository")["repositoryMetadata"]["cloneUrlHttp"]
    git(tmp_path, "clone", "--quiet", address, "clone", **codecommit.git_environment(empty.cloud))
    assert b"a\n" == (tmp_path / "clone" / "a").read_bytes()


def test_a_checkout_is_the_commits_files_with_their_modes(empty: Place, work: Path, tmp_path: Path) -> None:
    git(work, "push", "--quiet", "origin", "main")
    first = empty.tip()
    committed(work, "README.md", "two\n")
    git(work, "push", "--quiet", "origin", "main")
    target = tmp_path / "source"
    codecommit.checkout(empty.cloud, empty.name, first, target)
    modes = {path.name: path.stat().st_mode & 0o111 != 0 for path in sorted(target.iterdir())}
    assert (modes, (target / "README.md").read_text()) == ({"README.md": False, "run.sh": True}, "one\n")
    tips = [codecommit.tip(empty.cloud, empty.name, branch) for branch in ("main", "refs/heads/main", "none", first)]
    assert tips == [empty.tip(), empty.tip(), None, None]
    with pytest.raises(AwsError, match="does not exist"):
        codecommit.checkout(empty.cloud, empty.name, "none", target)


def test_the_command_line_asks_and_commits(empty: Place, tmp_path: Path) -> None:
    def run(command: str, *options: str) -> dict[str, object]:
        return aws(empty.cloud, "codecommit", command, "--repository-name", empty.name, *options)

    hello = tmp_path / "hello.txt"
    hello.write_bytes(b"hello\n")
    content = ("--file-path", "hello.txt", "--file-content", f"fileb://{hello}")
    commit = run("put-file", "--branch-name", "main", *content)
    branch = run("get-branch", "--branch-name", "main")
    file = run("get-file", "--file-path", "hello.txt")
    assert (branch["branch"], file["fileContent"]) == (
        {"branchName": "main", "commitId": commit["commitId"]},
        "aGVsbG8K",
    )


def test_commits_and_pushes_at_once_are_each_made_and_told_once(empty: Place, work: Path) -> None:
    """Eight concurrent writers, on branches of their own and on a common one."""
    git(work, "push", "--quiet", "origin", "main")
    first = empty.tip()
    for number in range(4):
        empty.ask("create_branch", branchName=f"api{number}", commitId=first)
    empty.forget_events()

    def commit(number: int) -> str:
        empty.commit(branch=f"api{number}", parent=first, mine=b"%d" % number)
        return empty.code(
            "create_commit",
            branchName="main",
            parentCommitId=first,
            putFiles=[{"filePath": f"{number}", "fileContent": b"x"}],
        )

    def push(number: int) -> str:
        return git(work, "push", "--quiet", "origin", f"main:refs/heads/git{number}")

    with ThreadPoolExecutor(8) as pool:
        pushed = [pool.submit(push, number) for number in range(4)]
        codes = list(pool.map(commit, range(4)))
        assert ["", "", "", ""] == [future.result() for future in pushed]
    expected = [("referenceUpdated", f"refs/heads/api{number}") for number in range(4)]
    expected += [("referenceCreated", f"refs/heads/git{number}") for number in range(4)]
    assert sorted(codes) == ["ParentCommitIdOutdatedException"] * 3 + ["accepted"]
    assert sorted(empty.told()) == sorted([*expected, ("referenceUpdated", "refs/heads/main")])


def test_a_push_is_allowed_for_the_references_that_the_policy_names(empty: Place, work: Path) -> None:
    """GitPush with the condition key `codecommit:References`; GitPull is not granted."""
    account = "arn:aws:iam::123456789012"
    trust = {"Effect": "Allow", "Principal": {"AWS": f"{account}:root"}, "Action": "sts:AssumeRole"}
    allowed = {
        "Effect": "Allow",
        "Action": "codecommit:GitPush",
        "Resource": f"arn:aws:codecommit:us-east-1:123456789012:{empty.name}",
        "Condition": {"StringEquals": {"codecommit:References": "refs/heads/side"}},
    }
    role = empty.cloud.client("iam")
    name = f"pusher-{empty.name}"
    role.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust))
    role.put_role_policy(RoleName=name, PolicyName="push", PolicyDocument=policy(allowed))
    keys = iam.keys_for(empty.cloud, f"{account}:role/{name}", "me")
    iam.enforce(empty.cloud)
    try:
        as_role = codecommit.git_environment(empty.cloud, keys)
        nobody = {"AWS_ACCESS_KEY_ID": "AKIANOBODY", "AWS_SECRET_ACCESS_KEY": ""}
        unknown = codecommit.git_environment(empty.cloud, nobody)
        forged = codecommit.git_environment(empty.cloud, {**keys, "AWS_SECRET_ACCESS_KEY": "x"})
        git(work, "push", "--quiet", "origin", "main:refs/heads/side", **as_role)
        for denied in (as_role, unknown, forged, {}):
            with pytest.raises(RuntimeError, match="403"):
                git(work, "push", "--quiet", "origin", "main", **denied)
        git(work, "ls-remote", empty.url, **codecommit.git_environment(empty.cloud))
        for denied in (unknown, forged, {}):
            with pytest.raises(RuntimeError, match="403"):
                git(work, "ls-remote", empty.url, **denied)
        with pytest.raises(RuntimeError, match="403"):
            git(work, "clone", "--quiet", empty.url, "elsewhere", **as_role)
    finally:
        empty.cloud.guard = None
    assert [("referenceCreated", "refs/heads/side")] == empty.told()


def policy(*statements: Mapping[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})
