"""Steps 4 and 6 to 10: artifacts of pipelines and builds: zip archives in S3."""

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Location:
    """The S3 location of an artifact.

    Attributes:
        version: the object's version, where the bucket is versioned.
    """

    bucket: str
    key: str
    version: str = ""

    @property
    def request(self) -> dict[str, str]:
        """The request parameters that identify the object."""
        named = {"Bucket": self.bucket, "Key": self.key}
        return {**named, "VersionId": self.version} if self.version else named


def pack(folder: Path, target: Path) -> None:
    """Zip a folder's files in a fixed order, without .git."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1, strict_timestamps=False) as archive:
        for path in _files(folder):
            archive.write(path, path.relative_to(folder).as_posix())


def _files(folder: Path) -> Iterator[Path]:
    return (
        path for path in sorted(folder.rglob("*")) if path.is_file() and ".git" not in path.relative_to(folder).parts
    )


def unpack(archive: Path, folder: Path) -> None:
    """Unzip into a new folder; as in CodePipeline's own archives, permission bits are lost."""
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(folder)


def fetch(s3: Any, location: Location, folder: Path) -> None:  # noqa: ANN401 (boto3 clients have no type)
    """Download an artifact and unzip it.

    Raises:
        botocore.exceptions.ClientError: when it cannot be read.
    """
    archive = folder.with_name(f"{folder.name}.zip")
    archive.parent.mkdir(parents=True, exist_ok=True)
    archive.write_bytes(s3.get_object(**location.request)["Body"].read())
    unpack(archive, folder)
    archive.unlink()


def store(s3: Any, folder: Path, location: Location) -> Location:  # noqa: ANN401 (boto3 clients have no type)
    """Zip and upload a folder; return its location with the object's version.

    Raises:
        botocore.exceptions.ClientError: when it cannot be written.
    """
    archive = folder.with_name(f"{folder.name}.zip")
    pack(folder, archive)
    answer = s3.put_object(Bucket=location.bucket, Key=location.key, Body=archive.read_bytes())
    archive.unlink()
    return Location(location.bucket, location.key, str(answer.get("VersionId") or ""))
