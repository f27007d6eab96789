"""Steps 1 to 3 in a clone of the template: its publisher publishes it, and the hook seeds the repository."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sagemaker_rehearsal.scenario import personas
from sagemaker_rehearsal.scenario.project import Project
from sagemaker_rehearsal.scenario.ten_steps import Walk
from sagemaker_rehearsal.scenario.terminal import short
from sagemaker_rehearsal.server.errors import RehearsalError


@dataclass(frozen=True)
class TemplateClone:
    """A clone of the template; see `ten_steps.Origin`.

    Attributes:
        folder: where it is.
        parameters: those of the product that are not to have their defaults.
    """

    folder: Path
    parameters: Mapping[str, str] = field(default_factory=dict)
    reuses: bool = False
    unused_roles: tuple[str, ...] = ()

    def publish(self, walk: Walk) -> None:
        """Run `python -m catalog.publish apply`, as operations do."""
        log = walk.work / "logs" / "publish.log"
        walk.say(f"python -m catalog.publish apply; its log is {short(log)}")
        command = [sys.executable, "-m", "catalog.publish", "apply", "--dirty"]
        command += ["--parameter", f"StudioRoleArns={walk.people.role_arn(personas.STUDIO)}"]
        _run(command, self.folder, log, walk.people.environment())

    def seed(self, walk: Walk, project: Project) -> str:
        """Return the commit with which the product's hook seeded the repository."""
        codecommit = walk.people.studio("codecommit")
        branch = codecommit.get_branch(repositoryName=project.repository, branchName="main")
        return str(branch["branch"]["commitId"])


def _run(command: list[str], folder: Path, log: Path, environment: Mapping[str, str]) -> None:
    """Run one of the template's own commands as a person would.

    Raises:
        RehearsalError: when it failed, with its last line.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    with log.open("wb") as output:
        code = subprocess.run(  # noqa: S603 (our own commands)
            command, cwd=folder, env={**inherited, **environment}, stdout=output, stderr=subprocess.STDOUT, check=False
        ).returncode
    if code:
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() or ["it wrote nothing"]
        raise RehearsalError(f"{' '.join(command[1:4])} ended with exit code {code}: {lines[-1]} (log: {short(log)})")
