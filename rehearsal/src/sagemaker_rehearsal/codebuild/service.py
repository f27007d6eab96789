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
        """Return a project by name or ARN.

        Raises:
            AwsError: ResourceNotFoundException.
        """
        project = self._projects.get(name.rpartition("/")[2])
        if project is None:
            raise AwsError("ResourceNotFoundException", f"Project cannot be found: {self.arn('project', name)}")
        return project

    def arn(self, kind: str, name: str) -> str:
        """Return the ARN of a project or build."""
        return f"arn:aws:codebuild:{self._cloud.region}:{ACCOUNT}:{kind}/{name.rpartition('/')[2]}"

    def create(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Create a project.

        Raises:
            AwsError: when the project is invalid or the name is taken.
        """
        rules.check(request)
        now = datetime.now(UTC)
        project = {**rules.DEFAULTS, **request, "arn": self.arn("project", request["name"])}
        project |= {"created": now, "lastModified": now}
        with self._lock:
            if request["name"] in self._projects:
                raise AwsError("ResourceAlreadyExistsException", f"Project already exists: {project['arn']}")
            self._projects[request["name"]] = project
        return project

    def update(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Update the requested members of a project.

        Raises:
            AwsError: when the project is invalid or does not exist.
        """
        with self._lock:
            changed = {**self.project(request["name"]), **request, "lastModified": datetime.now(UTC)}
            rules.check(changed)
            self._projects[request["name"]] = changed
        return changed

    def delete(self, name: str) -> None:
        """Delete a project, if it exists."""
        with self._lock:
            self._projects.pop(name.rpartition("/")[2], None)

    def names(self) -> list[str]:
        """Return all project names, sorted."""
        return sorted(self._projects)

    def expect(self, token: str, handover: Handover) -> None:
        """Pass CodePipeline's artifacts to the build that will be started with an idempotency token.

        StartBuild has no parameter for them.
        """
        self._handovers[token] = handover

    def start(self, request: Mapping[str, Any], initiator: str) -> Build:
        """Start a build in its own thread; a repeated idempotency token returns the same build.

        Raises:
            AwsError: when the project does not exist or the request is invalid.
        """
        name, token = request["projectName"].rpartition("/")[2], request.get("idempotencyToken", "")
        with self._lock:
            if token and (name, token) in self._tokens:
                return self._builds[self._tokens[name, token]]
            project = rules.overridden(self.project(name), request)
            handover = self._handovers.pop(token, None)
            if project["source"]["type"] == "CODEPIPELINE" and handover is None:
                raise rules.invalid(f"Project {name} takes its source from CodePipeline: start its pipeline instead")
            self._check_limit(project)
            build = self._new_build(name, project, initiator, handover)
            if token:
                self._tokens[name, token] = build.id
        threading.Thread(target=self._runners[build.id].run, name=f"build-{build.id}", daemon=True).start()
        return build

    def _check_limit(self, project: Mapping[str, Any]) -> None:
        running = [build for build in self._builds_of(project["name"]) if build.status not in OVER]
        if "concurrentBuildLimit" in project and len(running) >= project["concurrentBuildLimit"]:
            raise AwsError(
                "AccountLimitExceededException", f"Cannot have more than {len(running)} builds of {project['name']}"
            )

    def _new_build(self, name: str, project: Mapping[str, Any], initiator: str, handover: Handover | None) -> Build:
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
        """Return a build by id or ARN; None when it does not exist."""
        return self._builds.get(name.rpartition("/")[2])

    def _builds_of(self, project: str) -> list[Build]:
        return [build for build in list(self._builds.values()) if build.project["name"] == project]

    def of_project(self, name: str | None) -> list[Build]:
        """Return the builds of a project, or all, the newest first.

        Raises:
            AwsError: ResourceNotFoundException.
        """
        builds = list(self._builds.values()) if name is None else self._builds_of(self.project(name)["name"])
        return list(reversed(builds))

    def stop(self, name: str) -> Build:
        """Stop a build; a build that has ended is unchanged.

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
