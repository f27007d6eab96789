"""Evaluate explains the registered model by its own answers: a column counts by how much its shuffling costs."""

import json
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.steps import evaluate, explanation, predictions
from pipeline.steps.metric_table import BINARY, REGRESSION
from pipeline.steps.predictions import Answers


@given(st.integers(0, 300), st.integers(1, 50))
def test_a_sample_is_that_many_rows_of_all_that_pass(count: int, size: int) -> None:
    sample = explanation.Sample(size)
    for number in range(count):
        sample.offer([str(number)])
    assert len(sample.rows) == min(count, size)
    assert all(row == [str(number)] for number, row in sample.rows.items())
    assert set(sample.rows) <= set(range(count))


def test_each_row_is_sampled_as_often_as_another() -> None:
    counts = np.zeros(40)
    for seed in range(400):
        sample = explanation.Sample(10, _random=random.Random(seed))
        for number in range(40):
            sample.offer([str(number)])
        counts[list(sample.rows)] += 1
    assert (counts.min() > 60, counts.max() < 140) == (True, True)  # 100 expected, 8.7 the standard deviation


@pytest.mark.parametrize(("columns", "size"), [(1, 1000), (14, 1000), (100, 400), (1000, 100)])
def test_more_columns_have_fewer_rows(columns: int, size: int) -> None:
    assert explanation.sample_of(columns).size == size


@given(st.lists(st.lists(st.text(max_size=3), min_size=3, max_size=3), min_size=1, max_size=30))
def test_shuffling_moves_values_of_one_column_only(rows: list[list[str]]) -> None:
    sample = explanation.Sample(1000)
    for row in rows:
        sample.offer(row)
    shuffled = list(explanation.shuffled(sample))
    for at in range(3):
        block = shuffled[at * len(rows) : (at + 1) * len(rows)]
        assert sorted(row[at] for row in block) == sorted(row[at] for row in rows)
        assert [row[:at] + row[at + 1 :] for row in block] == [row[:at] + row[at + 1 :] for row in rows]
    assert len(shuffled) == 3 * len(rows)


def test_a_loss_is_the_log_loss_of_a_class_and_the_squared_error_of_a_number() -> None:
    shares = np.array([[0.8, 0.2], [0.0, 1.0]])
    classes = Answers(np.array([0, 0]), np.array([0, 1]), shares, ("a", "b"))
    assert explanation.losses(classes) == pytest.approx([-np.log(0.8), -np.log(explanation.EPSILON)])
    numbers = predictions.regressed(["1", "3"], [["1.5"], ["1"]])
    assert explanation.losses(numbers).tolist() == [0.25, 4.0]


def _job(folder: Path, problem_type: str, actual: list[str], lines: list[str], explained: list[int]) -> int:
    for name in ("predictions", "test", "report"):
        (folder / name).mkdir()
    (folder / "test" / "test.csv").write_text("x,z,y\n" + "".join(f"1,2,{value}\n" for value in actual))
    (folder / "predictions" / "features.csv.out").write_text("".join(f"{line}\n" for line in lines))
    counts = {"train": {"no": 80, "yes": 20} if problem_type == BINARY else {}, "validation": {}, "test": {}}
    report = {"rows": {}, "classes": counts, "duplicates_removed": {}, "missing_target_removed": 0}
    report |= {"features": ["x", "z"], "explained_rows": explained, "held_out_sha256": "abc"}
    report |= {"positive_class": "yes" if problem_type == BINARY else None, "target_mean": 2.0}
    (folder / "report" / "report.json").write_text(json.dumps(report))
    folders = [f"--{name}={folder / name}" for name in ("predictions", "test", "report", "output")]
    metric = (
        ["--gate-metric=auc", "--gate-threshold=0.9"]
        if problem_type == BINARY
        else ["--gate-metric=rmse", "--gate-threshold=9"]
    )
    return evaluate.main([*folders, "--target=y", f"--problem-type={problem_type}", *metric])


def test_the_job_writes_the_explanation_of_a_regression(tmp_path: Path) -> None:
    """Rows 0 and 2 were shuffled: x costs 1 and 3 more, z nothing."""
    answers = ["1", "2", "3", "2", "5", "1", "3"]
    assert _job(tmp_path, REGRESSION, ["1", "2", "3"], answers, [0, 2]) == 0
    explained = json.loads((tmp_path / "output" / "explainability.json").read_text())
    assert (explained.pop("note"), explained.pop("version")) == (explanation.NOTE, "1.0")
    assert explained == {
        "method": "permutation importance",
        "rows": 2,
        "loss": 0.0,
        "features": [
            {"name": "x", "importance": 2.5, "standard_error": pytest.approx(1.5)},
            {"name": "z", "importance": 0.0, "standard_error": 0.0},
        ],
    }


def test_the_job_writes_the_explanation_of_classes(tmp_path: Path) -> None:
    yes, no = ("yes,0.9,\"[0.1, 0.9]\",\"['no', 'yes']\"", "no,0.9,\"[0.9, 0.1]\",\"['no', 'yes']\"")
    assert _job(tmp_path, BINARY, ["yes", "no"], [yes, no, no, yes, yes, no], [0, 1]) == 0
    first, second = json.loads((tmp_path / "output" / "explainability.json").read_text())["features"]
    assert (first["name"], first["importance"]) == ("x", pytest.approx(np.log(9)))
    assert (second["name"], second["importance"]) == ("z", 0.0)


def test_missing_answers_are_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _job(tmp_path, REGRESSION, ["1", "2"], ["1", "2", "3"], [0, 1]) == 1
    expected = "error: predictions: 3 answers for 2 held-out rows and 4 shuffled ones"
    assert capsys.readouterr().err.startswith(expected)
