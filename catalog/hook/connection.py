"""Step 3, for GitHub, GitLab and Bitbucket: hand the rendered tree to the build that pushes it."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from catalog.hook.archive import pack
from catalog.hook.artifact import File
from catalog.hook.calls import Caller, explained
from catalog.hook.commit import Outcome, message
from catalog.hook.errors import SeedBuildError
from catalog.hook.push import LOST, NOT_EMPTY, REFUSED, WRONG_TREE
from catalog.hook.request import Request
from catalog.hook.tree import Tree

PUSH = Path(__file__).with_name("push.py")
POLL = 4.0  # seconds
PREPARED = (
    "the connection must be in state AVAILABLE, its app installed on the repository with permission to write, and the "
    "repository made, empty, beforehand"
)
SENTENCES = {
    NOT_EMPTY: "the repository is not empty and was not seeded by this stack; nothing was changed; give an empty one",
    REFUSED: f"the Git host refused: {PREPARED}",
    WRONG_TREE: "Git made another tree than was rendered; report this as a defect of the hook",
    LOST: "branch `template`, or the one that CI builds, was deleted; push it again and retry",
}


@dataclass(frozen=True)
class Host:
    """The project's bucket and the CodeBuild project that can reach the Git host."""

    s3: Caller
    codebuild: Caller

    def seed(self, tree: Tree, request: Request) -> Outcome:
        """Push the tree (Create) or propose it on `template` (Update), and wait for the end.

        Two deliveries within minutes share a build; after that the push itself looks first and finds what is done.

        Raises:
            SeedBuildError: the build failed; the sentence says why.
        """
        key = self.store(tree, request)
        build = self.run(request, key)
        if build["buildStatus"] != "SUCCEEDED":
            raise SeedBuildError(f"{request.repository}: {reason(build)} (build {build['id']})")
        asks = f"; open a pull request from `template` to `{request.branch}` there" if request.kind == "Update" else ""
        return Outcome("", tree.id, f"pushed by build {build['id']}{asks}")

    def store(self, tree: Tree, request: Request) -> str:
        """Put the tree and the order into the project's bucket, and return the key."""
        seed = packed(tree, request)
        key = f"seed/{hashlib.sha256(seed).hexdigest()[:16]}/seed.zip"
        try:
            self.s3("put_object", Bucket=request.project_bucket, Key=key, Body=seed)
        except ClientError as error:
            raise explained(error, f"s3://{request.project_bucket}/{key}") from None
        return key

    def run(self, request: Request, key: str) -> dict[str, Any]:
        """Start the build and return it when it has ended."""
        order = {
            "projectName": request.seed_project,
            "environmentVariablesOverride": [{"name": "SEED_KEY", "value": key, "type": "PLAINTEXT"}],
            # https://docs.aws.amazon.com/codebuild/latest/APIReference/API_StartBuild.html: valid for five minutes
            "idempotencyToken": hashlib.sha256(request.id.encode()).hexdigest()[:32],
        }
        try:
            build = self.codebuild("start_build", **order)["build"]
            while build["buildStatus"] == "IN_PROGRESS":
                self.codebuild.deadline.wait(POLL, f"build {build['id']} was not done")
                build = self.codebuild("batch_get_builds", ids=[build["id"]])["builds"][0]
        except ClientError as error:
            raise explained(error, f"CodeBuild project {request.seed_project}") from None
        return dict(build)


def packed(tree: Tree, request: Request) -> bytes:
    """Return the zip that Python can run: the script, its order, and the tree."""
    title = "Start from the template" if request.kind == "Create" else "Update from the template"
    order = {
        "kind": request.kind,
        "branch": request.branch,
        "tree": tree.id,
        "message": message(title, "", request),
    }
    files = {f"tree/{path}": file for path, file in tree.files.items()}
    files["__main__.py"] = File(PUSH.read_bytes())
    files["order.json"] = File(json.dumps(order, sort_keys=True).encode())
    return pack(files)


def reason(build: dict[str, Any]) -> str:
    """Return the sentence for a build that failed: by the script's exit status, which CodeBuild quotes."""
    texts = [context.get("message", "") for phase in build.get("phases", []) for context in phase.get("contexts", [])]
    status = next((match[1] for text in texts if (match := re.search(r"exit status (\d+)", text))), "")
    known = SENTENCES.get(int(status)) if status else None
    return known or f"the seed build ended as {build['buildStatus']}; {PREPARED}; its log says more"
