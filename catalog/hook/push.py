"""Step 3, for GitHub, GitLab and Bitbucket: push the rendered tree through a CodeConnections connection, once.

AWS has no API that writes to these hosts, but its connections serve Git. The hook puts this file, as `__main__.py`,
into a zip beside the tree, and the seed project in CodeBuild runs that zip: `python3 seed.zip`. Standard library and
Git only; it must run on any Python from 3.9.

The environment of the build: CONNECTION_ARN, REPOSITORY (owner/name). SEED_REMOTE replaces the address that follows
from them, for rehearsals. The exit status says what happened; `catalog.hook.connection` has the sentences.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import zipfile

DONE, NOT_EMPTY, REFUSED, WRONG_TREE, LOST = 0, 3, 4, 5, 6
IDENTITY = {"NAME": "SageMaker Autopilot template", "EMAIL": "noreply@amazonaws.com"}


class Stop(Exception):  # noqa: N818 - carries an exit status
    """Ends the build with a status."""


def address(environment: dict[str, str]) -> str:
    """Return where Git finds the repository, by way of the connection."""
    if "SEED_REMOTE" in environment:
        return environment["SEED_REMOTE"]
    _, partition, service, region, account, resource = environment["CONNECTION_ARN"].split(":", 5)
    domain = "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com"
    connection = resource.rpartition("/")[2]
    return (
        f"https://{service}.{region}.{domain}/git-http/{account}/{region}/{connection}/{environment['REPOSITORY']}.git"
    )


class Git:
    """A scratch repository with one remote."""

    def __init__(self, folder: str, remote: str) -> None:
        self.remote = remote
        who = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in IDENTITY.items()}
        self.environment = {**os.environ, **who, "GIT_DIR": folder, "GIT_TERMINAL_PROMPT": "0"}
        self("init", "--quiet", "--bare", folder)
        # An empty helper first: whatever the image has set must not be asked.
        self("config", "credential.helper", "")
        self("config", "--add", "credential.helper", "!aws codecommit credential-helper $@")
        self("config", "credential.UseHttpPath", "true")

    def __call__(self, *arguments: str, data: bytes | None = None) -> str:
        """Run a command and return what it printed."""
        command = ["git", *arguments]
        ran = subprocess.run(command, input=data, stdout=subprocess.PIPE, env=self.environment, check=True)  # noqa: S603
        return ran.stdout.decode().strip()

    def talk(self, *arguments: str) -> str:
        """Run a command that talks to the host."""
        try:
            return self(*arguments)
        except subprocess.CalledProcessError:
            raise Stop(REFUSED) from None

    def branches(self) -> dict[str, str]:
        """Return the commit of each branch on the host."""
        rows = [line.split("\t") for line in self.talk("ls-remote", "--heads", self.remote).splitlines()]
        return {name[len("refs/heads/") :]: commit for commit, name in rows}

    def tree_of(self, commit: str | None) -> str:
        """Return the tree of a commit on the host, or nothing."""
        if not commit:
            return ""
        self.talk("fetch", "--quiet", "--depth=1", self.remote, commit)
        return self("rev-parse", f"{commit}^{{tree}}")

    def write(self, archive: zipfile.ZipFile) -> str:
        """Write the packed tree as Git objects, byte for byte, and return its id."""
        rows = []
        for entry in archive.infolist():
            if entry.filename.startswith("tree/"):
                blob = self("hash-object", "-w", "--no-filters", "--stdin", data=archive.read(entry))
                mode = "100755" if entry.external_attr >> 16 & 0o100 else "100644"
                rows.append(f"{mode} {blob}\t{entry.filename[len('tree/') :]}")
        self("read-tree", "--empty")
        self("update-index", "-z", "--index-info", data=("\0".join(rows) + "\0").encode())
        return self("write-tree")

    def commit(self, tree: str, parent: str | None, message: str) -> str:
        """Return a new commit."""
        return self("commit-tree", tree, *(["-p", parent] if parent else []), data=message.encode())

    def push(self, commit: str, branch: str) -> None:
        """Let a branch on the host go forward to a commit; the host refuses to overwrite."""
        self.talk("push", "--quiet", self.remote, f"{commit}:refs/heads/{branch}")


def create(git: Git, tree: str, order: dict[str, str]) -> str:
    """Push the tree to an empty repository; what an interrupted build pushed is found and completed."""
    branch, there = order["branch"], git.branches()
    holder = next((there[name] for name in ("template", branch) if git.tree_of(there.get(name)) == tree), None)
    if there and holder is None:
        raise Stop(NOT_EMPTY)
    commit = holder or git.commit(tree, None, order["message"])
    # The host takes the first branch as the default one; and one push of the whole tree starts one build.
    for name in (branch, "template"):
        if name not in there:
            git.push(commit, name)
    return "was seeded already" if holder else "seeded"


def update(git: Git, tree: str, order: dict[str, str]) -> str:
    """Bring the tree to `template`; a person opens the pull request, for which connections have no API."""
    there = git.branches()
    if not there:
        return create(git, tree, order)
    if "template" not in there or order["branch"] not in there:
        raise Stop(LOST)
    if git.tree_of(there["template"]) == tree:
        return "unchanged"
    git.push(git.commit(tree, there["template"], order["message"]), "template")
    return "pushed to `template`"


def patiently(git: Git, tree: str, order: dict[str, str]) -> str:
    """Do what the order says; when the host refuses, look once more: perhaps another build of it was quicker."""
    act = {"Create": create, "Update": update}[order["kind"]]
    try:
        return act(git, tree, order)
    except Stop as stop:
        if stop.args[0] != REFUSED:
            raise
        return act(git, tree, order)


def main(seed: str) -> int:
    """Do what the order in the zip says."""
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(seed) as archive:
        order = json.loads(archive.read("order.json"))
        git = Git(os.path.join(folder, "seed.git"), address(dict(os.environ)))
        try:
            tree = git.write(archive)
            if tree != order["tree"]:
                raise Stop(WRONG_TREE)
            done = patiently(git, tree, order)
        except Stop as stop:
            print(f"stopped with status {stop}", file=sys.stderr)
            return int(stop.args[0])
        print(done)
        return DONE


if __name__ == "__main__":
    sys.exit(main(sys.argv[0] if zipfile.is_zipfile(sys.argv[0]) else sys.argv[1]))
