"""Steps 3, 4, 6 and 8: the projects and builds of one cloud."""

import threading
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sagemaker_rehearsal.codebuild import project as rules
from sagemaker_rehearsal.codebuild.build import OVER, Build, Children, Handover
from sagemaker_rehearsal.codebuild.run import Runner
from sagemaker_rehearsal.server.errors import AwsError
from sagemaker_rehearsal.server.service import ACCOUNT, Host


class Builds:
    """All projects and builds."""

    def __init__(self, cloud: Host) -> None:
        self._cloud = cloud
        self._lock = threading.RLock()
        self._projects: dict[str, dict[str, Any]] = {}
        self._builds: dict[str, Build] = {}
        self._runners: dict[str, Runner] = {}
        self._tokens: dict[tuple[str, str], str] = {}
        self._handovers: dict[str, Handover] = {}
        self._numbers: dict[str, int] = {}

    def project(self, name: str) -> dict[str, Any]:
        """Find a project by name or ARN.

        Raises:
            AwsError: ResourceNotFoundException.
        """
        found = self._projects.get(name.rpartition("/")[2])
        if found is None:
            raise AwsError("ResourceNotFoundException", f"Project cannot be found: {self.arn('project', name)}")
        return found

    def arn(self, kind: str, name: str) -> str:
        """Give the ARN of a project or build."""
        return f"arn:aws:codebuild:{self._cloud.region}:{ACCOUNT}:{kind}/{name.rpartition('/')[2]}"

    def create(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Make a project.

        Raises:
            AwsError: when a rule is broken or the name is taken.
        """
        rules.check(given)
        now = datetime.now(UTC)
        made = {**rules.DEFAULTS, **given, "arn": self.arn("project", given["name"])}
        made |= {"created": now, "lastModified": now}
        with self._lock:
            if given["name"] in self._projects:
                raise AwsError("ResourceAlreadyExistsException", f"Project already exists: {made['arn']}")
            self._projects[given["name"]] = made
        return made

    def update(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Change what is given of a project; the rest stays.

        Raises:
            AwsError: when a rule is broken or there is no such project.
        """
        with self._lock:
            changed = {**self.project(given["name"]), **given, "lastModified": datetime.now(UTC)}
            rules.check(changed)
            self._projects[given["name"]] = changed
        return changed

    def delete(self, name: str) -> None:
        """Remove a project; one that does not exist is no error."""
        with self._lock:
            self._projects.pop(name.rpartition("/")[2], None)

    def names(self) -> list[str]:
        """Give all project names."""
        return sorted(self._projects)

    def expect(self, token: str, handover: Handover) -> None:
        """Let the build that will be started with this idempotency token have CodePipeline's artifacts."""
        self._handovers[token] = handover

    def start(self, given: Mapping[str, Any], initiator: str) -> Build:
        """Start a build in a thread of its own; the same idempotency token gives the same build.

        Raises:
            AwsError: when the project does not exist or the build breaks a rule.
        """
        name, token = given["projectName"].rpartition("/")[2], given.get("idempotencyToken", "")
        with self._lock:
            if token and (name, token) in self._tokens:
                return self._builds[self._tokens[name, token]]
            project = rules.overridden(self.project(name), given)
            handover = self._handovers.pop(token, None)
            if project["source"]["type"] == "CODEPIPELINE" and handover is None:
                raise rules.invalid(f"Project {name} takes its source from CodePipeline: start its pipeline instead")
            self._check_limit(project)
            build = self._made(name, project, initiator, handover)
            if token:
                self._tokens[name, token] = build.id
        threading.Thread(target=self._runners[build.id].run, name=f"build-{build.id}", daemon=True).start()
        return build

    def _check_limit(self, project: Mapping[str, Any]) -> None:
        running = [one for one in self._of(project["name"]) if one.status not in OVER]
        if "concurrentBuildLimit" in project and len(running) >= project["concurrentBuildLimit"]:
            raise AwsError(
                "AccountLimitExceededException", f"Cannot have more than {len(running)} builds of {project['name']}"
            )

    def _made(self, name: str, project: Mapping[str, Any], initiator: str, handover: Handover | None) -> Build:
        self._numbers[name] = self._numbers.get(name, 0) + 1
        build_id = f"{name}:{uuid.uuid4()}"
        log = self._cloud.state / "logs" / "codebuild" / name / f"{build_id.rpartition(':')[2]}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        build = Build(
            id=build_id,
            arn=self.arn("build", build_id),
            number=self._numbers[name],
            project=project,
            initiator=initiator,
            log=log,
            processes=Children(self._cloud.processes),
            handover=handover,
            commit=handover.revision if handover else "",
        )
        self._builds[build.id] = build
        self._runners[build.id] = Runner(self._cloud, build)
        return build

    def find(self, name: str) -> Build | None:
        """Find a build by id or ARN."""
        return self._builds.get(name.rpartition("/")[2])

    def _of(self, project: str) -> list[Build]:
        return [one for one in list(self._builds.values()) if one.project["name"] == project]

    def of_project(self, name: str | None) -> list[Build]:
        """Give builds, the newest first: those of a project, or all.

        Raises:
            AwsError: ResourceNotFoundException.
        """
        found = list(self._builds.values()) if name is None else self._of(self.project(name)["name"])
        return list(reversed(found))

    def stop(self, name: str) -> Build:
        """End a build early; one that has ended stays as it is.

        Raises:
            AwsError: ResourceNotFoundException.
        """
        build = self.find(name)
        if build is None:
            raise AwsError("ResourceNotFoundException", f"Build cannot be found: {name}")
        if build.status not in OVER:
            self._runners[build.id].stop()
        return build


def of(cloud: Host) -> Builds:
    """Return a cloud's projects and builds."""
    return cloud.state_of(Builds)
