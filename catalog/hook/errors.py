"""Step 3: what can go wrong while a repository is seeded; each message says what to do next."""

from __future__ import annotations


class HookError(Exception):
    """The seed failed for a reason that a person can act on; the text is the reason CloudFormation shows."""


class EventError(HookError):
    """The event is none of CloudFormation's, or names an address that must not be written to."""


class PropertyError(HookError):
    """Properties of the custom resource are missing, unknown or malformed."""


class AnswerError(HookError):
    """Answers to the template's questions break the template's rules."""


class ArtifactError(HookError):
    """The template's zip is absent, not the one that was published, or unsafe to read."""


class RenderError(HookError):
    """The template is sound as a file, but cannot be rendered."""


class UnfitFileError(HookError):
    """A rendered file is larger than CodeCommit takes, or empty."""


class RepositoryMissingError(HookError):
    """The repository is not there."""


class CodeCommitRefusesError(HookError):
    """CodeCommit does not let this account make or use repositories."""


class NotEmptyError(HookError):
    """The repository holds commits that this stack did not make."""


class ImmovableError(HookError):
    """An update asks for another repository, provider or branch."""


class BranchLostError(HookError):
    """A branch that an update needs was deleted."""


class DeniedError(HookError):
    """The function's role lacks a permission."""


class ServiceError(HookError):
    """AWS refused a request for any other reason."""


class BusyError(HookError):
    """The repository kept changing while it was being seeded."""


class OutOfTimeError(HookError):
    """The function is about to end."""


class SeedBuildError(HookError):
    """The build that pushes through the connection failed."""


class CallbackError(HookError):
    """CloudFormation could not be answered; the invocation fails, so that Lambda delivers the event again."""
