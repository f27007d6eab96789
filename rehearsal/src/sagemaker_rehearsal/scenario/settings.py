"""Steps 4 to 10: the settings of a team's repository that the rehearsal needs; its own commands check them all."""

from dataclasses import dataclass
from pathlib import Path

import yaml

from sagemaker_rehearsal.server.errors import InputError


@dataclass(frozen=True)
class Settings:
    """Some of settings.yaml.

    Attributes:
        project: the SageMaker project's name.
        region: the AWS region.
        target_column: the column to predict.
        source: where the CSV is, empty for UCI Adult.
    """

    project: str
    region: str
    target_column: str
    source: str


def load(path: Path) -> Settings:
    """Read the settings.

    Raises:
        InputError: they cannot be read, or the target is missing.
    """
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
        source = str((found.get("data") or {}).get("source") or "")
        target = str(found["target_column"])
    except (OSError, yaml.YAMLError, KeyError, AttributeError) as error:
        raise InputError(
            f"{path}: cannot be read ({error!r}); `python -m pipeline validate` says what is wrong"
        ) from error
    name, region = str(found.get("project") or "autopilot"), str(found.get("region") or "us-east-1")
    return Settings(name, region, target, "" if source == "uci-adult" else source)
