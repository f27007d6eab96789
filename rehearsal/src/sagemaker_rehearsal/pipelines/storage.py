"""Step 4: move files between a job's folder and S3."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from sagemaker_rehearsal.pipelines.errors import ExecutorError


def split(uri: str) -> tuple[str, str]:
    """Split `s3://bucket/key` into bucket and key.

    Raises:
        ExecutorError: when it has another form.
    """
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    if not uri.startswith("s3://") or not bucket:
        raise ExecutorError(f"ClientError: {uri!r} is no S3 URI; it must have the form s3://BUCKET/KEY")
    return bucket, key


class Storage:
    """S3 transfers of SageMaker's jobs: prefixes are downloaded, folders uploaded."""

    def __init__(self, s3: Any) -> None:  # noqa: ANN401 (boto3 clients have no type)
        self._s3 = s3

    def keys(self, uri: str) -> list[str]:
        """List the objects whose key starts with the URI's key.

        Raises:
            ExecutorError: when the bucket cannot be read.
        """
        bucket, prefix = split(uri)
        try:
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
            return [item["Key"] for page in pages for item in page.get("Contents", [])]
        except ClientError as error:
            raise ExecutorError(f"ClientError: Data download failed: {uri}: {error}") from error

    def download_file(self, uri: str, target: Path) -> None:
        """Download one object.

        Raises:
            ExecutorError: when it is absent.
        """
        bucket, key = split(uri)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._s3.download_file(bucket, key, str(target))
        except ClientError as error:
            raise ExecutorError(f"ClientError: Data download failed: no S3 object at {uri} ({error})") from error

    def download(self, uri: str, folder: Path) -> list[Path]:
        """Download an object, or every object under a prefix, with the names that SageMaker gives them.

        Raises:
            ExecutorError: when there is none.
        """
        bucket, prefix = split(uri)
        keys = [key for key in self.keys(uri) if not key.endswith("/")]
        if prefix in keys:
            keys = [prefix]
        elif prefix and not prefix.endswith("/"):
            # S3 matches prefixes as text; an input at `train` must not download `training.csv`
            keys = [key for key in keys if key.startswith(f"{prefix}/")]
        if not keys:
            raise ExecutorError(f"ClientError: Data download failed: no S3 objects found under S3 URL {uri!r}")
        base = prefix if prefix.endswith("/") or not prefix else f"{prefix}/"
        folder.mkdir(parents=True, exist_ok=True)
        return [self._download(bucket, key, folder, key.removeprefix(base)) for key in keys]

    def _download(self, bucket: str, key: str, folder: Path, relative: str) -> Path:
        target = folder / (Path(key).name if relative == key else relative)
        if not target.resolve().is_relative_to(folder.resolve()):
            raise ExecutorError(f"ClientError: the key s3://{bucket}/{key} leads outside the job's folder")
        self.download_file(f"s3://{bucket}/{key}", target)
        return target

    def upload(self, folder: Path, uri: str) -> list[str]:
        """Upload a folder's files under a prefix; return their URIs."""
        bucket, prefix = split(uri.rstrip("/"))
        done = []
        for file in _files(folder):
            key = "/".join(part for part in (prefix, file.relative_to(folder).as_posix()) if part)
            self._s3.upload_file(str(file), bucket, key)
            done.append(f"s3://{bucket}/{key}")
        return done

    def text(self, uri: str) -> str:
        """Return one object as text.

        Raises:
            ExecutorError: when it is absent.
        """
        bucket, key = split(uri)
        try:
            return str(self._s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode("utf-8"))
        except ClientError as error:
            raise ExecutorError(f"ClientError: no S3 object at {uri} ({error})") from error


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())
