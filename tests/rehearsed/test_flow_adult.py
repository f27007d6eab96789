"""Step 4: the flows of this repository work as flows/README.md documents."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from rehearsal.tests.datawrangler.flow_builders import job
from sagemaker_rehearsal.datawrangler.__main__ import main
from sagemaker_rehearsal.datawrangler.graph import parse
from sagemaker_rehearsal.datawrangler.plan import plan
from tests.tree import TEMPLATE

FLOWS = TEMPLATE / "flows"
NAMES = (
    "age,workclass,fnlwgt,education,education_num,marital_status,occupation,relationship,race,sex,capital_gain,"
    "capital_loss,hours_per_week,native_country,income"
)
MAN = (
    "39, State-gov, 77516, Bachelors, 13, Never-married, ?, Not-in-family, White, Male, 2174, 0, 40, United-States, "
    "<=50K"
)
CLEAN = "39,State-gov,77516,Bachelors,13,Never-married,,Not-in-family,White,Male,2174,0,40,United-States,<=50K"


def output(root: Path) -> list[str]:
    """Return the lines of the only part file."""
    return (root / "output" / "part-00000.csv").read_text(encoding="utf-8").splitlines()


def test_the_preprocess_flow_cleans_adult(tmp_path: Path) -> None:
    """Blanks are stripped, ? is missing, duplicates are dropped per split: a test row that is also in train stays."""
    rows = [f"{NAMES},split", f"{MAN},train", f"{MAN},test", f"{MAN},train"]
    flow = (FLOWS / "preprocess.flow").read_text(encoding="utf-8")
    root = job(tmp_path, flow, data_csv="\n".join(rows) + "\n")
    assert main(["--processing-root", str(root)], {}) == 0
    assert output(root) == [f"{NAMES},split", f"{CLEAN},train", f"{CLEAN},test"]


@pytest.mark.parametrize("name", [pytest.param("balance", marks=pytest.mark.rehearsal), "oversample"])
def test_the_balancing_examples_even_out_the_training_rows(name: str, tmp_path: Path) -> None:
    """Both incomes have equally many rows; all original rows are kept, in front."""
    people = [
        CLEAN.replace("39", str(20 + i), 1).replace("<=50K", ">50K" if i % 4 == 0 else "<=50K") for i in range(40)
    ]
    flow = (FLOWS / "examples" / f"{name}.flow").read_text(encoding="utf-8")
    root = job(tmp_path, flow, train_csv="\n".join([NAMES, *people]) + "\n")
    assert main(["--processing-root", str(root)], {}) == 0
    rows = list(csv.DictReader(output(root)))
    assert [sum(row["income"] == label for row in rows) for label in ("<=50K", ">50K")] == [30, 30]
    assert [float(row["age"]) for row in rows[:40]] == [20 + i for i in range(40)]


def test_no_flow_names_a_real_bucket() -> None:
    """A source's address is a placeholder that the job's input replaces."""
    for file in FLOWS.rglob("*.flow"):
        for node in plan(parse(file.read_text(encoding="utf-8"))).sources:
            uri = node.parameters["dataset_definition"]["s3ExecutionContext"]["s3Uri"]
            assert uri.startswith("s3://project-bucket/")


def test_the_preprocess_flow_makes_no_rows() -> None:
    """Rows are duplicated or synthesized only after the split, so that none reaches validation or test."""
    operators = {node.operator for node in parse((FLOWS / "preprocess.flow").read_text(encoding="utf-8")).nodes}
    assert not any("balance_data" in operator for operator in operators)
