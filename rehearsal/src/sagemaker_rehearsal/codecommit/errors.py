"""Step 3: CodeCommit's errors, with the sentences that its API reference has for them.

https://docs.aws.amazon.com/codecommit/latest/APIReference/CommonErrors.html and the Errors section of each operation.
"""

from __future__ import annotations

from sagemaker_rehearsal.server import protocols
from sagemaker_rehearsal.server.errors import AwsError

SERVICE = "codecommit"


def refused(code: str, about: str = "") -> AwsError:
    """Give an error of CodeCommit, in the words of its service model, with what it is about."""
    model = protocols.service_model(SERVICE)
    assert model is not None  # noqa: S101 (botocore has CodeCommit)
    said = _sentence(str(model.shape_for(code).documentation))
    return AwsError(code, f"{said} ({about})" if about else said)


def _sentence(documentation: str) -> str:
    plain = documentation.replace("<p>", "").replace("</p>", " ").replace("<code>", "").replace("</code>", "")
    return " ".join(plain.partition("<")[0].split())
