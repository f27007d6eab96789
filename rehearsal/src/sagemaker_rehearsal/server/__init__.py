"""Steps 4 to 10: an embedded AWS for unmodified clients (moto, extended); see docs/parity.md for how it differs.

`Cloud` is loaded when it is asked for: its import takes two seconds, which no job's process must pay.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sagemaker_rehearsal.server.cloud import Cloud

__all__ = ["Cloud"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 (a module's attributes are of any type)
    if name == "Cloud":
        from sagemaker_rehearsal.server.cloud import Cloud

        return Cloud
    raise AttributeError(name)
