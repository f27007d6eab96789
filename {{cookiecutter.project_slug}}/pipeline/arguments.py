"""Step 4: the command lines of the two scripts that run in AWS's scikit-learn container. Pure."""

import json
from typing import Any

from pipeline.settings_model import Settings

ROOT = "/opt/ml/processing"


def of_split(settings: Settings) -> list[str]:
    """Arguments of pipeline/steps/split.py."""
    data = settings.data
    options = {
        "input": f"{ROOT}/input",
        "output": f"{ROOT}/output",
        "target": settings.target_column,
        "split-column": data.split_column or "",
        "test-fraction": data.test_fraction,
        "validation-fraction": data.validation_fraction,
        "problem-type": settings.problem_type,
        "positive-class": settings.positive_class or "",
        "drop-missing-target": str(data.drop_missing_target).lower(),
    }
    return _line(options)


def of_evaluate(settings: Settings, threshold: Any, group: str, region: str) -> list[Any]:  # noqa: ANN401
    """Arguments of pipeline/steps/evaluate.py; the threshold may be a reference to the pipeline's parameter."""
    gate = settings.gate
    options = {
        "predictions": f"{ROOT}/predictions",
        "test": f"{ROOT}/test",
        "report": f"{ROOT}/report",
        "output": f"{ROOT}/output",
        "target": settings.target_column,
        "problem-type": settings.problem_type,
        "positive-class": settings.positive_class or "",
        "gate-metric": gate.metric,
        "gate-minimums": json.dumps(dict(gate.minimums)),
        "champion-tolerance": gate.champion_tolerance,
        "model-package-group": group,
        "region": region,
    }
    return [*_line(options), "--gate-threshold", threshold]


def _line(options: dict[str, Any]) -> list[str]:
    # One argument an option: a value may begin with a dash, and a container's argument may be empty nowhere.
    return [f"--{name}={value}" for name, value in options.items()]
