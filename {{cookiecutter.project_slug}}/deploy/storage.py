"""Steps 8 and 9: read and write the project's bucket."""

import json
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from pipeline.errors import FAILED, DeployError


@dataclass(frozen=True)
class Storage:
    """S3 with errors that name the object and the remedy."""

    s3: Any

    def text(self, uri: str) -> str:
        """Read an object as UTF-8; raise DeployError when it is absent, not ours to read, or no text."""
        bucket, key = split(uri)
        try:
            return str(self.s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode("utf-8-sig"))
        except ClientError as error:
            code = error.response["Error"]["Code"]
            raise DeployError(
                f"{uri}: cannot be read ({code}); the training pipeline writes it and lifecycle rules may remove it; "
                "run the training pipeline again and approve its model",
                FAILED,
            ) from error
        except UnicodeDecodeError as error:
            rule = f"is not UTF-8 (byte {error.start}); run the training pipeline again"
            raise DeployError(f"{uri}: {rule}", FAILED) from error

    def json(self, uri: str) -> Any:  # noqa: ANN401 (JSON)
        """Read an object as JSON; raise DeployError as `text`, and when it is no JSON."""
        try:
            return json.loads(self.text(uri))
        except ValueError as error:
            raise DeployError(f"{uri}: is no JSON ({error}); run the training pipeline again", FAILED) from error

    def csv(self, uri: str) -> str:
        """Read an object, or where `uri` names a folder the one CSV file in it.

        Raises:
            DeployError: as `text`, and when the folder does not hold exactly one.
        """
        if uri.endswith((".csv", ".out")):
            return self.text(uri)
        bucket, prefix = split(uri.rstrip("/") + "/")
        listed = self.s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
        keys = [item["Key"] for item in listed if item["Key"].endswith((".csv", ".out"))]
        if len(keys) != 1:
            rule = "expected one; run the training pipeline again"
            raise DeployError(f"{uri}: holds {len(keys)} CSV files; {rule}", FAILED)
        return self.text(f"s3://{bucket}/{keys[0]}")

    def write(self, bucket: str, key: str, text: str, content_type: str) -> str:
        """Write an object; return its URI."""
        content_type = f"{content_type}; charset=utf-8"
        self.s3.put_object(Bucket=bucket, Key=key, Body=text.encode("utf-8"), ContentType=content_type)
        return f"s3://{bucket}/{key}"


def split(uri: str) -> tuple[str, str]:
    """Take `s3://bucket/key` apart; raise DeployError when it has another form."""
    scheme, _, rest = uri.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme != "s3" or not bucket or not key:
        raise DeployError(f"{uri!r}: is no S3 URI, s3://BUCKET/KEY; the model package was registered by something else")
    return bucket, key
