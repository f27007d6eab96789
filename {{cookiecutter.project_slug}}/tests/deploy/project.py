"""A project with one registered model: what training left in bucket and registry, with settings."""

import csv
import io
import json
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from deploy.prepare import Release
from pipeline.steps import gate
from tests.deploy.aws import ARN, BUCKET, GROUP, Bucket, Registry, Runtime, package

RUN = f"s3://{BUCKET}/runs/abc123"
COLUMNS = ("age", "occupation", "income")
CLASSES = ["<=50K", ">50K"]


def occupation(number: int) -> str:
    """Commas and quotes, so that every reader and writer of CSV on the way must agree."""
    return ("Sales, retail", 'so-called "expert"', "Tech")[number % 3]


def rich(line: str) -> float:
    """The model: the older, the richer."""
    return min(0.99, int(next(csv.reader([line]))[0]) / 100)


def predict(line: str) -> str:
    """Answer one line as Autopilot's container does."""
    high = rich(line)
    label, probability = (">50K", high) if high > 0.5 else ("<=50K", 1 - high)
    return f"{label},{probability},\"[{1 - high}, {high}]\",\"['<=50K', '>50K']\""


def held_out(rows: int) -> str:
    """The test side of the split; every seventh true value is not what the model predicts."""
    buffer = io.StringIO()
    lines = csv.writer(buffer, lineterminator="\n")
    lines.writerow(COLUMNS)
    for number in range(rows):
        age = 18 + number % 70
        lines.writerow([age, occupation(number), CLASSES[(age > 50) != (number % 7 == 0)]])
    return buffer.getvalue()


def evaluation(rows: int) -> dict[str, Any]:
    metrics, baseline = {"weighted_f1": 0.857, "accuracy": 0.857}, {"weighted_f1": 0.31, "accuracy": 0.47}
    return {
        "problem_type": "BinaryClassification",
        "rows": rows,
        "held_out_sha256": "a2" * 32,
        "metrics": metrics,
        "baseline": baseline,
        "champion": None,
        "gate": gate.decide(gate.Demand("weighted_f1", 0.8, {}), metrics, baseline, None),
        "positive_class": ">50K",
        "classes": CLASSES,
    }


QUALITY = {
    "binary_classification_metrics": {
        "confusion_matrix": {"0": {"0": 120, "1": 20}, "1": {"0": 20, "1": 120}},
        "auc": {"value": 0.9, "standard_deviation": "NaN"},
        "receiver_operating_characteristic_curve": {
            "false_positive_rates": [0.0, 0.1, 1.0],
            "true_positive_rates": [0.0, 0.8, 1.0],
        },
        "precision_recall_curve": {"precisions": [0.5, 0.9, 1.0], "recalls": [1.0, 0.7, 0.0]},
    }
}
IMPORTANCE = {
    "note": "How much the loss rises.",
    "features": [{"name": "age", "importance": 0.3}, {"name": "occupation", "importance": -0.001}],
}


def settings(**check: float) -> SimpleNamespace:
    """What deploy reads of settings.yaml."""
    return SimpleNamespace(
        target_column="income",
        check=SimpleNamespace(**{"rows": 100, "max_quality_drop": 0.02, "max_p95_ms": 1000.0, **check}),
    )


def _json(uri: str) -> dict[str, str]:
    return {"ContentType": "application/json", "S3Uri": uri}


def registered(**metadata: str) -> dict[str, Any]:
    """The model package that the training pipeline registered."""
    return {
        **package(3),
        "ModelMetrics": {
            "ModelQuality": {"Statistics": _json(f"{RUN}/evaluation/quality.json")},
            "Explainability": {"Report": _json(f"{RUN}/evaluation/explainability.json")},
        },
        "CustomerMetadataProperties": {
            "Commit": "236bc2b",
            "InputDataUri": f"s3://{BUCKET}/input/5b00264637dbfec3/data.csv",
            "EvaluationUri": f"{RUN}/evaluation/evaluation.json",
            "TestDataUri": f"{RUN}/split/test",
            "PredictionsUri": f"{RUN}/predictions",
            "AutoMLJobName": "job",
            **metadata,
        },
    }


@dataclass
class Project:
    """The fakes together; change one of them, then test."""

    rows: int = 280
    registry: Registry = field(default_factory=lambda: Registry([registered()], candidates=[]))
    bucket: Bucket = field(default_factory=Bucket)
    runtime: Runtime = field(default_factory=lambda: Runtime(predict))
    slept: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        text = held_out(self.rows)
        features = [line.rsplit(",", 1)[0] for line in text.splitlines()[1:]]
        self.bucket.objects |= {
            f"{RUN}/split/test/test.csv": text,
            f"{RUN}/predictions/features.csv.out": "".join(f"{predict(line)}\n" for line in features),
            f"{RUN}/evaluation/evaluation.json": json.dumps(evaluation(self.rows)),
            f"{RUN}/evaluation/quality.json": json.dumps(QUALITY),
            f"{RUN}/evaluation/explainability.json": json.dumps(IMPORTANCE),
        }

    def release(self) -> Release:
        endpoints = {"staging": "adult-income-staging", "prod": "adult-income-prod"}
        return Release(f"{ARN}/3", GROUP, 3, endpoints)

    def forget(self, name: str) -> None:
        """Drop one note from the package's metadata."""
        del self.registry.packages[0]["CustomerMetadataProperties"][name]

    def note(self, name: str, value: str) -> None:
        """Change one note of the package's metadata."""
        self.registry.packages[0]["CustomerMetadataProperties"][name] = value
