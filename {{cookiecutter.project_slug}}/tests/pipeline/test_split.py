"""Split puts every row on one side, never a row on two, and the held-out side loses none."""

import csv
import json
from pathlib import Path

import pytest
from hypothesis import given, strategies

from pipeline.steps import split
from pipeline.steps.division import SIDES, Division, digest

BINARY = "BinaryClassification"


def job(
    folder: Path, rows: list[list[str]], *options: str, header: str = "age,job,y", problem_type: str = BINARY
) -> int:
    """Run the job on one CSV."""
    (folder / "in").mkdir(exist_ok=True)
    with (folder / "in" / "part-0000.csv").open("w", newline="") as file:
        csv.writer(file).writerows([header.split(","), *rows])
    fixed = [f"--input={folder / 'in'}", f"--output={folder / 'out'}", "--target=y", f"--problem-type={problem_type}"]
    return split.main([*fixed, *options])


def side(folder: Path, name: str) -> list[list[str]]:
    with (folder / "out" / name / f"{name}.csv").open(newline="") as file:
        return list(csv.reader(file))


def report(folder: Path) -> dict[str, object]:
    content: dict[str, object] = json.loads((folder / "out" / "split" / "report.json").read_text())
    return content


def people(count: int) -> list[list[str]]:
    return [[str(n), 'a,"b"' if n % 7 else "", "yes" if n % 4 == 0 else "no"] for n in range(count)]


def test_without_a_column_each_row_stands_on_exactly_one_side(tmp_path: Path) -> None:
    rows = people(500)
    assert job(tmp_path, rows) == 0
    sides = {name: side(tmp_path, name) for name in SIDES}
    assert [table[0] for table in sides.values()] == [["age", "job", "y"]] * 3
    assert sorted(row for table in sides.values() for row in table[1:]) == sorted(rows)
    assert (60 < len(sides["test"]) < 140, 25 < len(sides["validation"]) < 80) == (True, True)


def test_features_are_the_held_out_rows_without_header_and_target(tmp_path: Path) -> None:
    job(tmp_path, people(200))
    held_out = [row[:2] for row in side(tmp_path, "test")[1:]]
    assert side(tmp_path, "features")[: len(held_out)] == held_out


def test_behind_the_features_each_column_is_shuffled_in_turn(tmp_path: Path) -> None:
    """The rows that Evaluate explains the model by: the other columns keep their values, the shuffled one its set."""
    job(tmp_path, people(200))
    held_out = [row[:2] for row in side(tmp_path, "test")[1:]]
    rows = report(tmp_path)["explained_rows"]
    ages, jobs = (side(tmp_path, "features")[len(held_out) * n :][: len(held_out)] for n in (1, 2))
    assert rows == list(range(len(held_out)))
    assert [row[1] for row in ages] == [row[1] for row in held_out]
    assert [row[0] for row in jobs] == [row[0] for row in held_out]
    assert [row[0] for row in ages] != [row[0] for row in held_out]
    assert sorted(row[0] for row in ages) == sorted(row[0] for row in held_out)
    assert len(side(tmp_path, "features")) == 3 * len(held_out)


def test_the_column_decides_and_is_left_out(tmp_path: Path) -> None:
    rows = [[*row, "test" if n < 50 else " train"] for n, row in enumerate(people(200))]
    assert job(tmp_path, rows, "--split-column=split", header="age,job,y,split") == 0
    assert side(tmp_path, "test") == [["age", "job", "y"], *people(50)]


def test_a_training_row_that_is_held_out_as_well_is_dropped_from_training_only(tmp_path: Path) -> None:
    rows = [[*row, "train"] for row in people(200)] + [[*row, "test"] for row in people(30)]
    job(tmp_path, rows, "--split-column=split", header="age,job,y,split")
    removed = report(tmp_path)["duplicates_removed"]
    assert (side(tmp_path, "test")[1:], sum(removed.values())) == (people(30), 30)  # type: ignore[attr-defined]
    assert [row for name in ("train", "validation") for row in side(tmp_path, name) if row in people(30)] == []


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    hashes = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        job(tmp_path / name, people(300))
        hashes.append(report(tmp_path / name)["held_out_sha256"])
    assert hashes[0] == hashes[1]


def test_the_rarer_class_is_positive_unless_one_is_named(tmp_path: Path) -> None:
    job(tmp_path, people(300))
    rarer = report(tmp_path)["positive_class"]
    job(tmp_path, people(300), "--positive-class=no")
    assert (rarer, report(tmp_path)["positive_class"]) == ("yes", "no")


def test_rows_without_a_target_are_dropped_on_request_and_counted(tmp_path: Path) -> None:
    assert job(tmp_path, [*people(300), ["1", "a", "NaN"]], "--drop-missing-target") == 0
    assert report(tmp_path)["missing_target_removed"] == 1


def test_line_ends_inside_a_field_become_blanks_since_a_transform_splits_at_them(tmp_path: Path) -> None:
    rows = [[n, "a\nb", y, "test" if int(n) < 50 else "train"] for n, _, y in people(200)]
    job(tmp_path, rows, "--split-column=split", header="age,job,y,split")
    assert side(tmp_path, "features")[0] == ["0", "a b"]


def test_a_regression_reports_the_training_mean(tmp_path: Path) -> None:
    rows = [[str(n), "a", str(n), "test" if n % 2 else "train"] for n in range(100)]
    job(tmp_path, rows, "--split-column=split", header="age,job,y,split", problem_type="Regression")
    trained = [float(row[2]) for row in side(tmp_path, "train")[1:]]
    assert report(tmp_path)["target_mean"] == sum(trained) / len(trained)


@pytest.mark.parametrize(
    ("rows", "options", "problem_type", "sentence"),
    [
        ([*people(300), ["1", "a", ""]], [], BINARY, "row 301 of the flow's output has no 'y'; every row needs one"),
        (people(300), ["--target=z"], BINARY, "target_column: 'z' is not among the flow's columns"),
        (people(300), ["--split-column=s"], BINARY, "data.split_column: 's' is not among the flow's columns"),
        (people(300), ["--split-column=job"], BINARY, "data.split_column: got"),
        (people(300), ["--positive-class=maybe"], BINARY, "positive_class: got 'maybe'; the classes are ['yes', 'no']"),
        (
            [*people(300), ["1", "a", "x"]],
            [],
            BINARY,
            "holds the classes ['x', 'yes', 'no']; BinaryClassification needs two",
        ),
        (people(300), [], "Regression", "'y' holds 'yes'; Regression needs finite numbers"),
        ([["1", "a"]], [], BINARY, "has 2 fields; the header has 3"),
        (people(2), ["--test-fraction=0.001"], BINARY, "side is empty"),
    ],
)
def test_what_cannot_be_split_is_a_sentence(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    rows: list[list[str]],
    options: list[str],
    problem_type: str,
    sentence: str,
) -> None:
    assert job(tmp_path, rows, *options, problem_type=problem_type) == 1
    assert sentence in capsys.readouterr().err


@given(strategies.lists(strategies.text(max_size=5), min_size=1, max_size=4), strategies.floats(0.01, 0.9))
def test_equal_rows_stand_on_the_same_side(values: list[str], fraction: float) -> None:
    division = Division(fraction, 0.05)
    assert division.side(digest(values), None) == division.side(digest(list(values)), None)


def test_rows_that_only_look_equal_when_joined_differ() -> None:
    assert digest(["a", "bc"]) != digest(["ab", "c"])
