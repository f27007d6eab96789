"""Step 4: describe the jobs that the executor ran."""

from typing import Any

from sagemaker_rehearsal.pipelines.jobs import Jobs
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
    keys = {
        "CreationTime": lambda candidate: candidate["CreationTime"],
        "Status": lambda candidate: candidate["CandidateStatus"],
        "FinalObjectiveMetricValue": lambda candidate: candidate["FinalAutoMLJobObjectiveMetric"]["Value"],
    }
    if "SortBy" in call.params:
        candidates.sort(
            key=keys[call.params["SortBy"]], reverse=call.params.get("SortOrder", "Ascending") == "Descending"
        )
    start = int(call.params.get("NextToken") or 0)
    end = start + call.params.get("MaxResults", 100)
    return {"Candidates": candidates[start:end], **({"NextToken": str(end)} if end < len(candidates) else {})}
