"""Step 4: the responses of DescribeAutoMLJob and ListCandidatesForAutoMLJob for a finished job. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sagemaker_rehearsal.autopilot.engine import PROGRAM, SUBMIT_DIRECTORY, Trial
from sagemaker_rehearsal.autopilot.metrics import Objective

MODEL = "model.tar.gz"
EXPLAINABILITY = "reports/explainability"
INSIGHTS = "reports/insights"
EXPLAINABILITY_JSON = f"{EXPLAINABILITY}/analysis.json"
INSIGHTS_JSON = f"{INSIGHTS}/statistics.json"

# The inference container's environment as an ENSEMBLING candidate of a classification lists it.
# https://docs.aws.amazon.com/sagemaker/latest/dg/autopilot-automate-model-development-container-output.html
OUTPUT_KEYS = ("predicted_label", "probability", "probabilities", "labels")

# AutoMLMetricEnum has no LogLoss; AutoMLMetricExtendedEnum (StandardMetricName) has.
_ONLY_STANDARD = {"LogLoss"}


@dataclass(frozen=True)
class Job:
    """A finished job: its request's resolved part, its trials (best first) and its times (ISO 8601, UTC).

    Attributes:
        base: the prefix of artifact paths, `file:` or `s3://bucket/prefix/`.
        image: the inference image.
        criteria: CompletionCriteria of the request.
        cut_short: whether MaxAutoMLJobRuntimeInSeconds elapsed before every candidate was fitted.
        explained: whether there is an explainability report.
    """

    problem_type: str
    objective: Objective
    trials: Sequence[Trial]
    base: str
    image: str
    criteria: Mapping[str, int]
    started: str
    ended: str
    cut_short: bool = False
    explained: bool = True


def describe(job: Job) -> dict[str, Any]:
    """Return DescribeAutoMLJob's members that depend on the job, and a pipeline step's BestCandidateProperties."""
    secondary = "MaxAutoMLJobRuntimeReached" if job.cut_short else "Completed"
    return {
        "CreationTime": job.started,
        "EndTime": job.ended,
        "LastModifiedTime": job.ended,
        "AutoMLJobStatus": "Completed",
        "AutoMLJobSecondaryStatus": secondary,
        "BestCandidate": _candidate(job, 0),
        "ResolvedAttributes": {
            "AutoMLJobObjective": {"MetricName": job.objective.name},
            "ProblemType": job.problem_type,
            "CompletionCriteria": dict(job.criteria),
        },
        "BestCandidateProperties": {
            "ModelInsightsJsonReportPath": job.base + INSIGHTS_JSON,
            **({"ExplainabilityJsonReportPath": job.base + EXPLAINABILITY_JSON} if job.explained else {}),
        },
    }


def candidates(job: Job) -> list[dict[str, Any]]:
    """Return ListCandidatesForAutoMLJob's list, the best first; only the best has artifacts."""
    return [_candidate(job, index) for index in range(len(job.trials))]


def _candidate(job: Job, index: int) -> dict[str, Any]:
    trial = job.trials[index]
    description = {
        "CandidateName": trial.name.replace("_", "-")[:64],
        "FinalAutoMLJobObjectiveMetric": {
            "Type": "Maximize" if job.objective.maximize else "Minimize",
            "MetricName": job.objective.name,
            "StandardMetricName": job.objective.name,
            "Value": trial.scores[job.objective.name],
        },
        "ObjectiveStatus": "Succeeded",
        "CandidateStatus": "Completed",
        "CandidateSteps": [],
        "CreationTime": job.started,
        "EndTime": job.ended,
        "LastModifiedTime": job.ended,
        "CandidateProperties": {"CandidateMetrics": [_metric(name, value) for name, value in trial.scores.items()]},
    }
    return description if index else _with_artifacts(description, job)


def _with_artifacts(candidate: dict[str, Any], job: Job) -> dict[str, Any]:
    locations = {"ModelInsights": job.base + INSIGHTS}
    if job.explained:
        locations["Explainability"] = job.base + EXPLAINABILITY
    candidate["CandidateProperties"]["CandidateArtifactLocations"] = locations
    keys = "predicted_label" if job.problem_type == "Regression" else ",".join(OUTPUT_KEYS)
    # The six variables that the SDK's AutoMLStep.get_best_auto_ml_model passes on to a model
    environment = {
        "MODEL_NAME": job.trials[0].name,
        "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "text/csv",
        "SAGEMAKER_INFERENCE_OUTPUT": "predicted_label",
        "SAGEMAKER_INFERENCE_SUPPORTED": keys,
        "SAGEMAKER_PROGRAM": PROGRAM,
        "SAGEMAKER_SUBMIT_DIRECTORY": SUBMIT_DIRECTORY,
    }
    container = {"Image": job.image, "ModelDataUrl": job.base + MODEL, "Environment": environment}
    return {**candidate, "InferenceContainers": [container]}


def _metric(name: str, value: float) -> dict[str, Any]:
    metric: dict[str, Any] = {"StandardMetricName": name, "Value": value, "Set": "Validation"}
    return metric if name in _ONLY_STANDARD else {"MetricName": name, **metric}
