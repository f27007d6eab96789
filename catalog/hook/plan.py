"""Step 3: decide which commits and branches a repository still lacks. Nothing here talks to AWS."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from catalog.hook.artifact import File
from catalog.hook.errors import NotEmptyError, UnfitFileError
from catalog.hook.request import TEMPLATE_BRANCH, quoted
from catalog.hook.tree import Listing, Tree, tree_id

# https://docs.aws.amazon.com/codecommit/latest/userguide/limits.html: files in one commit made by the API, MB of one
# file, MB of all. The last is taken as millions of bytes, to stay below it by either reading.
MAX_FILES = 100
MAX_FILE = 6 * 2**20
MAX_COMMIT = 7_000_000


@dataclass(frozen=True)
class Put:
    """Write a file."""

    path: str
    file: File


@dataclass(frozen=True)
class SetMode:
    """Change only whether a file is executable."""

    path: str
    executable: bool


@dataclass(frozen=True)
class Remove:
    """Delete a file."""

    path: str


Change = Put | SetMode | Remove
Chunk = tuple[Change, ...]


@dataclass(frozen=True)
class Tip:
    """The newest commit of a branch, and its tree."""

    commit: str
    tree: str


@dataclass(frozen=True)
class State:
    """What matters of a repository. A branch that was not looked at is None, as one that is not there."""

    default: str | None
    main: Tip | None
    template: Tip | None


@dataclass(frozen=True)
class Plan:
    """What is left to do, in this order: the chunks onto `template`, then the branch, then the default branch."""

    parent: str | None
    chunks: tuple[Chunk, ...] = ()
    make_branch: bool = False
    make_default: bool = False


def changes(have: Listing, want: Tree) -> list[Change]:
    """Return what turns one listing into the tree: removals first, so that a file may become a folder."""
    pending: list[Change] = [Remove(path) for path in sorted(set(have) - set(want.files))]
    for path, file in sorted(want.files.items()):
        mode, blob = want.listing[path]
        if path in have and have[path][1] == blob:
            if have[path][0] != mode:
                pending.append(SetMode(path, file.executable))
        else:
            pending.append(Put(path, file))
    return pending


def chunks(pending: Sequence[Change]) -> Iterator[Chunk]:
    """Cut changes into commits that CodeCommit takes.

    Raises:
        UnfitFileError: a file is too large for any commit, or empty.
    """
    chunk: list[Change] = []
    room = MAX_COMMIT
    for change in pending:
        size = size_of(change)
        if chunk and (len(chunk) == MAX_FILES or size > room or clash(chunk, change)):
            yield tuple(chunk)
            chunk, room = [], MAX_COMMIT
        chunk.append(change)
        room -= size
    if chunk:
        yield tuple(chunk)


def size_of(change: Change) -> int:
    """Return how many bytes a change sends.

    Raises:
        UnfitFileError: CodeCommit's API does not take the file. That it refuses empty ones is written in no page of its
            documentation, but in its answer: https://github.com/aws/aws-cdk/issues/19012
    """
    if not isinstance(change, Put):
        return 0
    size = len(change.file.data)
    if size == 0:
        raise UnfitFileError(
            f"{quoted(change.path)}: is empty; CodeCommit takes no empty file; publish it with a comment"
        )
    if size > MAX_FILE:
        raise UnfitFileError(
            f"{quoted(change.path)}: has {size} bytes; CodeCommit takes at most {MAX_FILE} bytes a file; "
            "keep such files in S3 and publish the template without it"
        )
    return size


def clash(chunk: Sequence[Change], change: Change) -> bool:
    """Return whether a file takes the place of a folder, or a folder that of a file, within one commit."""
    removed = [removal.path for removal in chunk if isinstance(removal, Remove)] if isinstance(change, Put) else []
    return any(change.path.startswith(f"{path}/") or path.startswith(f"{change.path}/") for path in removed)


def after(listing: Listing, chunk: Chunk) -> Listing:
    """Return the listing after a commit of the chunk."""
    result = dict(listing)
    whole = Tree({change.path: change.file for change in chunk if isinstance(change, Put)})
    for change in chunk:
        if isinstance(change, Remove):
            del result[change.path]
        elif isinstance(change, Put):
            result[change.path] = whole.listing[change.path]
        else:
            result[change.path] = ("100755" if change.executable else "100644", result[change.path][1])
    return result


def trees_along(start: Listing, parts: Sequence[Chunk]) -> list[str]:
    """Return the tree's id before the first chunk and after each."""
    return [tree_id(listing) for listing in accumulate(parts, after, initial=start)]


def seed(state: State, tree: Tree, branch: str) -> Plan:
    """Return what is left to do to seed an empty repository.

    An interrupted run is taken up where it ended: each chunk leads to a tree whose id is known beforehand. The branch
    that CI builds is made last and at once, so that exactly one event tells of it, and that one of the whole.

    Raises:
        NotEmptyError: the repository holds something else.
        UnfitFileError: CodeCommit does not take a file.
    """
    parts = tuple(chunks(changes({}, tree)))
    steps = trees_along({}, parts)[1:]
    if state.main:
        # Ours, when it holds the rendering; or when it has moved on from the rendering that `template` still holds.
        if tree.id not in (state.main.tree, state.template.tree if state.template else ""):
            raise not_empty(branch)
        ours = state.template.commit if state.template and state.template.tree == tree.id else state.main.commit
        return Plan(ours, make_default=state.default in (None, TEMPLATE_BRANCH))
    if state.default not in (None, TEMPLATE_BRANCH):
        raise not_empty(str(state.default))
    if state.template is None:
        return Plan(None, parts, make_branch=True, make_default=True)
    if state.template.tree not in steps:
        raise not_empty(TEMPLATE_BRANCH)
    done = steps.index(state.template.tree) + 1
    return Plan(state.template.commit, parts[done:], make_branch=True, make_default=True)


def not_empty(branch: str) -> NotEmptyError:
    """Return the error for a repository that somebody else filled."""
    return NotEmptyError(
        "the repository is not empty and was not seeded by this stack: "
        f"its branch {quoted(branch)} holds other files; nothing was changed; "
        "delete the repository or choose another name, and create the project again"
    )
