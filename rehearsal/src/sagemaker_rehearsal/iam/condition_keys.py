"""All steps: the condition keys that a request's parameters set, by service.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import jmespath

Params = Mapping[str, Any]
Keys = dict[str, tuple[str, ...]]
# Parameters with tags: a map, or a list of Key and Value in upper or lower case
_TAGS = ("Tags", "tags", "TagList")
# Services where creating a resource with tags requires a permission of its own, and its name
TAGGING = {
    "application-autoscaling": "TagResource",
    "cloudformation": "TagResource",
    "cloudwatch": "TagResource",
    "codecommit": "TagResource",
    "codepipeline": "TagResource",
    "events": "TagResource",
    "lambda": "TagResource",
    "logs": "TagResource",
    "sagemaker": "AddTags",
    "sns": "TagResource",
    "sqs": "TagQueue",
}
# By service: the JMESPath of each key's values, for all operations that have the parameter
_PATHS: dict[str, dict[str, str]] = {
    "application-autoscaling": {
        "application-autoscaling:service-namespace": "ServiceNamespace",
        "application-autoscaling:scalable-dimension": "ScalableDimension",
    },
    "cloudformation": {
        "cloudformation:ChangeSetName": "ChangeSetName",
        "cloudformation:ResourceTypes": "ResourceTypes",
        "cloudformation:RoleArn": "RoleARN",
        "cloudformation:StackPolicyUrl": "StackPolicyURL",
        "cloudformation:TemplateUrl": "TemplateURL",
    },
    "cloudwatch": {"cloudwatch:namespace": "Namespace", "cloudwatch:AlarmActions": "AlarmActions"},
    "codebuild": {
        "codebuild:serviceRole": "serviceRole",
        "codebuild:source.buildspec": "source.buildspec",
        "codebuild:environment.environmentVariables.name": "environment.environmentVariables[].name",
    },
    "events": {
        "events:TargetArn": "Targets[].Arn",
        "events:source": "Entries[].Source",
        "events:detail-type": "Entries[].DetailType",
    },
    "iam": {"iam:PolicyARN": "PolicyArn", "iam:PermissionsBoundary": "PermissionsBoundary"},
    "lambda": {"lambda:Principal": "Principal", "lambda:Layer": "Layers"},
    "sagemaker": {
        "sagemaker:ModelApprovalStatus": "ModelApprovalStatus",
        "sagemaker:InstanceTypes": "[ProcessingResources.ClusterConfig.InstanceType, ResourceConfig.InstanceType, "
        "TransformResources.InstanceType, ProductionVariants[].InstanceType][]",
        "sagemaker:ServerlessMaxConcurrency": "ProductionVariants[].ServerlessConfig.MaxConcurrency",
        "sagemaker:ServerlessMemorySize": "ProductionVariants[].ServerlessConfig.MemorySizeInMB",
        "sagemaker:NetworkIsolation": "[EnableNetworkIsolation, NetworkConfig.EnableNetworkIsolation][]",
        "sagemaker:VpcSubnets": "[VpcConfig.Subnets, NetworkConfig.VpcConfig.Subnets][][]",
        "sagemaker:VpcSecurityGroupIds": "[VpcConfig.SecurityGroupIds, NetworkConfig.VpcConfig.SecurityGroupIds][][]",
        "sagemaker:MaxRuntimeInSeconds": "StoppingCondition.MaxRuntimeInSeconds",
        "sagemaker:OutputKmsKey": "[OutputDataConfig.KmsKeyId, TransformOutput.KmsKeyId, "
        "ProcessingOutputConfig.KmsKeyId][]",
        "sagemaker:VolumeKmsKey": "[KmsKeyId, ProcessingResources.ClusterConfig.VolumeKmsKeyId, "
        "TransformResources.VolumeKmsKeyId][]",
    },
    "sns": {"sns:Endpoint": "Endpoint", "sns:Protocol": "Protocol"},
    "sts": {"sts:ExternalId": "ExternalId", "sts:RoleSessionName": "RoleSessionName"},
}
# For requests in the caller's own name, Service Catalog's level keys have the value "self"
_CONSTANT: dict[str, Keys] = {
    "servicecatalog": {f"servicecatalog:{level}level": ("self",) for level in ("account", "role", "user")}
}
_BRANCHES = ("branchName", "destinationReference", "targetBranch")
_TO_BRANCHES = frozenset(
    (
        "CreateBranch",
        "CreateCommit",
        "CreateUnreferencedMergeCommit",
        "DeleteBranch",
        "DeleteFile",
        "MergeBranchesByFastForward",
        "MergeBranchesBySquash",
        "MergeBranchesByThreeWay",
        "MergePullRequestByFastForward",
        "MergePullRequestBySquash",
        "MergePullRequestByThreeWay",
        "PutFile",
    )
)


def of(service: str, operation: str, params: Params) -> Keys:
    """Return the condition keys of a request's parameters, in lower case."""
    context: Keys = dict(_CONSTANT.get(service, {}))
    for key, path in _PATHS.get(service, {}).items():
        values = _texts(_value(path, params))
        if values:
            context[key.lower()] = values
    if service == "codecommit" and operation in _TO_BRANCHES:
        context.update(_branches(params))
    gone = removed(params)
    return context | ({"aws:tagkeys": gone} if gone else {}) | of_tags(tags(params))


def _value(path: str, params: Params) -> object:
    return params.get(path) if path.isalnum() else _compiled(path).search(params)


def _texts(value: object) -> tuple[str, ...]:
    several: Sequence[object] = value if isinstance(value, list) else [value]
    return tuple(_text(entry) for entry in several if entry is not None)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def tags(params: Params) -> dict[str, str]:
    """Return the tags that a request would set."""
    for name in _TAGS:
        parameter = params.get(name)
        if isinstance(parameter, dict):
            return {str(key): str(value) for key, value in parameter.items()}
        if isinstance(parameter, list):
            return dict(_pairs(parameter))
    return {}


def _pairs(pairs: Sequence[Any]) -> Iterator[tuple[str, str]]:
    for pair in pairs:
        if isinstance(pair, dict):
            named = {str(name).lower(): value for name, value in pair.items()}
            yield str(named.get("key", "")), str(named.get("value", ""))


def removed(params: Params) -> tuple[str, ...]:
    """Return the keys of the tags that a request would remove."""
    return next((tuple(params[name]) for name in ("TagKeys", "tagKeys") if params.get(name)), ())


def of_tags(requested: Mapping[str, str]) -> Keys:
    """Return the condition keys of tags in a request."""
    if not requested:
        return {}
    return {
        "aws:tagkeys": tuple(requested),
        **{f"aws:requesttag/{key.lower()}": (value,) for key, value in requested.items()},
    }


def _branches(params: Params) -> Keys:
    """Name branches in full: docs.aws.amazon.com/codecommit/latest/userguide/how-to-conditional-branch.html."""
    names = [str(params[name]) for name in _BRANCHES if params.get(name)]
    full = tuple(name if name.startswith("refs/") else f"refs/heads/{name}" for name in names)
    return {"codecommit:references": full} if full else {}


@lru_cache(maxsize=256)
def _compiled(path: str) -> Any:  # noqa: ANN401 (jmespath has no types)
    return jmespath.compile(path)
