"""Step 3: CodeCommit's rules for names, paths and sizes. Pure functions.

The source is https://docs.aws.amazon.com/codecommit/latest/userguide/limits.html unless noted otherwise.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from sagemaker_rehearsal.codecommit.errors import service_error

REPOSITORIES = 5_000  # in an account
REPOSITORY = re.compile(r"[A-Za-z0-9_.-]{1,100}")
BRANCH_LENGTH = 256
BRANCH_SIGNS = re.compile(r"[\x00-\x20\x7f?^*\[\\~:]")
OBJECT_ID = re.compile(r"[0-9a-fA-F]{40}")
PATH_LENGTH = 4096
# "The maximum file size is 6 MB, and the combined file content change size is 7 MB": FileContentSizeLimitExceeded.
# One file: botocore's model has 6291456. A commit: read as decimal megabytes, the stricter of the two readings.
FILE = 6 * 2**20
COMMIT = 7_000_000
FOLDER = 6 * 2**20
FILES = 100  # in a commit made by the API
READ = 6 * 2**20  # of a file, by GetFile and GetBlob
NAME = 1024  # user names in commits
EMAIL = 256
MESSAGE = 256 * 1024  # "Commit messages are limited to 256 KB": CreateCommit, commitMessage
TITLE, DESCRIPTION = 150, 10_240  # of a pull request: botocore's model
OPEN_PULL_REQUESTS = 1_000
BATCH = 100  # MaximumRepositoryNamesExceeded, CommitIdsLimitExceeded
TAGS = 50
TAG_KEY, TAG_VALUE = 128, 256
REPOSITORY_DESCRIPTION = 1_000


def check_repository(name: str) -> str:
    """Validate and return a repository's name.

    Raises:
        AwsError: it is no valid name.
    """
    if not REPOSITORY.fullmatch(name) or name.endswith(".git"):
        raise service_error("InvalidRepositoryNameException", name)
    return name


def check_branch(name: str, code: str = "InvalidBranchNameException") -> str:
    """Validate a branch's name and return it without `refs/heads/`.

    Raises:
        AwsError: it is no valid name.
    """
    short = name.removeprefix("refs/heads/")
    parts = short.split("/")
    wrong = (
        not 0 < len(short) <= BRANCH_LENGTH
        or BRANCH_SIGNS.search(short)
        or OBJECT_ID.fullmatch(short)
        or any(sign in short for sign in ("..", "@{"))
        or any(not part or part.startswith(".") or part.endswith((".", ".lock")) for part in parts)
        or short.startswith("-")  # git-check-ref-format --branch
        or short == "@"
    )
    if wrong:
        raise service_error(code, name)
    return short


def check_path(path: str) -> str:
    """Validate a path and return it in Git's form: `/examples/file.md` becomes `examples/file.md`.

    Raises:
        AwsError: it is no valid path.
    """
    short = path.removeprefix("/")
    if not short:
        raise service_error("PathRequiredException", path)
    parts = short.split("/")
    wrong = any(part in ("", ".", "..") or part.lower() == ".git" for part in parts)
    if wrong or len(short) > PATH_LENGTH or re.search(r"[\x00-\x1f\x7f]", short):
        raise service_error("InvalidPathException", path)
    return short


def check_author(name: str, email: str, message: str) -> None:
    """Validate a commit's author and message against the limits.

    Raises:
        AwsError: a limit is exceeded.
    """
    if len(name) > NAME:
        raise service_error("NameLengthExceededException")
    if len(email) > EMAIL or re.search(r"[\n<>]", email):
        raise service_error("InvalidEmailException", email[:EMAIL])
    if len(message.encode()) > MESSAGE:
        raise service_error("CommitMessageLengthExceededException")


def check_sizes(contents: Sequence[bytes], empty: str) -> None:
    """Validate the file sizes of one commit against the limits.

    Args:
        contents: of all its files.
        empty: the operation's error code for an empty file. "Empty files cannot be added to the repository with this
            API" says PutFile's FileContentRequiredException; CreateCommit lists SourceFileOrContentRequiredException.

    Raises:
        AwsError: a file is empty or too large, or the commit is too large.
    """
    if any(not content for content in contents):
        raise service_error(empty)
    if max(map(len, contents), default=0) > FILE or sum(map(len, contents)) > COMMIT:
        raise service_error("FileContentSizeLimitExceededException")


def check_folders(sizes: Iterable[tuple[str, int]]) -> None:
    """Validate the size of a commit's changes in each folder.

    "At least one of the overall changes in the commit results in a folder whose contents exceed the limit of 6 MB.
    Either reduce the number and size of your changes, or split the changes across multiple folders":
    FolderContentSizeLimitExceededException in botocore's model. Applied here to the files that the commit writes.

    Args:
        sizes: path and size in bytes of each file.

    Raises:
        AwsError: a folder's changes are too large.
    """
    folders: Counter[str] = Counter()
    for path, size in sizes:
        folders[path.rpartition("/")[0]] += size
    if max(folders.values(), default=0) > FOLDER:
        raise service_error("FolderContentSizeLimitExceededException")


def check_tags(tags: dict[str, str], there: dict[str, str]) -> None:
    """Validate a repository's tags against the limits.

    https://docs.aws.amazon.com/codecommit/latest/userguide/how-to-tag-repository.html

    Raises:
        AwsError: a limit is exceeded.
    """
    if any(key.lower().startswith("aws:") for key in tags):
        raise service_error("InvalidSystemTagUsageException")
    if any(not 0 < len(key) <= TAG_KEY or len(value) > TAG_VALUE for key, value in tags.items()):
        raise service_error("InvalidTagsMapException")
    if len(tags.keys() | there.keys()) > TAGS:
        raise service_error("TooManyTagsException")
