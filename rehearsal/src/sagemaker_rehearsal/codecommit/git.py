"""Step 3: Git commands on a bare repository, isolated from the machine's and the user's configuration."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sagemaker_rehearsal.codecommit.tree_changes import Entry, Listing

SECONDS = 120.0
# Garbage collection would run in the background and could outlive the rehearsal
SETTINGS = {
    "core.logAllRefUpdates": "false",
    "gc.auto": "0",
    "receive.autogc": "false",
    "http.receivepack": "true",
    "lsrefs.unborn": "ignore",  # a client's clone of an empty repository chooses the first branch's name
}
# https://docs.aws.amazon.com/codecommit/latest/userguide/limits.html: references in a single push: 4,000; branch names
# of exactly 40 hexadecimal characters are not allowed
PRE_RECEIVE = """#!/bin/sh
count=0
while read -r old new ref; do
    count=$((count + 1))
    name=${ref#refs/heads/}
    case "$name" in *[!0-9a-fA-F]*) continue ;; esac
    if [ "${#name}" -eq 40 ]; then echo "InvalidBranchNameException: $name" >&2; exit 1; fi
done
if [ "$count" -gt 4000 ]; then echo "A push changes at most 4000 references; this one changes $count" >&2; exit 1; fi
"""


class GitError(Exception):
    """A Git command failed; the message is its error output."""


def environment(folder: Path) -> dict[str, str]:
    """Return environment variables that keep Git from reading the machine's and the user's settings."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
    }


@dataclass(frozen=True)
class Git:
    """One bare repository."""

    folder: Path

    @classmethod
    def create(cls, folder: Path) -> Git:
        """Create an empty repository."""
        folder.mkdir(parents=True)
        git = cls(folder)
        git("init", "--quiet", "--bare", "--object-format=sha1", "--template=", str(folder))
        with (folder / "config").open("a", encoding="utf-8") as config:
            for setting, value in SETTINGS.items():
                section, _, name = setting.partition(".")
                config.write(f"[{section}]\n\t{name} = {value}\n")
        hook = folder / "hooks" / "pre-receive"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(PRE_RECEIVE, encoding="utf-8")
        hook.chmod(0o755)
        return git

    def __call__(self, *arguments: str, data: bytes = b"", **variables: str) -> str:
        """Run a command and return its output as text (names are UTF-8 in CodeCommit).

        Raises:
            GitError: it failed.
        """
        return self.run(*arguments, data=data, **variables).decode("utf-8", "surrogateescape").rstrip("\n")

    def run(self, *arguments: str, data: bytes = b"", **variables: str) -> bytes:
        """Run a command and return its output.

        Raises:
            GitError: it failed.
        """
        done = subprocess.run(  # noqa: S603 (git, and arguments that were checked)
            ["git", *arguments],  # noqa: S607
            input=data, capture_output=True, timeout=SECONDS, check=False, cwd=self.folder,
            env={**environment(self.folder), "GIT_DIR": str(self.folder), **variables},
        )  # fmt: skip
        if done.returncode != 0:
            raise GitError(done.stderr.decode("utf-8", "replace").strip() or f"git {arguments[0]}: {done.returncode}")
        return done.stdout

    def refs(self) -> dict[str, str]:
        """Return all branches and tags with their commits."""
        selection = ("--format=%(refname) %(objectname) %(*objectname)", "refs/heads", "refs/tags")
        rows = [line.split(" ") for line in self("for-each-ref", *selection).splitlines()]
        return {name: peeled or direct for name, direct, peeled in rows}

    def kind(self, name: str) -> str | None:
        """Return an object's type; None when there is no such object."""
        try:
            return self("cat-file", "-t", name)
        except GitError:
            return None

    def commit_of(self, reference: str) -> str | None:
        """Resolve a full reference or id to a commit; None when there is none."""
        try:
            return self("rev-parse", "--quiet", "--verify", "--end-of-options", f"{reference}^{{commit}}")
        except GitError:
            return None

    def tree_of(self, commit: str) -> str:
        """Return the id of a commit's tree."""
        return self("rev-parse", "--verify", f"{commit}^{{tree}}")

    def listing(self, tree: str) -> Listing:
        """Return every path below a tree, with its mode and id."""
        rows = self.run("ls-tree", "-r", "-z", "--full-tree", tree).decode("utf-8", "surrogateescape").split("\0")
        entries = {}
        for row in filter(None, rows):
            facts, _, path = row.partition("\t")
            mode, _, blob = facts.split(" ")
            entries[path] = Entry(mode, blob)
        return entries

    def blob(self, name: str) -> bytes:
        """Return a blob's content."""
        return self.run("cat-file", "blob", name)

    def write_blobs(self, contents: Iterable[bytes]) -> list[str]:
        """Store blobs in one process and return their ids."""
        blobs = list(contents)
        if blobs:
            self("fast-import", "--quiet", data=b"".join(b"blob\ndata %d\n%b\n" % (len(blob), blob) for blob in blobs))
        return [hashlib.sha1(b"blob %d\0%b" % (len(blob), blob)).hexdigest() for blob in blobs]  # noqa: S324 (Git's)

    def write_tree(self, listing: Listing) -> str:
        """Store a tree and return its id."""
        rows = "".join(f"{entry.mode} {entry.blob}\t{path}\0" for path, entry in listing.items())
        with tempfile.TemporaryDirectory() as folder:
            index = str(Path(folder) / "index")
            data = rows.encode("utf-8", "surrogateescape")
            self("update-index", "-z", "--index-info", data=data, GIT_INDEX_FILE=index)
            return self("write-tree", GIT_INDEX_FILE=index)

    def write_commit(self, tree: str, parents: Iterable[str], author: str, message: str) -> str:
        """Store a commit and return its id.

        Args:
            tree: its tree.
            parents: none, one, or two.
            author: `name <mail> seconds zone`, also the committer.
            message: unchanged.
        """
        lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents), f"author {author}", f"committer {author}"]
        text = "\n".join([*lines, "", message]).encode("utf-8", "surrogateescape")
        return self("hash-object", "-t", "commit", "-w", "--stdin", data=text)

    def move(self, reference: str, new: str | None, old: str | None) -> None:
        """Move or delete a reference, if it still points to its old commit.

        Raises:
            GitError: it has moved, or the name is invalid.
        """
        was = old or "0" * 40
        if new is None:
            self("update-ref", "-d", reference, was)
        else:
            self("update-ref", reference, new, was)

    def merge_base(self, first: str, other: str) -> str | None:
        """Return the newest common ancestor; None without a common history."""
        try:
            return self("merge-base", first, other)
        except GitError:
            return None

    def merged(self, destination: str, source: str) -> str | None:
        """Merge two commits line by line and return the tree; None when they conflict."""
        try:
            return self("-c", "merge.renames=false", "merge-tree", "--write-tree", destination, source).splitlines()[0]
        except GitError:
            return None

    def export(self, commit: str, target: Path) -> None:
        """Export a commit's files with their modes."""
        target.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            index, tree = str(Path(folder) / "index"), str(target.resolve())
            self("read-tree", commit, GIT_INDEX_FILE=index)
            self("checkout-index", "--all", "--force", "--quiet", GIT_INDEX_FILE=index, GIT_WORK_TREE=tree)
