"""Step 1 in a team's repository: what the wheel carries of the product fits together."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import pytest

from sagemaker_rehearsal.cloudformation.reading import read
from sagemaker_rehearsal.scenario import product
from sagemaker_rehearsal.scenario.seed_function import handler
from sagemaker_rehearsal.server.errors import InputError


def names(content: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.namelist()


def test_the_keys_are_ones_that_portfolio_yaml_allows() -> None:
    packaged = product.load()
    parameters = read(packaged.portfolio)["Parameters"]
    patterns = {name: parameters[name]["AllowedPattern"] for name in packaged.keys}
    assert [name for name, key in packaged.keys.items() if not re.fullmatch(patterns[name], key)] == []


def test_the_zips_hold_the_handlers_that_portfolio_yaml_names() -> None:
    packaged = product.load()
    resources = read(packaged.portfolio)["Resources"]
    for name, content in (("SeedFunction", packaged.seed), ("RouterFunction", packaged.router)):
        module = resources[name]["Properties"]["Handler"].rpartition(".")[0]
        assert module.replace(".", "/") + ".py" in names(content)
    assert product.load() == packaged


def test_another_product_replaces_the_template_alone(tmp_path: Path) -> None:
    (tmp_path / "product.yaml").write_text("Resources: {}\n", encoding="utf-8")
    other, packaged = product.load(tmp_path / "product.yaml"), product.load()
    assert (other.template, other.router, other.portfolio) == ("Resources: {}\n", packaged.router, packaged.portfolio)
    assert other.keys["ProductTemplateKey"] != packaged.keys["ProductTemplateKey"]
    with pytest.raises(InputError, match=r"--product .*absent.yaml: cannot be read"):
        product.load(tmp_path / "absent.yaml")


def test_the_seed_function_imports_nothing_of_this_package() -> None:
    """Its text runs as a Lambda function."""
    assert handler.__module__ == "sagemaker_rehearsal.scenario.seed_function"
    assert "sagemaker_rehearsal" not in product.SEED_FUNCTION.read_text(encoding="utf-8").partition('"""\n')[2]
