"""Step 8: test the staging endpoint with held-out rows, write what was found, fail the stage if it is not good enough.

Every run sends the same sample of rows. Where the predictions that the model was registered with are still there, the
answers are compared with them row by row, and quality is that of the same rows; otherwise quality is compared with the
registered metrics of all held-out rows, and the report says so.
"""

import csv
import io
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from deploy import dossier, verdict
from deploy.endpoint import Endpoint, Refused, Unavailable, ask_all, time_calls
from deploy.evidence import Evidence, gather
from deploy.prepare import Release
from deploy.rows import Answer, HeldOut, Row, read_answers
from deploy.storage import Storage
from pipeline.errors import FAILED, DeployError
from pipeline.settings.model import Settings

LATENCY_CALLS = 50
NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")


@dataclass(frozen=True)
class Clients:
    """The boto3 clients that the check talks through."""

    sagemaker: Any
    runtime: Any
    s3: Any


@dataclass(frozen=True)
class Served:
    """The endpoint as AWS describes it."""

    name: str
    memory_mb: int
    max_concurrency: int
    model_package_arn: str


@dataclass(frozen=True)
class Asked:
    """What came back: the rows, their answers or reasons, and the times."""

    rows: Sequence[Row]
    answers: Mapping[int, Answer | str]
    first_call_ms: float
    calls_ms: Sequence[float]
    throttled: int

    def answered(self) -> list[tuple[Row, Answer]]:
        """The rows that were answered, with their answers."""
        pairs = [(row, self.answers[row.number]) for row in self.rows]
        return [(row, answer) for row, answer in pairs if isinstance(answer, Answer)]


def describe(sagemaker: Any, name: str) -> Served:  # noqa: ANN401 (boto3 clients have no type)
    """Follow endpoint, configuration and model to the model package that is really served.

    Raises:
        DeployError: when there is no such endpoint or it is not in service.
    """
    try:
        endpoint = sagemaker.describe_endpoint(EndpointName=name)
    except ClientError as error:
        raise DeployError(f"endpoint {name}: does not exist; deploy its stack first (step 7)", FAILED) from error
    if endpoint["EndpointStatus"] != "InService":
        reason = endpoint.get("FailureReason", "see the stack's events")
        raise DeployError(f"endpoint {name}: is {endpoint['EndpointStatus']}, not InService; {reason}", FAILED)
    config = sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
    variant = config["ProductionVariants"][0]
    model = sagemaker.describe_model(ModelName=variant["ModelName"])
    size = variant.get("ServerlessConfig", {})
    return Served(
        name,
        size.get("MemorySizeInMB", 0),
        size.get("MaxConcurrency", 0),
        model.get("PrimaryContainer", {}).get("ModelPackageName", ""),
    )


def ask(endpoint: Endpoint, rows: Sequence[Row]) -> Asked:
    """Wake the endpoint with one call that does not count, then time single rows, then send them all in batches."""
    first = math.nan
    started = endpoint.clock()
    try:
        endpoint.invoke(rows[:1])
        first = 1000 * (endpoint.clock() - started)
    except (Refused, Unavailable):
        pass  # the batches below find it again and record it for each row
    calls = [] if math.isnan(first) else time_calls(endpoint, rows[:LATENCY_CALLS])
    return Asked(rows, ask_all(endpoint, rows), first, calls, endpoint.throttled)


def registered_predictions(evidence: Evidence, storage: Storage, rows: int) -> tuple[list[Answer] | None, str]:
    """Read the batch transform's output; None and the reason when it is not there or not about these rows."""
    run, split, _ = evidence.noted("TestDataUri").partition("/split/")
    uri = evidence.metadata.get("PredictionsUri") or (f"{run}/predictions" if split else "")
    if not uri:
        return None, "the model package does not say where its predictions are"
    try:
        answers = read_answers(storage.csv(uri))
    except (DeployError, ValueError) as error:
        return None, f"the registered predictions cannot be read: {error}"
    if len(answers) < rows:
        return None, f"there are {len(answers)} registered predictions for {rows} held-out rows"
    return answers[:rows], ""  # behind them stand the answers to shuffled rows (pipeline/steps/explanation.py)


def judge(
    settings: Settings, evidence: Evidence, served: Served, asked: Asked, registered: list[Answer] | None, release: str
) -> dict[str, Any]:
    """Decide every check; return results.json without the names of stage and columns. No I/O."""
    answered = asked.answered()
    rows = [row for row, _ in answered]
    failed = verdict.failed_rows(asked.rows, asked.answers, registered)
    unanswered = len(asked.rows) - len(answered)
    at_endpoint = verdict.measure(evidence.evaluation, rows, [answer for _, answer in answered])
    before, basis = evidence.evaluation["metrics"], "the registered metrics of all held-out rows"
    if registered:
        same_rows = verdict.measure(evidence.evaluation, rows, [registered[row.number] for row in rows])
        before, basis = same_rows or before, "the registered predictions of the same rows"
    compared, metric = len(rows) if registered else 0, evidence.evaluation["gate"]["metric"]
    p95 = verdict.percentile(asked.calls_ms, 0.95)
    checks = [
        verdict.check_served(served.model_package_arn, release),
        verdict.check_answered(len(asked.rows), unanswered),
        *([verdict.check_equal(len(rows), len(failed) - unanswered)] if registered else []),
        verdict.check_quality(
            metric, _float(before.get(metric)), _float(at_endpoint.get(metric)), settings.check.max_quality_drop, basis
        ),
        verdict.check_latency(p95, len(asked.calls_ms), settings.check.max_p95_ms),
    ]
    return {
        "passed": all(check.passed for check in checks),
        "checks": [asdict(check) for check in checks],
        "rows": {"sent": len(asked.rows), "answered": len(answered), "failed": len(failed), "compared": compared},
        "metrics": {"basis": basis, "registered": before, "endpoint": at_endpoint},
        "latency": {
            "first_call_ms": _known(asked.first_call_ms),
            "p50_ms": _known(verdict.percentile(asked.calls_ms, 0.5)),
            "p95_ms": _known(p95),
            "limit_ms": settings.check.max_p95_ms,
            "calls_ms": [round(value, 3) for value in asked.calls_ms],
            "throttled": asked.throttled,
        },
        "answers": {"actual": [row.actual for row in rows], "predicted": [answer.label for _, answer in answered]},
        "failed_rows": [asdict(row) for row in failed],
    }


def examine(
    settings: Settings, clients: Clients, release: Release, stage: str, endpoint: Endpoint | None = None
) -> tuple[dict[str, Any], Evidence]:
    """Test one stage's endpoint; return the content of results.json, and the evidence for the dossier.

    Raises:
        DeployError: when there is nothing to test or to compare with. A failed test raises nothing: see `passed`.
    """
    storage = Storage(clients.s3)
    evidence = gather(clients.sagemaker, storage, release.model_package_arn)
    served = describe(clients.sagemaker, release.endpoints[stage])
    test = evidence.noted("TestDataUri")
    held_out = HeldOut.read(storage.csv(test), settings.target_column, test)
    classifies = evidence.evaluation["problem_type"] != "Regression"
    asked = ask(endpoint or Endpoint(clients.runtime, served.name, classifies), held_out.sample(settings.check.rows))
    registered, why_not = registered_predictions(evidence, storage, len(held_out.rows))
    results = judge(settings, evidence, served, asked, registered, release.model_package_arn)
    results |= {"stage": stage, "endpoint": asdict(served), "release": asdict(release), "predictions_note": why_not}
    results["rows"]["held_out"] = len(held_out.rows)
    for row in results["failed_rows"]:
        row["features"] = dict(zip(held_out.columns, row["features"], strict=False))
    return results, evidence


def run(settings: Settings, clients: Clients, bucket: str, release: Release, stage: str, root: Path) -> dict[str, Any]:
    """Test one stage's endpoint; write results, failed rows and dossier to S3 and under build/; return the results."""
    results, evidence = examine(settings, clients, release, stage)
    write(Storage(clients.s3), bucket, release.prefix(stage), results, evidence, root)
    return results


def write(storage: Storage, bucket: str, prefix: str, results: dict[str, Any], evidence: Evidence, root: Path) -> None:
    """Write results first, so that they are there even if the dossier could not be drawn."""
    files = {"results.json": json.dumps(results, indent=1, sort_keys=True, allow_nan=False) + "\n"}
    files["failed_rows.csv"] = export(results["failed_rows"])
    types = {"results.json": "application/json", "failed_rows.csv": "text/csv", "dossier.html": "text/html"}
    (root / "build").mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        publish(storage, bucket, prefix, name, content, types[name], root)
    publish(storage, bucket, prefix, "dossier.html", dossier.render(evidence, results), types["dossier.html"], root)


def publish(storage: Storage, bucket: str, prefix: str, name: str, content: str, content_type: str, root: Path) -> str:
    """Write one file to build/ and beside the other results in S3; return its URI."""
    (root / "build" / name).write_text(content, encoding="utf-8", newline="\n")
    return storage.write(bucket, f"{prefix}{name}", content, content_type)


def export(failed: Sequence[Mapping[str, Any]]) -> str:
    """Write failed rows as CSV that a spreadsheet shows and does not run."""
    buffer = io.StringIO()
    lines = csv.writer(buffer, lineterminator="\n")
    names = list(failed[0]["features"]) if failed else []
    lines.writerow(inert(cell) for cell in ["row", "reason", "actual", "registered", "endpoint", *names])
    for row in failed:
        cells = [str(row["number"]), row["reason"], row["actual"], row["registered"], row["answered"]]
        lines.writerow(inert(cell) for cell in [*cells, *row["features"].values()])
    return buffer.getvalue()


def inert(cell: str) -> str:
    """Put an apostrophe before what a spreadsheet would take for a formula; plain numbers stay.

    https://owasp.org/www-community/attacks/CSV_Injection
    """
    formula = cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) and not NUMBER.fullmatch(cell)
    return f"'{cell}" if formula else cell


def _float(value: object) -> float:
    return float(value) if isinstance(value, int | float) else math.nan


def _known(value: float) -> float | None:
    return round(value, 3) if math.isfinite(value) else None
