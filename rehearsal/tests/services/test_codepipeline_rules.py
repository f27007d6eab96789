"""Declarations are parsed, or rejected with CodePipeline's errors; variables are resolved."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagemaker_rehearsal.codepipeline import rules, triggers, variables
from sagemaker_rehearsal.codepipeline.structure import parse
from sagemaker_rehearsal.codepipeline.variables import Unresolved
from sagemaker_rehearsal.server.errors import AwsError
from tests.services.pipelines import approval, build, kind, pipeline, source

Change = Callable[[dict[str, Any]], Any]
VALID = [("Build", [build(outputArtifacts=[{"name": "Run"}], namespace="Build")]), ("Approval", [approval()])]
STACK: dict[str, Any] = {
    "name": "Deploy",
    "actionTypeId": kind("Deploy", "CloudFormation"),
    "inputArtifacts": [{"name": "Run"}],
    "configuration": {
        "ActionMode": "CREATE_UPDATE",
        "StackName": "s",
        "RoleArn": "r",
        "TemplatePath": "Run::endpoint.yaml",
    },
}


def refusal(change: Change) -> tuple[str, str]:
    declared = pipeline(*VALID)
    change(declared)
    try:
        rules.check(parse(declared, 1))
    except AwsError as error:
        return error.code, error.message
    return "", ""


def first(declared: dict[str, Any], stage: int = 1) -> dict[str, Any]:
    action: dict[str, Any] = declared["stages"][stage]["actions"][0]
    return action


def configure(stage: int, **values: str | None) -> Change:
    def change(declared: dict[str, Any]) -> None:
        configuration = {**first(declared, stage).get("configuration", {}), **values}
        first(declared, stage)["configuration"] = {k: v for k, v in configuration.items() if v is not None}

    return change


def add(action: dict[str, Any], stage: int = 2) -> Change:
    return lambda declared: declared["stages"][stage]["actions"].append(action)


def deploy(**configuration: str | None) -> Change:
    merged = {**STACK["configuration"], **configuration}
    return add({**STACK, "configuration": {key: value for key, value in merged.items() if value is not None}})


def test_a_valid_pipeline_is_taken() -> None:
    assert refusal(lambda declared: None) == ("", "")


STRUCTURE, STAGE, ACTION = (
    f"Invalid{name}Exception" for name in ("Structure", "StageDeclaration", "ActionDeclaration")
)


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        (lambda p: p["stages"].__delitem__(slice(1, None)), STRUCTURE, "only 1 stage"),
        (lambda p: p["stages"].insert(0, p["stages"].pop()), STRUCTURE, "should start with a stage that only contains"),
        (add(source(name="Other", namespace="O", outputArtifacts=[{"name": "O"}])), STRUCTURE, "only be in the first"),
        (lambda p: p.pop("artifactStore"), STRUCTURE, "exactly one of artifactStore"),
        (lambda p: p.update(artifactStores={"us-east-1": p["artifactStore"]}), STRUCTURE, "exactly one of"),
        (lambda p: p.update(pipelineType="V1", executionMode="QUEUED"), STRUCTURE, "only available for pipelines of"),
        (lambda p: p.update(pipelineType="V1", variables=[{"name": "A"}]), STRUCTURE, "cannot have variables"),
        (lambda p: p.update(variables=[{"name": "A"}, {"name": "A"}]), STRUCTURE, "A occurs more than once"),
        (lambda p: p["stages"][2].update(name="Build"), STAGE, "Build has been used more than once"),
        (lambda p: p["stages"][2].update(actions=[]), STAGE, "Approval has no actions"),
        (lambda p: p["stages"][2].update(onFailure={"result": "ROLLBACK"}), STAGE, "does not have onFailure"),
        (add(approval()), ACTION, "Approve occurs more than once in Approval"),
        (lambda p: first(p)["actionTypeId"].update(provider="Jenkins"), ACTION, "in action 'Build' is not available"),
        (lambda p: first(p)["actionTypeId"].update(version="2"), ACTION, "Version: '2') in action 'Build'"),
        (lambda p: first(p).update(inputArtifacts=[]), ACTION, "declares 0 input artifacts which is less than the min"),
        (lambda p: first(p, 0).update(outputArtifacts=[]), ACTION, "declares 0 output artifacts which is less than"),
        (lambda p: first(p).update(inputArtifacts=[{"name": "X"}]), ACTION, "Input Artifact Bundle X in action Build"),
        (lambda p: first(p).update(inputArtifacts=[{"name": "Run"}]), ACTION, "Input Artifact Bundle Run in action"),
        (lambda p: first(p).update(outputArtifacts=[{"name": "Code"}]), ACTION, "Code has been used more than once"),
        (lambda p: first(p).update(namespace="Source"), ACTION, "Namespace=[Source]"),
        (lambda p: first(p).update(namespace="variables"), ACTION, "Namespace=[variables]"),
        (lambda p: first(p).update(timeoutInMinutes=5), ACTION, "only available for manual approval"),
        (configure(1, ProjectName=None), ACTION, "missing required configuration 'ProjectName'"),
        (configure(1, Extra="1"), ACTION, "contains unknown configuration 'Extra'"),
        (configure(0, PollForSourceChanges="False"), ACTION, "must be one of true, false"),
        (configure(2, CustomData="#{Build.A} #{Nothing.B}"), ACTION, "VariableReferenceText=[Nothing.B]"),
        (configure(2, CustomData="#{variables.Commit}"), ACTION, "VariableReferenceText=[variables.Commit]"),
        (configure(2, CustomData="#{Build}"), ACTION, "VariableReferenceText=[Build]"),
        (configure(1, EnvironmentVariables="#{Build.A}"), ACTION, "VariableReferenceText=[Build.A]"),
        (deploy(RoleArn=None), ACTION, "missing required configuration 'RoleArn'"),
        (deploy(TemplatePath=None), ACTION, "missing required configuration 'TemplatePath'"),
        (deploy(ActionMode="CHANGE_SET_REPLACE"), ACTION, "missing required configuration 'ChangeSetName'"),
        (deploy(ActionMode="CREATE"), ACTION, "it must be one of CHANGE_SET_EXECUTE, CHANGE_SET_REPLACE"),
        (deploy(TemplatePath="endpoint.yaml"), ACTION, "must have the form Artifact::path"),
        (deploy(TemplateConfiguration="Code::x.json"), ACTION, "which is no input artifact of it"),
        (
            lambda p: p["stages"][1].update(blockers=[{"name": "b", "type": "Schedule"}]),
            "InvalidBlockerDeclarationException",
            "reserved",
        ),
        (
            lambda p: p["stages"].extend({"name": f"S{n}", "actions": [approval()]} for n in range(50)),
            "LimitExceededException",
            "53 stages in a pipeline; there can be 50",
        ),
        (
            lambda p: p.update(
                triggers=[
                    {"providerType": "CodeStarSourceConnection", "gitConfiguration": {"sourceActionName": "Source"}}
                ]
            ),
            STRUCTURE,
            "no source action of provider CodeStarSourceConnection",
        ),
    ],
)
def test_what_codepipeline_refuses_is_refused_with_its_code(change: Change, code: str, message: str) -> None:
    error = refusal(change)
    assert (error[0], message in error[1]) == (code, True), error


def test_an_action_may_use_what_an_earlier_run_order_of_its_stage_made() -> None:
    later = build("Later", inputArtifacts=[{"name": "Run"}], runOrder=2)
    later["configuration"]["EnvironmentVariables"] = "#{Build.A}"
    assert refusal(add(later, 1)) == ("", "")


def test_defaults_are_filled_in() -> None:
    declared = pipeline(*VALID)
    del declared["pipelineType"]
    declaration = parse(declared, 3)
    assert (
        declaration.kind,
        declaration.mode,
        declaration.version,
        declaration.declared["stages"][2]["actions"][0]["runOrder"],
    ) == (
        "V1",
        "SUPERSEDED",
        3,
        1,
    )


# ---- Variables

SCOPE = {"Source": {"CommitId": "abc", "CommitMessage": 'say "hi"\n#{variables.A}'}, "variables": {"A": "1"}}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no reference", "no reference"),
        ("#{Source.CommitId}", "abc"),
        ("a #{Source.CommitId}-#{variables.A} b", "a abc-1 b"),
        ("#{Source.CommitMessage}", 'say "hi"\n#{variables.A}'),
        ("${Source.CommitId} #{", "${Source.CommitId} #{"),
    ],
)
def test_references_become_values_once(text: str, expected: str) -> None:
    assert variables.resolve(text, SCOPE) == expected


@pytest.mark.parametrize("text", ["#{Source.Nothing}", "#{Nothing.A}", "#{CommitId}", "#{}"])
def test_a_reference_without_a_value_is_an_error_that_names_it(text: str) -> None:
    with pytest.raises(Unresolved) as caught:
        variables.resolve(text, SCOPE)
    assert text in str(caught.value)


def test_values_inside_json_stay_json() -> None:
    text = '[{"name":"MESSAGE","value":"#{Source.CommitMessage}","type":"PLAINTEXT"}]'
    resolved = variables.resolve_all({"EnvironmentVariables": text}, SCOPE)["EnvironmentVariables"]
    assert json.loads(resolved)[0]["value"] == SCOPE["Source"]["CommitMessage"]


NAMES = st.from_regex(r"[A-Za-z0-9@_-]{1,8}", fullmatch=True)
PIECES = st.lists(st.tuples(st.text(alphabet=st.characters(exclude_characters="#{}")), NAMES, NAMES, st.text()))


@given(PIECES)
def test_any_text_with_references_is_put_together_from_its_values(pieces: list[tuple[str, str, str, str]]) -> None:
    scope: dict[str, dict[str, str]] = {}
    for _, namespace, key, value in pieces:
        scope.setdefault(namespace, {})[key] = value
    text = "".join(f"{before}#{{{namespace}.{key}}}" for before, namespace, key, _ in pieces)
    expected = "".join(before + scope[namespace][key] for before, namespace, key, _ in pieces)
    assert variables.resolve(text, scope) == expected
    assert [(reference[1], reference[2]) for reference in variables.references(text)] == [
        (reference[1], reference[2]) for reference in pieces
    ]


# ---- Triggers


@pytest.mark.parametrize(
    ("glob", "yes", "no"),
    [
        ("pipeline/**", ["pipeline/a.py", "pipeline/steps/b.py"], ["pipeline", "other/pipeline/a.py"]),
        ("settings.yaml", ["settings.yaml"], ["settingsXyaml", "a/settings.yaml"]),
        ("constraints/build.*", ["constraints/build.txt"], ["constraints/build/x.txt", "constraints/dev.txt"]),
        ("**", ["a", "a/b"], []),
        ("*.{yml,yaml}", ["a.yml", "a.yaml"], ["a.y", "b/a.yml"]),
        ("a,b", ["a,b"], ["a"]),
    ],
)
def test_globs_match_as_codepipeline_says(glob: str, yes: list[str], no: list[str]) -> None:
    assert [bool(triggers.pattern(glob).fullmatch(name)) for name in (*yes, *no)] == [True] * len(yes) + [False] * len(
        no
    )


@pytest.mark.parametrize(
    ("push", "branch", "paths", "starts"),
    [
        ({"branches": {"includes": ["main"]}, "filePaths": {"includes": ["flows/**"]}}, "main", ["README.md"], False),
        ({"branches": {"includes": ["main"]}, "filePaths": {"includes": ["flows/**"]}}, "main", ["flows/a"], True),
        ({"branches": {"includes": ["main"]}}, "other", ["flows/a"], False),
        ({"filePaths": {"excludes": ["docs/**"]}}, "any", ["docs/a", "b"], True),
        ({"filePaths": {"excludes": ["docs/**"]}}, "any", ["docs/a"], False),
        ({"tags": {"includes": ["v*"]}}, "main", ["a"], False),
        (None, "main", ["a"], True),
        (None, "other", ["a"], False),
    ],
)
def test_pushes_start_a_pipeline_where_filters_let_them(
    push: dict[str, Any] | None, branch: str, paths: list[str], starts: bool
) -> None:
    arn = "arn:aws:codeconnections:us-east-1:123456789012:connection/1bb4a7c2-0000-4000-8000-000000000000"
    configuration = {"ConnectionArn": arn, "FullRepositoryId": "o/r", "BranchName": "main"}
    declared = pipeline(*VALID)
    declared["stages"][0]["actions"] = [
        source(configuration=configuration, actionTypeId=kind("Source", triggers.CONNECTION))
    ]
    if push is not None:
        filters = {"sourceActionName": "Source", "push": [push]}
        declared["triggers"] = [{"providerType": triggers.CONNECTION, "gitConfiguration": filters}]
    parsed = parse(declared, 1)
    rules.check(parsed)
    started = [triggers.started_by(parsed, name, branch, paths) is not None for name in ("o/r", "o/other")]
    assert started == [starts, False]
