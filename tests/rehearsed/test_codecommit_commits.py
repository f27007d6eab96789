"""Step 3: CodeCommit's API commits and reads files, and rejects requests with AWS's error codes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from catalog.hook.tree import object_id, tree_id
from rehearsal.tests.services.codecommit import Place, place, refused, running
from sagemaker_rehearsal import codecommit
from sagemaker_rehearsal import events as bus
from sagemaker_rehearsal.server import Cloud

NONE = "0123456789" * 4


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with running(tmp_path_factory.mktemp("cloud")) as started:
        yield started


@pytest.fixture
def empty(cloud: Cloud) -> Place:
    return place(cloud)


@pytest.fixture(scope="module")
def filled(cloud: Cloud) -> Place:
    """A repository with README, a folder, a script and a tag; shared, since its tests only send rejected requests."""
    repository_place = place(cloud)
    repository_place.ask(
        "create_commit",
        branchName="main",
        putFiles=[
            {"filePath": "README.md", "fileContent": b"read\n"},
            {"filePath": "src/a.py", "fileContent": b"a\n"},
            {"filePath": "run.sh", "fileContent": b"#!/bin/sh\n", "fileMode": "EXECUTABLE"},
        ],
    )
    repository = codecommit.of(cloud).get(repository_place.name)
    repository.git("tag", "v1", repository_place.tip())
    return repository_place


def test_the_first_commit_makes_the_branch_and_the_default(empty: Place) -> None:
    before = empty.ask("get_repository")["repositoryMetadata"].get("defaultBranch")
    response = empty.ask(
        "create_commit",
        branchName="main",
        authorName="Ada",
        email="ada@example.com",
        commitMessage="First\n\nWhy: because",
        putFiles=[
            {"filePath": "b.sh", "fileContent": b"#!\n", "fileMode": "EXECUTABLE"},
            {"filePath": "/a/é.txt", "fileContent": bytes(range(256))},
        ],
    )
    blobs = {
        "a/é.txt": ("100644", object_id("blob", bytes(range(256)))),
        "b.sh": ("100755", object_id("blob", b"#!\n")),
    }
    added = [
        {"absolutePath": "a/é.txt", "blobId": blobs["a/é.txt"][1], "fileMode": "NORMAL"},
        {"absolutePath": "b.sh", "blobId": blobs["b.sh"][1], "fileMode": "EXECUTABLE"},
    ]
    assert (before, response) == (
        None,
        {
            "commitId": empty.tip(),
            "treeId": tree_id(blobs),
            "filesAdded": added,
            "filesUpdated": [],
            "filesDeleted": [],
        },
    )
    commit = empty.ask("get_commit", commitId=response["commitId"])["commit"]
    date = commit["author"].pop("date")
    commit["committer"].pop("date")
    assert (date.endswith(" +0000"), commit) == (
        True,
        {
            "commitId": response["commitId"],
            "treeId": response["treeId"],
            "parents": [],
            "message": "First\n\nWhy: because",
            "author": {"name": "Ada", "email": "ada@example.com"},
            "committer": {"name": "Ada", "email": "ada@example.com"},
            "additionalData": "",
        },
    )
    assert "main" == empty.ask("get_repository")["repositoryMetadata"]["defaultBranch"]


def test_one_commit_writes_deletes_moves_and_changes_modes(empty: Place) -> None:
    first = empty.commit(a=b"a\n", old__deep__b=b"b\n", c=b"c\n", gone=b"x\n")
    response = empty.ask(
        "create_commit",
        branchName="main",
        parentCommitId=first,
        putFiles=[
            {"filePath": "a", "fileContent": b"A\n"},
            {"filePath": "new/b", "sourceFile": {"filePath": "old/deep/b", "isMove": True}},
        ],
        deleteFiles=[{"filePath": "gone"}],
        setFileModes=[{"filePath": "c", "fileMode": "EXECUTABLE"}],
    )
    paths = {
        kind: [file["absolutePath"] for file in response[kind]]
        for kind in ("filesAdded", "filesUpdated", "filesDeleted")
    }
    assert paths == {"filesAdded": ["new/b"], "filesUpdated": ["a", "c"], "filesDeleted": ["gone", "old/deep/b"]}
    top = empty.ask("get_folder", folderPath="/")
    assert top == {
        "commitId": response["commitId"],
        "folderPath": "",
        "treeId": response["treeId"],
        "subFolders": [{"absolutePath": "new", "relativePath": "new", "treeId": top["subFolders"][0]["treeId"]}],
        "files": [
            {"absolutePath": "a", "relativePath": "a", "blobId": object_id("blob", b"A\n"), "fileMode": "NORMAL"},
            {"absolutePath": "c", "relativePath": "c", "blobId": object_id("blob", b"c\n"), "fileMode": "EXECUTABLE"},
        ],
        "symbolicLinks": [],
        "subModules": [],
    }
    assert b"b\n" == empty.ask("get_file", filePath="/new/b")["fileContent"]


def test_an_emptied_folder_is_kept_when_that_is_asked_for(empty: Place) -> None:
    first = empty.commit(a=b"a\n", x__y__z=b"z\n")
    response = empty.ask(
        "delete_file", branchName="main", filePath="x/y/z", parentCommitId=first, keepEmptyFolders=True
    )
    placeholder = empty.ask("get_file", filePath="x/y/.gitkeep")
    assert (response["blobId"], placeholder["fileSize"]) == (object_id("blob", b"z\n"), 0)


def test_put_file_writes_one_file(empty: Place) -> None:
    response = empty.ask("put_file", branchName="main", filePath="a.txt", fileContent=b"a\n", name="Ada", email="a@b.c")
    again = empty.code(
        "put_file", branchName="main", filePath="a.txt", fileContent=b"a\n", parentCommitId=response["commitId"]
    )
    assert (response["blobId"], again) == (object_id("blob", b"a\n"), "SameFileContentException")


def test_a_hundred_files_are_committed_at_once(empty: Place) -> None:
    puts = [{"filePath": f"folder{n % 9}/file{n}.py", "fileContent": b"x = %d\n" % n * 200} for n in range(100)]
    assert len(empty.ask("create_commit", branchName="main", putFiles=puts)["filesAdded"]) == 100


def test_differences_come_in_pages_and_name_both_sides(empty: Place) -> None:
    files = {"old": b"same\n", **{f"f{n:03}": b"%d" % n for n in range(99)}}
    first = empty.ask("create_commit", branchName="main", putFiles=[put(*file) for file in files.items()])["commitId"]
    second = empty.ask(
        "create_commit",
        branchName="main",
        parentCommitId=first,
        putFiles=[
            {"filePath": "new", "sourceFile": {"filePath": "old", "isMove": True}},
            {"filePath": "f000", "fileContent": b"changed"},
        ],
    )["commitId"]
    differences = empty.ask("get_differences", beforeCommitSpecifier=first, afterCommitSpecifier="main")["differences"]
    blob = object_id("blob", b"same\n")
    assert differences[1:] == [
        {"afterBlob": {"blobId": blob, "path": "new", "mode": "100644"}, "changeType": "A"},
        {"beforeBlob": {"blobId": blob, "path": "old", "mode": "100644"}, "changeType": "D"},
    ]
    assert ("f000", "f000", "M") == (
        differences[0]["beforeBlob"]["path"],
        differences[0]["afterBlob"]["path"],
        differences[0]["changeType"],
    )
    pages = list(
        empty.client.get_paginator("get_differences").paginate(
            repositoryName=empty.name, afterCommitSpecifier=second, PaginationConfig={"PageSize": 30}
        )
    )
    assert [len(page["differences"]) for page in pages] == [30, 30, 30, 10]


def test_branches_are_made_listed_and_deleted(empty: Place) -> None:
    commit = empty.commit(a=b"a\n")
    empty.ask("create_branch", branchName="feature/one", commitId=commit)
    listed = empty.ask("list_branches")["branches"]
    gone = empty.ask("delete_branch", branchName="feature/one")
    assert (listed, gone) == (
        ["feature/one", "main"],
        {"deletedBranch": {"branchName": "feature/one", "commitId": commit}},
    )
    assert {} == empty.ask("delete_branch", branchName="feature/one")


def test_every_change_of_a_branch_is_told_once_in_the_documented_form(empty: Place) -> None:
    """https://docs.aws.amazon.com/codecommit/latest/userguide/monitoring-events.html"""
    first = empty.commit(a=b"a\n")
    second = empty.commit(parent=first, a=b"b\n")
    empty.ask("create_branch", branchName="next", commitId=first)
    empty.ask("update_default_branch", defaultBranchName="next")
    empty.ask("delete_branch", branchName="main")
    identity = empty.ask("get_repository")["repositoryMetadata"]["repositoryId"]
    main = {
        "repositoryName": empty.name,
        "repositoryId": identity,
        "referenceType": "branch",
        "referenceName": "main",
        "referenceFullName": "refs/heads/main",
    }
    other = {**main, "referenceName": "next", "referenceFullName": "refs/heads/next"}
    assert empty.events == [
        {"event": "referenceCreated", **main, "commitId": first},
        {"event": "referenceUpdated", **main, "commitId": second, "oldCommitId": first},
        {"event": "referenceCreated", **other, "commitId": first},
        {"event": "referenceDeleted", **main, "oldCommitId": second},
    ]


def test_events_reach_the_bus(empty: Place) -> None:
    empty.commit(a=b"a\n")
    events = [event for event in bus.of(empty.cloud).events if event["detail"]["repositoryName"] == empty.name]
    assert [("aws.codecommit", "us-east-1", empty.events[0])] == [
        (event["source"], event["region"], event["detail"]) for event in events
    ]


def test_what_is_refused_changes_nothing_and_tells_nothing(empty: Place) -> None:
    first = empty.commit(a=b"a\n")
    empty.forget_events()
    file = {"filePath": "b", "fileContent": b"b"}
    outdated = empty.commit(parent=first, b=b"c\n")
    empty.forget_events()
    codes = [
        empty.code("create_commit", branchName="main", parentCommitId=first, putFiles=[file]),
        empty.code("create_commit", branchName="other", parentCommitId=outdated, putFiles=[file]),
        empty.code("create_branch", branchName="main", commitId=first),
    ]
    assert (codes, empty.tip(), empty.events) == (
        ["ParentCommitIdOutdatedException", "BranchDoesNotExistException", "BranchNameExistsException"],
        outdated,
        [],
    )


def put(path: str = "new", data: bytes = b"x", **more: Any) -> dict[str, Any]:  # noqa: ANN401 - as boto3
    return {"filePath": path, "fileContent": data, **more}


def moved(source: str, path: str = "new") -> dict[str, Any]:
    return {"filePath": path, "sourceFile": {"filePath": source, "isMove": True}}


HALF = bytes(3 * 2**20 + 2**18)  # two of them are more than 6 MB and less than 7,000,000 bytes
# What CreateCommit rejects on the tip of `main`, each by
# https://docs.aws.amazon.com/codecommit/latest/APIReference/API_CreateCommit.html#API_CreateCommit_Errors
COMMITS: list[tuple[dict[str, Any], str]] = [
    ({}, "FileEntryRequiredException"),
    ({"putFiles": [put(f"f{n}") for n in range(101)]}, "MaximumFileEntriesExceededException"),
    (
        {"putFiles": [put(f"f{n}") for n in range(100)], "deleteFiles": [{"filePath": "run.sh"}]},
        "MaximumFileEntriesExceededException",
    ),
    ({"putFiles": [put(data=bytes(6 * 2**20 + 1))]}, "FileContentSizeLimitExceededException"),
    ({"putFiles": [put("a", bytes(4 * 2**20)), put("b", bytes(4 * 2**20))]}, "FileContentSizeLimitExceededException"),
    ({"putFiles": [put("a/b", HALF), put("a/c", HALF)]}, "FolderContentSizeLimitExceededException"),
    ({"putFiles": [put(data=b"")]}, "SourceFileOrContentRequiredException"),
    ({"putFiles": [{"filePath": "a"}]}, "SourceFileOrContentRequiredException"),
    ({"putFiles": [put(sourceFile={"filePath": "run.sh"})]}, "FileContentAndSourceFileSpecifiedException"),
    ({"putFiles": [put("README.md", b"read\n")]}, "NoChangeException"),
    ({"setFileModes": [{"filePath": "run.sh", "fileMode": "EXECUTABLE"}]}, "NoChangeException"),
    ({"setFileModes": [{"filePath": "none", "fileMode": "EXECUTABLE"}]}, "FileDoesNotExistException"),
    ({"setFileModes": [{"filePath": "run.sh", "fileMode": "ALL"}]}, "InvalidFileModeException"),
    ({"putFiles": [put(fileMode="SYMLINK")]}, "InvalidFileModeException"),
    ({"deleteFiles": [{"filePath": "none"}]}, "FileDoesNotExistException"),
    ({"putFiles": [moved("none")]}, "FileDoesNotExistException"),
    ({"putFiles": [moved("a/.gitkeep")]}, "RestrictedSourceFileException"),
    ({"putFiles": [put("a"), put("/a")]}, "SamePathRequestException"),
    ({"putFiles": [put("run.sh")], "deleteFiles": [{"filePath": "run.sh"}]}, "SamePathRequestException"),
    ({"putFiles": [put("a"), put("a/b")]}, "PutFileEntryConflictException"),
    ({"putFiles": [put("src")]}, "FileNameConflictsWithDirectoryNameException"),
    ({"putFiles": [put("README.md/a")]}, "DirectoryNameConflictsWithFileNameException"),
    ({"putFiles": [put("a/../b")]}, "InvalidPathException"),
    ({"putFiles": [put("a//b")]}, "InvalidPathException"),
    ({"putFiles": [put("a/")]}, "InvalidPathException"),
    ({"putFiles": [put(".git/config")]}, "InvalidPathException"),
    ({"putFiles": [put("a" * 4097)]}, "InvalidPathException"),
    ({"putFiles": [put("a\nb")]}, "InvalidPathException"),
    ({"putFiles": [put("/")]}, "PathRequiredException"),
    ({"putFiles": [put()], "authorName": "a" * 1025}, "NameLengthExceededException"),
    ({"putFiles": [put()], "email": "a" * 257}, "InvalidEmailException"),
    ({"putFiles": [put()], "commitMessage": "a" * (256 * 1024 + 1)}, "CommitMessageLengthExceededException"),
    ({"putFiles": [put()], "parentCommitId": None}, "ParentCommitIdRequiredException"),
    ({"putFiles": [put()], "parentCommitId": "main"}, "InvalidParentCommitIdException"),
    ({"putFiles": [put()], "parentCommitId": NONE}, "ParentCommitDoesNotExistException"),
    ({"putFiles": [put()], "branchName": "other"}, "BranchDoesNotExistException"),
    ({"putFiles": [put()], "branchName": "v1"}, "BranchNameIsTagNameException"),
    ({"putFiles": [put()], "branchName": "a..b"}, "InvalidBranchNameException"),
    ({"putFiles": [put()], "repositoryName": "none"}, "RepositoryDoesNotExistException"),
]


@pytest.mark.parametrize(("change", "expected"), COMMITS, ids=[f"{n}-{code}" for n, (_, code) in enumerate(COMMITS)])
def test_a_commit_that_aws_refuses_is_refused(filled: Place, change: dict[str, Any], expected: str) -> None:
    tip = filled.tip()
    request = {"branchName": "main", "parentCommitId": tip, **change}
    code = filled.code("create_commit", **{name: value for name, value in request.items() if value is not None})
    assert (code, filled.tip()) == (expected, tip)


REQUESTS: list[tuple[str, dict[str, Any], str]] = [
    ("get_repository", {"repositoryName": "a b"}, "InvalidRepositoryNameException"),
    ("get_repository", {"repositoryName": "a" * 101}, "InvalidRepositoryNameException"),
    ("get_repository", {"repositoryName": "é"}, "InvalidRepositoryNameException"),
    ("get_repository", {"repositoryName": "none"}, "RepositoryDoesNotExistException"),
    ("create_repository", {"repositoryName": "a.git"}, "InvalidRepositoryNameException"),
    ("create_repository", {}, "RepositoryNameExistsException"),
    (
        "create_repository",
        {"repositoryName": "n", "repositoryDescription": "a" * 1001},
        "InvalidRepositoryDescriptionException",
    ),
    ("create_repository", {"repositoryName": "n", "tags": {"aws:x": "y"}}, "InvalidSystemTagUsageException"),
    ("create_repository", {"repositoryName": "n", "tags": {f"k{n}": "" for n in range(51)}}, "TooManyTagsException"),
    ("get_branch", {"branchName": "none"}, "BranchDoesNotExistException"),
    ("get_branch", {}, "BranchNameRequiredException"),
    ("get_branch", {"branchName": "a b"}, "InvalidBranchNameException"),
    ("create_branch", {"branchName": "x", "commitId": "main"}, "InvalidCommitIdException"),
    ("create_branch", {"branchName": "x", "commitId": NONE}, "CommitDoesNotExistException"),
    ("create_branch", {"branchName": "a" * 257, "commitId": NONE}, "InvalidBranchNameException"),
    ("create_branch", {"branchName": "a" * 40, "commitId": NONE}, "InvalidBranchNameException"),
    ("create_branch", {"branchName": "@", "commitId": NONE}, "InvalidBranchNameException"),
    ("delete_branch", {"branchName": "main"}, "DefaultBranchCannotBeDeletedException"),
    ("update_default_branch", {"defaultBranchName": "none"}, "BranchDoesNotExistException"),
    ("get_commit", {"commitId": "main"}, "InvalidCommitIdException"),
    ("get_commit", {"commitId": NONE}, "CommitIdDoesNotExistException"),
    ("batch_get_commits", {"commitIds": []}, "CommitIdsListRequiredException"),
    ("batch_get_commits", {"commitIds": [NONE] * 101}, "CommitIdsLimitExceededException"),
    ("get_folder", {"folderPath": "none"}, "FolderDoesNotExistException"),
    ("get_folder", {"folderPath": "README.md"}, "FolderDoesNotExistException"),
    ("get_folder", {"folderPath": "", "commitSpecifier": "none"}, "CommitDoesNotExistException"),
    ("get_file", {"filePath": "src"}, "FileDoesNotExistException"),
    ("get_file", {"filePath": ""}, "PathRequiredException"),
    ("get_blob", {"blobId": "x"}, "InvalidBlobIdException"),
    ("get_blob", {"blobId": NONE}, "BlobIdDoesNotExistException"),
    ("get_differences", {"afterCommitSpecifier": "none"}, "CommitDoesNotExistException"),
    ("get_differences", {"afterCommitSpecifier": "main", "MaxResults": 0}, "InvalidMaxResultsException"),
    ("get_differences", {"afterCommitSpecifier": "main", "NextToken": "2"}, "InvalidContinuationTokenException"),
    ("get_differences", {"afterCommitSpecifier": "main", "afterPath": "no"}, "PathDoesNotExistException"),
    ("put_file", {"branchName": "main", "filePath": "a", "fileContent": b""}, "FileContentRequiredException"),
    ("put_file", {"branchName": "main", "filePath": "a", "fileContent": b"a"}, "ParentCommitIdRequiredException"),
    (
        "delete_file",
        {"branchName": "main", "filePath": "a", "parentCommitId": NONE},
        "ParentCommitDoesNotExistException",
    ),
    ("list_branches", {"nextToken": "x"}, "InvalidContinuationTokenException"),
]


@pytest.mark.parametrize(
    ("operation", "params", "expected"), REQUESTS, ids=[f"{n}-{row[0]}" for n, row in enumerate(REQUESTS)]
)
def test_a_request_that_aws_refuses_is_refused(
    filled: Place, operation: str, params: dict[str, Any], expected: str
) -> None:
    assert expected == filled.code(operation, **params)


def test_an_empty_repository_has_no_commit_to_look_at(empty: Place) -> None:
    codes = [
        empty.code("get_folder", folderPath=""),
        empty.code("get_branch", branchName="main"),
        empty.code("create_commit", branchName="main", parentCommitId=NONE, putFiles=[put()]),
    ]
    assert codes == ["CommitDoesNotExistException", "BranchDoesNotExistException", "ParentCommitDoesNotExistException"]


def test_a_large_file_is_committed_and_read(empty: Place) -> None:
    data = bytes(range(256)) * (6 * 2**20 // 256)
    commit = empty.commit(large=data)
    assert data == empty.ask("get_file", filePath="large", commitSpecifier=commit)["fileContent"]


def test_repositories_are_described_tagged_renamed_and_deleted(cloud: Cloud) -> None:
    client = cloud.client("codecommit")
    metadata = client.create_repository(
        repositoryName="sagemaker-x", repositoryDescription="of x", tags={"sagemaker:project-name": "x"}
    )["repositoryMetadata"]
    times = (metadata.pop("creationDate"), metadata.pop("lastModifiedDate"))
    assert (times[0] == times[1], metadata) == (
        True,
        {
            "accountId": "123456789012",
            "repositoryId": metadata["repositoryId"],
            "repositoryName": "sagemaker-x",
            "repositoryDescription": "of x",
            "cloneUrlHttp": "https://git-codecommit.us-east-1.amazonaws.com/v1/repos/sagemaker-x",
            "cloneUrlSsh": "ssh://git-codecommit.us-east-1.amazonaws.com/v1/repos/sagemaker-x",
            "Arn": "arn:aws:codecommit:us-east-1:123456789012:sagemaker-x",
            "kmsKeyId": metadata["kmsKeyId"],
        },
    )
    client.tag_resource(resourceArn=metadata["Arn"], tags={"a": "b"})
    client.untag_resource(resourceArn=metadata["Arn"], tagKeys=["sagemaker:project-name"])
    client.update_repository_name(oldName="sagemaker-x", newName="sagemaker-y")
    arn = metadata["Arn"].replace("-x", "-y")
    response = client.batch_get_repositories(repositoryNames=["sagemaker-x", "sagemaker-y"])
    assert ([repository["Arn"] for repository in response["repositories"]], response["repositoriesNotFound"]) == (
        [arn],
        ["sagemaker-x"],
    )
    assert {"a": "b"} == client.list_tags_for_resource(resourceArn=arn)["tags"]
    gone = [client.delete_repository(repositoryName="sagemaker-y").get("repositoryId") for _ in range(2)]
    names = [repository["repositoryName"] for repository in client.list_repositories()["repositories"]]
    assert (gone, "sagemaker-y" in names) == ([metadata["repositoryId"], None], False)


def test_a_request_without_a_name_is_refused_by_the_service(cloud: Cloud) -> None:
    """boto3's own parameter validation is disabled, as it would reject the request first."""
    client = cloud.client("codecommit", parameter_validation=False)
    codes = [refused(client.get_repository), refused(lambda: client.create_repository(repositoryName=""))]
    assert codes == ["RepositoryNameRequiredException"] * 2
