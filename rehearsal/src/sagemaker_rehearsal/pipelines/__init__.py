"""Step 4: run the real pipeline definition on this machine.

The names are loaded when they are asked for, because every job's process passes through this package (see `child`).
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sagemaker_rehearsal.pipelines.errors import ExecutorError
    from sagemaker_rehearsal.pipelines.execution import Context, Execution, StepRun, execute

__all__ = ["Context", "Execution", "ExecutorError", "StepRun", "execute"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 (a module's attributes are of any type)
    if name in __all__:
        from sagemaker_rehearsal.pipelines import errors, execution

        return getattr(errors if name == "ExecutorError" else execution, name)
    raise AttributeError(name)
