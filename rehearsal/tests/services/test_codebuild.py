"""Builds run the real buildspec under the project's service role; BatchGetBuilds returns CodeBuild's form."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from botocore.exceptions import ClientError

from sagemaker_rehearsal.account import SERVICES
from sagemaker_rehearsal.codebuild import of
from sagemaker_rehearsal.server import Cloud
from tests.services.command_line import aws
from tests.services.pipelines import BUCKET, BUILD, REPOSITORY, Rig, role, wait


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    options = {"build_environment": {"OF_THE_REHEARSAL": "yes"}}
    with Cloud(tmp_path_factory.mktemp("cloud"), services=SERVICES, options=options) as cloud:
        yield Rig(cloud)


def spec(*commands: str, **sections: object) -> str:
    whole = {"version": 0.2, "phases": {"build": {"commands": list(commands)}}, **sections}
    return yaml.safe_dump(whole, sort_keys=False)


def ended(rig: Rig, build: str) -> dict[str, Any]:
    def over() -> dict[str, Any] | None:
        build_record: dict[str, Any] = rig.builds.batch_get_builds(ids=[build])["builds"][0]
        return build_record if build_record["buildComplete"] else None

    return wait(over, f"the end of {build}")


def run(rig: Rig, name: str, buildspec: str, **more: object) -> dict[str, Any]:
    """Create a project without a source and run one build of it."""
    start: Any = more.pop("start", {})
    rig.project(name, buildspec, "NO_SOURCE", **more)
    return ended(rig, rig.builds.start_build(projectName=name, **start)["build"]["id"])


def output(rig: Rig, build: dict[str, Any]) -> list[str]:
    """Return the output of the build's commands from CloudWatch Logs."""
    logs = build["logs"]
    response = rig.cloud.client("logs").get_log_events(
        logGroupName=logs["groupName"], logStreamName=logs["streamName"], startFromHead=True
    )
    lines = [event["message"] for event in response["events"]]
    return [line for line in lines if not line.startswith(("[Container]", "[Rehearsal]"))]


def code(caught: pytest.ExceptionInfo[ClientError]) -> str:
    return str(caught.value.response["Error"]["Code"])


def test_a_build_has_its_variables_its_role_and_its_log(rig: Rig) -> None:
    commands = [
        'echo "$A $B $C $OF_THE_REHEARSAL $CODEBUILD_CI"',
        """python -c "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])" """,
    ]
    build = run(
        rig,
        "variables",
        spec(*commands, env={"variables": {"A": "spec", "B": "spec", "C": "spec"}}),
        variables={"B": "project", "C": "project"},
        start={"environmentVariablesOverride": [{"name": "C", "value": "start"}]},
    )
    log = output(rig, build)
    session = build["id"].partition(":")[2]
    assert build["buildStatus"] == "SUCCEEDED"
    assert log == [
        "spec project start yes true",
        f"arn:aws:sts::123456789012:assumed-role/{BUILD}/AWSCodeBuild-{session}",
    ]
    assert build["logs"]["groupName"] == "/aws/codebuild/variables"
    assert (rig.cloud.state / "logs" / "codebuild" / "variables" / f"{session}.log").exists()


def test_the_phases_are_those_of_codebuild(rig: Rig) -> None:
    phases = {
        "install": {"commands": ["exit 1"]},
        "build": {"commands": ["true"]},
        "post_build": {"commands": ["true"]},
    }
    build = run(rig, "phases", spec(phases=phases))
    shown = [(phase["phaseType"], phase.get("phaseStatus", "")) for phase in build["phases"]]
    names = ["SUBMITTED", "QUEUED", "PROVISIONING", "DOWNLOAD_SOURCE", "INSTALL", "BUILD", "POST_BUILD"]
    assert shown == [(name, "SUCCEEDED") for name in [*names, "UPLOAD_ARTIFACTS", "FINALIZING"]] + [("COMPLETED", "")]
    assert (build["currentPhase"], build["buildNumber"], build["arn"]) == (
        "COMPLETED",
        1,
        f"arn:aws:codebuild:us-east-1:123456789012:build/{build['id']}",
    )


def test_a_failed_command_fails_its_phase_and_later_phases_still_run(rig: Rig) -> None:
    phases = {
        "build": {"commands": ["echo error: no data", "exit 4"]},
        "post_build": {"commands": ['URL="s3://after-$CODEBUILD_BUILD_SUCCEEDING"']},
    }
    build = run(rig, "failed", spec(phases=phases, env={"exported-variables": ["URL"]}))
    statuses = {phase["phaseType"]: phase.get("phaseStatus") for phase in build["phases"]}
    assert (build["buildStatus"], statuses["BUILD"], statuses["POST_BUILD"]) == ("FAILED", "FAILED", "SUCCEEDED")
    (context,) = next(phase["contexts"] for phase in build["phases"] if phase["phaseType"] == "BUILD")
    assert context == {
        "statusCode": "COMMAND_EXECUTION_ERROR",
        "message": "phase build ended with exit code 4: error: no data",
    }
    assert build["exportedEnvironmentVariables"] == [{"name": "URL", "value": "s3://after-0"}]


def test_a_buildspec_that_is_none_fails_the_build(rig: Rig) -> None:
    build = run(rig, "no-buildspec", "version: 0.1\nphases: {}\n")
    failed = next(phase for phase in build["phases"] if phase.get("phaseStatus") == "FAILED")
    assert (build["buildStatus"], failed["phaseType"], failed["contexts"][0]["statusCode"]) == (
        "FAILED",
        "DOWNLOAD_SOURCE",
        "YAML_FILE_ERROR",
    )


def test_a_build_is_stopped_with_everything_it_started(rig: Rig, tmp_path: Path) -> None:
    proof = tmp_path / "pid"
    rig.project("stopped", spec(f"sleep 60 & echo $! > {proof}; wait"), "NO_SOURCE")
    build = rig.builds.start_build(projectName="stopped")["build"]["id"]
    wait(lambda: proof.exists() and proof.read_text().strip())
    rig.builds.stop_build(id=build)
    assert ended(rig, build)["buildStatus"] == "STOPPED"
    wait(lambda: not Path(f"/proc/{proof.read_text().strip()}").exists() or _is_zombie(proof.read_text().strip()))


def _is_zombie(pid: str) -> bool:
    return "Z" in Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]


def test_a_build_ends_when_its_time_is_over(rig: Rig) -> None:
    rig.project("slow", spec("sleep 60"), "NO_SOURCE")
    build = rig.builds.start_build(projectName="slow")["build"]["id"]
    running = wait(
        lambda: next((p for p in rig.builds.batch_get_builds(ids=[build])["builds"] if len(p["phases"]) > 4), None)
    )
    assert running["currentPhase"] == "BUILD"
    of(rig.cloud)._runners[build].stop("TIMED_OUT")
    assert ended(rig, build)["buildStatus"] == "TIMED_OUT"


def test_the_same_token_starts_one_build(rig: Rig) -> None:
    rig.project("token", spec("true"), "NO_SOURCE")
    ids = {rig.builds.start_build(projectName="token", idempotencyToken="t")["build"]["id"] for _ in range(2)}
    assert [ended(rig, build_id)["buildStatus"] for build_id in ids] == ["SUCCEEDED"]
    assert rig.builds.list_builds_for_project(projectName="token")["ids"] == list(ids)


def test_codecommit_and_s3_are_sources_too_and_s3_takes_the_artifact(rig: Rig) -> None:
    text = spec("cat said.txt > out.txt", artifacts={"files": ["out.txt"]})
    commit = rig.repository(**{"said.txt": "from git", "buildspec.yml": text})
    place = {"type": "S3", "location": BUCKET, "path": "out", "name": "one.zip"}
    location = f"https://git-codecommit.us-east-1.amazonaws.com/v1/repos/{REPOSITORY}"
    rig.project("git", "", source={"type": "CODECOMMIT", "location": location}, artifacts=place)
    build = ended(rig, rig.builds.start_build(projectName="git", sourceVersion="refs/heads/main")["build"]["id"])
    assert (build["buildStatus"], build["resolvedSourceVersion"]) == ("SUCCEEDED", commit)
    s3 = rig.cloud.client("s3")

    def stored() -> bytes:
        body = s3.get_object(Bucket=BUCKET, Key="out/one.zip")["Body"].read()
        return zipfile.ZipFile(io.BytesIO(body)).read("out.txt")

    assert stored() == b"from git"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("said.txt", "from s3")
        archive.writestr("buildspec.yml", text)
    s3.put_object(Bucket=BUCKET, Key="in.zip", Body=buffer.getvalue())
    rig.project("zip", "", source={"type": "S3", "location": f"{BUCKET}/in.zip"}, artifacts=place)
    build = ended(rig, rig.builds.start_build(projectName="zip")["build"]["id"])
    assert (build["buildStatus"], stored()) == ("SUCCEEDED", b"from s3")


NOTHING: dict[str, Any] = {"type": "NO_ARTIFACTS"}
PIPELINE: dict[str, Any] = {"type": "CODEPIPELINE"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"source": PIPELINE, "artifacts": NOTHING}, "type CODEPIPELINE goes with source type CODEPIPELINE"),
        ({"source": {"type": "NO_SOURCE"}, "artifacts": PIPELINE}, "goes with source type CODEPIPELINE"),
        ({"source": {"type": "NO_SOURCE"}, "artifacts": NOTHING}, "buildspec must be given as text"),
        ({"source": {"type": "S3"}, "artifacts": NOTHING}, "location must be given for source type S3"),
        ({"source": {"type": "GITHUB", "location": "x"}, "artifacts": NOTHING}, "no source of type GITHUB"),
        ({"source": {"type": "NO_SOURCE", "buildspec": "version: 0.2"}, "artifacts": {"type": "S3"}}, "must be given"),
    ],
)
def test_projects_that_codebuild_refuses(rig: Rig, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ClientError) as caught:
        rig.project("refused", "", **changes)
    assert (code(caught), message in str(caught.value)) == ("InvalidInputException", True), str(caught.value)


def test_refusals_have_the_codes_of_aws(rig: Rig) -> None:
    rig.project("once", "buildspec.yml")
    refused = []
    for operation, request in [
        ("create_project", rig.builds.batch_get_projects(names=["once"])["projects"][0]),
        ("start_build", {"projectName": "once"}),
        ("start_build", {"projectName": "none"}),
        ("stop_build", {"id": "none:1"}),
        ("list_builds_for_project", {"projectName": "none"}),
        ("update_project", {"name": "none"}),
    ]:
        known = rig.builds.meta.service_model.operation_model(
            rig.builds.meta.method_to_api_mapping[operation]
        ).input_shape.members
        with pytest.raises(ClientError) as caught:
            getattr(rig.builds, operation)(**{key: value for key, value in request.items() if key in known})
        refused.append(code(caught))
    assert refused == [
        "ResourceAlreadyExistsException",
        "InvalidInputException",
        *["ResourceNotFoundException"] * 4,
    ]


def test_a_stack_makes_changes_and_removes_a_project(rig: Rig) -> None:
    cloudformation = rig.cloud.client("cloudformation")

    def template(minutes: int) -> str:
        properties = {
            "Name": "of-a-stack",
            "ServiceRole": role(BUILD),
            "TimeoutInMinutes": minutes,
            "Source": {"Type": "CODEPIPELINE", "BuildSpec": "buildspecs/build.yml"},
            "Artifacts": {"Type": "CODEPIPELINE"},
            "Environment": {
                "Type": "LINUX_CONTAINER",
                "ComputeType": "BUILD_GENERAL1_SMALL",
                "Image": "aws/codebuild/standard:7.0",
                "EnvironmentVariables": [{"Name": "A", "Value": {"Ref": "AWS::Region"}}],
            },
            "LogsConfig": {"CloudWatchLogs": {"Status": "ENABLED", "GroupName": "g"}},
            "Tags": [{"Key": "k", "Value": "v"}],
        }
        resources = {"Project": {"Type": "AWS::CodeBuild::Project", "Properties": properties}}
        outputs = {"Arn": {"Value": {"Fn::GetAtt": ["Project", "Arn"]}}, "Name": {"Value": {"Ref": "Project"}}}
        return json.dumps({"Resources": resources, "Outputs": outputs})

    def settled(status: str) -> dict[str, Any] | None:
        stack: dict[str, Any] = cloudformation.describe_stacks(StackName="project")["Stacks"][0]
        assert "FAILED" not in stack["StackStatus"] and "ROLLBACK" not in stack["StackStatus"], stack  # noqa: PT018
        return stack if stack["StackStatus"] == status else None

    cloudformation.create_stack(StackName="project", TemplateBody=template(10))
    outputs = {
        output["OutputKey"]: output["OutputValue"] for output in wait(lambda: settled("CREATE_COMPLETE"))["Outputs"]
    }
    arn = "arn:aws:codebuild:us-east-1:123456789012:project/of-a-stack"
    assert outputs == {"Arn": arn, "Name": "of-a-stack"}
    cloudformation.update_stack(StackName="project", TemplateBody=template(20))
    wait(lambda: settled("UPDATE_COMPLETE"))
    (project,) = rig.builds.batch_get_projects(names=["of-a-stack"])["projects"]
    shown = {key: project[key] for key in ("timeoutInMinutes", "source", "logsConfig", "tags")}
    assert shown == {
        "timeoutInMinutes": 20,
        "source": {"type": "CODEPIPELINE", "buildspec": "buildspecs/build.yml"},
        "logsConfig": {"cloudWatchLogs": {"status": "ENABLED", "groupName": "g"}},
        "tags": [{"key": "k", "value": "v"}],
    }
    assert project["environment"]["environmentVariables"] == [{"name": "A", "value": "us-east-1"}]
    cloudformation.delete_stack(StackName="project")
    wait(lambda: rig.builds.batch_get_projects(names=["of-a-stack"])["projectsNotFound"])


def test_the_aws_command_line_starts_and_shows_a_build(rig: Rig) -> None:
    rig.project("cli", spec("true"), "NO_SOURCE")
    build = aws(rig.cloud, "codebuild", "start-build", "--project-name", "cli")["build"]
    ended(rig, build["id"])
    (shown,) = aws(rig.cloud, "codebuild", "batch-get-builds", "--ids", build["id"])["builds"]
    assert (shown["buildStatus"], shown["initiator"]) == ("SUCCEEDED", "root")


def test_a_cloud_that_ends_ends_its_builds(tmp_path: Path) -> None:
    proof = tmp_path / "pid"
    with Cloud(tmp_path / "cloud", services=SERVICES) as cloud:
        other = Rig(cloud)
        other.project("left", spec(f"echo $$ > {proof}; sleep 60"), "NO_SOURCE")
        other.builds.start_build(projectName="left")
        wait(lambda: proof.exists() and proof.read_text().strip())
        began = time.monotonic()
    assert time.monotonic() - began < 4
    assert not Path(f"/proc/{proof.read_text().strip()}").exists()
