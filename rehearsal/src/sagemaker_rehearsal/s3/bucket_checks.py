"""All steps: checks of buckets: names, policies, versioning and lifecycle.

https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

import ipaddress
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree import ElementTree

from sagemaker_rehearsal.iam.s3 import Asked
from sagemaker_rehearsal.server.errors import AwsError
from sagemaker_rehearsal.server.protocols import Wire

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
NAME = re.compile(r"[a-z0-9](?!.*\.\.)[a-z0-9.-]{1,61}[a-z0-9]")
PREFIXES = ("xn--", "sthree-", "amzn-s3-demo-")
SUFFIXES = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
ARN = "arn:aws:s3:::"


def valid(name: str) -> bool:
    """Return whether a name is valid for a general purpose bucket."""
    return bool(NAME.fullmatch(name)) and not (_address(name) or name.startswith(PREFIXES) or name.endswith(SUFFIXES))


def _address(name: str) -> bool:
    try:
        ipaddress.IPv4Address(name)
    except ValueError:
        return False
    return True


def check(request: Wire) -> None:
    """Validate a request for a bucket by S3's rules.

    Raises:
        AwsError: with S3's error code.
    """
    asked = Asked.read(request.method, request.path, request.query, request.headers, request.body)
    if asked.method != "PUT" or asked.key or not asked.bucket:
        return
    if not asked.query and not valid(asked.bucket):
        raise AwsError("InvalidBucketName", "The specified bucket is not valid.")
    if "policy" in asked.query:
        _check_policy(asked.bucket, asked.body)
    if "versioning" in asked.query:
        _check_versioning(asked.body)
    if "lifecycle" in asked.query:
        _check_lifecycle(asked.body)


def _malformed(message: str) -> AwsError:
    return AwsError("MalformedPolicy", message)


def _check_policy(bucket: str, body: bytes) -> None:
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise _malformed("Policies must be valid JSON and the first byte must be '{'")
    statements = document.get("Statement")
    for statement in statements if isinstance(statements, list) else [statements or {}]:
        _check_statement(bucket, statement)


def _check_statement(bucket: str, statement: Mapping[str, Any]) -> None:
    for names in (("Effect",), ("Principal", "NotPrincipal"), ("Action", "NotAction"), ("Resource", "NotResource")):
        if not any(statement.get(name) for name in names):
            raise _malformed(f"Missing required field {names[0]}")
    for action in _listed(statement, "Action", "NotAction"):
        if action != "*" and not action.lower().startswith("s3:"):
            raise _malformed("Policy has invalid action")
    for resource in _listed(statement, "Resource", "NotResource"):
        if resource.partition("/")[0] != ARN + bucket and resource.rstrip("*") != ARN + bucket:
            raise _malformed("Policy has invalid resource")


def _listed(statement: Mapping[str, Any], *names: str) -> Iterator[str]:
    for name in names:
        values = statement.get(name) or []
        yield from [values] if isinstance(values, str) else values


def _root(body: bytes) -> ElementTree.Element:
    try:
        return ElementTree.fromstring(body)  # noqa: S314 (of our own processes)
    except ElementTree.ParseError as error:
        raise _malformed_xml() from error


def _malformed_xml() -> AwsError:
    message = "The XML you provided was not well-formed or did not validate against our published schema"
    return AwsError("MalformedXML", message)


def _check_versioning(body: bytes) -> None:
    status = _root(body).findtext("{*}Status")
    if status not in (None, "Enabled", "Suspended"):
        raise _malformed_xml()


def _check_lifecycle(body: bytes) -> None:
    for rule in _root(body).iterfind("{*}Rule"):
        for part in ("Expiration/{*}Days", "NoncurrentVersionExpiration/{*}NoncurrentDays"):
            days = rule.findtext("{*}" + part)
            if days is not None and not (days.isdigit() and int(days) > 0):
                action = part.partition("/")[0]
                raise AwsError("InvalidArgument", f"'Days' for {action} action must be a positive integer")
