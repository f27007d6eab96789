"""Step 3: CodeCommit's rules for names, paths and sizes. Nothing here runs Git.

Each from https://docs.aws.amazon.com/codecommit/latest/userguide/limits.html unless it says another source.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from sagemaker_rehearsal.codecommit.errors import refused

REPOSITORIES = 5_000  # in an account
REPOSITORY = re.compile(r"[A-Za-z0-9_.-]{1,100}")
BRANCH_LENGTH = 256
BRANCH_SIGNS = re.compile(r"[\x00-\x20\x7f?^*\[\\~:]")
OBJECT_ID = re.compile(r"[0-9a-fA-F]{40}")
PATH_LENGTH = 4096
# "The maximum file size is 6 MB, and the combined file content change size is 7 MB": FileContentSizeLimitExceeded. One
# file: botocore's model has 6291456; all together: taken as millions, to refuse what may be refused by either reading.
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
    """Return a repository's name.

    Raises:
        AwsError: it cannot be one.
    """
    if not REPOSITORY.fullmatch(name) or name.endswith(".git"):
        raise refused("InvalidRepositoryNameException", name)
    return name


def check_branch(name: str, code: str = "InvalidBranchNameException") -> str:
    """Return a branch's name, also where it was given as `refs/heads/NAME`.

    Raises:
        AwsError: it cannot be one.
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
        raise refused(code, name)
    return short


def check_path(path: str) -> str:
    """Return a path as Git has it: `/examples/file.md` is `examples/file.md`.

    Raises:
        AwsError: it cannot be a path.
    """
    short = path.removeprefix("/")
    if not short:
        raise refused("PathRequiredException", path)
    parts = short.split("/")
    wrong = any(part in ("", ".", "..") or part.lower() == ".git" for part in parts)
    if wrong or len(short) > PATH_LENGTH or re.search(r"[\x00-\x1f\x7f]", short):
        raise refused("InvalidPathException", path)
    return short


def check_author(name: str, email: str, message: str) -> None:
    """Hold what a commit says of itself against the limits.

    Raises:
        AwsError: a limit is exceeded.
    """
    if len(name) > NAME:
        raise refused("NameLengthExceededException")
    if len(email) > EMAIL or re.search(r"[\n<>]", email):
        raise refused("InvalidEmailException", email[:EMAIL])
    if len(message.encode()) > MESSAGE:
        raise refused("CommitMessageLengthExceededException")


def check_sizes(contents: Sequence[bytes], empty: str) -> None:
    """Hold the contents of one commit against the limits.

    Args:
        contents: of all its files.
        empty: the operation's error code for an empty file. "Empty files cannot be added to the repository with this
            API" says PutFile's FileContentRequiredException; CreateCommit lists SourceFileOrContentRequiredException.

    Raises:
        AwsError: a file is empty or too large, or all are.
    """
    if any(not content for content in contents):
        raise refused(empty)
    if max(map(len, contents), default=0) > FILE or sum(map(len, contents)) > COMMIT:
        raise refused("FileContentSizeLimitExceededException")


def check_folders(sizes: Iterable[tuple[str, int]]) -> None:
    """Hold what one commit changes in each folder against its limit.

    "At least one of the overall changes in the commit results in a folder whose contents exceed the limit of 6 MB.
    Either reduce the number and size of your changes, or split the changes across multiple folders":
    FolderContentSizeLimitExceededException in botocore's model. Taken as: of the files that the commit brings.

    Args:
        sizes: the path and the bytes of each file.

    Raises:
        AwsError: a folder gets too much.
    """
    folders: Counter[str] = Counter()
    for path, size in sizes:
        folders[path.rpartition("/")[0]] += size
    if max(folders.values(), default=0) > FOLDER:
        raise refused("FolderContentSizeLimitExceededException")


def check_tags(tags: dict[str, str], there: dict[str, str]) -> None:
    """Hold the tags of a repository against the limits.

    https://docs.aws.amazon.com/codecommit/latest/userguide/how-to-tag-repository.html

    Raises:
        AwsError: a limit is exceeded.
    """
    if any(key.lower().startswith("aws:") for key in tags):
        raise refused("InvalidSystemTagUsageException")
    if any(not 0 < len(key) <= TAG_KEY or len(value) > TAG_VALUE for key, value in tags.items()):
        raise refused("InvalidTagsMapException")
    if len(tags.keys() | there.keys()) > TAGS:
        raise refused("TooManyTagsException")
