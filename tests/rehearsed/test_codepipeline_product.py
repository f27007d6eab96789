"""The pipelines and projects of catalog/product.yaml run on a small stand-in repository."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from moto.cloudformation.models import Stack

from rehearsal.tests.services.pipelines import BUCKET, REPOSITORY, Rig, wait
from sagemaker_rehearsal.account import SERVICES
from sagemaker_rehearsal.codepipeline import of
from sagemaker_rehearsal.server import Cloud

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ROOT / "catalog" / "product.yaml"
BUILDSPECS = ROOT / "{{cookiecutter.project_slug}}" / "buildspecs"
KINDS = ("AWS::CodePipeline::Pipeline", "AWS::CodeBuild::Project")
PROJECT = "sagemaker-adult-p-abc123def456"
PACKAGE = "arn:aws:sagemaker:us-east-1:123456789012:model-package/adult-p-abc123def456/7"

STACK = """
Parameters:
  ModelPackageArn: {Type: String}
  Stage: {Type: String}
Resources:
  Alarm:
    Type: AWS::CloudWatch::Alarm
    Properties: {AlarmName: !Sub "product-${Stage}", AlarmDescription: !Ref ModelPackageArn, Namespace: N,
      MetricName: M, Statistic: Sum, Period: 60, EvaluationPeriods: 1, Threshold: 1,
      ComparisonOperator: GreaterThanThreshold}
"""
DEPLOY = """
import json, os, sys
command, stage = sys.argv[1], os.environ.get("STAGE", "")
os.makedirs("build", exist_ok=True)
if command == "prepare":
    for one in ("staging", "prod"):
        parameters = {"ModelPackageArn": os.environ["MODEL_PACKAGE_ARN"], "Stage": one}
        json.dump({"Parameters": parameters, "Tags": {"of": "test"}}, open(f"build/{one}.json", "w"))
elif command == "check":
    if os.path.exists(f"fail-{stage}.txt"):
        sys.exit(f"error: {stage} answers wrongly")
    for name in ("results.json", "dossier.html"):
        open(f"build/{name}", "w").write(stage)
else:
    print(f"export DOSSIER_URL=https://dossier.test/{stage} DOSSIER_S3_URI=s3://dossier/{stage}")
"""
BUILD = """
import json, os
os.makedirs("build", exist_ok=True)
names = ("COMMIT", "SAGEMAKER_PIPELINE_ROLE_ARN", "ARTIFACT_BUCKET")
json.dump({name: os.environ[name] for name in names}, open("build/run.json", "w"))
"""


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with Cloud(tmp_path_factory.mktemp("cloud"), services=SERVICES) as cloud:
        new_rig = Rig(cloud)
        cloud.client("codecommit").create_repository(repositoryName=REPOSITORY)
        cloud.client("cloudformation").create_stack(StackName="product", TemplateBody=json.dumps(template()))
        wait(lambda: _settled(cloud, "product"))
        yield new_rig


def _settled(cloud: Cloud, name: str) -> bool:
    stack = cloud.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    if "ROLLBACK" in stack["StackStatus"]:
        events = cloud.client("cloudformation").describe_stack_events(StackName=name)["StackEvents"]
        raise AssertionError([event["ResourceStatusReason"] for event in events if "FAILED" in event["ResourceStatus"]])
    return bool(stack["StackStatus"] == "CREATE_COMPLETE")


def template(**parameters: str) -> dict[str, Any]:
    """Return product.yaml's pipelines and projects; references to other resources become literals."""
    read = json.dumps(Stack.parse_template(PRODUCT.read_text(encoding="utf-8")))
    whole = json.loads(read.replace('"Fn::Condition"', '"Condition"'))  # what moto's reader makes of `!Condition`
    resources = {
        name: resource
        for name, resource in whole["Resources"].items()
        if resource["Type"] in KINDS and "Seed" not in name
    }
    roles = {
        name: whole["Resources"][name]["Properties"]["RoleName"]["Fn::Sub"]
        for name in whole["Resources"]
        if name.endswith("Role")
    }
    known = {"Bucket": "sagemaker-project-p-abc123def456", "Repository.Name": REPOSITORY}
    known |= {f"{name}.Arn": f"arn:aws:iam::123456789012:role/{_named(role)}" for name, role in roles.items()}
    values = {"SageMakerProjectName": "adult", "SageMakerProjectId": "p-abc123def456", **parameters}
    chosen = {name: {"Type": "String", "Default": value} for name, value in values.items()}
    parameter_defaults = {
        name: whole["Parameters"][name] | {"Default": whole["Parameters"][name].get("Default", "x")}
        for name in whole["Parameters"]
    }
    resources = _replaced(
        resources, {**known, **{f"{prefix}LogGroup": prefix.lower() for prefix in ("Build", "Prepare", "Check")}}
    )
    return {"Parameters": {**parameter_defaults, **chosen}, "Conditions": whole["Conditions"], "Resources": resources}


def _named(text: str) -> str:
    return text.replace("${SageMakerProjectName}", "adult").replace("${SageMakerProjectId}", "p-abc123def456")


def _replaced(node: Any, known: dict[str, str]) -> Any:  # noqa: ANN401 (JSON)
    """Replace references to omitted resources by literals."""
    if isinstance(node, dict) and len(node) == 1:
        (function, what), *_ = node.items()
        key = ".".join(what) if isinstance(what, list) and function == "Fn::GetAtt" else what
        if function in ("Ref", "Fn::GetAtt") and isinstance(key, str) and key in known:
            return known[key]
        if node == {"Ref": "Topic"}:
            return "arn:aws:sns:us-east-1:123456789012:topic"
    if isinstance(node, dict):
        return {key: _replaced(value, known) for key, value in node.items()}
    return [_replaced(item, known) for item in node] if isinstance(node, list) else node


def files(**more: str) -> dict[str, str]:
    """Return the product's buildspecs, with stand-ins for the scripts that they call."""
    specs = {f"buildspecs/{path.name}": path.read_text(encoding="utf-8") for path in BUILDSPECS.glob("*.yml")}
    code = {"pipeline/__main__.py": BUILD, "deploy/__main__.py": DEPLOY, "deploy/endpoint.yaml": STACK}
    return {**specs, **code, **more}


def test_the_first_executions_fail_at_the_source_and_cost_nothing(rig: Rig) -> None:
    """As documented in product.yaml: the branch does not exist yet."""
    for name in (f"{PROJECT}-build", f"{PROJECT}-deploy"):
        (first,) = rig.executions(name)
        assert rig.ended(name, first["pipelineExecutionId"]) == "Failed"
        assert first["trigger"]["triggerType"] == "CreatePipeline"
        assert rig.state(name)["Source"]["latestExecution"]["status"] == "Failed"
    assert rig.builds.list_builds()["ids"] == []


def test_every_field_of_the_declarations_arrives(rig: Rig) -> None:
    declared = yaml.safe_load(yaml.safe_dump(rig.client.get_pipeline(name=f"{PROJECT}-deploy")["pipeline"]))
    names = {stage["name"]: [action["name"] for action in stage["actions"]] for stage in declared["stages"]}
    assert names == {
        "Source": ["Source"],
        "Prepare": ["Prepare"],
        "Staging": ["Deploy", "Check"],
        "Approval": ["Approve"],
        "Production": ["Deploy", "Check"],
    }
    assert (declared["pipelineType"], declared["executionMode"]) == ("V2", "SUPERSEDED")
    defaults = {variable["name"]: variable.get("defaultValue") for variable in declared["variables"]}
    assert defaults == {"ModelPackageArn": None, "Commit": "unknown"}
    source = declared["stages"][0]["actions"][0]["configuration"]
    assert (source["PollForSourceChanges"], source["RepositoryName"]) == ("false", REPOSITORY)


def test_a_push_is_built_at_the_commit_that_the_router_names(rig: Rig) -> None:
    commit = rig.commit(**files())
    revision = {"actionName": "Source", "revisionType": "COMMIT_ID", "revisionValue": commit}
    execution = rig.start(f"{PROJECT}-build", sourceRevisions=[revision])
    assert rig.ended(f"{PROJECT}-build", execution) == "Succeeded", rig.state(f"{PROJECT}-build")
    location = rig.actions(f"{PROJECT}-build", execution)["Build"]["output"]["outputArtifacts"][0]["s3location"]
    assert location["key"].startswith("sagemaker-adult-p-ab/Run/")
    stored = rig.cloud.client("s3").get_object(Bucket=location["bucket"], Key=location["key"])["Body"].read()
    assert json.loads(zipfile.ZipFile(io.BytesIO(stored)).read("build/run.json")) == {
        "COMMIT": commit,
        "SAGEMAKER_PIPELINE_ROLE_ARN": f"arn:aws:iam::123456789012:role/{PROJECT}-exec",
        "ARTIFACT_BUCKET": BUCKET,
    }


def deploy(rig: Rig) -> str:
    variables = [{"name": "ModelPackageArn", "value": PACKAGE}]
    return rig.start(f"{PROJECT}-deploy", variables=variables)


def test_an_approved_package_goes_to_staging_and_after_the_approval_to_production(rig: Rig) -> None:
    commit = rig.commit("deploy", **{"README.md": "x"})
    name = f"{PROJECT}-deploy"
    execution = deploy(rig)
    asked = rig.asked(name, "Approval", execution)
    resolved = rig.actions(name, execution)["Approve"]["input"]["resolvedConfiguration"]
    assert resolved == {
        "ExternalEntityLink": "https://dossier.test/staging",
        "CustomData": f"Put {PACKAGE} into production? Trained by commit unknown, deployed by commit {commit}. "
        "The staging test passed; the dossier shows it: s3://dossier/staging",
    }
    alarms = rig.cloud.client("cloudwatch").describe_alarms(AlarmNamePrefix="product-")["MetricAlarms"]
    assert [(alarm["AlarmName"], alarm["AlarmDescription"]) for alarm in alarms] == [("product-staging", PACKAGE)]
    rig.answer(name, "Approval", asked["latestExecution"]["token"])
    assert rig.ended(name, execution) == "Succeeded"
    alarms = rig.cloud.client("cloudwatch").describe_alarms(AlarmNamePrefix="product-")["MetricAlarms"]
    assert sorted(alarm["AlarmName"] for alarm in alarms) == ["product-prod", "product-staging"]


def test_a_failing_staging_test_stops_before_the_approval(rig: Rig) -> None:
    name = f"{PROJECT}-deploy"
    rig.commit("fail", **{"fail-staging.txt": "x"})
    execution = deploy(rig)
    assert rig.ended(name, execution) == "Failed"
    action = rig.state(name)["Staging"]["actionStates"][1]
    assert action["latestExecution"]["errorDetails"]["message"].endswith("error: staging answers wrongly")
    assert set(rig.actions(name, execution)) == {"Source", "Prepare", "Deploy", "Check"}
    assert rig.state(name)["Approval"]["latestExecution"]["pipelineExecutionId"] != execution


def test_on_other_hosts_the_pipelines_take_the_connection_and_pushes_that_matter_start_training(tmp_path: Path) -> None:
    arn = "arn:aws:codeconnections:us-east-1:123456789012:connection/1bb4a7c2-0000-4000-8000-000000000000"
    body = json.dumps(
        template(GitProvider="github", ConnectionArn=arn, RepositoryId="team/adult", DefaultBranch="main")
    )
    with Cloud(tmp_path / "cloud", services=SERVICES) as cloud:
        other = Rig(cloud)
        cloud.client("cloudformation").create_stack(StackName="product", TemplateBody=body)
        wait(lambda: _settled(cloud, "product"))
        pipelines = of(cloud)
        source = pipelines.find(f"{PROJECT}-build").pipeline.stages[0].actions[0]
        assert (source.provider, source.configuration["ConnectionArn"]) == ("CodeStarSourceConnection", arn)
        assert pipelines.pushed("team/adult", "main", "0" * 40, ["README.md"]) == []
        (started,) = pipelines.pushed("team/adult", "main", "0" * 40, ["flows/preprocess.flow"])
        (newest, *_) = other.executions(f"{PROJECT}-build")
        assert (newest["pipelineExecutionId"], newest["trigger"]["triggerType"]) == (started, "WebhookV2")
