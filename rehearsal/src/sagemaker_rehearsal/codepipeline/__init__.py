"""Steps 4 and 6 to 10: CodePipeline: executions of V2 pipelines with real sources, builds, stacks and approvals."""

from sagemaker_rehearsal.codepipeline import execution_operations, operations
from sagemaker_rehearsal.codepipeline.service import Pipelines, of
from sagemaker_rehearsal.codepipeline.types import RESOURCE_TYPES
from sagemaker_rehearsal.server.service import Service, collect

__all__ = ["SERVICE", "Pipelines", "of"]

SERVICE = Service("codepipeline", operations=collect(operations, execution_operations), resource_types=RESOURCE_TYPES)
