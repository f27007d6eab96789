"""Step 4: run the real pipeline definition on this machine.

The names are loaded when they are asked for, because every job's process passes through this package (see `child`).
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rehearsal.executor.errors import ExecutorError
    from rehearsal.executor.execution import Context, Execution, StepRun, execute

__all__ = ["Context", "Execution", "ExecutorError", "StepRun", "execute"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 (a module's attributes are of any type)
    if name in __all__:
        from rehearsal.executor import errors, execution

        return getattr(errors if name == "ExecutorError" else execution, name)
    raise AttributeError(name)
