"""One embedded AWS for all tests of this folder that need one."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sagemaker_rehearsal.account import SERVICES
from sagemaker_rehearsal.server import Cloud

BUCKET = "sagemaker-project-p-test"


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A running cloud with a bucket that holds an artifact."""
    with Cloud(tmp_path_factory.mktemp("cloud"), services=SERVICES) as running:
        s3 = running.client("s3")
        s3.create_bucket(Bucket=BUCKET)
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
            archive.addfile(tarfile.TarInfo("nothing"))
        s3.put_object(Bucket=BUCKET, Key="model.tar.gz", Body=buffer.getvalue())
        yield running


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder of the test's own."""
    return tmp_path
