"""Step 3: CodeCommit's errors, with the messages of its API reference.

https://docs.aws.amazon.com/codecommit/latest/APIReference/CommonErrors.html and the Errors section of each operation.
"""

from __future__ import annotations

from sagemaker_rehearsal.server import protocols
from sagemaker_rehearsal.server.errors import AwsError

SERVICE = "codecommit"


def service_error(code: str, about: str = "") -> AwsError:
    """Return an error of CodeCommit with the message of its service model, and the value that it concerns."""
    model = protocols.service_model(SERVICE)
    assert model is not None  # noqa: S101 (botocore has CodeCommit)
    sentence = _sentence(str(model.shape_for(code).documentation))
    return AwsError(code, f"{sentence} ({about})" if about else sentence)


def _sentence(documentation: str) -> str:
    plain = documentation.replace("<p>", "").replace("</p>", " ").replace("<code>", "").replace("</code>", "")
    return " ".join(plain.partition("<")[0].split())
