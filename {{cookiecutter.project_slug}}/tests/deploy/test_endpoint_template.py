"""Steps 7 and 10: the endpoint's template is clean, and validates its parameters by itself."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

TEMPLATE = Path(__file__).parents[2] / "deploy" / "endpoint.yaml"


class Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms as plain values."""


def _value(loader: yaml.SafeLoader, tag: str, node: yaml.Node) -> Any:  # noqa: ANN401
    if isinstance(node, yaml.ScalarNode):
        return {tag: loader.construct_scalar(node)}
    assert isinstance(node, yaml.SequenceNode)
    return {tag: loader.construct_sequence(node, deep=True)}


Loader.add_multi_constructor("!", _value)
LOADED: dict[str, Any] = yaml.load(TEMPLATE.read_text(encoding="utf-8"), Loader)
PARAMETERS: dict[str, dict[str, Any]] = LOADED["Parameters"]


@pytest.mark.parametrize("name", PARAMETERS)
def test_every_parameter_is_labelled_grouped_explained_and_bounded(name: str) -> None:
    form = LOADED["Metadata"]["AWS::CloudFormation::Interface"]
    assert name in form["ParameterLabels"]
    assert [name in group["Parameters"] for group in form["ParameterGroups"]].count(True) == 1
    assert PARAMETERS[name]["Description"] != ""
    assert {"AllowedPattern", "AllowedValues", "MaxValue"} & set(PARAMETERS[name]) != set()


@pytest.mark.parametrize("name", PARAMETERS)
def test_every_parameter_is_used(name: str) -> None:
    used = TEMPLATE.read_text(encoding="utf-8").split("\nResources:\n")[1] + str(LOADED["Conditions"])
    assert re.search(rf"!Ref {name}\b|\${{{name}}}|'{name}'", used) is not None


def test_every_resource_that_can_be_tagged_is() -> None:
    tags = [{"Key": "sagemaker:project-name", "Value": {"Ref": "SageMakerProjectName"}},
            {"Key": "sagemaker:project-id", "Value": {"Ref": "SageMakerProjectId"}},
            {"Key": "stage", "Value": {"Ref": "StageName"}}]  # fmt: skip
    untagged = {"AWS::ApplicationAutoScaling::ScalableTarget", "AWS::ApplicationAutoScaling::ScalingPolicy"}
    tagged = {resource["Type"]: resource["Properties"].get("Tags") for resource in LOADED["Resources"].values()}
    assert {kind: value for kind, value in tagged.items() if kind not in untagged} == {
        kind: tags for kind in tagged if kind not in untagged
    }


def test_model_and_configuration_carry_no_name_so_that_they_can_be_replaced() -> None:
    properties = {name: LOADED["Resources"][name]["Properties"] for name in ("Model", "EndpointConfig", "Endpoint")}
    named = {name: sorted(key for key in of if key == f"{name}Name") for name, of in properties.items()}
    assert named == {"Model": [], "EndpointConfig": [], "Endpoint": ["EndpointName"]}


ARNS = [
    ("arn:aws:sagemaker:us-east-1:123456789012:model-package/adult-income-p-abc/3", True),
    ("arn:aws-us-gov:sagemaker:us-gov-west-1:123456789012:model-package/a/1", True),
    ("arn:aws:sagemaker:us-east-1:123456789012:model-package/adult-income-p-abc", False),
    ("arn:aws:sagemaker:us-east-1:123456789012:model/x", False),
    ("", False),
]


@pytest.mark.parametrize(("arn", "accepted"), ARNS)
def test_the_template_takes_versioned_model_packages_only(arn: str, accepted: bool) -> None:
    assert (re.match(PARAMETERS["ModelPackageArn"]["AllowedPattern"], arn) is not None) is accepted


@pytest.mark.rehearsal
def test_cfn_lint_finds_nothing() -> None:
    """Needs cfn-lint, a development dependency; takes some seconds."""
    from cfnlint import lint

    assert [str(finding) for finding in lint(TEMPLATE.read_text(encoding="utf-8"), regions=["us-east-1"])] == []
