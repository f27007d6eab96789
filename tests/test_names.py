"""Steps 2 to 10: every AWS name made from the shortest and the longest project name keeps its service's limit."""

from __future__ import annotations

import importlib.util
import json
import re
from types import ModuleType

import botocore.session
import pytest

from tests.tree import ROOT, TEMPLATE

RULE = json.loads((ROOT / "cookiecutter.json").read_text())["_rules"]["project_slug"]
MODELS = botocore.session.Session()
NAMES = ["a", "z" * 32, "a-9" * 10 + "zz"]
# S3 and CloudFormation state their limits in their documentation; botocore's models of them hold none.
BUCKET: dict[str, int | str] = {"min": 3, "max": 63, "pattern": r"[a-z0-9][a-z0-9.-]*[a-z0-9]"}
STACK: dict[str, int | str] = {"min": 1, "max": 128, "pattern": r"[a-zA-Z][-a-zA-Z0-9]*"}


def limits(shape: str) -> dict[str, int | str]:
    """Return length and pattern of a SageMaker name as botocore's model has them."""
    metadata: dict[str, int | str] = MODELS.get_service_model("sagemaker").shape_for(shape).metadata
    return metadata


@pytest.fixture(scope="module")
def names() -> ModuleType:
    """Return the template's pipeline/aws/names.py, loaded from where it stands."""
    spec = importlib.util.spec_from_file_location("names", TEMPLATE / "pipeline" / "aws" / "names.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", NAMES)
def test_every_derived_name_keeps_its_limit(names: ModuleType, name: str) -> None:
    """The project's id is as long as SageMaker may make it."""
    project_id = "p-" + "9" * (int(limits("ProjectId")["max"]) - 2)
    derived = [
        (names.bucket(project_id), BUCKET),
        (names.pipeline(name, project_id), limits("PipelineName")),
        (names.model_package_group(name, project_id), limits("EntityName")),
        *((names.endpoint(name, stage), limits("EndpointName")) for stage in ("staging", "prod")),
        *((names.stack(name, project_id, stage), STACK) for stage in ("staging", "prod")),
    ]
    too_long = [text for text, limit in derived if not int(limit.get("min", 0)) <= len(text) <= int(limit["max"])]
    misspelt = [text for text, limit in derived if not re.fullmatch(str(limit["pattern"]), text)]
    assert ([], []) == (too_long, misspelt)


def test_the_short_names_rule_is_within_sagemakers_own() -> None:
    """ProjectEntityName in botocore's model of SageMaker: 1 to 32 characters."""
    own = limits("ProjectEntityName")
    assert (own["min"], own["max"]) == (RULE["min"], RULE["max"])
    assert all(re.fullmatch(str(own["pattern"]), name) and re.fullmatch(RULE["pattern"], name) for name in NAMES)
