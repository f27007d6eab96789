"""Step 4: put flow, scripts and data into the project's bucket, under keys that contain the content's hash.

So an unchanged file is uploaded once, a changed one never replaces what an earlier run refers to, and a step whose
inputs did not change can be taken from the cache.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from pipeline.data import flows
from pipeline.data.flows import FlowFile
from pipeline.data.sources import Source
from pipeline.errors import PipelineError
from pipeline.settings.model import Settings

HASH_LENGTH = 16


@dataclass(frozen=True)
class Sources:
    """Where the uploaded files stand (`plan` makes the URIs from their content)."""

    flow_uri: str  # the flow's file
    code_uri: str  # the folder that holds pipeline/steps
    flow: FlowFile  # what the flow file says
    input_uri: str = ""  # the input CSV; empty when each start must name it
    input_origin: str = ""  # where it came from (`Source.note`); empty when that is not known
    balance_uri: str = ""  # the balance flow's file, or empty
    balance: FlowFile | None = None  # what it says


@dataclass(frozen=True)
class Upload:
    """One file and the key that it gets."""

    path: Path
    key: str


@dataclass(frozen=True)
class Plan:
    """What is to be uploaded, and the URIs that the definition refers to."""

    uploads: tuple[Upload, ...]
    sources: Sources


def plan(root: Path, settings: Settings, bucket: str, data: Source | None = None) -> Plan:
    """Decide keys and URIs from local files, no network; `data` is None where the input CSV is not known yet.

    Raises:
        PipelineError: when a flow is absent or wrong.
    """
    flow, flow_upload = _flow(root, settings, settings.flow.file, balance=False)
    uploads = [flow_upload, *_code(root)]
    code_folder = "/".join(uploads[1].key.split("/")[:2])
    input_uri, balance_uri, balance = "", "", None
    if data and isinstance(data.location, Path):
        uploads.append(Upload(data.location, f"input/{_digest(data.location)}/data.csv"))
        input_uri = f"s3://{bucket}/{uploads[-1].key}"
    elif data:
        input_uri = str(data.location)
    if settings.flow.balance:
        balance, balance_upload = _flow(root, settings, settings.flow.balance, balance=True)
        uploads.append(balance_upload)
        balance_uri = f"s3://{bucket}/{balance_upload.key}"
    sources = Sources(
        flow_uri=f"s3://{bucket}/{flow_upload.key}",
        code_uri=f"s3://{bucket}/{code_folder}",
        flow=flow,
        input_uri=input_uri,
        input_origin=data.note if data else "",
        balance_uri=balance_uri,
        balance=balance,
    )
    return Plan(tuple(uploads), sources)


def _flow(root: Path, settings: Settings, name: str, *, balance: bool) -> tuple[FlowFile, Upload]:
    path = root / name
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        key = "flow.balance" if balance else "flow.file"
        raise PipelineError(f"{key}: {name} cannot be read ({error}); name a flow file of this repository") from error
    destination = None if balance else settings.flow.destination
    custom = settings.flow.allow_custom_code
    flow = flows.read(text, name, destination, balance=balance, custom_code=custom)
    return flow, Upload(path, f"flows/{_digest(path)}/{path.name}")


def _code(root: Path) -> list[Upload]:
    steps = (root / "pipeline" / "steps").glob("*.py")
    paths = [root / "pipeline" / "__init__.py", *sorted(steps)]
    hashed = hashlib.sha256()
    for path in paths:
        hashed.update(f"{path.relative_to(root).as_posix()}\0{_digest(path)}\n".encode())
    folder = hashed.hexdigest()[:HASH_LENGTH]
    return [Upload(path, f"code/{folder}/{path.relative_to(root).as_posix()}") for path in paths]


def _digest(path: Path) -> str:
    hashed = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            hashed.update(piece)
    return hashed.hexdigest()[:HASH_LENGTH]


def execute(s3: Any, bucket: str, uploads: tuple[Upload, ...], kms_key: str | None = None) -> list[Upload]:  # noqa: ANN401
    """Upload what is not there yet, encrypted with the team's key where it has one; return what was uploaded."""
    encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key} if kms_key else {}
    done = []
    for upload in uploads:
        if not _is_there(s3, bucket, upload.key):
            s3.upload_file(str(upload.path), bucket, upload.key, ExtraArgs=encryption or None)
            done.append(upload)
    return done


def _is_there(s3: Any, bucket: str, key: str) -> bool:  # noqa: ANN401
    try:
        s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        # Without s3:ListBucket an absent object answers 403
        if error.response["ResponseMetadata"]["HTTPStatusCode"] in (403, 404):
            return False
        raise
    return True
