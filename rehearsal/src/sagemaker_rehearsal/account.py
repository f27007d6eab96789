"""Steps 1 to 10: the embedded AWS with its control plane."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sagemaker_rehearsal.iam import enforce, usage
from sagemaker_rehearsal.server.cloud import Cloud

# Each registers its operations, resource types and routes when it is imported
PLUGINS = (
    "sagemaker_rehearsal.iam",
    "sagemaker_rehearsal.events",
    "sagemaker_rehearsal.lambda_",
    "sagemaker_rehearsal.cloudformation.custom_resources",
    "sagemaker_rehearsal.codecommit",
    "sagemaker_rehearsal.codebuild",
    "sagemaker_rehearsal.codepipeline",
    "sagemaker_rehearsal.servicecatalog",
    "sagemaker_rehearsal.sagemaker.projects",
    "sagemaker_rehearsal.checks",
)

PERMISSIONS = "/rehearsal/permissions"


def account(
    state: Path, region: str, port: int = 0, options: Mapping[str, Any] | None = None, *, enforced: bool = True
) -> Cloud:
    """Give an AWS account that is empty, and not started yet; whoever asks it for something must be allowed to.

    Args:
        state: folder for repositories, logs and jobs.
        region: the one region.
        port: 0 takes a free one.
        options: `build_environment` is added to every build's variables, `function_environment` to every function's.
        enforced: whether policies are enforced.
    """
    given = {"function_environment": {"RESPONSE_HOSTS": "127.0.0.1"}, **(options or {})}
    cloud = Cloud(state, region, port, PLUGINS, given)
    if enforced:
        enforce(cloud)
    cloud.extensions.setdefault("routes", {})[PERMISSIONS] = lambda environ, start: _permissions(cloud, start)
    return cloud


def _permissions(cloud: Cloud, start_response: Callable[..., Any]) -> list[bytes]:
    """Answer what was denied and what was granted for nothing; for the rehearsal's report, no API of AWS."""
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(usage.summary(cloud)).encode()]
