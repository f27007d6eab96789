"""Steps 3, 4, 6 and 8: the state and phases of one build, as BatchGetBuilds returns them."""

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sagemaker_rehearsal.codebuild.artifacts import Location
from sagemaker_rehearsal.processes import Processes

ENTERED = re.compile(r"\[Rehearsal\] (?:Entering phase|Phase) (\w+)")
FAILED_PHASE = re.compile(r"phase (\w+) ended with exit code (-?\d+)")
OVER = ("SUCCEEDED", "FAILED", "FAULT", "TIMED_OUT", "STOPPED")


@dataclass(frozen=True)
class Handover:
    """What CodePipeline passes to a build besides StartBuild's parameters.

    Attributes:
        sources: the input artifacts by name.
        primary: the name of the artifact that the build runs in.
        output: the output artifact's location; None when the action has none.
        revision: the commit of the primary source; empty for another build's artifact.
    """

    sources: Mapping[str, Location]
    primary: str
    output: Location | None
    revision: str = ""


@dataclass
class Phase:
    """A phase that has started, with CodeBuild's phase status."""

    name: str
    started: datetime
    ended: datetime | None = None
    status: str = ""
    code: str = ""
    message: str = ""

    def describe(self) -> dict[str, Any]:
        """Return the phase as BatchGetBuilds does."""
        details: dict[str, Any] = {"phaseType": self.name, "startTime": self.started}
        if self.ended:
            seconds = int((self.ended - self.started).total_seconds())
            details |= {"endTime": self.ended, "durationInSeconds": seconds, "phaseStatus": self.status}
            details["contexts"] = [{"statusCode": self.code, "message": self.message}]
        return details


class Children(Processes):
    """The processes of one build; they end with the build or with the cloud."""

    def __init__(self, everybody: Processes) -> None:
        super().__init__()
        self._everybody = everybody
        self._mine: list[Any] = []
        self._starting = threading.Lock()

    def start(self, *arguments: Any, **more: Any) -> Any:  # noqa: ANN401 (as the base)
        """Start a command."""
        with self._starting:
            if self.stopped:
                raise RuntimeError("the build is being stopped")
            process = self._everybody.start(*arguments, **more)
            self._mine.append(process)
        return process

    def end(self, process: Any) -> None:  # noqa: ANN401 (as the base)
        """Stop a process and its children."""
        self._everybody.end(process)

    def stop(self) -> None:
        """Stop all processes and refuse new ones."""
        with self._starting:
            self.stopped = True
        for process in self._mine:
            if process.poll() is None:
                self.end(process)


@dataclass
class Build:
    """One build of a project.

    Attributes:
        project: the project with this build's overrides.
        log: the file of its output.
        group: log group and stream, once they exist.
    """

    id: str
    arn: str
    number: int
    project: Mapping[str, Any]
    initiator: str
    log: Path
    processes: Children
    handover: Handover | None = None
    status: str = "IN_PROGRESS"
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    ended: datetime | None = None
    phases: list[Phase] = field(default_factory=list)
    exported: dict[str, str] = field(default_factory=dict)
    output: Location | None = None
    commit: str = ""
    group: tuple[str, str] | None = None
    lock: threading.RLock = field(default_factory=threading.RLock)

    def enter(self, name: str) -> None:
        """Start a phase; the previous one has succeeded."""
        with self.lock:
            self._end_phase("SUCCEEDED", "", "")
            self.phases.append(Phase(name, datetime.now(UTC)))

    def _end_phase(self, status: str, code: str, message: str) -> None:
        if self.phases and self.phases[-1].ended is None:
            last = self.phases[-1]
            last.ended, last.status, last.code, last.message = datetime.now(UTC), status, code, message

    def fail_phase(self, code: str, message: str, status: str = "FAILED") -> None:
        """Fail the current phase, or the phase that the message names."""
        with self.lock:
            self._end_phase(status, code, message)
            named = FAILED_PHASE.match(message)
            for phase in self.phases:
                if named and phase.name == named[1].upper():
                    phase.status, phase.code, phase.message = status, code, message
                elif named and phase is self.phases[-1]:
                    phase.status, phase.code, phase.message = "SUCCEEDED", "", ""

    def finish(self, status: str) -> None:
        """End the build."""
        with self.lock:
            self.enter("FINALIZING")
            self.enter("COMPLETED")
            self._end_phase("", "", "")
            self.ended, self.status = datetime.now(UTC), status

    @property
    def failure(self) -> str:
        """Return the failure in CodeBuild's wording, as CodePipeline shows it; empty without one."""
        with self.lock:
            failed = [phase for phase in self.phases if phase.status not in ("", "SUCCEEDED")]
        message = f"Build terminated with state: {self.status}"
        if failed:
            message += f". Phase: {failed[0].name}, Code: {failed[0].code}, Message: {failed[0].message}"
        return message if self.status in OVER and self.status != "SUCCEEDED" else ""

    def describe(self, region: str) -> dict[str, Any]:
        """Return the build as BatchGetBuilds does.

        https://docs.aws.amazon.com/codebuild/latest/APIReference/API_Build.html
        """
        with self.lock:
            details: dict[str, Any] = {
                "id": self.id,
                "arn": self.arn,
                "buildNumber": self.number,
                "startTime": self.started,
                "currentPhase": self.phases[-1].name if self.phases else "SUBMITTED",
                "buildStatus": self.status,
                "projectName": self.project["name"],
                "phases": [phase.describe() for phase in self.phases],
                "source": self.project["source"],
                "secondarySources": [],
                "artifacts": self._artifacts(),
                "cache": {"type": "NO_CACHE"},
                "environment": self.project["environment"],
                "serviceRole": self.project["serviceRole"],
                "logs": self._logs(region),
                "timeoutInMinutes": self.project["timeoutInMinutes"],
                "queuedTimeoutInMinutes": self.project["queuedTimeoutInMinutes"],
                "buildComplete": self.ended is not None,
                "initiator": self.initiator,
                "exportedEnvironmentVariables": [
                    {"name": name, "value": value} for name, value in self.exported.items()
                ],
            }
            details |= {"endTime": self.ended} if self.ended else {}
            return details | ({"resolvedSourceVersion": self.commit} if self.commit else {})

    def _artifacts(self) -> dict[str, Any]:
        return {"location": f"arn:aws:s3:::{self.output.bucket}/{self.output.key}"} if self.output else {"location": ""}

    def _logs(self, region: str) -> dict[str, Any]:
        disabled = {"cloudWatchLogs": {"status": "DISABLED"}, "s3Logs": {"status": "DISABLED"}}
        if self.group is None:
            return disabled
        group, stream = self.group
        address = f"https://console.aws.amazon.com/cloudwatch/home?region={region}#logsV2:log-groups"
        arn = f"arn:aws:logs:{region}:{self.arn.split(':')[4]}:log-group:{group}:log-stream:{stream}"
        return {
            **disabled,
            "groupName": group,
            "streamName": stream,
            "deepLink": f"{address}/log-group/{group.replace('/', '$252F')}/log-events/{stream.replace('/', '$252F')}",
            "cloudWatchLogs": {"status": "ENABLED", "groupName": group},
            "cloudWatchLogsArn": arn,
        }
