"""Steps 1 to 10: the composition root: an AWS account with all services. Only this module knows them all."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sagemaker_rehearsal import (
    applicationautoscaling,
    cloudformation,
    cloudwatch,
    codebuild,
    codecommit,
    codepipeline,
    custom_resources,
    events,
    iam,
    kms,
    lambda_,
    logs,
    s3,
    sagemaker,
    servicecatalog,
    sns,
    sqs,
)
from sagemaker_rehearsal.iam import usage
from sagemaker_rehearsal.server.cloud import Cloud
from sagemaker_rehearsal.server.service import Host, Service

SERVICES = (
    iam.SERVICE,
    cloudformation.SERVICE,
    custom_resources.SERVICE,
    s3.SERVICE,
    kms.SERVICE,
    sns.SERVICE,
    sqs.SERVICE,
    logs.SERVICE,
    cloudwatch.SERVICE,
    applicationautoscaling.SERVICE,
    lambda_.SERVICE,
    events.SERVICE,
    codecommit.SERVICE,
    codebuild.SERVICE,
    codepipeline.SERVICE,
    servicecatalog.SERVICE,
    sagemaker.SERVICE,
)
PERMISSIONS = "/rehearsal/permissions"


def account(state: Path, region: str, port: int = 0, options: Mapping[str, Any] | None = None) -> Cloud:
    """Return an AWS account that is empty, and not started yet; whoever asks it for something must be allowed to.

    Args:
        state: folder for repositories, logs and jobs.
        region: the one region.
        port: 0 takes a free one.
        options: `build_environment` is added to every build's variables, `function_environment` to every function's.
    """
    environment = {"function_environment": {"RESPONSE_HOSTS": "127.0.0.1"}, **(options or {})}
    cloud = Cloud(state, region, port, (*SERVICES, REPORT), environment)
    iam.enforce(cloud)
    return cloud


def _permissions(cloud: Host, environ: Mapping[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """Answer what was denied and what was granted for nothing; for the rehearsal's report, no API of AWS."""
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(usage.summary(cloud)).encode()]


REPORT = Service("report", routes={PERMISSIONS: _permissions})
