"""Steps 1 to 10: the embedded AWS with its control plane."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rehearsal.cloud.cloud import Cloud

from catalog.rehearsal.iam import enforce

# Each registers its operations, resource types and routes when it is imported
PLUGINS = (
    "catalog.rehearsal.iam",
    "catalog.rehearsal.events",
    "catalog.rehearsal.functions",
    "catalog.rehearsal.custom",
    "catalog.rehearsal.codecommit",
    "catalog.rehearsal.codebuild",
    "catalog.rehearsal.codepipeline",
    "catalog.rehearsal.servicecatalog",
    "catalog.rehearsal.projects",
)


def account(state: Path, region: str, port: int = 0, options: Mapping[str, Any] | None = None) -> Cloud:
    """Give an AWS account that is empty, and not started yet; whoever asks it for something must be allowed to.

    Args:
        state: folder for repositories, logs and jobs.
        region: the one region.
        port: 0 takes a free one.
        options: `build_environment` is added to every build's variables, `function_environment` to every function's.
    """
    given = {"function_environment": {"RESPONSE_HOSTS": "127.0.0.1"}, **(options or {})}
    cloud = Cloud(state, region, port, PLUGINS, given)
    enforce(cloud)
    return cloud
