"""Steps 2 to 10: the settings of a team's repository that the rehearsal needs; its own commands check them all."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from sagemaker_rehearsal.server.errors import InputError

KEY_ARN = re.compile(r"arn:aws[a-z-]*:kms:[^:]+:[0-9]{12}:key/.+")


@dataclass(frozen=True)
class Settings:
    """Some of settings.yaml.

    Attributes:
        project: the SageMaker project's name.
        region: the AWS region.
        source: where the CSV is, empty for UCI Adult.
        git_provider: where the repository lives; the rehearsal uses CodeCommit whatever it is.
        parameters: those of product.yaml that the settings imply.
    """

    project: str
    region: str
    source: str
    git_provider: str
    parameters: Mapping[str, str] = field(default_factory=dict)


def load(path: Path) -> Settings:
    """Read the settings.

    Raises:
        InputError: they cannot be read, or the target is missing.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
        source = str((values.get("data") or {}).get("source") or "")
        parameters = _parameters(values)
    except (OSError, yaml.YAMLError, KeyError, AttributeError) as error:
        raise InputError(
            f"{path}: cannot be read ({error!r}); `python -m pipeline validate` says what is wrong"
        ) from error
    return Settings(
        project=str(values.get("project") or "autopilot"),
        region=str(values.get("region") or "us-east-1"),
        source="" if source == "uci-adult" else source,
        git_provider=str(values.get("git_provider") or "codecommit"),
        parameters=parameters,
    )


def _parameters(values: Mapping[str, Any]) -> dict[str, str]:
    security = values.get("security") or {}
    key = str(security.get("kms_key") or "")
    parameters = {
        "ProjectName": values.get("project_name"),
        "ProblemType": values.get("problem_type"),
        "TargetColumn": values["target_column"],
        "KmsKeyArn": key if KEY_ARN.fullmatch(key) else None,
        "VpcAccess": "true" if security.get("subnets") else None,
    }
    return {name: str(value) for name, value in parameters.items() if value is not None}
