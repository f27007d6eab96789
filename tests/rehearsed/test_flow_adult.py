"""Step 4: the flows of this repository do what flows/README.md says."""

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
    """The lines of the only part file."""
    return (root / "output" / "part-00000.csv").read_text(encoding="utf-8").splitlines()


def test_the_preprocess_flow_cleans_adult(tmp_path: Path) -> None:
    """Blanks go, ? is missing, a row occurs once a side: a test row that is also in train stays in test."""
    rows = [f"{NAMES},split", f"{MAN},train", f"{MAN},test", f"{MAN},train"]
    flow = (FLOWS / "preprocess.flow").read_text(encoding="utf-8")
    root = job(tmp_path, flow, data_csv="\n".join(rows) + "\n")
    assert main(["--processing-root", str(root)], {}) == 0
    assert output(root) == [f"{NAMES},split", f"{CLEAN},train", f"{CLEAN},test"]


@pytest.mark.parametrize("name", [pytest.param("balance", marks=pytest.mark.rehearsal), "oversample"])
def test_the_balancing_examples_even_out_the_training_rows(name: str, tmp_path: Path) -> None:
    """As many rows of the one income as of the other; the rows that came in are all still there, first."""
    people = [
        CLEAN.replace("39", str(20 + i), 1).replace("<=50K", ">50K" if i % 4 == 0 else "<=50K") for i in range(40)
    ]
    flow = (FLOWS / "examples" / f"{name}.flow").read_text(encoding="utf-8")
    root = job(tmp_path, flow, train_csv="\n".join([NAMES, *people]) + "\n")
    assert main(["--processing-root", str(root)], {}) == 0
    made = list(csv.DictReader(output(root)))
    assert [sum(row["income"] == label for row in made) for label in ("<=50K", ">50K")] == [30, 30]
    assert [float(row["age"]) for row in made[:40]] == [20 + i for i in range(40)]


def test_no_flow_names_a_real_bucket() -> None:
    """The address of a source is a place holder: the job's input takes its place."""
    for file in FLOWS.rglob("*.flow"):
        for node in plan(parse(file.read_text(encoding="utf-8"))).sources:
            uri = node.parameters["dataset_definition"]["s3ExecutionContext"]["s3Uri"]
            assert uri.startswith("s3://project-bucket/")


def test_the_preprocess_flow_makes_no_rows() -> None:
    """Rows are copied or made only after the split, so that none reaches validation or test."""
    operators = {node.operator for node in parse((FLOWS / "preprocess.flow").read_text(encoding="utf-8")).nodes}
    assert not any("balance_data" in operator for operator in operators)
