"""Step 4: the executor's errors."""


class ExecutorError(Exception):
    """A definition cannot be executed, or a step of it failed; the message is the FailureReason."""
