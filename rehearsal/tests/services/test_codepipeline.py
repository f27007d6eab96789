"""Pipelines run: sources, builds, stacks and approvals, through the same API as on AWS."""

from __future__ import annotations

import io
import json
import os
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sagemaker_rehearsal.account import SERVICES
from sagemaker_rehearsal.iam import enforce
from sagemaker_rehearsal.server import Cloud
from tests.services.command_line import aws
from tests.services.pipelines import (
    BUCKET,
    PIPE,
    REPOSITORY,
    STACK,
    Rig,
    approval,
    build,
    kind,
    pipeline,
    role,
    source,
    wait,
)

BUILDSPEC = """
version: 0.2
env:
  exported-variables: [SAID]
phases:
  build:
    commands:
      - echo "commit $COMMIT"
      - SAID="$(cat said.txt) of $COMMIT"
      - 'if [ -f fail.txt ]; then echo "error: the test set is empty"; exit 3; fi'
artifacts:
  files: ["**/*"]
"""
TEMPLATE = """
Parameters:
  Threshold: {Type: Number}
Resources:
  Alarm:
    Type: AWS::CloudWatch::Alarm
    Properties: {AlarmName: pipeline-alarm, Namespace: N, MetricName: M, Statistic: Sum, Period: 60,
      EvaluationPeriods: 1, Threshold: !Ref Threshold, ComparisonOperator: GreaterThanThreshold}
Outputs:
  Name: {Value: !Ref Alarm}
"""
COMMIT_VARIABLE = '[{"name":"COMMIT","value":"#{Source.CommitId}","type":"PLAINTEXT"}]'
FILES = {"said.txt": "a model", "buildspec.yml": BUILDSPEC}


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with Cloud(tmp_path_factory.mktemp("cloud"), services=SERVICES) as cloud:
        rig = Rig(cloud)
        rig.repository(**FILES)
        rig.project("project", "buildspec.yml")
        yield rig


def building() -> dict[str, Any]:
    configuration = {"ProjectName": "project", "EnvironmentVariables": COMMIT_VARIABLE}
    return build(configuration=configuration, outputArtifacts=[{"name": "Run"}], namespace="Build")


def deploying(mode: str = "CREATE_UPDATE", stack: str = "deployed", **more: str) -> dict[str, Any]:
    paths = {"TemplatePath": "Code::stack.yaml", "TemplateConfiguration": "Code::stack.json"}
    configuration = {"ActionMode": mode, "StackName": stack, "RoleArn": role(STACK), **paths, **more}
    inputs = [{"name": "Code"}]
    type_id = kind("Deploy", "CloudFormation")
    return {"name": "Deploy", "actionTypeId": type_id, "configuration": configuration, "inputArtifacts": inputs}


def code(caught: pytest.ExceptionInfo[ClientError]) -> str:
    return str(caught.value.response["Error"]["Code"])


def test_a_commit_is_built_and_approved(rig: Rig) -> None:
    """The approval's text has values of the source, a pipeline variable and the build."""
    commit = rig.commit(**{"said.txt": "a better model"})
    ask = approval(CustomData="#{Build.SAID} for #{variables.Who}", ExternalEntityLink="https://x.test/#{Build.SAID}")
    declared = pipeline(("Build", [building()]), ("Approval", [ask]), name="whole", variables=[{"name": "Who"}])
    first = rig.create(declared)
    assert rig.ended("whole", first) == "Failed", "nobody has said who"
    execution = rig.start("whole", variables=[{"name": "Who", "value": "me"}])
    asked = rig.asked("whole", "Approval", execution)
    actions = rig.actions("whole", execution)
    resolved = actions["Approve"]["input"]["resolvedConfiguration"]
    assert resolved == {
        "CustomData": f"a better model of {commit} for me",
        "ExternalEntityLink": f"https://x.test/a better model of {commit}",
    }
    assert asked["entityUrl"] == resolved["ExternalEntityLink"]
    rig.answer("whole", "Approval", asked["latestExecution"]["token"])
    assert rig.ended("whole", execution) == "Succeeded"
    latest = rig.state("whole")["Approval"]["actionStates"][0]["latestExecution"]
    seen = {key: latest.get(key) for key in ("status", "summary", "token", "lastUpdatedBy")}
    who = "arn:aws:iam::123456789012:root"
    assert seen == {"status": "Succeeded", "summary": "Approved by a test", "token": None, "lastUpdatedBy": who}


def test_a_source_action_tells_what_it_took(rig: Rig) -> None:
    commit = rig.commit("why it\n\nwas made", **{"said.txt": "x"})
    execution = rig.create(pipeline(("Build", [building()]), name="told"))
    assert rig.ended("told", execution) == "Succeeded"
    taken = rig.actions("told", execution)["Source"]["output"]
    variables = taken["outputVariables"]
    dates = variables.pop("AuthorDate"), variables.pop("CommitterDate")
    assert dates[0] == dates[1]
    assert dates[0].endswith("Z")
    assert variables == {
        "BranchName": "main",
        "CommitId": commit,
        "CommitMessage": "why it\n\nwas made",
        "RepositoryName": REPOSITORY,
    }
    location = taken["outputArtifacts"][0]["s3location"]
    archive = rig.cloud.client("s3").get_object(Bucket=location["bucket"], Key=location["key"])["Body"].read()
    assert zipfile.ZipFile(io.BytesIO(archive)).read("said.txt") == b"x"
    assert (location["bucket"], location["key"].rpartition("/")[0]) == (BUCKET, "told/Code")
    build_id = rig.actions("told", execution)["Build"]["output"]["executionResult"]["externalExecutionId"]
    (build,) = rig.builds.batch_get_builds(ids=[build_id])["builds"]
    assert (build["resolvedSourceVersion"], build["initiator"]) == (commit, "codepipeline/told")
    summary = rig.executions("told")[0]
    shown = summary["sourceRevisions"][0]
    assert (shown["actionName"], shown["revisionId"], summary["trigger"]["triggerType"]) == (
        "Source",
        commit,
        "CreatePipeline",
    )


def test_a_start_can_demand_an_older_commit(rig: Rig) -> None:
    older = rig.commit(**{"said.txt": "older"})
    rig.commit(**{"said.txt": "newer"})
    rig.ended("demand", rig.create(pipeline(("Build", [building()]), name="demand")))
    revision = {"actionName": "Source", "revisionType": "COMMIT_ID", "revisionValue": older}
    execution = rig.start("demand", sourceRevisions=[revision])
    assert rig.ended("demand", execution) == "Succeeded"
    output = rig.actions("demand", execution)["Build"]["output"]["outputVariables"]["SAID"]
    assert output == f"older of {older}"


def test_a_failed_build_fails_the_pipeline_with_its_last_words_and_a_retry_runs_it_again(rig: Rig) -> None:
    rig.commit(**{"fail.txt": "1"})
    execution = rig.create(pipeline(("Build", [building()]), ("Approval", [approval()]), name="failing"))
    assert rig.ended("failing", execution) == "Failed"
    stages = rig.state("failing")
    (action,) = stages["Build"]["actionStates"]
    error = action["latestExecution"]["errorDetails"]
    assert error == {
        "code": "JobFailed",
        "message": "Build terminated with state: FAILED. Phase: BUILD, Code: COMMAND_EXECUTION_ERROR, Message: "
        "phase build ended with exit code 3: error: the test set is empty",
    }
    assert (stages["Build"]["latestExecution"]["status"], "latestExecution" in stages["Approval"]) == ("Failed", False)
    assert "/codebuild/projects/project/build/project:" in action["latestExecution"]["externalExecutionUrl"]
    failed = rig.events("Pipeline", execution_id=execution, state="FAILED")
    assert len(failed) == 1
    rig.client.retry_stage_execution(
        pipelineName="failing", stageName="Build", pipelineExecutionId=execution, retryMode="FAILED_ACTIONS"
    )
    assert rig.ended("failing", execution) == "Failed", "the artifact is that of the same commit"
    wait(lambda: rig.events("Pipeline", execution_id=execution, state="RESUMED"))
    assert rig.state("failing")["Build"]["retryStageMetadata"]["manualStageRetryAttempt"] == 1
    _remove_file(rig, "fail.txt")


def _remove_file(rig: Rig, path: str) -> None:
    client = rig.cloud.client("codecommit")
    tip = client.get_branch(repositoryName=REPOSITORY, branchName="main")["branch"]["commitId"]
    request = {"repositoryName": REPOSITORY, "branchName": "main", "parentCommitId": tip}
    client.create_commit(**request, deleteFiles=[{"filePath": path}])


def test_events_tell_of_an_execution_from_beginning_to_end(rig: Rig) -> None:
    execution = rig.create(pipeline(("Approval", [approval()]), name="events"))
    token = rig.asked("events", "Approval")["latestExecution"]["token"]
    rig.answer("events", "Approval", token, "Rejected")
    wait(lambda: rig.events("Pipeline", execution_id=execution, state="FAILED"))
    told = [
        ".".join([event.get("stage", "-"), event.get("action", "-"), event["state"]])
        for event in rig.events("", execution_id=execution)
    ]
    assert told == [
        "-.-.STARTED",
        "Source.-.STARTED",
        "Source.Source.STARTED",
        "Source.Source.SUCCEEDED",
        "Source.-.SUCCEEDED",
        "Approval.-.STARTED",
        "Approval.Approve.STARTED",
        "Approval.Approve.FAILED",
        "Approval.-.FAILED",
        "-.-.FAILED",
    ]
    last = rig.events("Pipeline", execution_id=execution)[-1]
    last.pop("start-time")
    assert last == {
        "pipeline": "events",
        "execution-id": execution,
        "version": 1.0,
        "pipeline-execution-attempt": 1.0,
        "state": "FAILED",
    }


def test_a_missing_branch_fails_the_source_as_on_aws(rig: Rig) -> None:
    """The executions that new pipelines of the product start automatically end like this."""
    declared = pipeline(("Approval", [approval()]), name="early")
    declared["stages"][0]["actions"] = [
        source(configuration={"RepositoryName": REPOSITORY, "BranchName": "nothing"}, namespace="S")
    ]
    execution = rig.create(declared)
    assert rig.ended("early", execution) == "Failed"
    error = rig.state("early")["Source"]["actionStates"][0]["latestExecution"]["errorDetails"]
    assert (error["code"], "no branch named nothing was found" in error["message"]) == ("ConfigurationError", True)


def test_a_variable_that_nobody_gives_fails_the_action_that_needs_it(rig: Rig) -> None:
    ask = approval(CustomData="#{variables.Who}")
    execution = rig.create(pipeline(("Approval", [ask]), name="unset", variables=[{"name": "Who"}]))
    assert rig.ended("unset", execution) == "Failed"
    error = rig.actions("unset", execution)["Approve"]["output"]["executionResult"]["errorDetails"]
    assert "#{variables.Who} could not be resolved" in error["message"]
    with pytest.raises(ClientError, match="Who has no default value") as caught:
        rig.start("unset")
    assert code(caught) == "ValidationException"


def test_a_stack_is_made_changed_and_left_alone(rig: Rig) -> None:
    def configured(threshold: str) -> dict[str, str]:
        configuration = {"Parameters": {"Threshold": threshold}, "Tags": {"team": "ml"}}
        return {"stack.yaml": TEMPLATE, "stack.json": json.dumps(configuration)}

    rig.commit(**configured("1"))
    ask = approval(CustomData="#{Deployed.Name}")
    action = {**deploying(), "namespace": "Deployed"}
    execution = rig.create(pipeline(("Deploy", [action]), ("Approval", [ask]), name="deploy"))
    asked = rig.asked("deploy", "Approval")
    assert rig.actions("deploy", execution)["Approve"]["input"]["resolvedConfiguration"]["CustomData"] == (
        "pipeline-alarm"
    )
    stack = rig.cloud.client("cloudformation").describe_stacks(StackName="deployed")["Stacks"][0]
    assert (stack["StackStatus"], stack["Tags"]) == ("CREATE_COMPLETE", [{"Key": "team", "Value": "ml"}])
    rig.answer("deploy", "Approval", asked["latestExecution"]["token"])
    rig.commit(**configured("2"))
    second = rig.start("deploy")
    rig.answer("deploy", "Approval", rig.asked("deploy", "Approval", second)["latestExecution"]["token"])
    third = rig.start("deploy")
    rig.asked("deploy", "Approval", third)
    alarms = rig.cloud.client("cloudwatch").describe_alarms(AlarmNamePrefix="pipeline-alarm")["MetricAlarms"]
    assert ([alarm["Threshold"] for alarm in alarms], rig.status("deploy", second)) == ([2.0], "Succeeded")
    rig.client.delete_pipeline(name="deploy")


def test_a_stack_that_fails_fails_the_action_and_can_be_replaced(rig: Rig) -> None:
    broken = TEMPLATE.replace("AlarmName: pipeline-alarm", "Of: pipeline-alarm")
    parameters = json.dumps({"Parameters": {"Threshold": "3"}})
    rig.commit(**{"stack.yaml": broken, "stack.json": parameters})
    declared = pipeline(("Deploy", [deploying("REPLACE_ON_FAILURE", "replaced")]), name="replace")
    execution = rig.create(declared)
    assert rig.ended("replace", execution) == "Failed"
    error = rig.actions("replace", execution)["Deploy"]["output"]["executionResult"]["errorDetails"]
    assert "ROLLBACK_COMPLETE" in error["message"]
    assert "extraneous key [Of] is not permitted" in error["message"]
    rig.commit(**{"stack.yaml": TEMPLATE.replace("pipeline-alarm", "replaced-alarm")})
    assert rig.ended("replace", rig.start("replace")) == "Succeeded"
    removed = pipeline(("Deploy", [deploying("DELETE_ONLY", "replaced")]), name="remove")
    assert rig.ended("remove", rig.create(removed)) == "Succeeded"
    with pytest.raises(ClientError, match="does not exist"):
        rig.cloud.client("cloudformation").describe_stacks(StackName="replaced")


def test_a_change_set_is_made_approved_and_executed(rig: Rig) -> None:
    rig.commit(**{"stack.yaml": TEMPLATE.replace("pipeline-alarm", "set-alarm"), "stack.json": "{}"})
    overrides = {"ParameterOverrides": '{"Threshold":"#{Source.BranchName}"}'}
    make = deploying("CHANGE_SET_REPLACE", "set", ChangeSetName="changes", **overrides)
    make["configuration"]["ParameterOverrides"] = '{"Threshold":"7"}'
    execute = deploying("CHANGE_SET_EXECUTE", "set", ChangeSetName="changes")
    execute["configuration"] = {
        key: value
        for key, value in execute["configuration"].items()
        if key in ("ActionMode", "StackName", "ChangeSetName")
    }
    execution = rig.create(
        pipeline(("Make", [make]), ("Approval", [approval()]), ("Execute", [execute]), name="changes")
    )
    asked = rig.asked("changes", "Approval")
    assert rig.cloud.client("cloudwatch").describe_alarms(AlarmNamePrefix="set-alarm")["MetricAlarms"] == []
    rig.answer("changes", "Approval", asked["latestExecution"]["token"])
    assert rig.ended("changes", execution) == "Succeeded"
    (alarm,) = rig.cloud.client("cloudwatch").describe_alarms(AlarmNamePrefix="set-alarm")["MetricAlarms"]
    assert alarm["Threshold"] == 7.0


def test_a_pending_approval_holds_the_next_and_a_third_supersedes_the_second(rig: Rig) -> None:
    first = rig.create(pipeline(("Approval", [approval()]), name="superseded"))
    token = rig.asked("superseded", "Approval", first)["latestExecution"]["token"]
    second = rig.start("superseded")

    def waits(execution: str) -> bool:
        inbound = rig.state("superseded")["Approval"].get("inboundExecution", {})
        return bool(inbound.get("pipelineExecutionId") == execution)

    wait(lambda: waits(second))
    third = rig.start("superseded")
    wait(lambda: waits(third))
    assert rig.status("superseded", second) == "Superseded"
    rig.answer("superseded", "Approval", token, "Rejected")
    newer = rig.asked("superseded", "Approval", third)["latestExecution"]["token"]
    with pytest.raises(ClientError) as caught:
        rig.answer("superseded", "Approval", token)
    assert code(caught) == "ApprovalAlreadyCompletedException"
    rig.answer("superseded", "Approval", newer)
    assert [rig.ended("superseded", execution) for execution in (first, third)] == ["Failed", "Succeeded"]


def test_an_execution_is_stopped_while_it_waits_for_approval(rig: Rig) -> None:
    execution = rig.create(pipeline(("Approval", [approval()]), name="stopped"))
    token = rig.asked("stopped", "Approval")["latestExecution"]["token"]

    def stop(**more: Any) -> str:  # noqa: ANN401 (parameters of the API)
        request = {"pipelineName": "stopped", "pipelineExecutionId": execution, "reason": "not now", **more}
        return str(rig.client.stop_pipeline_execution(**request)["pipelineExecutionId"])

    assert (stop(), rig.status("stopped", execution)) == (execution, "Stopping")
    with pytest.raises(ClientError) as caught:
        stop()
    assert code(caught) == "DuplicatedStopRequestException"
    stop(abandon=True)
    assert rig.status("stopped", execution) == "Stopped"
    assert rig.executions("stopped")[0]["stopTrigger"] == {"reason": "not now"}
    with pytest.raises(ClientError) as caught:
        stop(abandon=True)
    assert code(caught) == "PipelineExecutionNotStoppableException"
    with pytest.raises(ClientError) as caught:
        rig.answer("stopped", "Approval", token)
    assert code(caught) == "InvalidApprovalTokenException"


def test_a_transition_is_disabled_and_enabled(rig: Rig) -> None:
    execution = rig.create(pipeline(("Approval", [approval()]), name="held"))
    rig.answer("held", "Approval", rig.asked("held", "Approval")["latestExecution"]["token"])
    rig.ended("held", execution)
    inbound = {"pipelineName": "held", "stageName": "Approval", "transitionType": "Inbound"}
    rig.client.disable_stage_transition(**inbound, reason="closed for the holidays")
    second = rig.start("held")
    wait(lambda: rig.state("held")["Approval"].get("inboundExecution"))
    transition = rig.state("held")["Approval"]["inboundTransitionState"]
    assert (transition["enabled"], transition["disabledReason"]) == (False, "closed for the holidays")
    rig.client.enable_stage_transition(**inbound)
    assert rig.asked("held", "Approval", second)["latestExecution"]["status"] == "InProgress"
    assert rig.state("held")["Approval"]["inboundTransitionState"]["enabled"]


def test_an_update_cancels_what_runs_and_counts_versions(rig: Rig) -> None:
    declared = pipeline(("Approval", [approval()]), name="updated")
    execution = rig.create(declared)
    rig.asked("updated", "Approval")
    answer = rig.client.update_pipeline(pipeline=declared)["pipeline"]
    got = rig.client.get_pipeline(name="updated")
    assert (answer["version"], got["pipeline"]["version"]) == (2, 2)
    assert got["metadata"]["pipelineArn"] == "arn:aws:codepipeline:us-east-1:123456789012:updated"
    assert rig.status("updated", execution) == "Cancelled"
    assert rig.client.list_pipelines()["pipelines"][-1]["name"] >= "updated"


def test_the_same_token_starts_one_execution(rig: Rig) -> None:
    rig.create(pipeline(("Approval", [approval()]), name="token"))
    started = {rig.start("token", clientRequestToken="one-and-the-same") for _ in range(2)}
    assert (len(started), len(rig.executions("token"))) == (1, 2)


def test_the_approver_is_told_through_sns(rig: Rig) -> None:
    sns, sqs = rig.cloud.client("sns"), rig.cloud.client("sqs")
    topic = sns.create_topic(Name="approvals")["TopicArn"]
    queue = sqs.create_queue(QueueName="approvals")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    ask = approval(NotificationArn=topic, CustomData="data", ExternalEntityLink="https://x.test")
    rig.create(pipeline(("Approval", [ask]), name="told-through-sns"))
    token = rig.asked("told-through-sns", "Approval")["latestExecution"]["token"]
    body = json.loads(sqs.receive_message(QueueUrl=queue)["Messages"][0]["Body"])
    notification = json.loads(body["Message"])["approval"]
    seen = {key: notification[key] for key in ("token", "stageName", "externalEntityLink", "customData")}
    assert seen == {
        "token": token,
        "stageName": "Approval",
        "externalEntityLink": "https://x.test",
        "customData": "data",
    }


def test_a_repository_of_a_git_host_is_taken_from_disk(rig: Rig, tmp_path: Path) -> None:
    def git(*arguments: str, cwd: Path = tmp_path) -> str:
        who = {f"GIT_{person}_{key}": "x@x.test" for person in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}
        done = subprocess.run(["git", *arguments], cwd=cwd, env={**os.environ, **who}, capture_output=True, check=True)
        return done.stdout.decode().strip()

    work = tmp_path / "work"
    git("init", "-q", "-b", "main", str(work))
    (work / "said.txt").write_text("from a host", encoding="utf-8")
    (work / "buildspec.yml").write_text(BUILDSPEC, encoding="utf-8")
    git("add", ".", cwd=work)
    git("commit", "-q", "-m", "first", cwd=work)
    bare = rig.cloud.state / "hosts" / "team" / "adult.git"
    git("clone", "-q", "--bare", str(work), str(bare))
    arn = "arn:aws:codeconnections:us-east-1:123456789012:connection/1bb4a7c2-0000-4000-8000-000000000000"
    configuration = {
        "ConnectionArn": arn,
        "FullRepositoryId": "team/adult",
        "BranchName": "main",
        "DetectChanges": "false",
    }
    declared = pipeline(("Build", [building()]), name="host")
    declared["stages"][0]["actions"] = [
        source(configuration=configuration, actionTypeId=kind("Source", "CodeStarSourceConnection"))
    ]
    execution = rig.create(declared)
    assert rig.ended("host", execution) == "Succeeded"
    commit = git("rev-parse", "HEAD", cwd=work)
    output = rig.actions("host", execution)["Build"]["output"]["outputVariables"]["SAID"]
    assert output == f"from a host of {commit}"


@pytest.mark.parametrize(
    ("operation", "params", "expected"),
    [
        ("get_pipeline", {"name": "none"}, "PipelineNotFoundException"),
        ("get_pipeline_state", {"name": "none"}, "PipelineNotFoundException"),
        ("start_pipeline_execution", {"name": "none"}, "PipelineNotFoundException"),
        ("start_pipeline_execution", {"variables": [{"name": "X", "value": "1"}]}, "ValidationException"),
        (
            "start_pipeline_execution",
            {"sourceRevisions": [{"actionName": "X", "revisionType": "COMMIT_ID", "revisionValue": "1"}]},
            "ValidationException",
        ),
        ("get_pipeline", {"version": 9}, "PipelineNotFoundException"),
        (
            "get_pipeline_execution",
            {"pipelineExecutionId": "0" * 8 + "-0000-0000-0000-" + "0" * 12},
            "PipelineExecutionNotFoundException",
        ),
        (
            "put_approval_result",
            {
                "stageName": "Nowhere",
                "actionName": "Approve",
                "result": {"summary": "", "status": "Approved"},
                "token": "0" * 8 + "-0000-0000-0000-" + "0" * 12,
            },
            "StageNotFoundException",
        ),
        (
            "put_approval_result",
            {
                "stageName": "Approval",
                "actionName": "Nothing",
                "result": {"summary": "", "status": "Approved"},
                "token": "0" * 8 + "-0000-0000-0000-" + "0" * 12,
            },
            "ActionNotFoundException",
        ),
        (
            "put_approval_result",
            {
                "stageName": "Approval",
                "actionName": "Approve",
                "result": {"summary": "", "status": "Approved"},
                "token": "0" * 8 + "-0000-0000-0000-" + "0" * 12,
            },
            "InvalidApprovalTokenException",
        ),
        ("list_pipeline_executions", {"nextToken": "x"}, "InvalidNextTokenException"),
        (
            "disable_stage_transition",
            {"stageName": "None", "transitionType": "Inbound", "reason": "r"},
            "StageNotFoundException",
        ),
    ],
)
def test_refusals_have_the_codes_of_aws(rig: Rig, operation: str, params: dict[str, Any], expected: str) -> None:
    named = "refusing"
    if named not in [pipeline["name"] for pipeline in rig.client.list_pipelines()["pipelines"]]:
        rig.create(pipeline(("Approval", [approval()]), name=named))
    call = getattr(rig.client, operation)
    members = rig.client.meta.service_model.operation_model(
        rig.client.meta.method_to_api_mapping[operation]
    ).input_shape.members
    key = "name" if "name" in members else "pipelineName"
    with pytest.raises(ClientError) as caught:
        call(**{key: named, **params})
    assert code(caught) == expected


def test_refused_declarations_and_double_names(rig: Rig) -> None:
    declared = pipeline(("Approval", [approval()]), name="twice")
    rig.create(declared)
    codes = []
    for changed in (declared, {**declared, "name": "other", "stages": declared["stages"][:1]}):
        with pytest.raises(ClientError) as caught:
            rig.client.create_pipeline(pipeline=changed)
        codes.append(code(caught))
    with pytest.raises(ClientError) as caught:
        rig.client.retry_stage_execution(
            pipelineName="twice",
            stageName="Approval",
            pipelineExecutionId=rig.executions("twice")[0]["pipelineExecutionId"],
            retryMode="ALL_ACTIONS",
        )
    assert [*codes, code(caught)] == [
        "PipelineNameInUseException",
        "InvalidStructureException",
        "StageNotRetryableException",
    ]


def test_the_aws_command_line_shows_and_approves(rig: Rig) -> None:
    rig.create(pipeline(("Approval", [approval(CustomData="look")]), name="cli"))
    rig.asked("cli", "Approval")
    state = aws(rig.cloud, "codepipeline", "get-pipeline-state", "--name", "cli")
    (waiting,) = state["stageStates"][1]["actionStates"]
    aws(
        rig.cloud,
        *("codepipeline", "put-approval-result", "--pipeline-name", "cli"),
        *("--stage-name", "Approval", "--action-name", "Approve"),
        *("--token", waiting["latestExecution"]["token"], "--result", "summary=fine,status=Approved"),
    )
    assert rig.ended("cli", rig.executions("cli")[0]["pipelineExecutionId"]) == "Succeeded"
    assert PIPE in rig.client.get_pipeline(name="cli")["pipeline"]["roleArn"]


def test_actions_need_the_permissions_of_the_pipeline_s_role(tmp_path: Path) -> None:
    """Permissions without a request of the public API are required too."""
    with Cloud(tmp_path / "cloud", services=SERVICES) as cloud:
        strict = Rig(cloud)
        strict.repository(**FILES)
        enforce(cloud)
        allowed = ["codecommit:GetBranch", "codecommit:GetCommit", "s3:*", "codecommit:GetUploadArchiveStatus"]
        statement = {"Effect": "Allow", "Action": allowed, "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        cloud.client("iam").put_role_policy(RoleName=PIPE, PolicyName="all", PolicyDocument=document)
        execution = strict.create(pipeline(("Approval", [approval()]), name="strict"))
        assert strict.ended("strict", execution) == "Failed"
        error = strict.state("strict")["Source"]["actionStates"][0]["latestExecution"]["errorDetails"]
        assert (error["code"], "codecommit:UploadArchive on resource" in error["message"]) == ("PermissionError", True)
        with pytest.raises(ClientError, match="not authorized to perform AssumeRole on role") as caught:
            strict.create(pipeline(("Approval", [approval()]), name="distrusted", roleArn=role(STACK)))
        assert code(caught) == "InvalidStructureException"
        with pytest.raises(ClientError, match="not authorized to perform: sts:AssumeRole") as caught:
            strict.project("distrusted", "", serviceRole=role(STACK))
        assert code(caught) == "InvalidInputException"
