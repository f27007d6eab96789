"""Steps 3, 4 and 6: a function's deployment package: fetched, held to Lambda's limits, unpacked."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import shutil
import stat
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from sagemaker_rehearsal.server.errors import AwsError
from sagemaker_rehearsal.server.service import Host

# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MOST_SENT = 50 * 1024 * 1024
MOST_UNPACKED = 250 * 1024 * 1024


@dataclass(frozen=True)
class Package:
    """An unpacked deployment package.

    Attributes:
        folder: what is /var/task on AWS.
        sha256: of the zip, in base64, as Lambda gives it.
        size: of the zip, in bytes.
    """

    folder: Path
    sha256: str
    size: int


def fetch(client: Any, code: Mapping[str, Any]) -> bytes:  # noqa: ANN401 (boto3's S3 client)
    """Return the zip that CreateFunction or UpdateFunctionCode names or brings.

    Raises:
        AwsError: there is none, or it is too large.
    """
    if code.get("ImageUri"):
        raise AwsError("NotImplemented", "The rehearsal runs zips, no container images; see docs/parity.md", 501)
    data = code["ZipFile"] if code.get("ZipFile") else _stored(client, code)
    if code.get("ZipFile") and len(data) > MOST_SENT:
        raise AwsError("RequestEntityTooLargeException", "Request must be smaller than 69905067 bytes", 413)
    return bytes(data)


def _stored(client: Any, code: Mapping[str, Any]) -> bytes:  # noqa: ANN401 (boto3's S3 client)
    bucket, key = code.get("S3Bucket"), code.get("S3Key")
    if not bucket or not key:
        raise AwsError("InvalidParameterValueException", "Please provide a source for function code.")
    version = {"VersionId": code["S3ObjectVersion"]} if code.get("S3ObjectVersion") else {}
    try:
        return bytes(client.get_object(Bucket=bucket, Key=key, **version)["Body"].read())
    except ClientError as error:
        details = error.response["Error"]
        message = f"S3 Error Code: {details['Code']}. S3 Error Message: {details.get('Message', '')}"
        raise AwsError("InvalidParameterValueException", f"Error occurred while GetObject. {message}") from None


def unpack(cloud: Host, data: bytes) -> Package:
    """Unpack a zip, once for each content.

    Raises:
        AwsError: it is none, or larger than Lambda takes.
    """
    digest = hashlib.sha256(data).digest()
    folder = cloud.state / "lambda" / "code" / digest.hex()[:32]
    if not folder.exists():
        _extract(data, folder)
    return Package(folder, base64.b64encode(digest).decode(), len(data))


def _extract(data: bytes, folder: Path) -> None:
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except zipfile.BadZipFile:
        message = "Could not unzip uploaded file. Please check your file, then try to upload again."
        raise AwsError("InvalidParameterValueException", message) from None
    if sum(member.file_size for member in archive.infolist()) > MOST_UNPACKED:
        raise AwsError("InvalidParameterValueException", f"Unzipped size must be smaller than {MOST_UNPACKED} bytes")
    being_made = folder.with_name(f"{folder.name}.{os.getpid()}.{id(data)}")
    with archive:
        for member in archive.infolist():
            target = Path(archive.extract(member, being_made))
            if (member.external_attr >> 16) & stat.S_IXUSR and target.is_file():
                target.chmod(0o755)
    being_made.mkdir(parents=True, exist_ok=True)  # of an empty zip
    try:
        being_made.rename(folder)
    except OSError:  # another request was faster
        shutil.rmtree(being_made, ignore_errors=True)
