"""Step 4: Processing: the flow, the split, the evaluation; a process in its own folder replaces the container."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sagemaker_rehearsal.pipelines.errors import ExecutorError
from sagemaker_rehearsal.pipelines.steps.work import Work, now
from sagemaker_rehearsal.processes import python

ROOT = "/opt/ml/processing"
FLOW_IMAGE = "sagemaker-data-wrangler-container"
SCRIPT_IMAGE = "sagemaker-scikit-learn"


def run(work: Work) -> dict[str, Any]:
    """Run a processing job; return DescribeProcessingJob's response."""
    name = work.job_name()
    request = {**work.arguments, "ProcessingJobName": name}
    work.require_valid("CreateProcessingJob", request)
    described = {**request, "ProcessingJobArn": work.context.arn("processing-job", name.lower()), "CreationTime": now()}
    described |= {"ProcessingStartTime": now(), "ProcessingJobStatus": "InProgress"}
    work.context.jobs.record("processing", name, described)
    try:
        _run(work, name, request)
    except ExecutorError as error:
        failed = {"ProcessingJobStatus": "Failed", "FailureReason": str(error)[:1024], "ProcessingEndTime": now()}
        work.context.jobs.record("processing", name, {**described, **failed})
        raise
    done = {**described, "ProcessingJobStatus": "Completed", "ProcessingEndTime": now()}
    work.context.jobs.record("processing", name, done)
    return done


def _run(work: Work, name: str, request: Mapping[str, Any]) -> None:
    root = work.folder(name) / "processing"
    root.mkdir()
    for channel in request.get("ProcessingInputs", []):
        work.storage.download(channel["S3Input"]["S3Uri"], local(channel["S3Input"]["LocalPath"], root))
    outputs = [
        output for output in request.get("ProcessingOutputConfig", {}).get("Outputs", []) if "S3Output" in output
    ]
    for output in outputs:
        local(output["S3Output"]["LocalPath"], root).mkdir(parents=True, exist_ok=True)
    limit = request.get("StoppingCondition", {}).get("MaxRuntimeInSeconds")
    env = {key: value.replace(ROOT, str(root)) for key, value in request.get("Environment", {}).items()}
    work.run_process(command(request["AppSpecification"], root), root.parent, env, limit)
    for output in outputs:
        work.storage.upload(local(output["S3Output"]["LocalPath"], root), output["S3Output"]["S3Uri"])


def local(path: str, root: Path) -> Path:
    """Return the local folder of a container's path.

    Raises:
        ExecutorError: when the path is not below /opt/ml/processing.
    """
    folder = Path(path.replace(ROOT, str(root), 1))
    if not path.startswith(ROOT) or not folder.resolve().is_relative_to(root.resolve()):
        raise ExecutorError(f"ClientError: LocalPath {path!r} must be a folder below {ROOT}")
    return folder


def command(application: Mapping[str, Any], root: Path) -> list[str]:
    """Return the command that replaces the container.

    Raises:
        ExecutorError: for an unknown image, or an entrypoint that does not exist.
    """
    image = application["ImageUri"]
    arguments = [part.replace(ROOT, str(root)) for part in application.get("ContainerArguments", [])]
    if FLOW_IMAGE in image:
        return python("-m", "sagemaker_rehearsal.datawrangler", "--processing-root", str(root), *arguments)
    if SCRIPT_IMAGE in image:
        entry = [part.replace(ROOT, str(root)) for part in application.get("ContainerEntrypoint", [])]
        scripts = [part for part in entry if not part.rpartition("/")[2].startswith("python")]
        if not scripts:
            raise ExecutorError("ClientError: the scikit-learn container needs an entrypoint: python3 and a script")
        if not Path(scripts[0]).is_file():
            raise ExecutorError(
                f"AlgorithmError: the entrypoint {scripts[0].replace(str(root), ROOT)} does not exist in the container"
            )
        return python(*scripts, *arguments)
    raise ExecutorError(
        f"ClientError: the rehearsal has nothing that runs in place of the image {image!r}; "
        f"it knows {FLOW_IMAGE} and {SCRIPT_IMAGE}"
    )
