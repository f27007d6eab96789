"""Steps 4 and 6: the product's rules react to the events that AWS documents, and to no other project's."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from catalog.router.decide import Ignore, read
from tests.catalog import policies
from tests.catalog.fakes.delivery import HERE, documented
from tests.catalog.policies import Stack
from tests.catalog.test_product import FULL, PROJECT, TEMPLATE
from tests.tree import TEMPLATE as GENERATED

Event = dict[str, Any]
Spoil = Callable[[Event], object]
ROUTER, TOPIC = "function:sagemaker-autopilot-router", ":sagemaker-adult-p-abc123def456"


@pytest.fixture
def rules(monkeypatch: pytest.MonkeyPatch) -> dict[str, Event]:
    """Return the rules of the project that the documented events are about, where they happen."""
    monkeypatch.setitem(policies.PSEUDO, "AWS::Region", HERE.region)
    monkeypatch.setitem(policies.PSEUDO, "AWS::AccountId", HERE.account)
    resources = Stack(TEMPLATE, {**PROJECT, **FULL}).resources()
    return {
        name: resource["Properties"] for name, resource in resources.items() if resource["Type"] == "AWS::Events::Rule"
    }


def matches(pattern: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """Return whether EventBridge takes an event for one of a pattern; of its operators, those that the product uses.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html
    """
    for key, item in pattern.items():
        if key not in event:
            return False
        if isinstance(item, Mapping):
            if not isinstance(event[key], Mapping) or not matches(item, event[key]):
                return False
        else:
            values = event[key] if isinstance(event[key], list) else [event[key]]
            if not any(_one(want, value) for want in item for value in values):
                return False
    return True


def _one(expected: object, value: object) -> bool:
    if isinstance(expected, Mapping):
        ((operator, refused),) = expected.items()
        assert operator == "anything-but"
        return value not in refused
    return expected == value


def matching(rules: Mapping[str, Event], event: Event) -> list[str]:
    """Return the rules that react to an event."""
    return sorted(name for name, rule in rules.items() if matches(rule["EventPattern"], event))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("codecommit-reference-created", ["PushRule"]),
        ("codecommit-reference-updated", ["PushRule"]),
        ("codecommit-reference-deleted", []),
        ("codecommit-unreferenced-merge-commit-created", []),
        ("sagemaker-model-package-approved", ["ModelRule"]),
        ("sagemaker-model-package-rejected", []),
        ("codepipeline-execution-failed", ["PipelineFailedRule"]),
        ("sagemaker-pipeline-step-failed", ["GateFailedRule"]),
        ("sagemaker-pipeline-step-succeeded", []),
    ],
)
def test_rules_react_to_the_documented_events(rules: dict[str, Event], name: str, expected: list[str]) -> None:
    assert expected == matching(rules, documented(name))


SPOILT: list[tuple[str, str, Spoil]] = [
    ("branch `template`", "codecommit-reference-updated", lambda e: e["detail"].update(referenceName="template")),
    ("a tag", "codecommit-reference-updated", lambda e: e["detail"].update(referenceType="tag")),
    ("another repository", "codecommit-reference-updated", lambda e: e.update(resources=[e["resources"][0] + "x"])),
    ("another group", "sagemaker-model-package-approved", lambda e: e["detail"].update(ModelPackageGroupName="other")),
    ("a rejection", "sagemaker-model-package-approved", lambda e: e["detail"].update(ModelApprovalStatus="Rejected")),
    ("success", "codepipeline-execution-failed", lambda e: e["detail"].update(state="SUCCEEDED")),
    ("another pipeline", "codepipeline-execution-failed", lambda e: e["detail"].update(pipeline="other")),
    ("another training", "sagemaker-pipeline-step-failed", lambda e: e["detail"].update(pipelineArn="other")),
]


@pytest.mark.parametrize(("name", "spoil"), [entry[1:] for entry in SPOILT], ids=[entry[0] for entry in SPOILT])
def test_rules_do_not_react_to_what_is_not_theirs(rules: dict[str, Event], name: str, spoil: Spoil) -> None:
    event = copy.deepcopy(documented(name))
    assert [] != matching(rules, event)
    spoil(event)
    assert [] == matching(rules, event)


@pytest.mark.parametrize("pipeline", ["build", "deploy"])
def test_both_pipelines_failures_are_told(rules: dict[str, Event], pipeline: str) -> None:
    event = documented("codepipeline-execution-failed")
    event["detail"]["pipeline"] = f"sagemaker-adult-p-abc123def456-{pipeline}"
    assert ["PipelineFailedRule"] == matching(rules, event)


def test_a_step_that_fails_is_told_once(rules: dict[str, Event]) -> None:
    event = documented("sagemaker-pipeline-step-failed")
    event["detail"]["stepName"] = "Autopilot"
    assert ["TrainingFailedRule"] == matching(rules, event)


def test_the_gates_step_has_the_name_that_the_definition_gives_it(rules: dict[str, Event]) -> None:
    (name,) = rules["GateFailedRule"]["EventPattern"]["detail"]["stepName"]
    assert f'FailStep("{name}"' in (GENERATED / "pipeline" / "definition.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["codecommit-reference-updated", "sagemaker-model-package-approved"])
def test_what_reaches_the_router_is_no_event_that_it_ignores(rules: dict[str, Event], name: str) -> None:
    event = documented(name)
    (rule,) = matching(rules, event)
    (target,) = rules[rule]["Targets"]
    assert target["Arn"].endswith(ROUTER)
    assert not isinstance(read(event, HERE), Ignore)


@pytest.mark.parametrize("rule", ["PipelineFailedRule", "GateFailedRule", "TrainingFailedRule"])
def test_a_mail_is_one_sentence_made_of_what_events_have(rules: dict[str, Event], rule: str) -> None:
    """Values are put between quotation marks, so none may hold one: the gate's reason does."""
    (target,) = rules[rule]["Targets"]
    assert target["Arn"].endswith(TOPIC)
    transformer = target["InputTransformer"]
    name = "codepipeline-execution-failed" if rule == "PipelineFailedRule" else "sagemaker-pipeline-step-failed"
    detail, text = documented(name)["detail"], transformer["InputTemplate"]
    for key, path in transformer["InputPathsMap"].items():
        value = detail[path.removeprefix("$.detail.")]
        assert '"' not in value
        assert f"<{key}>" in text
        text = text.replace(f"<{key}>", value)
    assert (text[0], text[-1], text.count('"')) == ('"', '"', 2)
    assert not {"<", ">"} & set(text)
    assert len(text) < 8192  # docs.aws.amazon.com/eventbridge/latest/APIReference/API_InputTransformer.html
