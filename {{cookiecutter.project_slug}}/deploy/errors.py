"""Steps 6 to 10: what can go wrong between approval and production, as one sentence each."""

BAD_INPUT = 2
FAILED = 1


class DeployError(Exception):
    """A sentence that names the field, the value, the rule and the next step, and the exit code that goes with it."""

    def __init__(self, sentence: str, exit_code: int = BAD_INPUT) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code
