"""Step 4: run one AutoML job from its CreateAutoMLJob request: `python -m sagemaker_rehearsal.autopilot`."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sagemaker_rehearsal.autopilot import candidates, reports
from sagemaker_rehearsal.autopilot.archive import pack
from sagemaker_rehearsal.autopilot.engine import Engine, Fitted, ModelCard, engine
from sagemaker_rehearsal.autopilot.importance import expected_value, importance
from sagemaker_rehearsal.autopilot.metrics import BINARY, AutoMLError, Objective, objective, rarer_class, score
from sagemaker_rehearsal.autopilot.table import Tables, read_tables

DEFAULT_SECONDS = 600


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the job; return 0 when it completed, 1 when it failed, 2 for an unreadable request."""
    options = _parser().parse_args(arguments)
    try:
        request = json.loads(options.request.read_text(encoding="utf-8"))
        if not isinstance(request, dict):
            raise ValueError("it is not a JSON object")
    except (OSError, ValueError) as error:
        print(f"error: --request {options.request}: {error}; give the CreateAutoMLJob request as JSON", file=sys.stderr)
        return 2
    try:
        run(request, options.training, options.validation, options.output, options.explainability)
    except AutoMLError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sagemaker_rehearsal.autopilot", description=__doc__)
    for name, text in {
        "request": "JSON file: CreateAutoMLJob (V1) without AutoMLJobName",
        "training": "folder of the training channel",
        "validation": "folder of the validation channel",
        "output": "folder for model.tar.gz, describe.json, candidates.json and reports/",
    }.items():
        parser.add_argument(f"--{name}", type=Path, required=True, help=text)
    parser.add_argument(
        "--no-explainability", dest="explainability", action="store_false", help="as in an account without Clarify"
    )
    return parser


def run(request: Mapping[str, Any], training: Path, validation: Path, output: Path, explained: bool = True) -> None:
    """Fit, report and save; describe.json is written last, so that its presence means that the job completed.

    Raises:
        AutoMLError: the request or the data are invalid.
    """
    started = _now()
    target, problem_type, metric, criteria = _wanted(request)
    tables = read_tables(training, validation, target, problem_type)
    chosen = engine(os.environ.get("REHEARSAL_AUTOML_ENGINE") or "autogluon")
    seconds = criteria.get("MaxAutoMLJobRuntimeInSeconds", DEFAULT_SECONDS)
    rows = f"{len(tables.train)} training and {len(tables.validation)} validation rows"
    print(f"{chosen.title}: {rows}, at most {seconds} s")
    fitted = chosen.fit(
        tables.train, tables.validation, target, problem_type, metric, seconds, criteria.get("MaxCandidates")
    )
    for trial in fitted.trials:
        print(f"  {trial.name:32} validation {metric.name} {trial.scores[metric.name]:.5f}  {trial.seconds:.1f} s")
    output.mkdir(parents=True, exist_ok=True)
    _save_model(fitted, chosen, tables, target, problem_type, output)
    _save_reports(fitted, tables, target, problem_type, output, explained)
    job = candidates.Job(
        problem_type=problem_type,
        objective=metric,
        trials=fitted.trials,
        base="file:",
        image=_image(chosen),
        criteria=criteria,
        started=started,
        ended=_now(),
        cut_short=fitted.cut_short,
        explained=explained,
    )
    _write(output / "candidates.json", candidates.candidates(job))
    _write(output / "describe.json", candidates.describe(job))


def _wanted(request: Mapping[str, Any]) -> tuple[str, str, Objective, dict[str, int]]:
    channels = request.get("InputDataConfig") or [{}]
    target = channels[0].get("TargetAttributeName")
    if not target:
        raise AutoMLError("InputDataConfig[0].TargetAttributeName: it is missing; name the target column")
    config = request.get("AutoMLJobConfig") or {}
    mode = config.get("Mode", "ENSEMBLING")
    if mode != "ENSEMBLING":
        raise AutoMLError(f"AutoMLJobConfig.Mode: got {mode!r}; the rehearsal has ENSEMBLING only; use that mode")
    problem_type = request.get("ProblemType", "")
    metric = objective(problem_type, (request.get("AutoMLJobObjective") or {}).get("MetricName"))
    return target, problem_type, metric, dict(config.get("CompletionCriteria") or {})


def _save_model(fitted: Fitted, chosen: Engine, tables: Tables, target: str, problem_type: str, output: Path) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fitted.save_model(folder)
        ModelCard(
            chosen.key,
            chosen.title,
            fitted.trials[0].name,
            problem_type,
            target,
            tables.columns,
            fitted.classes,
            dict(chosen.versions),
        ).write(folder)
        pack(folder, output / candidates.MODEL)


def _save_reports(
    fitted: Fitted, tables: Tables, target: str, problem_type: str, output: Path, explained: bool
) -> None:
    held = tables.validation
    answer = fitted.honest.predict(held.drop(columns=target))
    positive = rarer_class(list(tables.train[target])) if problem_type == BINARY else ""
    truth = list(held[target])
    if explained:
        shares = importance(fitted.honest, held, target, problem_type)
        expected = expected_value(answer, problem_type, positive)
        analysis = reports.explainability(shares, positive or "label0", expected)
        _write(output / candidates.EXPLAINABILITY_JSON, analysis)
    quality = reports.insights(problem_type, truth, answer, score(problem_type, truth, answer, positive), positive)
    _write(output / candidates.INSIGHTS_JSON, quality)


def _image(chosen: Engine) -> str:
    """Return an image name that cannot be confused with AWS's: the model runs in sagemaker_rehearsal.serving."""
    region = os.environ.get("AWS_DEFAULT_REGION", "us-east-1")
    return f"000000000000.dkr.ecr.{region}.amazonaws.com/rehearsal-autopilot-ensembling:{chosen.key}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _write(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    partial.replace(path)


if __name__ == "__main__":
    sys.exit(main())
