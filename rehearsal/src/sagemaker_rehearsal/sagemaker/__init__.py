"""Steps 2 to 10: the operations of SageMaker that the product uses; moto stores the registry and the pipelines."""

from sagemaker_rehearsal.sagemaker import (
    code_repositories,
    endpoints,
    jobs,
    models,
    packages,
    pipelines,
    projects,
    runtime,
)
from sagemaker_rehearsal.sagemaker.types import RESOURCE_TYPES
from sagemaker_rehearsal.server.service import Service, collect

SERVICE = Service(
    "sagemaker",
    operations=collect(code_repositories, endpoints, jobs, models, packages, pipelines, projects, runtime),
    resource_types=RESOURCE_TYPES,
    tags_of=endpoints.tags_of,
    stop=pipelines.stop,
)
