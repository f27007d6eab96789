"""Steps 1 to 10: the embedded AWS with its control plane."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rehearsal.cloud.cloud import Cloud

from catalog.rehearsal.iam import enforce, usage

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
    "catalog.rehearsal.strict",
)

PERMISSIONS = "/rehearsal/permissions"


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
    cloud.extensions.setdefault("routes", {})[PERMISSIONS] = lambda environ, start: _permissions(cloud, start)
    return cloud


def _permissions(cloud: Cloud, start_response: Callable[..., Any]) -> list[bytes]:
    """Answer what was denied and what was granted for nothing; for the rehearsal's report, no API of AWS."""
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(usage.summary(cloud)).encode()]
