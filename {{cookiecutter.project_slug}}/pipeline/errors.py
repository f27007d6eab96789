"""Step 4: what can go wrong before and while the pipeline runs, each a sentence with the next step in it."""

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
