"""Steps 8 and 9: what is known of a model package: the registry's entry and the reports that it points to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from deploy.storage import Storage
from pipeline.errors import DeployError


@dataclass(frozen=True)
class Evidence:
    """A model package with its reports; a report that is absent is empty, and `notes` has the reason.

    Attributes:
        package: DescribeModelPackage's answer.
        evaluation: evaluation.json of the training run.
        quality: the Model Quality report.
        importance: how much each feature counts, by the method that `explained` states.
        candidates: the AutoML job's candidates.
        explained: what the explainability report says of its own method.
        notes: by report, why it is absent.
    """

    package: Mapping[str, Any]
    evaluation: Mapping[str, Any]
    quality: Mapping[str, Any] = field(default_factory=dict)
    importance: Mapping[str, float] = field(default_factory=dict)
    candidates: tuple[Mapping[str, Any], ...] = ()
    explained: str = ""
    notes: Mapping[str, str] = field(default_factory=dict)

    @property
    def metadata(self) -> Mapping[str, str]:
        """What the training pipeline noted on the package."""
        return dict(self.package.get("CustomerMetadataProperties", {}))

    @property
    def autopilot_report(self) -> str:
        """Where Autopilot put its own explainability report; empty where it made none."""
        places = (candidate.get("CandidateProperties", {}) for candidate in self.candidates)
        uris = (place.get("CandidateArtifactLocations", {}).get("Explainability", "") for place in places)
        return next(filter(None, uris), "")

    def noted(self, key: str) -> str:
        """Return one note of the training pipeline; raise DeployError when the package was registered without it."""
        if not self.metadata.get(key):
            raise DeployError(
                f"model package {self.package['ModelPackageArn']}: has no {key} in its metadata; it was not registered "
                "by this project's training pipeline; deploy a version that was"
            )
        return self.metadata[key]


def gather(sagemaker: Any, storage: Storage, arn: str) -> Evidence:  # noqa: ANN401 (boto3 clients have no type)
    """Read the package, its evaluation (required), and its other reports (each may be absent).

    Raises:
        DeployError: when there is no such package or its evaluation cannot be read.
    """
    try:
        package = sagemaker.describe_model_package(ModelPackageName=arn)
    except ClientError as error:
        message = error.response["Error"].get("Message", "")
        raise DeployError(f"model package {arn}: {message}; run `python -m deploy prepare` again") from error
    uri = Evidence(package, {}).noted("EvaluationUri")
    evaluation = storage.json(uri if uri.endswith(".json") else f"{uri.rstrip('/')}/evaluation.json")
    metrics = package.get("ModelMetrics", {})
    notes: dict[str, str] = {}
    quality = _report(storage, metrics.get("ModelQuality", {}).get("Statistics"), "quality", notes)
    explained = _report(storage, metrics.get("Explainability", {}).get("Report"), "importance", notes)
    job = package.get("CustomerMetadataProperties", {}).get("AutoMLJobName", "")
    candidates = _candidates(sagemaker, job, notes)
    method = str(explained.get("note", ""))
    return Evidence(package, evaluation, quality, importance(explained), candidates, method, notes)


def _report(storage: Storage, source: Mapping[str, str] | None, name: str, notes: dict[str, str]) -> dict[str, Any]:
    if source is None:
        notes[name] = "The model package names no such report."
        return {}
    try:
        return dict(storage.json(source["S3Uri"]))
    except DeployError as error:
        notes[name] = f"{error}."
        return {}


def _candidates(sagemaker: Any, job: str, notes: dict[str, str]) -> tuple[Mapping[str, Any], ...]:  # noqa: ANN401
    if not job:
        notes["candidates"] = "The model package names no AutoML job."
        return ()
    try:
        pages = sagemaker.get_paginator("list_candidates_for_auto_ml_job").paginate(AutoMLJobName=job)
        return tuple(candidate for page in pages for candidate in page["Candidates"])
    except ClientError as error:
        notes["candidates"] = f"AutoML job {job}: {error.response['Error'].get('Message', error)}"
        return ()


def importance(report: Mapping[str, Any]) -> dict[str, float]:
    """Read each feature's importance from explainability.json, which pipeline/steps/explanation.py writes.

    Packages of earlier versions of the template name Clarify's analysis.json: its mean absolute SHAP values, averaged
    where there are several classes.
    https://docs.aws.amazon.com/sagemaker/latest/dg/clarify-processing-job-analysis-results.html
    """
    if "features" in report:
        return {str(entry["name"]): float(entry["importance"]) for entry in report["features"]}
    by_label = report.get("explanations", {}).get("kernel_shap", {})
    values: dict[str, list[float]] = {}
    for label in by_label.values():
        for feature, value in label.get("global_shap_values", {}).items():
            values.setdefault(feature, []).append(abs(float(value)))
    return {feature: sum(of) / len(of) for feature, of in values.items()}
