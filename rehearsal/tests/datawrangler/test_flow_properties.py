"""Step 4: properties that hold for every table."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
from flow_builders import apply, destination, job, plain, source, table, transform
from hypothesis import given, settings
from hypothesis import strategies as st

from sagemaker_rehearsal.datawrangler.__main__ import main

TEXTS = st.none() | st.text(alphabet='ab ,"?\n0.é', max_size=4)
TABLES = st.integers(0, 12).flatmap(
    lambda rows: st.builds(
        lambda x, n, f: table(x=("string", x), n=("long", n), f=("float", f)),
        st.lists(TEXTS, min_size=rows, max_size=rows),
        st.lists(st.none() | st.integers(-3, 3), min_size=rows, max_size=rows),
        st.lists(st.none() | st.floats(-9, 9), min_size=rows, max_size=rows),
    )
)
ROWS_STAY: list[tuple[str, dict[str, Any]]] = [
    ("format_string", {"operator": "Strip left and right", "strip_left_and_right_parameters": {"input_column": "x"}}),
    ("search_and_edit", {"operator": "Convert regex to missing",
                         "convert_regex_to_missing_parameters": {"input_column": "x", "pattern": "a.*"}}),
    ("handle_missing", {"operator": "Fill missing",
                        "fill_missing_parameters": {"input_column": ["n", "f"], "fill_value": 1}}),
    ("handle_outliers", {"operator": "Quantile numeric outliers",
                         "quantile_numeric_outliers_parameters": {"input_column": ["n", "f"]}}),
    ("encode_categorical", {"operator": "Ordinal encode",
                            "ordinal_encode_parameters": {"input_column": "x", "invalid_handling_strategy": "Keep"}}),
    ("process_numeric", {"operator": "Scale values", "scale_values_parameters": {
        "scaler": "Standard scaler", "standard_scaler_parameters": {"input_column": ["n", "f"]}}}),
    ("manage_rows", {"operator": "Shuffle"}),
    ("custom_formula", {"output_column": "f", "formula": "coalesce(n, 0) * 2 + f / n"}),
    ("cast_single_data_type", {"column": "x", "data_type": "float"}),
]  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(TABLES, st.sampled_from(ROWS_STAY))
def test_rows_and_columns_stay(frame: pd.DataFrame, step: tuple[str, dict[str, Any]]) -> None:
    """Operators on values neither add nor lose rows or columns, and do not change the input table."""
    before = plain(frame)
    result = apply(step[0], step[1], frame)
    assert (len(result), list(result.columns)) == (len(frame), list(frame.columns))
    assert plain(frame) == before


@settings(max_examples=40, deadline=None)
@given(TABLES)
def test_dropping_duplicates_keeps_each_row_once(frame: pd.DataFrame) -> None:
    """The distinct rows stay, in the order of their first occurrence."""
    result = apply("manage_rows", {"operator": "Drop duplicates"}, frame)
    rows = list(zip(*plain(frame).values(), strict=True))
    assert list(zip(*plain(result).values(), strict=True)) == list(dict.fromkeys(rows))


@settings(max_examples=25, deadline=None)
@given(TABLES, TABLES, st.sampled_from(["inner", "left", "right", "outer", "cross"]))
def test_joins_count_as_sql(left: pd.DataFrame, right: pd.DataFrame, how: str) -> None:
    """The number of rows is the number of pairs of equal keys that are not null."""
    keys = plain(left)["n"], plain(right)["n"]
    pairs = sum(a == b for a in keys[0] if a is not None for b in keys[1])
    alone = [sum(a is None or a not in other for a in own) for own, other in (keys, keys[::-1])]
    counts = {"inner": pairs, "left": pairs + alone[0], "right": pairs + alone[1], "outer": pairs + sum(alone)}
    joined = apply("join_tables", {"left_column": "n", "right_column": "n", "join_type": how}, left, right)
    assert len(joined) == counts.get(how, len(left) * len(right))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=8))
def test_what_is_written_reads_back(rows: list[tuple[str | None, str | None]]) -> None:
    """Texts survive CSV except for surrounding blanks, which Spark's writer strips too, and nulls, which are empty."""
    frame = pd.DataFrame(rows, columns=["a", "b"])
    data = frame.to_csv(index=False, lineterminator="\n")
    steps = [source(s3MultiLine=True), transform("id", "identity", {}, "source"), destination("end", "S3: x", "id")]
    with tempfile.TemporaryDirectory() as folder:
        root = job(Path(folder) / "job", {"metadata": {"version": 1}, "nodes": steps}, data_csv=data)
        assert main(["--processing-root", str(root)], {}) == 0
        result = pd.read_csv(
            root / "output" / "part-00000.csv", dtype=str, keep_default_na=False, skip_blank_lines=False
        )
    expected = [[(value or "").strip(" \n") for value in row] for row in rows]
    assert result.to_numpy().tolist() == expected
