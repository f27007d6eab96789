"""Step 4: describe the jobs that the executor ran."""

from typing import Any

from sagemaker_rehearsal.pipelines.jobs import Jobs
from sagemaker_rehearsal.sagemaker.lists import PAGES, listed
from sagemaker_rehearsal.server.errors import AwsError
from sagemaker_rehearsal.server.service import Call, Host, operation


def _new(_: Host) -> Jobs:
    return Jobs()


def of(cloud: Host) -> Jobs:
    """Return the jobs of a cloud."""
    return cloud.state_of(_new)


def _find(call: Call, kind: str, name: str) -> dict[str, Any]:
    job = of(call.cloud).find(kind, name)
    if job is None:
        code = "ResourceNotFound" if kind == "automl" else "ValidationException"
        raise AwsError(code, f"Could not find requested job with name: {name}")
    return job


@operation("sagemaker", "DescribeProcessingJob")
def describe_processing_job(call: Call) -> dict[str, Any]:
    """Show a processing job of a pipeline execution."""
    return _find(call, "processing", call.params["ProcessingJobName"])


@operation("sagemaker", "DescribeTransformJob")
def describe_transform_job(call: Call) -> dict[str, Any]:
    """Show a transform job of a pipeline execution."""
    return _find(call, "transform", call.params["TransformJobName"])


@operation("sagemaker", "DescribeAutoMLJob")
def describe_auto_ml_job(call: Call) -> dict[str, Any]:
    """Show an AutoML job of a pipeline execution."""
    return _find(call, "automl", call.params["AutoMLJobName"])


@operation("sagemaker", "ListCandidatesForAutoMLJob")
def list_candidates(call: Call) -> dict[str, Any]:
    """List an AutoML job's candidates, filtered and sorted."""
    name = call.params["AutoMLJobName"]
    _find(call, "automl", name)
    candidates = list(of(call.cloud).candidates.get(name, []))
    status, candidate_name = call.params.get("StatusEquals"), call.params.get("CandidateNameEquals")
    candidates = [
        candidate
        for candidate in candidates
        if status in (None, candidate["CandidateStatus"]) and candidate_name in (None, candidate["CandidateName"])
    ]
    rows = [{**candidate, "Score": candidate["FinalAutoMLJobObjectiveMetric"]["Value"]} for candidate in candidates]
    fields = {"CreationTime": "CreationTime", "Status": "CandidateStatus", "FinalObjectiveMetricValue": "Score"}
    if "SortBy" in call.params:
        rows.sort(key=lambda row: row[fields[call.params["SortBy"]]])
        if call.params.get("SortOrder") == "Descending":
            rows.reverse()
    page = PAGES.page(call, "Candidates", rows)
    return {**page, "Candidates": [{key: row[key] for key in row if key != "Score"} for row in page["Candidates"]]}


def _list(call: Call, kind: str, prefix: str, members: tuple[str, ...]) -> dict[str, Any]:
    """List the jobs of a kind; AWS's pages have ten jobs where the request has no MaxResults."""
    rows = []
    for job in of(call.cloud).all(kind):
        ended = job.get("EndTime") or job.get(f"{prefix}EndTime") or job["CreationTime"]
        row = {"LastModifiedTime": ended, **job}
        rows.append({member: row[member] for member in members if member in row})
    fields = {"Name": f"{prefix}JobName", "Status": f"{prefix}JobStatus"}
    fields |= {name: name for name in ("CreationTime", "LastModifiedTime")}
    return listed(call, f"{prefix}JobSummaries", rows, fields, size=10)


def _members(prefix: str, *more: str) -> tuple[str, ...]:
    names = (f"{prefix}JobName", f"{prefix}JobArn", f"{prefix}JobStatus")
    return (*names, "CreationTime", "LastModifiedTime", "FailureReason", *more)


@operation("sagemaker", "ListProcessingJobs")
def list_processing_jobs(call: Call) -> dict[str, Any]:
    """List the processing jobs of pipeline executions."""
    return _list(call, "processing", "Processing", _members("Processing", "ProcessingEndTime", "ExitMessage"))


@operation("sagemaker", "ListTransformJobs")
def list_transform_jobs(call: Call) -> dict[str, Any]:
    """List the transform jobs of pipeline executions."""
    return _list(call, "transform", "Transform", _members("Transform", "TransformEndTime"))


@operation("sagemaker", "ListAutoMLJobs")
def list_auto_ml_jobs(call: Call) -> dict[str, Any]:
    """List the AutoML jobs of pipeline executions."""
    return _list(call, "automl", "AutoML", _members("AutoML", "AutoMLJobSecondaryStatus", "EndTime"))


@operation("sagemaker", "ListTrainingJobs")
def list_training_jobs(call: Call) -> dict[str, Any]:
    """List no training job, because there is none."""
    return _list(call, "training", "Training", _members("Training"))


@operation("sagemaker", "DescribeTrainingJob")
def describe_training_job(call: Call) -> dict[str, Any]:
    """Raise the error for an absent job, because there is none."""
    return _find(call, "training", call.params["TrainingJobName"])


@operation(
    "sagemaker",
    "CreateProcessingJob",
    "CreateTransformJob",
    "CreateTrainingJob",
    "CreateAutoMLJob",
    "CreateAutoMLJobV2",
)
def refuse_job(call: Call) -> dict[str, Any]:
    """Refuse a job that is no step of a pipeline, instead of accepting what never runs."""
    message = f"The rehearsal does not run jobs of {call.operation}: it runs those of a pipeline's steps"
    raise AwsError("NotImplemented", f"{message}; see docs/parity.md", 501)
