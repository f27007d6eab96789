"""Steps 4 and 6 to 10: CodePipeline: executions of V2 pipelines with real sources, builds, stacks and approvals."""

from sagemaker_rehearsal.codepipeline import execution_operations, operations, types
from sagemaker_rehearsal.codepipeline.service import Pipelines, of

__all__ = ["Pipelines", "execution_operations", "of", "operations", "types"]
