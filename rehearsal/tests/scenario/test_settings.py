"""Step 2 in a team's repository: what settings.yaml implies for the project."""

from __future__ import annotations

from pathlib import Path

import pytest

from sagemaker_rehearsal.scenario import settings
from sagemaker_rehearsal.server.errors import InputError

KEY = "arn:aws:kms:us-east-1:123456789012:key/0a1b2c3d-0000-4000-8000-000000000000"


def written(folder: Path, text: str) -> Path:
    path = folder / "settings.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_smallest_settings_have_the_template_s_defaults(tmp_path: Path) -> None:
    loaded = settings.load(written(tmp_path, "target_column: y\n"))
    assert loaded == settings.Settings("autopilot", "us-east-1", "", "codecommit", {"TargetColumn": "y"})


def test_names_and_security_become_parameters_of_the_product(tmp_path: Path) -> None:
    text = f"""
project: churn
project_name: Churn of 2026
region: eu-central-1
git_provider: github
problem_type: Regression
target_column: "1"
data: {{source: data.csv}}
security: {{kms_key: "{KEY}", subnets: [subnet-1], security_groups: [sg-1]}}
"""
    loaded = settings.load(written(tmp_path, text))
    assert (loaded.project, loaded.region, loaded.source, loaded.git_provider) == (
        "churn", "eu-central-1", "data.csv", "github",
    )  # fmt: skip
    assert loaded.parameters == {
        "ProjectName": "Churn of 2026",
        "ProblemType": "Regression",
        "TargetColumn": "1",
        "KmsKeyArn": KEY,
        "VpcAccess": "true",
    }


@pytest.mark.parametrize("text", ["[]", "project: a\n", "target_column: [", ""])
def test_settings_that_cannot_be_read_are_one_sentence(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match=r"settings.yaml: cannot be read .*python -m pipeline validate"):
        settings.load(written(tmp_path, text))
