"""Steps 3, 4 and 6: the ways to name a function. Pure.

https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_RequestSyntax
"""

from __future__ import annotations

import re

from sagemaker_rehearsal.server.errors import AwsError
from sagemaker_rehearsal.server.service import ACCOUNT

FORM = re.compile(
    r"(?:arn:[a-z-]+:lambda:)?(?:[a-z]{2}(?:-[a-z]+)+-[0-9]:)?(?:[0-9]{12}:)?(?:function:)?"
    r"(?P<name>[A-Za-z0-9_-]{1,64})(?::(?P<qualifier>\$LATEST|[A-Za-z0-9_-]+))?"
)
LATEST = "$LATEST"


def arn_of(region: str, name: str) -> str:
    """Return a function's ARN."""
    return f"arn:aws:lambda:{region}:{ACCOUNT}:function:{name}"


def name_of(reference: str) -> str:
    """Return the name in a name, ARN or part of an ARN.

    Raises:
        AwsError: it has none of these forms, or names a version: the rehearsal has only the latest.
    """
    match = FORM.fullmatch(reference)
    if not match:
        raise AwsError("ValidationException", f"{reference} is no name or ARN of a function")
    return required_latest(match["name"], match["qualifier"])


def required_latest(name: str, qualifier: str | None) -> str:
    """Return the name, if the version asked for is the latest.

    Raises:
        AwsError: it is another one.
    """
    if qualifier not in (None, "", LATEST):
        raise AwsError("ResourceNotFoundException", f"Function not found: {name}:{qualifier}", 404)
    return name
