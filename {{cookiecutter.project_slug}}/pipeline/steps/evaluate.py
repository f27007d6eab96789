"""Step 4, Evaluate: measure the model on the held-out rows, and decide whether it passes the gate.

Writes evaluation.json (which the Gate step and the dossier read), model_quality.json (which Studio draws) and
explainability.json (which columns the model relies on).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from pipeline.steps import champion, explanation, gate, metrics, predictions, tables
from pipeline.steps.gate import REGRESSION
from pipeline.steps.predictions import Answers
from pipeline.steps.tables import StepError


def evaluate(options: argparse.Namespace, report: Mapping[str, Any], best: Mapping[str, Any] | None) -> dict[str, Any]:
    """Measure and decide with Split's report and the approved model, if any; return the three files by name."""
    actual, lines = _column(options.test, options.target), list(tables.read_lines(options.predictions))
    problem_type, positive = options.problem_type, report["positive_class"]
    _require_answers(lines, len(actual), report)
    answers = _read(problem_type, actual, lines[: len(actual)], report)
    if problem_type == REGRESSION:
        constant = predictions.constant_number(report["target_mean"], answers)
    else:
        constant = predictions.constant(_shares(report["classes"]["train"]), answers)
    reached = metrics.measure(problem_type, answers, positive)
    baseline = metrics.measure(problem_type, constant, positive)
    demand = gate.Demand(
        options.gate_metric, options.gate_threshold, json.loads(options.gate_minimums), options.champion_tolerance
    )
    evaluation = {
        "problem_type": problem_type,
        "rows": len(actual),
        "held_out_sha256": report["held_out_sha256"],
        "metrics": reached,
        "baseline": baseline,
        "champion": best,
        "gate": gate.decide(demand, reached, baseline, best["metrics"] if best else None),
        "positive_class": positive,
        "classes": list(answers.classes),
        "split": {name: report[name] for name in ("rows", "classes", "duplicates_removed", "missing_target_removed")},
    }
    quality = metrics.quality_report(problem_type, answers, reached, baseline, positive)
    explained = _explain(problem_type, actual, answers, lines, report)
    return {"evaluation.json": evaluation, "model_quality.json": quality, "explainability.json": explained}


def _read(
    problem_type: str, actual: Sequence[str], lines: Sequence[Sequence[str]], report: Mapping[str, Any]
) -> Answers:
    if problem_type == REGRESSION:
        return predictions.regressed(actual, lines)
    return predictions.classified(actual, lines, _classes(report))


def _require_answers(lines: Sequence[Sequence[str]], rows: int, report: Mapping[str, Any]) -> None:
    expected = rows + len(report["features"]) * len(report["explained_rows"])
    if len(lines) != expected:
        shuffled = f"{rows} held-out rows and {expected - rows} shuffled ones"
        rule = "the batch transform must answer each with a line"
        raise StepError(f"predictions: {len(lines)} answers for {shuffled}; {rule}")


def _explain(
    problem_type: str,
    actual: Sequence[str],
    answers: Answers,
    lines: Sequence[Sequence[str]],
    report: Mapping[str, Any],
) -> dict[str, Any]:
    chosen = report["explained_rows"]
    truth, base = [actual[row] for row in chosen], metrics.losses(answers).take(chosen)
    shuffled = [
        metrics.losses(_read(problem_type, truth, block, report))
        for block in explanation.blocks(lines, len(actual), report)
    ]
    return explanation.report(report["features"], base, shuffled)


def _column(folder: Path, target: str) -> list[str]:
    at = tables.header(folder).index(target)
    return [row[at] for row in tables.rows(folder)]


def _classes(report: Mapping[str, Any]) -> list[str]:
    return [name for side in report["classes"].values() for name in side]


def _shares(counts: Mapping[str, int]) -> dict[str, float]:
    return {name: count / sum(counts.values()) for name, count in counts.items()}


def read_champion(options: argparse.Namespace) -> dict[str, Any] | None:
    """Read the champion from the registry, unless no group is named."""
    if not options.model_package_group:
        return None
    import boto3  # 0.3 s, and only here

    session = boto3.Session(region_name=options.region or None)
    return champion.find(session.client("sagemaker"), session.client("s3"), options.model_package_group)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line that pipeline/aws/requests.py writes."""
    parser = argparse.ArgumentParser(description="Measure a model on held-out rows.", allow_abbrev=False)
    folders = {"predictions": "the batch transform's output", "test": "the held-out rows with their target"}
    for name, content in {**folders, "report": "the split's report.json", "output": "the three files"}.items():
        parser.add_argument(f"--{name}", type=Path, required=True, help=f"folder of {content}")
    for name in ("target", "problem-type", "gate-metric"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--positive-class", default="", help="checked by the split, which writes the one that counts")
    parser.add_argument("--gate-threshold", type=float, required=True)
    parser.add_argument("--gate-minimums", default="{}", help="JSON: metric to limit")
    parser.add_argument("--champion-tolerance", type=float, default=0.0)
    parser.add_argument("--model-package-group", default="", help="where the champion is; empty: nowhere")
    parser.add_argument("--region", default="")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the job; return its exit code. A model that fails the gate is no failure of this job."""
    options = parse(arguments)
    try:
        report = json.loads((options.report / "report.json").read_text(encoding="utf-8"))
        files = evaluate(options, report, read_champion(options))
    except StepError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    options.output.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (options.output / name).write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    print(json.dumps(files["evaluation.json"]["gate"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
