"""Steps 4 to 10: what can go wrong, each a sentence with the next step in it and an exit code."""

BAD_INPUT = 2
FAILED = 1


class PipelineError(Exception):
    """Field, value, rule and remedy in one sentence, with the exit code that goes with it."""

    exit_code = BAD_INPUT


class SettingsError(PipelineError):
    """Every mistake in settings.yaml, one a line."""


class DataError(PipelineError):
    """Every mistake in the input CSV, one a line."""


class RunError(PipelineError):
    """A pipeline that could not be started, or that failed."""

    exit_code = FAILED


class DeployError(PipelineError):
    """What can go wrong between approval and production (steps 6 to 10)."""

    def __init__(self, sentence: str, exit_code: int = BAD_INPUT) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code
