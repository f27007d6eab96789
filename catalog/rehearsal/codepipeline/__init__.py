"""Steps 4 and 6 to 10: CodePipeline: executions of V2 pipelines with real sources, builds, stacks and approvals."""

from catalog.rehearsal.codepipeline import executing, operations, types
from catalog.rehearsal.codepipeline.service import Pipelines, of

__all__ = ["Pipelines", "executing", "of", "operations", "types"]
