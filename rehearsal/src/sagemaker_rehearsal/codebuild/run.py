"""Steps 3, 4, 6 and 8: run a build: fetch the source, run the buildspec under the service role, store the artifact."""

import logging
import shutil
import threading
from functools import cached_property
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from sagemaker_rehearsal.codebuild import artifacts, buildspec, project
from sagemaker_rehearsal.codebuild.artifacts import Location
from sagemaker_rehearsal.codebuild.build import Build
from sagemaker_rehearsal.codebuild.logs import Follower, open_stream
from sagemaker_rehearsal.iam import keys_for, principal_of, require
from sagemaker_rehearsal.server import clients
from sagemaker_rehearsal.server.errors import AwsError, RehearsalError
from sagemaker_rehearsal.server.service import ACCOUNT, Host

log = logging.getLogger(__name__)


class Failed(Exception):  # noqa: N818 (the end of a phase)
    """A phase failed.

    Args:
        code: CodeBuild's code of the phase's context, e.g. `YAML_FILE_ERROR`.
        message: of the phase's context.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Runner:
    """Runs one build in the calling thread."""

    def __init__(self, cloud: Host, build: Build) -> None:
        self._cloud = cloud
        self._build = build
        self._folder = cloud.state / "codebuild" / build.id.replace(":", "-")
        self._stopped = ""

    def run(self) -> None:
        """Run the build to completion; failures are recorded in the build."""
        minutes = self._build.project["timeoutInMinutes"]
        timer = threading.Timer(minutes * 60, self.stop, ("TIMED_OUT",))
        timer.daemon = True
        timer.start()
        try:
            self._phases()
            self._build.finish(self._stopped or "SUCCEEDED")
        except Exception as error:  # any error must end the build, or it would stay IN_PROGRESS
            self._fail(error)
        finally:
            timer.cancel()
            shutil.rmtree(self._folder, ignore_errors=True)

    def stop(self, status: str = "STOPPED") -> None:
        """Stop the build."""
        self._stopped = status
        self._build.processes.stop()

    def _fail(self, error: Exception) -> None:
        build = self._build
        if self._stopped:
            build.fail_phase("BUILD_TIMED_OUT" if self._stopped == "TIMED_OUT" else "", "", self._stopped)
            build.finish(self._stopped)
            return
        if not isinstance(error, (Failed, ClientError, AwsError)) and not self._cloud.processes.stopped:
            log.exception("build %s", build.id)
        code = error.code if isinstance(error, Failed) else "CLIENT_ERROR"
        build.fail_phase(code, str(error))
        build.finish("FAILED")

    def _phases(self) -> None:
        build = self._build
        for name in ("SUBMITTED", "QUEUED"):
            build.enter(name)
        logs = self._open_log()
        build.enter("PROVISIONING")
        build.enter("DOWNLOAD_SOURCE")
        source = self._source()
        spec = self._buildspec(source)
        env = self._environment(source)
        artifact = self._folder / "artifact" if self._wants_artifact() else None
        with Follower(build, logs):
            done = buildspec.run(spec, source, build.log, env, build.processes, artifact)
        build.exported = done.exported
        if self._stopped:
            raise Failed("", "")
        if not done.succeeded:
            executed = done.reason.startswith("phase ")
            if not executed:
                build.enter("UPLOAD_ARTIFACTS")
            raise Failed("COMMAND_EXECUTION_ERROR" if executed else "CLIENT_ERROR", done.reason)
        build.enter("UPLOAD_ARTIFACTS")
        if artifact is not None:
            self._upload(artifact)

    @cached_property
    def _keys(self) -> dict[str, str]:
        """Credentials of one session of the service role, named as CodeBuild names it."""
        build = self._build
        session = f"AWSCodeBuild-{build.id.rpartition(':')[2]}"
        source = build.project.get("arn", "")
        return keys_for(self._cloud, build.project["serviceRole"], session, "codebuild.amazonaws.com", source)

    def _as(self, service: str) -> Any:  # noqa: ANN401 (boto3 clients have no type)
        """Return a client with the credentials of the service role."""
        return clients.client(self._cloud.url, self._cloud.region, service, self._keys)

    def _open_log(self) -> Any:  # noqa: ANN401 (boto3 clients have no type)
        destination = project.log_group(self._build.project)
        if destination is None:
            return None
        group, prefix = destination
        stream = f"{prefix}/{self._build.id.rpartition(':')[2]}".lstrip("/")
        logs = self._as("logs")
        try:
            open_stream(logs, group, stream)
        except ClientError as error:
            role = self._build.project["serviceRole"]
            raise Failed(
                "ACCESS_DENIED",
                f"Service role {role} does not allow AWS CodeBuild to create Amazon CloudWatch Logs log streams for "
                f"build {self._build.arn}. Error message: {error}",
            ) from error
        self._build.group = (group, stream)
        return logs

    def _source(self) -> Path:
        kind, target = self._build.project["source"]["type"], self._folder / "src"
        target.mkdir(parents=True, exist_ok=True)
        if kind == "CODEPIPELINE":
            self._artifacts_of_pipeline(target)
        elif kind == "S3":
            bucket, _, key = self._build.project["source"]["location"].partition("/")
            artifacts.fetch(self._as("s3"), Location(bucket, key), target)
        elif kind == "CODECOMMIT":
            self._clone(target)
        return target

    def _artifacts_of_pipeline(self, target: Path) -> None:
        handover = self._build.handover
        assert handover is not None  # noqa: S101 (StartBuild rejects a build without)
        s3 = self._as("s3")
        for name, location in handover.sources.items():
            artifacts.fetch(s3, location, target if name == handover.primary else self._folder / f"src-{name}")

    def _clone(self, target: Path) -> None:
        from sagemaker_rehearsal import codecommit

        repository = self._build.project["source"]["location"].rpartition("/")[2]
        version = self._build.project.get("sourceVersion", "")
        name = version.removeprefix("refs/heads/")
        client = self._as("codecommit")
        if not name:
            name = client.get_repository(repositoryName=repository)["repositoryMetadata"].get("defaultBranch", "")
        arn = f"arn:aws:codecommit:{self._cloud.region}:{ACCOUNT}:{repository}"
        require(self._cloud, principal_of(self._keys["AWS_ACCESS_KEY_ID"]), "codecommit:GitPull", arn)
        commit = codecommit.tip(self._cloud, repository, name) or name
        self._build.commit = commit
        codecommit.checkout(self._cloud, repository, commit, target)

    def _buildspec(self, source: Path) -> buildspec.Buildspec:
        buildspec_text = self._build.project["source"].get("buildspec") or "buildspec.yml"
        path = source / buildspec_text
        if project.inline(buildspec_text):
            path = self._folder / "buildspec.yml"
            path.write_text(buildspec_text, encoding="utf-8")
        elif not path.is_file():
            raise Failed("YAML_FILE_ERROR", f"YAML file does not exist: {buildspec_text}")
        try:
            return buildspec.read(path)
        except RehearsalError as error:
            raise Failed("YAML_FILE_ERROR", str(error).replace(f"{path}", buildspec_text)) from error

    def _environment(self, source: Path) -> dict[str, str]:
        """Return the project's variables, CodeBuild's own, and the cloud's address and credentials.

        https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-env-vars.html
        """
        build = self._build
        try:
            variables = project.variables(build.project)
        except ValueError as error:
            raise Failed("CLIENT_ERROR", str(error)) from error
        cloud = {**self._cloud.environment(), **self._keys}
        others = build.handover.sources if build.handover else {}
        own = {
            "CI": "true",
            "CODEBUILD_CI": "true",
            "CODEBUILD_BUILD_ARN": build.arn,
            "CODEBUILD_BUILD_ID": build.id,
            "CODEBUILD_BUILD_NUMBER": str(build.number),
            "CODEBUILD_INITIATOR": build.initiator,
            "CODEBUILD_LOG_PATH": build.group[1] if build.group else "",
            "CODEBUILD_PROJECT_ARN": build.arn.replace(":build/", ":project/").rpartition(":")[0],
            "CODEBUILD_RESOLVED_SOURCE_VERSION": build.commit,
            "CODEBUILD_START_TIME": str(int(build.started.timestamp() * 1000)),
            **{f"CODEBUILD_SRC_DIR_{name}": str(source.with_name(f"src-{name}")) for name in others},
        }
        return {**own, **variables, **(self._cloud.options.get("build_environment") or {}), **cloud}

    def _wants_artifact(self) -> bool:
        if self._build.handover is not None:
            return self._build.handover.output is not None
        return bool(self._build.project["artifacts"]["type"] == "S3")

    def _upload(self, folder: Path) -> None:
        """Upload the artifact; CodeBuild first checks the bucket's owner, which needs two more permissions."""
        folder.mkdir(parents=True, exist_ok=True)
        target, s3 = self._target(), self._as("s3")
        s3.get_bucket_acl(Bucket=target.bucket)
        s3.get_bucket_location(Bucket=target.bucket)
        self._build.output = artifacts.store(s3, folder, target)

    def _target(self) -> Location:
        handover = self._build.handover
        if handover is not None and handover.output is not None:
            return handover.output
        declared = self._build.project["artifacts"]
        parts = [declared.get("path", ""), declared.get("name") or self._build.project["name"]]
        return Location(declared["location"], "/".join(part.strip("/") for part in parts if part))
