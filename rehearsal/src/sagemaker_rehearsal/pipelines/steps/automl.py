"""Step 4: AutoML: an Autopilot job (V1, ENSEMBLING), fitted by `python -m sagemaker_rehearsal.autopilot`."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from sagemaker_rehearsal.pipelines.drills import NO_CLARIFY
from sagemaker_rehearsal.pipelines.errors import ExecutorError
from sagemaker_rehearsal.pipelines.steps import shadow
from sagemaker_rehearsal.pipelines.steps.work import Work, now
from sagemaker_rehearsal.processes import python

NAME_LIMIT = 32  # of AutoMLJobName
TIMES = ("CreationTime", "EndTime", "LastModifiedTime", "InferenceTime")


def run(work: Work) -> dict[str, Any]:
    """Run an AutoML job; return DescribeAutoMLJob's response, with the paths of the best candidate's reports."""
    name = work.job_name(NAME_LIMIT)
    request = {**work.arguments, "AutoMLJobName": name}
    work.require_valid("CreateAutoMLJob", request)
    described: dict[str, Any] = {
        **request,
        "AutoMLJobArn": work.context.arn("automl-job", name.lower()),
        "CreationTime": now(),
    }
    described.pop("Tags", None)
    described |= {"AutoMLJobStatus": "InProgress", "AutoMLJobSecondaryStatus": "Starting", "LastModifiedTime": now()}
    work.context.jobs.record("automl", name, described)
    try:
        _require_rights(work, name)
        done = {**described, **_run(work, name)}
    except ExecutorError as error:
        failed = {"AutoMLJobStatus": "Failed", "AutoMLJobSecondaryStatus": "Failed", "FailureReason": str(error)[:1024]}
        work.context.jobs.record("automl", name, {**described, **failed, "EndTime": now(), "LastModifiedTime": now()})
        raise
    done |= {
        "AutoMLJobStatus": "Completed",
        "AutoMLJobSecondaryStatus": "Completed",
        "EndTime": now(),
        "LastModifiedTime": now(),
    }
    work.context.jobs.record(
        "automl", name, {key: value for key, value in done.items() if key != "BestCandidateProperties"}
    )
    return done


def _require_rights(work: Work, name: str) -> None:
    """Require the permissions for explaining: AWS needs them after training; checked here before it, to fail early."""
    for operation, request in shadow.requests(name, work.arguments, work.context.region, work.context.account):
        work.require_allowed(operation, request)


def _run(work: Work, name: str) -> dict[str, Any]:
    folder = work.folder(name)
    channels = {channel.get("ChannelType", "training"): channel for channel in work.arguments["InputDataConfig"]}
    if set(channels) != {"training", "validation"}:
        raise ExecutorError("ClientError: the rehearsal's AutoML needs one training and one validation channel")
    for kind, channel in channels.items():
        work.storage.download(channel["DataSource"]["S3DataSource"]["S3Uri"], folder / kind)
    (folder / "request.json").write_text(json.dumps(dict(work.arguments)), encoding="utf-8")
    arguments = [part for kind in ("training", "validation", "output") for part in (f"--{kind}", str(folder / kind))]
    arguments += ["--no-explainability"] if NO_CLARIFY in work.context.drills else []
    work.run_process(
        python("-m", "sagemaker_rehearsal.autopilot", "--request", str(folder / "request.json"), *arguments), folder, {}
    )
    return _collect(work, name, folder / "output")


def _collect(work: Work, name: str, output: Path) -> dict[str, Any]:
    """Upload the job's output; replace its `file:` paths by S3 URIs."""
    base = f"{work.arguments['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{name}"
    work.storage.upload(output, base)
    described: dict[str, Any] = placed(json.loads((output / "describe.json").read_text(encoding="utf-8")), base)
    work.context.jobs.candidates[name] = placed(
        json.loads((output / "candidates.json").read_text(encoding="utf-8")), base
    )
    return described


def placed(value: Any, base: str, key: str = "") -> Any:  # noqa: ANN401 (JSON)
    """Replace `file:` paths by S3 URIs, and times as text by datetimes."""
    if isinstance(value, dict):
        return {name: placed(item, base, name) for name, item in value.items()}
    if isinstance(value, list):
        return [placed(item, base) for item in value]
    if isinstance(value, str) and value.startswith("file:"):
        return f"{base}/{value.removeprefix('file:').lstrip('/')}"
    if key in TIMES and isinstance(value, str):
        return datetime.fromisoformat(value.replace("Z", "+00:00"))
    return value
