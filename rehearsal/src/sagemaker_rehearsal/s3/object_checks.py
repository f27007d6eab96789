"""All steps: checks of objects: the length of keys and metadata, and digests.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
"""

import base64
import binascii
import hashlib

from sagemaker_rehearsal.iam.s3 import Asked
from sagemaker_rehearsal.server.errors import AwsError
from sagemaker_rehearsal.server.protocols import Wire

LONGEST_KEY = 1024
MOST_METADATA = 2048
PREFIX = "x-amz-meta-"


def check(request: Wire) -> None:
    """Validate a request for an object by S3's rules.

    Raises:
        AwsError: with S3's error code.
    """
    asked = Asked.read(request.method, request.path, request.query, request.headers, request.body)
    if not asked.key:
        return
    if len(asked.key.encode()) > LONGEST_KEY:
        raise AwsError("KeyTooLongError", "Your key is too long")
    if asked.method in ("PUT", "POST"):
        metadata = {name[len(PREFIX) :]: value for name, value in request.headers.items() if name.startswith(PREFIX)}
        if sum(len(name.encode()) + len(value.encode()) for name, value in metadata.items()) > MOST_METADATA:
            message = "Your metadata headers exceed the maximum allowed metadata size"
            raise AwsError("MetadataTooLarge", message)
    if request.headers.get("content-md5") and "aws-chunked" not in request.headers.get("content-encoding", ""):
        _check_digest(request.headers["content-md5"], request.body)


def _check_digest(header: str, body: bytes) -> None:
    try:
        digest = base64.b64decode(header, validate=True)
    except binascii.Error:
        digest = b""
    if len(digest) != 16:
        raise AwsError("InvalidDigest", "The Content-MD5 you specified was invalid.")
    if digest != hashlib.md5(body, usedforsecurity=False).digest():
        raise AwsError("BadDigest", "The Content-MD5 you specified did not match what we received.")
