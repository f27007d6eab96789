"""Steps 1 to 10: the IAM policies in CloudFormation's templates as plain JSON: functions resolved, conditions decided.

Only PyYAML is needed, so that the audit can run it in an environment of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
PSEUDO = {
    "AWS::Partition": "aws",
    "AWS::Region": "eu-west-1",
    "AWS::AccountId": "111122223333",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::StackName": "stack",
    "AWS::StackId": "arn:aws:cloudformation:eu-west-1:111122223333:stack/stack/0a1b2c",
}
HERE = "eu-west-1:111122223333"
# By type: the property that names the resource, and the ARN that follows.
ARNS = {
    "AWS::CodeBuild::Project": ("Name", f"arn:aws:codebuild:{HERE}:project/{{}}"),
    "AWS::CodeCommit::Repository": ("RepositoryName", f"arn:aws:codecommit:{HERE}:{{}}"),
    "AWS::CodePipeline::Pipeline": ("Name", f"arn:aws:codepipeline:{HERE}:{{}}"),
    "AWS::Events::Rule": ("Name", f"arn:aws:events:{HERE}:rule/{{}}"),
    "AWS::IAM::ManagedPolicy": ("ManagedPolicyName", "arn:aws:iam::111122223333:policy/{}"),
    "AWS::IAM::Role": ("RoleName", "arn:aws:iam::111122223333:role/{}"),
    "AWS::Lambda::Function": ("FunctionName", f"arn:aws:lambda:{HERE}:function:{{}}"),
    "AWS::Logs::LogGroup": ("LogGroupName", f"arn:aws:logs:{HERE}:log-group:{{}}:*"),
    "AWS::S3::Bucket": ("BucketName", "arn:aws:s3:::{}"),
    "AWS::SNS::Topic": ("TopicName", f"arn:aws:sns:{HERE}:{{}}"),
    "AWS::SQS::Queue": ("QueueName", f"arn:aws:sqs:{HERE}:{{}}"),
    "AWS::SageMaker::ModelPackageGroup": (
        "ModelPackageGroupName",
        f"arn:aws:sagemaker:{HERE}:model-package-group/{{}}",
    ),
    "AWS::Scheduler::Schedule": ("Name", f"arn:aws:scheduler:{HERE}:schedule/default/{{}}"),
}
REF_IS_ARN = {"AWS::IAM::ManagedPolicy", "AWS::SNS::Topic"}
SUBSTITUTED = re.compile(r"\$\{([^!}][^}]*)\}")
NOTHING = object()  # AWS::NoValue

Json = Any


class Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms as the long ones."""


def _long_form(loader: yaml.SafeLoader, tag: str, node: yaml.Node) -> Json:
    name = tag if tag in ("Ref", "Condition") else f"Fn::{tag}"
    if isinstance(node, yaml.ScalarNode):
        text = str(loader.construct_scalar(node))
        return {name: text.split(".", 1) if tag == "GetAtt" else text}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    assert isinstance(node, yaml.MappingNode)
    return {name: loader.construct_mapping(node, deep=True)}


Loader.add_multi_constructor("!", _long_form)


def load(path: Path) -> dict[str, Json]:
    """Read a template, short forms as long ones."""
    document: dict[str, Json] = yaml.load(path.read_text(encoding="utf-8"), Loader)
    return document


@dataclass(frozen=True)
class Document:
    """One policy document.

    Attributes:
        where: the resource, and the policy's name or the property that holds it.
        kind: `identity`, `managed` (for people), `boundary`, `trust` or `resource`.
        body: the document.
    """

    where: str
    kind: str
    body: dict[str, Json]

    @property
    def statements(self) -> list[dict[str, Json]]:
        """Return the statements."""
        entries: list[dict[str, Json]] = self.body["Statement"]
        return entries


@dataclass(frozen=True)
class Stack:
    """A template with values for its parameters.

    Attributes:
        template: what `load` returned.
        given: parameters; those that are not given take their default.
        assume: takes every named condition as met, or as not met; None decides them by the parameters.
    """

    template: Mapping[str, Json]
    given: Mapping[str, str] = field(default_factory=dict)
    assume: bool | None = None

    def decide(self, condition: str | Mapping[str, Json]) -> bool:
        """Decide a condition, by its name or as it is written."""
        if isinstance(condition, str):
            return self.decide(self.template["Conditions"][condition]) if self.assume is None else self.assume
        (function, operands), *_ = condition.items()
        match function:
            case "Condition":
                return self.decide(str(operands))
            case "Fn::Equals":
                return str(self.value(operands[0])) == str(self.value(operands[1]))
            case "Fn::Not":
                return not self.decide(operands[0])
            case "Fn::And":
                return all(self.decide(operand) for operand in operands)
            case "Fn::Or":
                return any(self.decide(operand) for operand in operands)
        raise ValueError(f"{function} is no condition")

    def resources(self) -> dict[str, dict[str, Json]]:
        """Return the resources that are made, by logical name, with all properties resolved."""
        every: dict[str, dict[str, Json]] = self.template["Resources"]
        active = {
            name: resource
            for name, resource in every.items()
            if "Condition" not in resource or self.decide(resource["Condition"])
        }
        return {
            name: {**resource, "Properties": self.value(resource.get("Properties", {}))}
            for name, resource in active.items()
        }

    def outputs(self) -> dict[str, Json]:
        """Return the values of the outputs that there are."""
        every = self.template.get("Outputs", {})
        there = {
            name: output
            for name, output in every.items()
            if "Condition" not in output or self.decide(output["Condition"])
        }
        return {name: self.value(output["Value"]) for name, output in there.items()}

    def value(self, node: Json) -> Json:
        """Resolve functions, however deep."""
        if isinstance(node, list):
            return [item for item in map(self.value, node) if item is not NOTHING]
        if not isinstance(node, dict):
            return node
        if len(node) == 1 and (function := _function(next(iter(node)))):
            return getattr(self, f"_{function}")(next(iter(node.values())))
        resolved = {key: self.value(value) for key, value in node.items()}
        return {key: value for key, value in resolved.items() if value is not NOTHING}

    def _ref(self, name: str) -> Json:
        if name == "AWS::NoValue":
            return NOTHING
        if name in PSEUDO:
            return PSEUDO[name]
        if name in self.template.get("Parameters", {}):
            parameter = self.template["Parameters"][name]
            text = str(self.given.get(name, parameter.get("Default", f"given-{name}")))
            return text.split(",") if parameter["Type"] == "CommaDelimitedList" else text
        kind = self.template["Resources"][name]["Type"]  # a KeyError names what leads nowhere
        return self._arn(name) if kind in REF_IS_ARN else self._name(name)

    def _get_att(self, path: list[str]) -> Json:
        name, attribute = path[0], ".".join(path[1:])
        if attribute == "Arn":
            return self._arn(name)
        return self._name(name) if attribute.endswith("Name") else f"{name}.{attribute}"

    def _name(self, name: str) -> str:
        resource = self.template["Resources"][name]
        key, _ = ARNS.get(resource["Type"], ("", ""))
        return str(self.value(resource.get("Properties", {}).get(key, f"made-{name}")))

    def _arn(self, name: str) -> str:
        _, form = ARNS[self.template["Resources"][name]["Type"]]
        return form.format(self._name(name))

    def _sub(self, node: Json) -> str:
        text, own = (node, {}) if isinstance(node, str) else (node[0], self.value(node[1]))

        def replaced(match: re.Match[str]) -> str:
            name = match[1].strip()
            if name in own:
                return str(own[name])
            return str(self._get_att(name.split(".", 1)) if "." in name else self._ref(name))

        return SUBSTITUTED.sub(replaced, text).replace("${!", "${")

    def _if(self, node: list[Json]) -> Json:
        return self.value(node[1] if self.decide(node[0]) else node[2])

    def _join(self, node: list[Json]) -> str:
        return str(node[0]).join(map(str, self.value(node[1])))

    def _split(self, node: list[Json]) -> list[str]:
        return str(self.value(node[1])).split(node[0])

    def _select(self, node: list[Json]) -> Json:
        return self.value(node[1])[int(node[0])]

    def _find_in_map(self, node: list[Json]) -> Json:
        top, second, third = self.value(node)
        return self.template["Mappings"][top][second][third]


def _function(key: str) -> str:
    """Return the name of the method that resolves a function; nothing for other keys."""
    if key == "Ref":
        return "ref"
    if not key.startswith("Fn::"):
        return ""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", key.removeprefix("Fn::")).lower()


def documents(stack: Stack) -> Iterator[Document]:
    """Yield every policy document of the resources that are made."""
    for name, resource in stack.resources().items():
        properties, kind = resource["Properties"], resource["Type"]
        if "AssumeRolePolicyDocument" in properties:
            yield Document(f"{name} trust", "trust", properties["AssumeRolePolicyDocument"])
        for policy in properties.get("Policies", []) if kind == "AWS::IAM::Role" else []:
            yield Document(f"{name} {policy['PolicyName']}", "identity", policy["PolicyDocument"])
        for key in ("PolicyDocument", "ResourcePolicy", "ModelPackageGroupPolicy", "KeyPolicy"):
            if key in properties:
                own = _managed(properties) if "::IAM::" in kind else "resource"
                yield Document(f"{name} {key}", own, properties[key])


def _managed(properties: dict[str, Json]) -> str:
    name = str(properties.get("ManagedPolicyName", ""))
    return "boundary" if name.endswith("-boundary") else "managed" if name else "identity"


def listed(value: Json) -> list[str]:
    """Return one or more texts as a list."""
    return [value] if isinstance(value, str) else list(value)
