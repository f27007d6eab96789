"""Step 3: the changes of one commit to the files of a branch. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from sagemaker_rehearsal.codecommit.errors import service_error

MODES = {"NORMAL": "100644", "EXECUTABLE": "100755", "SYMLINK": "120000"}
NAMES = {mode: name for name, mode in MODES.items()} | {"100664": "NORMAL"}
SUBMODULE = "160000"
PLACEHOLDER = ".gitkeep"


class Entry(NamedTuple):
    """A file: Git's mode, and the id of its blob."""

    mode: str
    blob: str


Listing = dict[str, Entry]


class Put(NamedTuple):
    """Write a file, or copy or move one."""

    path: str
    mode: str | None
    blob: str | None
    source: str | None = None
    moves: bool = False


class Change(NamedTuple):
    """The changes of a request, with paths in Git's form."""

    puts: Sequence[Put] = ()
    deletes: Sequence[str] = ()
    modes: Mapping[str, str] = {}
    keep_folders: bool = False

    def removed(self) -> list[str]:
        """Return the paths that the request removes."""
        return [*self.deletes, *(put.source for put in self.puts if put.moves and put.source)]


def check_paths(change: Change) -> None:
    """Validate the paths of a request against each other.

    Raises:
        AwsError: SamePathRequestException, PutFileEntryConflictException.
    """
    named = [*(put.path for put in change.puts), *change.removed(), *change.modes]
    if len(set(named)) < len(named):
        twice = next(path for path in named if named.count(path) > 1)
        raise service_error("SamePathRequestException", twice)
    puts = {put.path for put in change.puts}
    both = sorted(folders_of(puts) & puts)
    if both:
        raise service_error("PutFileEntryConflictException", both[0])


def applied(before: Listing, change: Change, empty: str) -> Listing:
    """Return the files after a commit.

    Args:
        before: the files of its parent.
        change: the request's changes.
        empty: the id of the empty blob, for the `.gitkeep` of an emptied folder that is kept.

    Raises:
        AwsError: FileDoesNotExistException, or an error for conflicting names.
    """
    for path in (*change.removed(), *change.modes, *(put.source for put in change.puts if put.source)):
        if path not in before:
            raise service_error("FileDoesNotExistException", path)
    _check_conflicts(before, [put.path for put in change.puts])
    after = {path: entry for path, entry in before.items() if path not in set(change.removed())}
    for put in change.puts:
        origin = before[put.source] if put.source else Entry(MODES["NORMAL"], "")
        after[put.path] = Entry(MODES[put.mode] if put.mode else origin.mode, put.blob or origin.blob)
    for path, mode in change.modes.items():
        after[path] = Entry(MODES[mode], before[path].blob)
    if change.keep_folders:
        placeholders = {
            f"{folder}/{PLACEHOLDER}": Entry(MODES["NORMAL"], empty)
            for folder in _emptied_folders(before, after, change)
        }
        after |= placeholders
    return after


def differences(before: Listing, after: Listing) -> tuple[list[str], list[str], list[str]]:
    """Return the paths that were added, updated and deleted."""
    added = sorted(after.keys() - before.keys())
    updated = sorted(path for path in after.keys() & before.keys() if after[path] != before[path])
    return added, updated, sorted(before.keys() - after.keys())


def three_way(base: Listing, source: Listing, destination: Listing) -> tuple[Listing, list[str]]:
    """Merge two sides at FILE_LEVEL; return the result and the conflicting paths."""
    merged, conflicts = dict(destination), []
    for path in sorted({*base, *source}):
        old, mine, theirs = base.get(path), source.get(path), destination.get(path)
        if mine in (old, theirs):
            continue
        if theirs != old:
            conflicts.append(path)
        elif mine is None:
            del merged[path]
        else:
            merged[path] = mine
    conflicts += sorted(folders_of(merged) & merged.keys())
    return merged, conflicts


def folders_of(paths: Iterable[str]) -> set[str]:
    """Return all parent folders of paths."""
    return {path[:at] for path in paths for at, character in enumerate(path) if character == "/"}


def _check_conflicts(before: Listing, puts: Sequence[str]) -> None:
    submodules = {path for path, entry in before.items() if entry.mode == SUBMODULE}
    folders, above = folders_of(before), folders_of(puts)
    for path in puts:
        if path in submodules or folders_of([path]) & submodules:
            raise service_error("FilePathConflictsWithSubmodulePathException", path)
        if path in folders:
            raise service_error("FileNameConflictsWithDirectoryNameException", path)
    for path in sorted(above & before.keys()):
        raise service_error("DirectoryNameConflictsWithFileNameException", path)


def _emptied_folders(before: Listing, after: Listing, change: Change) -> set[str]:
    """Return the folders that a change empties; of nested ones the deepest."""
    gone = {path.rpartition("/")[0] for path in change.removed() if path in before} - folders_of(after) - {""}
    return {folder for folder in gone if not any(other.startswith(f"{folder}/") for other in gone)}
