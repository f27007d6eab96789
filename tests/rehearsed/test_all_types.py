"""Steps 1 to 10: the rehearsal has a resource type for everything in the three templates; none falls back to moto."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalog.bundle import ROOT
from sagemaker_rehearsal.account import SERVICES
from sagemaker_rehearsal.cloudformation import reading

ENDPOINT = ROOT / "{{cookiecutter.project_slug}}" / "deploy" / "endpoint.yaml"
TEMPLATES = [ROOT / "catalog" / "portfolio.yaml", ROOT / "catalog" / "product.yaml", ENDPOINT]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_every_type_of_a_template_is_registered(path: Path) -> None:
    types = {kind.name for service in SERVICES for kind in service.resource_types}
    types_used = {resource["Type"] for resource in reading.read(path.read_text(encoding="utf-8"))["Resources"].values()}
    names = {"Custom::" if kind.startswith("Custom::") else kind for kind in types_used}
    assert sorted(names - types) == []
