"""Step 4: the CSV files of a channel are parsed to numbers and texts by one rule."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagemaker_rehearsal.autopilot.metrics import AutoMLError
from sagemaker_rehearsal.autopilot.table import NUMBER, read_tables

GOOD = "n,t,y\n1,a,yes\n2,b,no\n"


def tables(folder: Path, training: str, validation: str = GOOD, problem_type: str = "BinaryClassification") -> object:
    for name, text in (("training", training), ("validation", validation)):
        (folder / name).mkdir()
        (folder / name / "rows.csv").write_bytes(text.encode("utf-8", "surrogateescape"))
    return read_tables(folder / "training", folder / "validation", "y", problem_type)


def test_a_column_of_numbers_with_gaps_is_numeric(tmp_path: Path) -> None:
    """Blanks around a number do not matter, an empty cell is missing, and NA is a text like any other."""
    channels = tables(tmp_path, "n,t,y\n 1,NA,yes\n,?,no\n2e3 ,,yes\n")
    assert [(column.name, column.type) for column in channels.columns] == [("n", "number"), ("t", "text")]
    assert channels.train.astype(object).where(channels.train.notna(), None).to_numpy().tolist() == [
        [1.0, "NA", "yes"],
        [None, "?", "no"],
        [2000.0, None, "yes"],
    ]


def test_columns_may_stand_in_another_order_in_validation(tmp_path: Path) -> None:
    """Both tables have the order of the training channel, the target last."""
    channels = tables(tmp_path, "y,n,t\nyes,1,a\nno,2,b\n")
    assert list(channels.train) == list(channels.validation) == ["n", "t", "y"]


REFUSED = {
    "no row": ("n,t,y\n", "training channel: it has a header and no row"),
    "empty file": ("", "training channel: rows.csv is not CSV"),
    "a ragged row": ("n,t,y\n1,a,yes,4\n", "training channel: rows.csv is not CSV"),
    "bytes that are no UTF-8": ("n,t,y\n1,\udcff,yes\n", "training channel: rows.csv is not CSV in UTF-8"),
    "a name twice": ("n,n,y\n1,2,yes\n", "rows.csv names n twice"),
    "another column": ("n,u,y\n1,a,yes\n2,b,no\n", "validation channel: t, u stands in one channel only"),
    "an empty target": ("n,t,y\n1,a,\n", "training channel, row 1: 'y' is empty"),
    "one class": ("n,t,y\n1,a,no\n", "has 1 classes ('no'); BinaryClassification needs exactly two"),
    "three classes": ("n,t,y\n1,a,no\n1,a,so\n1,a,yes\n", "has 3 classes"),
    "a number that is not finite": ("n,t,y\n1,a,no\ninf,a,yes\n", "column 'n': got 'inf' among numbers"),
    "a class of validation only": ("n,t,y\n1,a,no\n1,a,never\n", "has class 'yes', which the training channel lacks"),
}


@pytest.mark.parametrize(("training", "sentence"), REFUSED.values(), ids=REFUSED)
def test_a_channel_that_does_not_fit_is_refused(tmp_path: Path, training: str, sentence: str) -> None:
    """The message names channel, file or column, and the problem."""
    with pytest.raises(AutoMLError) as refusal:
        tables(tmp_path, training)
    assert sentence in str(refusal.value)


def test_a_regression_needs_numbers(tmp_path: Path) -> None:
    """The message names the row of a text in the target."""
    with pytest.raises(AutoMLError, match="row 2: target 'y' got 'no'"):
        tables(tmp_path, "n,t,y\n1,a,5\n2,b,no\n", "n,t,y\n1,a,5\n", "Regression")


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers())
def test_every_finite_number_that_python_writes_is_a_number(value: float) -> None:
    """The repr() of a number is parsed as a number."""
    assert NUMBER.fullmatch(repr(value))


@pytest.mark.parametrize("text", ["nan", "inf", "1_000", "0x10", "1,5", "", " ", "--1", "١٢", "1e", "."])
def test_other_texts_are_no_numbers(text: str) -> None:
    """Python's float() takes some of these; the service's readers differ on them, so none is a number here."""
    assert NUMBER.fullmatch(text) is None
