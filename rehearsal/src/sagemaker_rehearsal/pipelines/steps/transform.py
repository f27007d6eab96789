"""Step 4: Transform: predict the held-out rows in one batch, with the endpoint's serving code."""

import json
import tarfile
from pathlib import Path
from typing import Any

from sagemaker_rehearsal.pipelines.errors import ExecutorError
from sagemaker_rehearsal.pipelines.steps.work import Work, now
from sagemaker_rehearsal.processes import python


def run(work: Work) -> dict[str, Any]:
    """Run a transform job; return DescribeTransformJob's response."""
    name = work.job_name()
    request = {**work.arguments, "TransformJobName": name}
    work.require_valid("CreateTransformJob", request)
    described = {**request, "TransformJobArn": work.context.arn("transform-job", name.lower()), "CreationTime": now()}
    described |= {"TransformStartTime": now(), "TransformJobStatus": "InProgress"}
    described.pop("Tags", None)
    work.context.jobs.record("transform", name, described)
    try:
        _run(work, name)
    except ExecutorError as error:
        failed = {"TransformJobStatus": "Failed", "FailureReason": str(error)[:1024], "TransformEndTime": now()}
        work.context.jobs.record("transform", name, {**described, **failed})
        raise
    done = {**described, "TransformJobStatus": "Completed", "TransformEndTime": now()}
    work.context.jobs.record("transform", name, done)
    return done


def _run(work: Work, name: str) -> None:
    folder = work.folder(name)
    model = work.context.client("sagemaker").describe_model(ModelName=work.arguments["ModelName"])
    container = model.get("PrimaryContainer") or model["Containers"][0]
    _unpack(work, container["ModelDataUrl"], folder)
    work.storage.download(work.arguments["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"], folder / "input")
    environment = {**container.get("Environment", {}), **work.arguments.get("Environment", {})}
    paths = [part for kind in ("model", "input", "output") for part in (f"--{kind}", str(folder / kind))]
    work.run_process(
        python("-m", "sagemaker_rehearsal.serving.batch", *paths, "--environment", json.dumps(environment)), folder, {}
    )
    if not any((folder / "output").glob("**/*.out")):
        raise ExecutorError("AlgorithmError: the transform wrote no .out file")
    work.storage.upload(folder / "output", work.arguments["TransformOutput"]["S3OutputPath"])


def _unpack(work: Work, url: str, folder: Path) -> None:
    work.storage.download_file(url, folder / "model.tar.gz")
    with tarfile.open(folder / "model.tar.gz") as archive:
        archive.extractall(folder / "model", filter="data")
