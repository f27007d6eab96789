"""All steps: the condition keys that a request's parameters give, by service.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import jmespath

Params = Mapping[str, Any]
Keys = dict[str, tuple[str, ...]]
# Parameters with tags: a map, or a list of Key and Value in either case
_TAGS = ("Tags", "tags", "TagList")
# In whose resources' creation the tags need a permission of their own, and how that is called
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
# Key: where its values are (JMESPath). By service, and for all operations that have the parameter.
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
# A user of Service Catalog is "self" to what is done in his own name
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
    """Give the condition keys of a request's parameters, in lower case."""
    found: Keys = dict(_CONSTANT.get(service, {}))
    for key, path in _PATHS.get(service, {}).items():
        values = _texts(_value(path, params))
        if values:
            found[key.lower()] = values
    if service == "codecommit" and operation in _TO_BRANCHES:
        found.update(_branches(params))
    gone = removed(params)
    return found | ({"aws:tagkeys": gone} if gone else {}) | of_tags(tags(params))


def _value(path: str, params: Params) -> object:
    return params.get(path) if path.isalnum() else _compiled(path).search(params)


def _texts(value: object) -> tuple[str, ...]:
    several: Sequence[object] = value if isinstance(value, list) else [value]
    return tuple(_text(one) for one in several if one is not None)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def tags(params: Params) -> dict[str, str]:
    """Give the tags that a request would set."""
    for name in _TAGS:
        given = params.get(name)
        if isinstance(given, dict):
            return {str(key): str(value) for key, value in given.items()}
        if isinstance(given, list):
            return dict(_pairs(given))
    return {}


def _pairs(given: Sequence[Any]) -> Iterator[tuple[str, str]]:
    for one in given:
        if isinstance(one, dict):
            named = {str(name).lower(): value for name, value in one.items()}
            yield str(named.get("key", "")), str(named.get("value", ""))


def removed(params: Params) -> tuple[str, ...]:
    """Give the keys of the tags that a request would remove."""
    return next((tuple(params[name]) for name in ("TagKeys", "tagKeys") if params.get(name)), ())


def of_tags(given: Mapping[str, str]) -> Keys:
    """Give the condition keys of tags in a request."""
    if not given:
        return {}
    return {"aws:tagkeys": tuple(given), **{f"aws:requesttag/{key.lower()}": (value,) for key, value in given.items()}}


def _branches(params: Params) -> Keys:
    """Name branches in full: docs.aws.amazon.com/codecommit/latest/userguide/how-to-conditional-branch.html."""
    names = [str(params[name]) for name in _BRANCHES if params.get(name)]
    full = tuple(name if name.startswith("refs/") else f"refs/heads/{name}" for name in names)
    return {"codecommit:references": full} if full else {}


@lru_cache(maxsize=256)
def _compiled(path: str) -> Any:  # noqa: ANN401 (jmespath has no types)
    return jmespath.compile(path)
