"""Steps 4 to 10: the embedded cloud's errors, in the form in which AWS gives them."""


class AwsError(Exception):
    """An error that a client receives as `ClientError`.

    Args:
        code: AWS's error code, e.g. `ValidationException`.
        message: a sentence.
        status: the HTTP status.
        fields: further members of the error's shape, e.g. `OriginalStatusCode`.
    """

    def __init__(self, code: str, message: str, status: int = 400, **fields: object) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.fields = fields


def invalid(message: str) -> AwsError:
    """Return SageMaker's answer to a request that breaks a rule."""
    return AwsError("ValidationException", message)


class RehearsalError(Exception):
    """The rehearsal cannot go on; the message is one sentence for the person who started it."""


class InputError(RehearsalError):
    """What the person gave is wrong; the message has a line for each mistake."""
