"""All steps: roles and connections that a request passes to a service, which requires iam:PassRole or PassConnection.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
"""

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import jmespath

Params = Mapping[str, Any]
# By service: the JMESPath of the roles in its requests, and the service that they are passed to
_ROLES: dict[str, tuple[tuple[str, str], ...]] = {
    "cloudformation": (("RoleARN", "cloudformation.amazonaws.com"),),
    "codebuild": (("serviceRole", "codebuild.amazonaws.com"), ("serviceRoleOverride", "codebuild.amazonaws.com")),
    "codepipeline": (("pipeline.roleArn", "codepipeline.amazonaws.com"),),
    "events": (("Targets[].RoleArn", "events.amazonaws.com"), ("RoleArn", "events.amazonaws.com")),
    "lambda": (("Role", "lambda.amazonaws.com"),),
    "sagemaker": (("RoleArn", "sagemaker.amazonaws.com"), ("ExecutionRoleArn", "sagemaker.amazonaws.com")),
    "scheduler": (("Target.RoleArn", "scheduler.amazonaws.com"),),
    "logs": (("roleArn", "logs.amazonaws.com"),),
}
# Requests with such a parameter that pass no role
_NOT = {("sagemaker", "CreateModelPackage"), ("sagemaker", "ListPipelines")}
_CONNECTIONS = "pipeline.stages[].actions[].configuration.ConnectionArn"


def roles(service: str, operation: str, params: Params) -> Iterator[tuple[str, str]]:
    """Yield the ARN of each role that a request passes, with the service that receives it."""
    reads = operation.startswith(("Describe", "Get", "List", "Delete")) and operation != "DeleteStack"
    if reads or (service, operation) in _NOT:
        return
    for path, recipient in _ROLES.get(service, ()):
        value = _compiled(path).search(params)
        for arn in value if isinstance(value, list) else [value]:
            if isinstance(arn, str) and ":role/" in arn:
                yield arn, recipient
    if (service, operation) == ("servicecatalog", "CreateConstraint") and params.get("Type") == "LAUNCH":
        yield from _launch_role(params)


def _launch_role(params: Params) -> Iterator[tuple[str, str]]:
    """Read a launch constraint: https://docs.aws.amazon.com/servicecatalog/latest/adminguide/constraints-launch.html."""
    try:
        arn = json.loads(params.get("Parameters") or "{}").get("RoleArn")
    except ValueError:
        return
    if arn:
        yield arn, "servicecatalog.amazonaws.com"


def connections(service: str, params: Params) -> list[str]:
    """List the ARNs of the connections that a request passes to CodePipeline."""
    return list(_compiled(_CONNECTIONS).search(params) or []) if service == "codepipeline" else []


@lru_cache(maxsize=64)
def _compiled(path: str) -> Any:  # noqa: ANN401 (jmespath has no types)
    return jmespath.compile(path)
