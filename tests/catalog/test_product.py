"""Steps 3 to 10: the product mirrors the template's questions, its names are the template's and the router's."""

from __future__ import annotations

import importlib
import json
import re
import sys
from collections.abc import Iterator
from itertools import product as combinations
from types import ModuleType
from typing import Any

import cfnlint
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.bundle import Bundle
from catalog.hook.answers import checked
from catalog.hook.request import RULES as SEED_RULES
from catalog.hook.request import hosted_name, parse
from catalog.release import pinned
from catalog.router import decide
from catalog.router.paths import BUILD
from tests.catalog.policies import ROOT, Stack, load
from tests.tree import TEMPLATE as GENERATED

PATH = ROOT / "catalog" / "product.yaml"
TEXT = PATH.read_text(encoding="utf-8")
TEMPLATE = load(PATH)
PARAMETERS: dict[str, dict[str, Any]] = TEMPLATE["Parameters"]
ENDPOINT = load(GENERATED / "deploy" / "endpoint.yaml")["Parameters"]
FORM = TEMPLATE["Metadata"]["AWS::CloudFormation::Interface"]
QUESTIONS = json.loads((ROOT / "cookiecutter.json").read_text(encoding="utf-8"))
ASKED = [name for name in QUESTIONS if not name.startswith("_") and name != "aws_region"]  # AWS::Region answers that
FREE = [name for name in ASKED if isinstance(QUESTIONS[name], str)]
CHOSEN = [name for name in ASKED if name not in FREE]
OWN = {
    "SageMakerProjectId",
    "ConnectionArn",
    "RepositoryId",
    "NotificationEmail",
    "RetrainingSchedule",
    "RetentionInDays",
    "KmsKeyArn",
    "VpcAccess",
    "TrainerRoleArns",
}
PUBLISHED = Bundle("template", b"the template")
CONNECTION = "arn:aws:codeconnections:eu-west-1:111122223333:connection/01234567-89ab-cdef-0123-456789abcdef"
PROJECT = {"SageMakerProjectName": "adult", "SageMakerProjectId": "p-abc123def456"}
NAME = "sagemaker-adult-p-abc123def456"
OTHER_HOST = {"GitProvider": "github", "ConnectionArn": CONNECTION, "RepositoryId": "team/adult-income"}
FULL = {"NotificationEmail": "ml-team@example.com", "RetrainingSchedule": "rate(7 days)"}
KEY = "arn:aws:kms:eu-west-1:111122223333:key/01234567-89ab-cdef-0123-456789abcdef"
SECURED = {"KmsKeyArn": KEY, "VpcAccess": "true"}
SWITCHES = [
    {**PROJECT, **host, **mail, **when, **secured}
    for host, mail, when, secured in combinations(
        ({}, OTHER_HOST),
        ({}, {"NotificationEmail": FULL["NotificationEmail"]}),
        ({}, {"RetrainingSchedule": FULL["RetrainingSchedule"]}),
        ({}, SECURED),
    )
]
# Lengths that services state for names: their API references, and IAM's and S3's user guides
LIMITS = {
    "AWS::IAM::ManagedPolicy": ("ManagedPolicyName", 128),
    "AWS::IAM::Role": ("RoleName", 64),
    "AWS::S3::Bucket": ("BucketName", 63),
    "AWS::SageMaker::ModelPackageGroup": ("ModelPackageGroupName", 63),
    "AWS::SageMaker::CodeRepository": ("CodeRepositoryName", 63),
    "AWS::CodeCommit::Repository": ("RepositoryName", 100),
    "AWS::CodePipeline::Pipeline": ("Name", 100),
    "AWS::CodeBuild::Project": ("Name", 150),
    "AWS::Events::Rule": ("Name", 64),
    "AWS::Scheduler::Schedule": ("Name", 64),
    "AWS::SNS::Topic": ("TopicName", 256),
    "AWS::Logs::LogGroup": ("LogGroupName", 512),
}
# The same for the endpoints' stacks, which the deploy pipeline makes of deploy/endpoint.yaml
ENDPOINT_LIMITS = {
    "AWS::SageMaker::Endpoint": ("EndpointName", 63),
    "AWS::ApplicationAutoScaling::ScalingPolicy": ("PolicyName", 256),
    "AWS::CloudWatch::Alarm": ("AlarmName", 255),
}
STACK_NAME = 128
LONGEST = {**OTHER_HOST, **FULL, "SageMakerProjectName": "z" * 32, "SageMakerProjectId": "p-" + "9" * 12}
MODULES = ("pipeline", "pipeline.errors", "pipeline.aws.names", "pipeline.aws.environment")


def parameter_of(question: str) -> str:
    """Return the name of the parameter that answers a question."""
    return "SageMakerProjectName" if question == "project_slug" else question.title().replace("_", "")


def made(values: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Return the resources of a project, resolved."""
    return Stack(TEMPLATE, {**PROJECT, **values}).resources()


def actions(pipeline: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a pipeline's actions in the order in which they run."""
    stages = pipeline["Properties"]["Stages"]
    return [action for stage in stages for action in sorted(stage["Actions"], key=lambda item: item.get("RunOrder", 1))]


def given_to(action: dict[str, Any]) -> dict[str, str]:
    """Return the environment variables that an action gives to its build."""
    return {row["name"]: row["value"] for row in json.loads(action["Configuration"]["EnvironmentVariables"])}


@pytest.fixture
def generated(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, ModuleType]]:
    """Return modules of the generated repository, loaded from where they stand."""
    monkeypatch.syspath_prepend(str(GENERATED))
    before = set(sys.modules)
    yield {name.rpartition(".")[2]: importlib.import_module(name) for name in MODULES}
    for name in set(sys.modules) - before:
        if name.partition(".")[0] == "pipeline":
            del sys.modules[name]


# ---- Form


@pytest.fixture(scope="module")
def findings() -> list[str]:
    """Return what cfn-lint finds, information included."""
    return [str(finding) for finding in cfnlint.lint(TEXT, regions=["us-east-1"])]


def test_cfn_lint_finds_nothing(findings: list[str]) -> None:
    assert [] == findings


def test_cloudformation_takes_it_from_s3() -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html."""
    assert len(TEXT.encode()) < 1_000_000


@pytest.mark.parametrize("name", PARAMETERS)
def test_every_parameter_is_labelled_grouped_explained_bounded_and_used(name: str) -> None:
    assert name in FORM["ParameterLabels"]
    assert 1 == [name in group["Parameters"] for group in FORM["ParameterGroups"]].count(True)
    assert "" != PARAMETERS[name]["Description"]
    assert {"AllowedPattern", "AllowedValues"} & set(PARAMETERS[name])
    used = {part: TEMPLATE[part] for part in ("Conditions", "Resources")}
    assert re.search(rf"'Ref': '{name}'|\${{{name}}}", str(used))


@pytest.mark.parametrize("values", SWITCHES, ids=lambda values: " ".join(sorted(set(values) - set(PROJECT))) or "plain")
def test_nothing_that_is_made_refers_to_what_is_not(values: dict[str, str]) -> None:
    stack, every = Stack(TEMPLATE, values), set(TEMPLATE["Resources"])
    there, seen = set(stack.resources()), set[str]()

    class Watching(Stack):
        def _name(self, name: str) -> str:
            seen.add(name)
            return super()._name(name)

    watching = Watching(TEMPLATE, values)
    watching.resources()
    watching.outputs()
    asked = {entry for name in there for entry in _listed(TEMPLATE["Resources"][name].get("DependsOn", []))}
    assert set() == (seen | asked) & every - there


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def test_everything_that_can_be_tagged_names_the_project() -> None:
    expected = [
        {"Key": "sagemaker:project-name", "Value": "adult"},
        {"Key": "sagemaker:project-id", "Value": "p-abc123def456"},
    ]
    resources = Stack(TEMPLATE, {**PROJECT, **OTHER_HOST, **FULL}, assume=True).resources()
    untagged = sorted(
        {resource["Type"] for resource in resources.values() if resource["Properties"].get("Tags") != expected}
    )
    assert [
        "AWS::IAM::ManagedPolicy",
        "AWS::S3::BucketPolicy",
        "AWS::SNS::TopicPolicy",
        "AWS::Scheduler::Schedule",
        "Custom::Seed",
    ] == untagged


def test_the_teams_work_outlives_the_project() -> None:
    """And what its endpoints need until their own stacks are deleted."""
    remaining = {name: resource.get("DeletionPolicy", "Delete") for name, resource in TEMPLATE["Resources"].items()}
    assert {
        "Bucket": "Retain",
        "BucketPolicy": "Retain",
        "ModelPackageGroup": "RetainExceptOnCreate",
        "Repository": "RetainExceptOnCreate",
        "EndpointRole": "RetainExceptOnCreate",
        "StackRole": "RetainExceptOnCreate",
    } == {name: policy for name, policy in remaining.items() if policy != "Delete"}


def test_the_bucket_is_private_encrypted_versioned_and_forgets_replaced_files() -> None:
    properties = made({})["Bucket"]["Properties"]
    assert {"Enabled"} == {properties["VersioningConfiguration"]["Status"]}
    assert {True} == set(properties["PublicAccessBlockConfiguration"].values())
    assert 4 == len(properties["PublicAccessBlockConfiguration"])
    assert "AES256" in str(properties["BucketEncryption"])
    rules = {rule["Id"]: rule for rule in properties["LifecycleConfiguration"]["Rules"]}
    assert {"NoncurrentDays": "90"} == rules["replaced-files"]["NoncurrentVersionExpiration"]
    expiring = {rule["Prefix"] for rule in rules.values() if "ExpirationInDays" in rule}
    assert {"sagemaker-", "seed/"} == expiring  # neither data, nor runs, nor releases
    denied = made({})["BucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert [{"Bool": {"aws:SecureTransport": "false"}}] == [entry["Condition"] for entry in denied]


def test_every_build_logs_to_a_group_of_its_own_whose_logs_end_some_day() -> None:
    resources = made(OTHER_HOST)
    groups = [resource["Properties"] for resource in resources.values() if resource["Type"] == "AWS::Logs::LogGroup"]
    builds = [
        resource["Properties"] for resource in resources.values() if resource["Type"] == "AWS::CodeBuild::Project"
    ]
    assert {f"/aws/codebuild/{group['Name']}" for group in builds} == {group["LogGroupName"] for group in groups}
    assert {f"/aws/codebuild/{build['Name']}": build["Name"] for build in builds} == {
        build["LogsConfig"]["CloudWatchLogs"]["GroupName"]: build["Name"] for build in builds
    }
    assert {"90"} == {group["RetentionInDays"] for group in groups}


# ---- Parameters


def test_the_parameters_are_the_questions_and_what_only_aws_needs() -> None:
    assert {parameter_of(name) for name in ASKED} | OWN == set(PARAMETERS)


@pytest.mark.parametrize("name", ASKED)
def test_a_label_is_the_questions_prompt(name: str) -> None:
    assert QUESTIONS["__prompts__"][name] == FORM["ParameterLabels"][parameter_of(name)]["default"]


@pytest.mark.parametrize("name", FREE)
def test_a_text_is_held_to_the_questions_rule(name: str) -> None:
    rule, parameter = QUESTIONS["_rules"][name], PARAMETERS[parameter_of(name)]
    expected = {
        "AllowedPattern": f"^{rule['pattern']}$",
        "MinLength": rule["min"],
        "MaxLength": rule["max"],
        "ConstraintDescription": rule["rule"],
    }
    if name != "project_slug":  # SageMaker gives the name
        expected["Default"] = QUESTIONS[name]
    assert expected == {key: value for key, value in parameter.items() if key not in ("Type", "Description")}


@pytest.mark.parametrize("name", CHOSEN)
def test_a_choice_offers_what_the_question_offers(name: str) -> None:
    parameter = PARAMETERS[parameter_of(name)]
    assert QUESTIONS[name] == parameter["AllowedValues"]
    assert QUESTIONS[name][0] == parameter["Default"]


@pytest.mark.parametrize("name", [name for name in PARAMETERS if "AllowedPattern" in PARAMETERS[name]])
def test_javas_regular_expressions_read_a_pattern_as_pythons_do(name: str) -> None:
    """Java reads [ and && inside a class as a union and an intersection, and knows no (?P<name>)."""
    pattern = PARAMETERS[name]["AllowedPattern"]
    classes = re.findall(r"\[\^?((?:\\.|[^\]\\])+)\]", pattern)
    assert [] == [one for one in classes if "[" in one or "&&" in one]
    assert not re.search(r"\(\?P|\\Z|\(\?<", pattern)
    assert (pattern[0], pattern[-1]) == ("^", "$")


def test_reserved_names_are_refused_where_rules_can() -> None:
    refused = {
        contains[1]["Ref"]: set(contains[0])
        for assertion in TEMPLATE["Rules"]["NamesAreNotReserved"]["Assertions"]
        for contains in [assertion["Assert"]["Fn::Not"][0]["Fn::Contains"]]
    }
    reserved = {name: set(rule["reserved"]) for name, rule in QUESTIONS["_rules"].items() if "reserved" in rule}
    assert {parameter_of(name): names for name, names in reserved.items()} == refused


@given(st.one_of(st.text(alphabet="ab/._-git ", max_size=12), st.from_regex(r"[a-z.]{1,6}(/[a-z._-]{1,6}){0,9}")))
def test_a_repository_of_another_host_is_named_as_the_hook_wants_it(name: str) -> None:
    taken = re.fullmatch(PARAMETERS["RepositoryId"]["AllowedPattern"], name) and not name.endswith("\n")
    assert bool(taken) == (not name or not hosted_name(name))


@given(
    st.from_regex(PARAMETERS["SageMakerProjectName"]["AllowedPattern"], fullmatch=True).filter(lambda n: len(n) <= 32),
    st.from_regex(PARAMETERS["SageMakerProjectId"]["AllowedPattern"], fullmatch=True),
)
def test_names_that_the_product_takes_are_taken_by_the_router_and_by_the_endpoints(name: str, project_id: str) -> None:
    name, project_id = name.strip("\n"), project_id.strip("\n")
    assert re.fullmatch(decide.PROJECT, f"{name}-{project_id}")
    for key, text in (("SageMakerProjectName", name), ("SageMakerProjectId", project_id)):
        assert re.fullmatch(ENDPOINT[key]["AllowedPattern"], text)
        assert ENDPOINT[key]["MinLength"] <= len(text) <= ENDPOINT[key]["MaxLength"]


@pytest.mark.parametrize("service", ["codeconnections", "codestar-connections"])
def test_connections_of_either_name_are_taken(service: str) -> None:
    arn = CONNECTION.replace("codeconnections", service)
    assert re.fullmatch(PARAMETERS["ConnectionArn"]["AllowedPattern"], arn)


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("", True),
        (KEY, True),
        (KEY.replace("arn:aws:", "arn:aws-us-gov:"), True),
        ("arn:aws:kms:eu-west-1:111122223333:key/mrk-0123456789abcdef0123456789abcdef", True),
        ("arn:aws:kms:eu-west-1:111122223333:alias/ours", False),  # policies name keys
        ("arn:aws:kms:eu-west-1:111122223333:key/*", False),
        ("01234567-89ab-cdef-0123-456789abcdef", False),
    ],
)
def test_a_key_is_given_by_its_arn(text: str, taken: bool) -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#key-id."""
    assert taken == bool(re.fullmatch(PARAMETERS["KmsKeyArn"]["AllowedPattern"], text))


def test_neither_key_nor_network_is_asked_for() -> None:
    assert {"KmsKeyArn": "", "VpcAccess": "false"} == {name: PARAMETERS[name]["Default"] for name in SECURED}


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("", True),
        ("arn:aws:iam::111122223333:role/service-role/AmazonSageMaker-ExecutionRole-1", True),
        ("arn:aws-us-gov:iam::111122223333:role/aws-reserved/sso.amazonaws.com/*/AWSReservedSSO_DataScience_*", True),
        ("arn:aws:iam::111122223333:user/somebody", False),
        ("AmazonSageMaker-ExecutionRole-1", False),
        ("*", False),
    ],
)
def test_trainers_are_roles(text: str, taken: bool) -> None:
    assert taken == bool(re.fullmatch(PARAMETERS["TrainerRoleArns"]["AllowedPattern"], text))
    assert "" == PARAMETERS["TrainerRoleArns"]["Default"]


def test_the_repository_says_which_parameters_allow_its_key_and_network() -> None:
    text = (GENERATED / "settings.yaml").read_text(encoding="utf-8")
    (comment,) = re.findall(r"((?:^#.*\n)+)security:", text, re.MULTILINE)
    assert [] == [name for name in SECURED if name not in comment]


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("", True),
        ("rate(7 days)", True),
        ("rate(1 day)", True),
        ("cron(0 4 ? * MON *)", True),
        ("cron(0 4 1,15 * ? 2026-2030)", True),
        ("rate(1 minute)", False),  # each run may train a model
        ("rate(0 days)", False),
        ("cron(0 4 * * *)", False),
        ("7 days", False),
    ],
)
def test_schedules_are_those_of_the_scheduler_and_not_by_the_minute(text: str, taken: bool) -> None:
    """https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html."""
    assert taken == bool(re.fullmatch(PARAMETERS["RetrainingSchedule"]["AllowedPattern"], text))


def test_the_e_mail_addresses_are_held_to_the_same_rule() -> None:
    pattern = PARAMETERS["AuthorEmail"]["AllowedPattern"]
    assert f"^(|{pattern[1:-1]})$" == PARAMETERS["NotificationEmail"]["AllowedPattern"]


def test_codecommit_and_connections_exclude_each_other() -> None:
    codecommit = {"Fn::Equals": [{"Ref": "GitProvider"}, "codecommit"]}
    empty = [{"Fn::Equals": [{"Ref": name}, ""]} for name in ("ConnectionArn", "RepositoryId")]
    result = {
        name: (rule.get("RuleCondition"), [assertion["Assert"] for assertion in rule["Assertions"]])
        for name, rule in TEMPLATE["Rules"].items()
    }
    assert ({"Fn::Not": [codecommit]}, [{"Fn::Not": [entry]} for entry in empty]) == result["OtherHostsNeedAConnection"]
    assert (codecommit, empty) == result["CodeCommitNeedsNone"]


def test_a_refusal_by_codecommit_is_explained_where_the_host_is_chosen() -> None:
    """Nothing of ours runs when CloudFormation is refused the repository (SEED.md)."""
    assert "OperationNotAllowedException" in PARAMETERS["GitProvider"]["Description"]


# ---- Names


def named(resources: dict[str, dict[str, Any]]) -> dict[tuple[str, str], str]:
    """Return each name that a template makes of the project's name or id, by type and place."""
    named = {
        (resource["Type"], f"{logical}.{key}"): str(value)
        for logical, resource in resources.items()
        if not resource["Type"].startswith("Custom::")
        for key, value in resource["Properties"].items()
        if key.endswith("Name") and key != "DisplayName"
    }
    return {place: name for place, name in named.items() if any(LONGEST[part] in name for part in PROJECT)}


def too_long(resources: dict[str, dict[str, Any]], limits: dict[str, tuple[str, int]]) -> list[tuple[str, str]]:
    """Return the names that pass their service's limit, and those of types that have none here."""
    return [
        (place, name)
        for (kind, place), name in named(resources).items()
        if kind not in limits or place.rpartition(".")[2] != limits[kind][0] or len(name) > limits[kind][1]
    ]


def test_the_longest_names_keep_the_services_limits() -> None:
    bounds = {name: PARAMETERS[name]["MaxLength"] for name in PROJECT}
    assert bounds == {name: len(LONGEST[name]) for name in PROJECT}
    resources = Stack(TEMPLATE, LONGEST, assume=True).resources()
    assert [] == too_long(resources, LIMITS)
    assert set(LIMITS) >= {kind for kind, _ in named(resources)}


def test_no_role_has_room_for_a_longer_suffix() -> None:
    """IAM takes 64 characters: with one letter more than `deploy` a role could not be made for every project."""
    every = named(Stack(TEMPLATE, LONGEST, assume=True).resources())
    roles = {place: name for (kind, place), name in every.items() if kind == "AWS::IAM::Role"}
    assert 8 == len(roles)
    assert {"DeployRole.RoleName": 64} == {place: len(name) for place, name in roles.items() if len(name) >= 64}


@pytest.mark.parametrize("stage", ["staging", "prod"])
def test_the_longest_names_of_an_endpoints_stack_keep_the_services_limits(stage: str) -> None:
    template = load(GENERATED / "deploy" / "endpoint.yaml")
    values = {name: LONGEST[name] for name in PROJECT}
    resources = Stack(template, {**values, "StageName": stage}, assume=True).resources()
    assert [] == too_long(resources, ENDPOINT_LIMITS)
    assert set(ENDPOINT_LIMITS) == {kind for kind, _ in named(resources)}
    pipeline = Stack(TEMPLATE, LONGEST, assume=True).resources()["DeployPipeline"]
    stacks = [
        action["Configuration"]["StackName"] for action in actions(pipeline) if "StackName" in action["Configuration"]
    ]
    assert [len(f"sagemaker-{'-'.join(values.values())}-{stage}")] == [
        len(stack) for stack in stacks if stack.endswith(stage)
    ]
    assert max(map(len, stacks)) <= STACK_NAME


def test_names_are_those_of_the_generated_repository(generated: dict[str, ModuleType]) -> None:
    names, resources, project = generated["names"], made(FULL), tuple(PROJECT.values())
    deploys = {
        action["Configuration"]["TemplateConfiguration"]: action["Configuration"]["StackName"]
        for action in actions(resources["DeployPipeline"])
        if action["ActionTypeId"]["Provider"] == "CloudFormation"
    }
    assert names.bucket(PROJECT["SageMakerProjectId"]) == resources["Bucket"]["Properties"]["BucketName"]
    group = resources["ModelPackageGroup"]["Properties"]["ModelPackageGroupName"]
    assert names.model_package_group(*project) == group
    assert {f"Prepared::build/{stage}.json": names.stack(*project, stage) for stage in ("staging", "prod")} == deploys
    arn = f"arn:aws:sagemaker:eu-west-1:111122223333:pipeline/{names.pipeline(*project)}"
    assert [arn] == resources["GateFailedRule"]["Properties"]["EventPattern"]["detail"]["pipelineArn"]
    endpoints = [names.endpoint(project[0], stage) for stage in ("staging", "prod")]
    assert ", ".join(endpoints) == Stack(TEMPLATE, PROJECT).outputs()["EndpointNames"]


def test_names_are_those_that_the_router_derives() -> None:
    resources, commit = made({}), "0" * 40
    project = decide.REPOSITORY.fullmatch(resources["Repository"]["Properties"]["RepositoryName"])
    assert project is not None
    assert resources["ModelPackageGroup"]["Properties"]["ModelPackageGroupName"] == project["project"]
    push = decide.Push("event", project["project"], "main", commit, "")
    built = decide.on_push(push, decide.Source(push.repository, "main"), None, None)
    approval = decide.Approval("event", project["project"], "arn")
    deployed = decide.on_approval(approval, decide.Package("arn", "Approved", commit))
    assert not isinstance(built, decide.Ignore)
    assert not isinstance(deployed, decide.Ignore)
    assert resources["BuildPipeline"]["Properties"]["Name"] == built[0].pipeline
    assert resources["DeployPipeline"]["Properties"]["Name"] == deployed[0].pipeline
    declared = {variable["Name"] for variable in resources["DeployPipeline"]["Properties"]["Variables"]}
    assert declared == set(deployed[0].variables)  # StartPipelineExecution takes no others


def test_the_router_finds_repository_branch_and_source_action_where_it_looks() -> None:
    """Account.source and Account.start in catalog/router/handler.py."""
    for name in ("BuildPipeline", "DeployPipeline"):
        source = made({"DefaultBranch": "trunk"})[name]["Properties"]["Stages"][0]["Actions"][0]
        assert "Source" == source["Name"]
        result = {key: source["Configuration"][key] for key in ("RepositoryName", "BranchName")}
        assert {"RepositoryName": NAME, "BranchName": "trunk"} == result
        assert source["Configuration"]["PollForSourceChanges"] is False


# ---- Pipelines


def test_pushes_to_other_hosts_are_filtered_by_the_routers_patterns() -> None:
    """At most 8 patterns of at most 255 characters: docs.aws.amazon.com/codepipeline, GitFilePathFilterCriteria."""
    (trigger,) = made({**OTHER_HOST, "DefaultBranch": "trunk"})["BuildPipeline"]["Properties"]["Triggers"]
    assert {"ProviderType": "CodeStarSourceConnection"} == {"ProviderType": trigger["ProviderType"]}
    assert "Source" == trigger["GitConfiguration"]["SourceActionName"]
    (push,) = trigger["GitConfiguration"]["Push"]
    assert {"Branches": {"Includes": ["trunk"]}, "FilePaths": {"Includes": list(BUILD)}} == push
    assert len(BUILD) <= 8


@pytest.mark.parametrize("host", [{}, OTHER_HOST], ids=["codecommit", "github"])
def test_nothing_else_starts_a_pipeline_by_itself(host: dict[str, str]) -> None:
    resources = made(host)
    assert "Triggers" not in resources["DeployPipeline"]["Properties"]
    assert ("Triggers" in resources["BuildPipeline"]["Properties"]) == bool(host)
    for name in ("BuildPipeline", "DeployPipeline"):
        properties = resources[name]["Properties"]
        detection = {"PollForSourceChanges", "DetectChanges"} & set(actions(resources[name])[0]["Configuration"])
        assert [False] == [actions(resources[name])[0]["Configuration"][key] for key in detection]
        assert ("V2", False) == (properties["PipelineType"], properties["RestartExecutionOnUpdate"])


@pytest.mark.parametrize("name", ["BuildPipeline", "DeployPipeline"])
def test_every_artifact_and_variable_is_there_before_it_is_used(name: str) -> None:
    exported = set(re.findall(r"^    - (\w+)$", (GENERATED / "buildspecs" / "check.yml").read_text("utf-8"), re.M))
    assert {"DOSSIER_URL", "DOSSIER_S3_URI"} == exported
    pipeline = made(FULL)[name]
    known = {f"variables.{variable['Name']}" for variable in pipeline["Properties"].get("Variables", [])}
    artifacts = set[str]()
    for action in actions(pipeline):
        used = set(re.findall(r"#\{([^}]+)\}", json.dumps(action["Configuration"])))
        assert used <= known
        assert {input_artifact["Name"] for input_artifact in action.get("InputArtifacts", [])} <= artifacts
        artifacts |= {output_artifact["Name"] for output_artifact in action.get("OutputArtifacts", [])}
        gives = {"CodeCommit": {"CommitId"}, "CodeBuild": exported}.get(action["ActionTypeId"]["Provider"], set())
        known |= {f"{action['Namespace']}.{give}" for give in gives if "Namespace" in action}


def test_a_model_goes_through_staging_its_test_and_a_persons_approval() -> None:
    expected = ["Source/Source", "Prepare/Prepare", "Staging/Deploy", "Staging/Check", "Approval/Approve"]
    stages = made({})["DeployPipeline"]["Properties"]["Stages"]
    result = [f"{stage['Name']}/{action['Name']}" for stage in stages for action in stage["Actions"]]
    assert [*expected, "Production/Deploy", "Production/Check"] == result
    orders = [action["RunOrder"] for stage in stages for action in stage["Actions"] if len(stage["Actions"]) > 1]
    assert [1, 2, 1, 2] == orders


def test_the_approval_opens_the_dossier_and_says_what_is_approved() -> None:
    (approval,) = [action for action in actions(made(FULL)["DeployPipeline"]) if action["Name"] == "Approve"]
    assert "#{Check.DOSSIER_URL}" == approval["Configuration"]["ExternalEntityLink"]
    for part in ("#{variables.ModelPackageArn}", "#{variables.Commit}", "#{Source.CommitId}", "staging"):
        assert part in approval["Configuration"]["CustomData"]
    assert f"arn:aws:sns:eu-west-1:111122223333:{NAME}" == approval["Configuration"]["NotificationArn"]
    (quiet,) = [action for action in actions(made({})["DeployPipeline"]) if action["Name"] == "Approve"]
    assert "NotificationArn" not in quiet["Configuration"]


def test_production_is_never_deleted_to_be_replaced() -> None:
    modes = {
        action["Configuration"]["TemplateConfiguration"]: action["Configuration"]["ActionMode"]
        for action in actions(made({})["DeployPipeline"])
        if "ActionMode" in action["Configuration"]
    }
    expected = {"Prepared::build/staging.json": "REPLACE_ON_FAILURE", "Prepared::build/prod.json": "CREATE_UPDATE"}
    assert expected == modes


def test_the_files_that_are_named_are_in_the_repository() -> None:
    resources = made(OTHER_HOST)
    sources = [
        resource["Properties"]["Source"]
        for resource in resources.values()
        if resource["Type"] == "AWS::CodeBuild::Project"
    ]
    specs = [source["BuildSpec"] for source in sources if source["Type"] == "CODEPIPELINE"]
    assert {f"buildspecs/{name}.yml" for name in ("build", "prepare", "check")} == set(specs)
    templates = {
        action["Configuration"]["TemplatePath"].removeprefix("Prepared::")
        for action in actions(resources["DeployPipeline"])
        if "TemplatePath" in action["Configuration"]
    }
    assert [] == [path for path in (*specs, *templates) if not (GENERATED / path).is_file()]


def test_builds_run_on_an_image_that_has_every_python_that_is_offered() -> None:
    """Standard 7.0 has 3.9 to 3.13: docs.aws.amazon.com/codebuild/latest/userguide/available-runtimes.html."""
    builds = [entry["Properties"] for entry in made(OTHER_HOST).values() if entry["Type"] == "AWS::CodeBuild::Project"]
    images = {build["Environment"]["Image"] for build in builds}
    assert [] == [image for image in images if int(image.removeprefix("aws/codebuild/standard:").split(".")[0]) < 7]
    assert {False} == {build["Environment"].get("PrivilegedMode", False) for build in builds}


@pytest.mark.parametrize(
    ("pipeline", "action", "required"),
    [
        ("BuildPipeline", "Build/Build", ()),
        ("DeployPipeline", "Prepare/Prepare", ("SAGEMAKER_ENDPOINT_ROLE_ARN", "MODEL_PACKAGE_ARN")),
        ("DeployPipeline", "Staging/Check", ("STAGE",)),
        ("DeployPipeline", "Production/Check", ("STAGE",)),
    ],
)
def test_every_build_gets_the_variables_that_its_command_reads(
    generated: dict[str, ModuleType], pipeline: str, action: str, required: tuple[str, ...]
) -> None:
    """Read by the generated repository's own code. CodeBuild itself gives AWS_DEFAULT_REGION."""
    module, resources = generated["environment"], made({})
    stage, _, name = action.partition("/")
    (stages,) = [one for one in resources[pipeline]["Properties"]["Stages"] if one["Name"] == stage]
    (result,) = [action for action in stages["Actions"] if action["Name"] == name]
    (project,) = [
        resource["Properties"]
        for resource in resources.values()
        if resource["Properties"].get("Name") == result["Configuration"]["ProjectName"]
        and resource["Type"] == "AWS::CodeBuild::Project"
    ]
    package = "arn:aws:sagemaker:eu-west-1:111122223333:model-package/adult-p-abc123def456/1"
    values = {"#{variables.ModelPackageArn}": package, "#{Source.CommitId}": "0" * 40}
    variables = {row["Name"]: row["Value"] for row in project["Environment"]["EnvironmentVariables"]}
    variables |= {key: values.get(value, value) for key, value in given_to(result).items()}
    asked = module.BUILD if pipeline == "BuildPipeline" else (*module.COMMON, *required)
    environment = module.Environment.read({**variables, "AWS_DEFAULT_REGION": "eu-west-1"}, asked)
    assert ("adult", "p-abc123def456") == (environment.project_name, environment.project_id)
    assert {*asked} - {"AWS_DEFAULT_REGION"} | ({"COMMIT"} & set(variables)) == set(variables)


def test_the_stages_are_tested_under_their_names() -> None:
    stages = made({})["DeployPipeline"]["Properties"]["Stages"]
    checks = {
        stage["Name"]: given_to(action) for stage in stages for action in stage["Actions"] if action["Name"] == "Check"
    }
    assert {"Staging": {"STAGE": "staging"}, "Production": {"STAGE": "prod"}} == checks


def test_the_schedule_starts_the_build_pipeline() -> None:
    target = made(FULL)["Schedule"]["Properties"]["Target"]
    assert f"arn:aws:codepipeline:eu-west-1:111122223333:{NAME}-build" == target["Arn"]
    assert "Schedule" not in made({})


# ---- The seed


@pytest.mark.parametrize("host", [{}, OTHER_HOST], ids=["codecommit", "github"])
def test_the_seed_is_a_request_that_the_hook_takes(host: dict[str, str]) -> None:
    """Form and answers: the defaults of the form are answers that the template's rules take."""
    text = pinned(TEXT, bucket="sagemaker-autopilot-artifacts", template=PUBLISHED, version_id="3sL4kqtJlcpXroDTDmJ")
    template = {**TEMPLATE, "Mappings": _mappings(text)}
    properties = Stack(template, {**PROJECT, **host}).resources()["Seed"]["Properties"]
    event = {"RequestType": "Create", "StackId": "s", "RequestId": "r", "LogicalResourceId": "Seed"}
    request = parse({**event, "ResourceProperties": {**properties, "ServiceTimeout": "900"}})
    assert (host.get("RepositoryId", NAME), "main") == (request.repository, request.branch)
    assert PUBLISHED.key == request.artifact.key
    answers = checked(QUESTIONS, request.answers, request.branch, request.provider)
    assert {name for name in QUESTIONS if not name.startswith("_")} == set(answers)
    assert set(SEED_RULES) - ({"ProjectBucket", "SeedProject"} if not host else set()) == set(properties) - {
        "ServiceToken",
        "ServiceTimeout",
    }


def _mappings(text: str) -> dict[str, Any]:
    lines = dict(re.findall(r'^      (Bucket|Key|VersionId|Sha256): "(.+)"$', text, re.MULTILINE))
    return {**TEMPLATE["Mappings"], "Published": {"Template": lines}}


def test_publishing_finds_its_four_places() -> None:
    text = pinned(TEXT, bucket="sagemaker-autopilot-artifacts", template=PUBLISHED, version_id="3sL4kqtJlcpXroDTDmJ")
    expected = {
        "Bucket": "sagemaker-autopilot-artifacts",
        "Key": PUBLISHED.key,
        "VersionId": "3sL4kqtJlcpXroDTDmJ",
        "Sha256": PUBLISHED.sha256,
    }
    assert expected == _mappings(text)["Published"]["Template"]
    assert TEMPLATE["Mappings"]["Published"]["Template"] == dict.fromkeys(expected, "unpublished")
    unpinned = re.sub(r'^(      (?:Bucket|Key|VersionId|Sha256)): ".+"$', r"\1: unpublished", text, flags=re.MULTILINE)
    assert unpinned == TEXT


def references(node: object) -> Iterator[str]:
    """Yield the names that Ref, GetAtt and Sub lead to, pseudo parameters and parameters among them."""
    if isinstance(node, list):
        yield from (name for item in node for name in references(item))
    for key, value in node.items() if isinstance(node, dict) else ():
        match key, value:
            case ("Ref", str(name)) | ("Fn::GetAtt", [str(name), *_]):
                yield name
            case ("Fn::Sub", str(text)) | ("Fn::Sub", [str(text), _]):
                yield from re.findall(r"\$\{(\w+)[.}]", text)
        yield from references(value)


def needs(name: str) -> set[str]:
    """Return every resource that is made before one, by references and DependsOn."""
    needs, left = set[str](), [name]
    while left:
        resource = TEMPLATE["Resources"][left.pop()]
        named = {*references(resource.get("Properties", {})), *_listed(resource.get("DependsOn", []))}
        new = (named & set(TEMPLATE["Resources"])) - needs
        needs |= new
        left += new
    return needs


def test_the_first_push_finds_all_that_reacts_to_it() -> None:
    before = needs("Seed")
    assert {"PushRule", "ModelRule", "BuildPipeline", "DeployPipeline", "Repository", "Bucket", "SeedProject"} <= before
    assert "BuildProject" in before


@pytest.mark.parametrize("rule", ["PipelineFailedRule", "GateFailedRule", "TrainingFailedRule"])
def test_nobody_is_told_of_the_executions_before_the_first_push(rule: str) -> None:
    assert "Seed" in needs(rule)


def test_the_seed_build_is_the_one_in_seed_md() -> None:
    described = (ROOT / "catalog" / "SEED.md").read_text(encoding="utf-8")
    (expected,) = re.findall(r"```yaml\n(.*?)```", described, re.DOTALL)
    project = made(OTHER_HOST)["SeedProject"]["Properties"]
    assert expected == project["Source"]["BuildSpec"]
    variables = {row["Name"]: row["Value"] for row in project["Environment"]["EnvironmentVariables"]}
    assert {
        "CONNECTION_ARN": CONNECTION,
        "REPOSITORY": "team/adult-income",
        "SEED_BUCKET": "sagemaker-project-p-abc123def456",
    } == variables
    assert {"Source": "NO_SOURCE", "TimeoutInMinutes": 10} == {
        "Source": project["Source"]["Type"],
        "TimeoutInMinutes": project["TimeoutInMinutes"],
    }
    assert not {"SeedProject", "SeedRole", "SeedLogGroup"} & set(made({}))


@pytest.mark.parametrize(
    ("values", "url"),
    [
        ({}, "Repository.CloneUrlHttp"),
        (OTHER_HOST, "https://github.com/team/adult-income.git"),
        ({**OTHER_HOST, "GitProvider": "bitbucket"}, "https://bitbucket.org/team/adult-income.git"),
    ],
)
def test_studio_offers_to_clone_the_repository(values: dict[str, str], url: str) -> None:
    repository = made(values)["CodeRepository"]["Properties"]
    assert {"RepositoryUrl": url, "Branch": "main"} == repository["GitConfig"]
    assert url == Stack(TEMPLATE, {**PROJECT, **values}).outputs()["RepositoryUrl"]
