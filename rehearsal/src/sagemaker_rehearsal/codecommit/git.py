"""Step 3: the Git commands that a bare repository needs, with no configuration but its own."""

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
# No garbage is collected in the background: nothing of this may outlive the rehearsal
SETTINGS = {
    "core.logAllRefUpdates": "false",
    "gc.auto": "0",
    "receive.autogc": "false",
    "http.receivepack": "true",
    "lsrefs.unborn": "ignore",  # whoever clones an empty repository names its first branch
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
    """Git refused a command; the message is what it said."""


def environment(folder: Path) -> dict[str, str]:
    """Give the variables of a Git that reads no settings of this machine or its user."""
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
        """Make an empty repository."""
        folder.mkdir(parents=True)
        made = cls(folder)
        made("init", "--quiet", "--bare", "--object-format=sha1", "--template=", str(folder))
        with (folder / "config").open("a", encoding="utf-8") as config:
            for setting, value in SETTINGS.items():
                section, _, name = setting.partition(".")
                config.write(f"[{section}]\n\t{name} = {value}\n")
        hook = folder / "hooks" / "pre-receive"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(PRE_RECEIVE, encoding="utf-8")
        hook.chmod(0o755)
        return made

    def __call__(self, *arguments: str, data: bytes = b"", **variables: str) -> str:
        """Run a command and return what it writes, as text (names are UTF-8 in CodeCommit).

        Raises:
            GitError: it failed.
        """
        return self.run(*arguments, data=data, **variables).decode("utf-8", "surrogateescape").rstrip("\n")

    def run(self, *arguments: str, data: bytes = b"", **variables: str) -> bytes:
        """Run a command and return what it writes.

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
        """Return every branch and tag with the commit that it stands for."""
        wanted = ("--format=%(refname) %(objectname) %(*objectname)", "refs/heads", "refs/tags")
        rows = [line.split(" ") for line in self("for-each-ref", *wanted).splitlines()]
        return {name: peeled or direct for name, direct, peeled in rows}

    def kind(self, name: str) -> str | None:
        """Return an object's type; None when there is no such object."""
        try:
            return self("cat-file", "-t", name)
        except GitError:
            return None

    def commit_of(self, reference: str) -> str | None:
        """Return the commit that a full reference or id stands for; None when there is none."""
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
        found = {}
        for row in filter(None, rows):
            facts, _, path = row.partition("\t")
            mode, _, blob = facts.split(" ")
            found[path] = Entry(mode, blob)
        return found

    def blob(self, name: str) -> bytes:
        """Return a blob's content."""
        return self.run("cat-file", "blob", name)

    def write_blobs(self, contents: Iterable[bytes]) -> list[str]:
        """Store contents and return their ids: one process for all."""
        given = list(contents)
        if given:
            self("fast-import", "--quiet", data=b"".join(b"blob\ndata %d\n%b\n" % (len(one), one) for one in given))
        return [hashlib.sha1(b"blob %d\0%b" % (len(one), one)).hexdigest() for one in given]  # noqa: S324 (Git's)

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
            message: as it was given.
        """
        lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents), f"author {author}", f"committer {author}"]
        text = "\n".join([*lines, "", message]).encode("utf-8", "surrogateescape")
        return self("hash-object", "-t", "commit", "-w", "--stdin", data=text)

    def move(self, reference: str, new: str | None, old: str | None) -> None:
        """Let a reference point to a commit, or delete it, if it still is where it was.

        Raises:
            GitError: it is not.
        """
        was = old or "0" * 40
        if new is None:
            self("update-ref", "-d", reference, was)
        else:
            self("update-ref", reference, new, was)

    def merge_base(self, one: str, other: str) -> str | None:
        """Return the newest commit that both have; None when they have none."""
        try:
            return self("merge-base", one, other)
        except GitError:
            return None

    def merged(self, destination: str, source: str) -> str | None:
        """Return the tree of both sides' changes, merged line by line; None when they conflict."""
        try:
            return self("-c", "merge.renames=false", "merge-tree", "--write-tree", destination, source).splitlines()[0]
        except GitError:
            return None

    def export(self, commit: str, target: Path) -> None:
        """Write a commit's files into a folder, with their modes."""
        target.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            index, tree = str(Path(folder) / "index"), str(target.resolve())
            self("read-tree", commit, GIT_INDEX_FILE=index)
            self("checkout-index", "--all", "--force", "--quiet", GIT_INDEX_FILE=index, GIT_WORK_TREE=tree)
