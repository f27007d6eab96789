"""Step 4: each operator on a table small enough to compute by hand."""
# ruff: noqa: ANN401 (parameters of operators hold values of any type)

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pandas as pd
import pytest
from flow_builders import apply, make, plain, table

from sagemaker_rehearsal.datawrangler.errors import FlowError
from sagemaker_rehearsal.datawrangler.inference import infer
from sagemaker_rehearsal.datawrangler.table import cast, java_double, typed

N = None
T = ("string", [" a", "b ", N, "a"])


def transformed(operator: str, section: str, column: tuple[Any, list[Any]], **parameters: Any) -> list[Any]:
    """Return column x after an operator of the form {operator, <section>_parameters}."""
    name, _, choice = operator.partition(":")
    node_parameters = {"operator": choice, f"{section}_parameters": {"input_column": "x", **parameters}}
    return plain(apply(name, node_parameters, table(x=column)))["x"]


CASTS: list[tuple[str, str, list[Any], list[Any]]] = [
    ("string", "long", [" 1 ", "1.9", "-2.", "+3", "x", "", "1e3", "9" * 30, N], [1, 1, -2, 3, N, N, N, N, N]),
    ("string", "float", ["1.5", " 2", "1e3", "x", N], [1.5, 2.0, 1000.0, N, N]),
    ("string", "bool", ["true", "F", "yes", "0", "maybe", N], [True, False, True, False, N, N]),
    ("string", "date", ["2020-02-29", "2021-02-29", "2020-3", "2020", "x", N],
     [date(2020, 2, 29), N, date(2020, 3, 1), date(2020, 1, 1), N, N]),
    ("string", "datetime", ["2020-01-02 03:04", "2020-01-02T03:04:05+01:00", "x", N],
     [datetime(2020, 1, 2, 3, 4), datetime(2020, 1, 2, 2, 4, 5), N, N]),
    ("long", "float", [1, N], [1.0, N]),
    ("long", "string", [1, N], ["1", N]),
    ("float", "long", [1.9, -1.9, N], [1, -1, N]),
    ("float", "string", [5.0, 0.25, 1e7, 1.5e-5, N], ["5.0", "0.25", "1.0E7", "1.5E-5", N]),
    ("bool", "string", [True, False, N], ["true", "false", N]),
    ("bool", "long", [True, N], [1, N]),
    ("float", "bool", [0.0, 2.0, N], [False, True, N]),
    ("long", "date", [1, N], [N, N]),
]  # fmt: skip


@pytest.mark.parametrize(("origin", "to", "values", "expected"), CASTS)
def test_casts_as_spark(origin: Any, to: Any, values: list[Any], expected: list[Any]) -> None:
    """A value that cannot be cast is null; a number is truncated, not rounded."""
    assert plain(cast(typed(pd.Series(values, dtype=object), origin), to).to_frame("x")) == {"x": expected}


def test_prints_doubles_as_java() -> None:
    """Labels and texts of doubles are the same here and on AWS."""
    values = [0.0, 100.0, 1e7, 123456789.125, 1e-3, 1e-4]
    assert [java_double(v) for v in values] == ["0.0", "100.0", "1.0E7", "1.23456789125E8", "0.001", "1.0E-4"]


def test_infers_types_from_the_values() -> None:
    """A type is inferred when nearly all values have it; with too few values a column stays text."""
    frame = table(
        a=("string", ["1"] * 9 + ["?"]),
        b=("string", ["1.5"] * 10), c=("string", ["true"] * 10), d=("string", [N] * 10),
        e=("string", ["2020-01-01"] * 10), f=("string", ["x"] * 10), g=("long", [1] * 10),
    )  # fmt: skip
    assert infer(frame) == {
        "a": "long", "b": "float", "c": "bool", "d": "string", "e": "date", "f": "string", "g": "long",
    }  # fmt: skip


FORMATS: list[tuple[str, str, dict[str, Any], list[Any]]] = [
    ("Strip left and right", "strip_left_and_right", {}, ["a", "b", N, "a"]),
    ("Strip left and right", "strip_left_and_right", {"characters_to_remove": "a"}, [" ", "b ", N, ""]),
    ("Strip characters from left", "strip_characters_from_left", {}, ["a", "b ", N, "a"]),
    ("Strip characters from right", "strip_characters_from_right", {}, [" a", "b", N, "a"]),
    ("Upper case", "upper_case", {}, [" A", "B ", N, "A"]),
    ("Left pad", "left_pad", {"width": 3, "fill_character": "*"}, ["* a", "*b ", N, "**a"]),
    ("Right pad", "right_pad", {"width": 1}, [" ", "b", N, "a"]),
    ("Prepend zeros", "prepend_zeros", {"width": 2}, [" a", "b ", N, "0a"]),
    ("Add prefix", "add_prefix", {"prefix": "p"}, ["p a", "pb ", N, "pa"]),
    ("Add suffix", "add_suffix", {"suffix": "s"}, [" as", "b s", N, "as"]),
    ("Remove symbols", "remove_symbols", {"symbols": "a"}, [" ", "b ", N, ""]),
]


@pytest.mark.parametrize(("choice", "section", "parameters", "expected"), FORMATS)
def test_format_string(choice: str, section: str, parameters: dict[str, Any], expected: list[Any]) -> None:
    """Null stays null."""
    assert transformed(f"format_string:{choice}", section, T, **parameters) == expected


SEARCHES: list[tuple[str, str, dict[str, Any], list[Any]]] = [
    ("Find and replace substring", "find_and_replace_substring",
     {"pattern": "(a)", "replacement": "<$1>"}, ["x<a>", "?", N]),
    ("Convert regex to missing", "convert_regex_to_missing", {"pattern": "\\?"}, ["xa", N, N]),
    ("Convert non-matches to missing", "convert_non_matches_to_missing", {"pattern": "x."}, ["xa", N, N]),
    ("Matches", "matches", {"pattern": "X", "case": False}, [True, False, N]),
    ("Find substring", "find_substring", {"needle": "a"}, [1.0, -1.0, N]),
    ("Extract using regex", "extract_using_regex", {"pattern": "x(.)"}, ["a", "", N]),
    ("Extract from position", "extract_from_position", {"start_position": 2, "length": 9}, ["a", "", N]),
    ("Replace from position", "replace_from_position", {"start_position": 1, "length": 1, "replacement": "y"},
     ["ya", "y", N]),
    ("Split string by delimiter", "split_string_by_delimiter", {"delimiter": "a"}, ["[x, ]", "[?]", N]),
    ("Replace between delimiters", "replace_between_delimiters",
     {"left_delimiter": "x", "right_delimiter": "a", "replacement": "-"}, ["x-a", "?", N]),
]  # fmt: skip


@pytest.mark.parametrize(("choice", "section", "parameters", "expected"), SEARCHES)
def test_search_and_edit(choice: str, section: str, parameters: dict[str, Any], expected: list[Any]) -> None:
    """Patterns are regular expressions; null stays null."""
    assert transformed(f"search_and_edit:{choice}", section, ("string", ["xa", "?", N]), **parameters) == expected


NUMBERS = ("float", [1.0, 3.0, N, 8.0])


@pytest.mark.parametrize(
    ("scaler", "section", "parameters", "expected"),
    [
        ("Min-max scaler", "min_max", {"min": 0, "max": 7}, [0.0, 2.0, N, 7.0]),
        ("Max absolute scaler", "max_absolute", {}, [0.125, 0.375, N, 1.0]),
        ("Standard scaler", "standard", {"center": True, "scale": False}, [-3.0, -1.0, N, 4.0]),
        (
            "Robust scaler",
            "robust",
            {"lower_quantile": 0, "upper_quantile": 1, "center": True},
            [-2 / 7, 0.0, N, 5 / 7],
        ),
    ],
)
def test_scales(scaler: str, section: str, parameters: dict[str, Any], expected: list[Any]) -> None:
    """Scalers are fitted on the values that are not null; null stays null."""
    inner = {"scaler": scaler, f"{section}_scaler_parameters": {"input_column": ["x"], **parameters}}
    node_parameters = {"operator": "Scale values", "scale_values_parameters": inner}
    assert plain(apply("process_numeric", node_parameters, table(x=NUMBERS)))["x"] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("fix", "expected"), [("Clip", [2.0, 3.0, N, 5.0]), ("Remove", [3.0]), ("Invalidate", [N, 3.0, N, N])]
)
def test_outliers(fix: str, expected: list[Any]) -> None:
    """Outliers are clipped, dropped (nulls too) or set to null."""
    limits = {"fix_method": fix, "lower_threshold": 2, "upper_threshold": 5}
    assert (
        transformed("handle_outliers:Min-max numeric outliers", "min_max_numeric_outliers", NUMBERS, **limits)
        == expected
    )


def test_rare_labels() -> None:
    """A label with no more rows than the threshold is replaced; so is null."""
    column = ("string", ["a", "a", "b", N])
    parameters = {"replacement_string": "rare", "absolute_threshold": 1, "fraction_threshold": 0}
    assert transformed("handle_outliers:Replace rare values", "replace_rare_values", column, **parameters) == [
        "a",
        "a",
        "rare",
        "rare",
    ]


def missing(choice: str, section: str, frame: pd.DataFrame, **parameters: Any) -> dict[str, list[Any]]:
    """Return the table after handle_missing."""
    return plain(apply("handle_missing", {"operator": choice, f"{section}_parameters": parameters}, frame))


def test_missing_values() -> None:
    """A blank text is missing; the median is a value of the data; a long stays long."""
    frame = table(x=("long", [1, 2, 5, N]), s=("string", ["b", " ", "b", "a"]))
    impute = {"column_type": "Numeric", "numeric_parameters": {"input_column": "x", "strategy": "Mean"}}
    assert missing("Impute", "impute", frame, **impute)["x"] == [1, 2, 5, 2]
    median = {"column_type": "Numeric", "numeric_parameters": {"input_column": ["x"], "strategy": "Approximate Median"}}
    assert missing("Impute", "impute", frame, **median)["x"] == [1, 2, 5, 2]
    label = {"column_type": "Categorical", "categorical_parameters": {"input_column": "s"}}
    assert missing("Impute", "impute", frame, **label)["s"] == ["b", "b", "b", "a"]
    assert missing("Fill missing", "fill_missing", frame, input_column="x", fill_value="7")["x"] == [1, 2, 5, 7]
    assert missing("Drop missing", "drop_missing", frame, input_column="s")["x"] == [1, 5, N]
    old = {"dimension": "Drop Rows", "drop_rows_parameters": {}}
    assert missing("Drop missing", "drop_missing", frame, **old)["x"] == [1, 5]
    marked = missing("Add indicator for missing", "add_indicator_for_missing", frame, input_column="s")
    assert marked["s_indicator"] == [False, True, False, False]


def test_ordinal_encode() -> None:
    """The most frequent label is 0, ties in alphabetical order; the strategy decides on null."""
    column = ("string", ["b", "a", "c", "b", N])
    for strategy, expected in {
        "Replace with NaN": [0, 1, 2, 0, N],
        "Keep": [0, 1, 2, 0, 3],
        "Skip": [0, 1, 2, 0],
    }.items():
        assert (
            transformed(
                "encode_categorical:Ordinal encode", "ordinal_encode", column, invalid_handling_strategy=strategy
            )
            == expected
        )
    with pytest.raises(FlowError, match=r"node n1 .*invalid_handling_strategy: Error, and column x has 1 null"):
        transformed("encode_categorical:Ordinal encode", "ordinal_encode", column, invalid_handling_strategy="Error")


def test_one_hot_encode() -> None:
    """Columns are appended, named <column>_<label>; with Keep, null is all zeros."""
    frame = table(x=("string", ["b", "a", "b", N]), y=("long", [1, 2, 3, 4]))
    section = {"input_column": "x", "invalid_handling_strategy": "Keep", "drop_last": False, "output_style": "Columns"}
    parameters = {"operator": "One-hot encode", "one_hot_encode_parameters": section}
    assert plain(apply("encode_categorical", parameters, frame)) == {
        "y": [1, 2, 3, 4], "x_b": [1.0, 0.0, 1.0, 0.0], "x_a": [0.0, 1.0, 0.0, 0.0],
    }  # fmt: skip
    section["output_style"] = "Vector"
    vectors = ["(3,[0],[1.0])", "(3,[1],[1.0])", "(3,[0],[1.0])", "(3,[2],[1.0])"]
    assert plain(apply("encode_categorical", parameters, frame))["x"] == vectors


def columns(choice: str, section: str, **parameters: Any) -> dict[str, list[Any]]:
    """Return a table of columns a, b, c after manage_columns."""
    frame = table(a=("long", [1]), b=("long", [2]), c=("string", [N]))
    return plain(apply("manage_columns", {"operator": choice, f"{section}_parameters": parameters}, frame))


def test_manages_columns() -> None:
    """Drop, duplicate, rename, move, concatenate."""
    assert list(columns("Drop column", "drop_column", column_to_drop=["a", "c"])) == ["b"]
    assert columns("Duplicate column", "duplicate_column", input_column="a", new_name="d")["d"] == [1]
    pairs = {"columns_to_rename": [{"input_column": "a", "new_name": "x"}], "input_column": "b", "new_name": "y"}
    assert list(columns("Rename column", "rename_column", **pairs)) == ["x", "y", "c"]
    after = {"move_type": "Move after", "move_after_parameters": {"column_to_move": "a", "target_column": "b"}}
    assert list(columns("Move column", "move_column", **after)) == ["b", "a", "c"]
    index = {"move_type": "Move to index", "move_to_index_parameters": {"column_to_move": ["c", "b"], "index": 0}}
    assert list(columns("Move column", "move_column", **index)) == ["b", "c", "a"]
    assert columns("Concatenate columns", "concat_columns", left_column="a", right_column="c")["a_c"] == ["1"]


def test_manages_rows() -> None:
    """Nulls are smallest; equal rows with nulls are duplicates; the first stays."""
    frame = table(a=("long", [2, N, 2, 1, N]), b=("string", ["x", N, "x", "y", N]))
    for order, expected in {"Ascending": [N, N, 1, 2, 2], "Descending": [2, 2, 1, N, N]}.items():
        parameters = {"operator": "Sort", "sort_parameters": {"sort_by": "a", "order": order}}
        assert plain(apply("manage_rows", parameters, frame))["a"] == expected
    assert plain(apply("manage_rows", {"operator": "Drop duplicates"}, frame))["a"] == [2, N, 1]
    assert plain(apply("manage_rows", {"operator": "Drop empty"}, frame))["a"] == [2, 2, 1]


def test_joins() -> None:
    """Null matches nothing; names of both sides get _0 and _1."""
    left = table(k=("long", [1, 2, N]), a=("string", ["x", "y", "z"]))
    right = table(k=("long", [2, N, 3]), b=("string", ["p", "q", "r"]))
    rows = {
        "inner": [(2, "y", 2, "p")],
        "left": [(2, "y", 2, "p"), (1, "x", N, N), (N, "z", N, N)],
        "outer": [(2, "y", 2, "p"), (1, "x", N, N), (N, "z", N, N), (N, N, N, "q"), (N, N, 3, "r")],
    }
    for how, expected in rows.items():
        joined = plain(apply("join_tables", {"left_column": "k", "right_column": "k", "join_type": how}, left, right))
        assert list(joined) == ["k_0", "a", "k_1", "b"]
        assert list(zip(*joined.values(), strict=True)) == expected
    anti = {"join_keys": [{"left": "k", "right": "k"}], "join_type": "left_anti"}
    assert plain(apply("join_tables", anti, left, right)) == {"k": [1, N], "a": ["x", "z"]}


def test_concatenates() -> None:
    """By rows with columns matched by name and an indicator of the origin; by columns side by side."""
    first, second = table(a=("long", [1]), b=("long", [2])), table(b=("long", [4]), a=("long", [3]))
    parameters = {
        "concatenate_type": "row_wise",
        "indicator_col_name": "of",
        "df1_indicator": "x",
        "df2_indicator": "y",
    }
    assert plain(apply("concatenate_datasets", parameters, first, second)) == {
        "a": [1, 3],
        "b": [2, 4],
        "of": ["x", "y"],
    }
    with pytest.raises(FlowError, match=r"both tables have the columns a, b"):
        apply("concatenate_datasets", {"concatenate_type": "column_wise"}, first, second)


def test_splits_into_named_outputs() -> None:
    """Every row is in exactly one output, in the requested shares."""
    frame = table(a=("long", list(range(10))))
    splits = [{"name": "Train", "percentage": 0.7}, {"name": "Test", "percentage": 0.3}]
    for choice, section in {"Randomized split": "randomized_split", "Ordered split": "ordered_split"}.items():
        parts = apply("split", {"operator": choice, f"{section}_parameters": {"splits": splits}}, frame)
        assert [len(parts["Train"]), len(parts["Test"])] == [7, 3]
        assert sorted([*parts["Train"]["a"], *parts["Test"]["a"]]) == list(range(10))


def test_parts_of_a_date() -> None:
    """The requested parts are longs."""
    section = {"input_column": "x", "output_column": "d", "year": True, "week_of_year": True}
    parameters = {"operator": "Featurize datetime", "Featurize datetime_parameters": section}
    result = plain(apply("time_series", parameters, table(x=("string", ["2021-01-03", "x"]))))
    assert (result["d_year"], result["d_week_of_year"]) == ([2021, N], [53, N])


FORMULAS: list[tuple[str, list[Any]]] = [
    ("a + 2 * b", [11, 4, N]),
    ("a / b", [0.2, N, N]),
    ("-a % 2", [-1, 0, N]),
    ("0.5 * a", [0.5, 2.0, N]),
    ("CASE WHEN a > 2 THEN 'big' WHEN a IS NULL THEN 'none' ELSE s END", ["x", "big", "none"]),
    ("coalesce(a, 0) BETWEEN 1 AND 3", [True, False, False]),
    ("upper(s) = 'X' or a in (4)", [True, True, N]),
    ("not (a > 1 and b > 1)", [True, True, N]),
    ("if(a = 1, round(2.5), floor(a / 3))", [3.0, 1.0, N]),
    ("concat(s, '-', cast(a as string))", ["x-1", "y-4", N]),
    ("`A` + length(s)", [2, 5, N]),
    ("sqrt(a) + abs(0 - b) + ln(0)", [N, N, N]),
]


@pytest.mark.parametrize(("formula", "expected"), FORMULAS)
def test_formulas(formula: str, expected: list[Any]) -> None:
    """SQL's rules: null gives null, a division by 0 is null, column names may differ in case."""
    frame = table(a=("long", [1, 4, N]), b=("long", [5, 0, 2]), s=("string", ["x", "y", N]))
    assert plain(apply("custom_formula", {"output_column": "f", "formula": formula}, frame))["f"] == expected


@pytest.mark.parametrize("formula", ["", "a +", "__import__('os')", "a; b", "(" * 99 + "a" + ")" * 99, "f(a)", "'open"])
def test_a_wrong_formula_is_refused_before_the_data(formula: str) -> None:
    """Only the grammar is parsed, so that no code can be executed."""
    with pytest.raises(FlowError, match=r"node n1 \(sagemaker\.spark\.custom_formula_0\.1\): formula: "):
        make("custom_formula", {"output_column": "f", "formula": formula})


def test_custom_pandas_sees_plain_types() -> None:
    """Texts are objects, longs with nulls are floats, as from toPandas; the result is typed again."""
    frame = table(a=("long", [1, N]), s=("string", ["x", N]))
    code = "df['t'] = [str(df.a.dtype), str(df.s.dtype)]\ndf['b'] = df.a > 0\ndf['gone'] = None"
    assert plain(apply("custom_pandas", {"code": code}, frame, code=True)) == {
        "a": [1.0, N], "s": ["x", N], "t": ["float64", "object"], "b": [True, False], "gone": ["", ""],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("df = 1", "leaves a int in df"),
        ("df['nope']", "failed: KeyError"),
        ("exit(0)", "failed: SystemExit"),
        ("df = ", "is no Python"),
    ],
)
def test_wrong_code_is_one_sentence(code: str, message: str) -> None:
    """The message names the node; the user sees no traceback."""
    with pytest.raises(FlowError, match=rf"node n1 .*: code: {message}"):
        apply("custom_pandas", {"code": code}, table(a=("long", [1])), code=True)


CAST_HANDLING: list[tuple[dict[str, Any], dict[str, list[Any]]]] = [
    ({}, {"x": [N, 1]}),
    ({"non_castable_data_handling_method": "drop"}, {"x": [1]}),
    ({"non_castable_data_handling_method": "replace_value", "replace_value": "0"}, {"x": [0, 1]}),
    (
        {"non_castable_data_handling_method": "replace_null_with_new_col"},
        {"x": [N, 1], "x_typecast_error": ["foo", ""]},
    ),
]


@pytest.mark.parametrize(("handling", "expected"), CAST_HANDLING)
def test_casts_one_column(handling: dict[str, Any], expected: dict[str, list[Any]]) -> None:
    """A value that cannot be cast becomes null, is dropped, replaced or moved to another column."""
    frame = table(x=("string", ["foo", "1"]))
    assert plain(apply("cast_single_data_type", {"column": "x", "data_type": "long", **handling}, frame)) == expected


def test_casts_dates_by_a_pattern() -> None:
    """The pattern is Spark's; the default is dd-MM-yyyy."""
    frame = table(x=("string", ["31-12-2020", "2020-12-31"]))
    assert plain(apply("cast_single_data_type", {"column": "x", "data_type": "date"}, frame))["x"] == [
        date(2020, 12, 31),
        N,
    ]


def balanced(way: str, ratio: float = 1.0, rows: int = 40, **parameters: Any) -> pd.DataFrame:
    """Return a table of 3 : 1 after balancing."""
    frame = table(
        n=("long", [i % 7 for i in range(rows)]), s=("string", [N if i % 5 == 0 else "ab"[i % 2] for i in range(rows)]),
        y=("string", ["yes" if i % 4 == 0 else "no" for i in range(rows)]),
    )  # fmt: skip
    return apply("balance_data", {"operator": way, "ratio": ratio, "target_column": "y", **parameters}, frame)


@pytest.mark.parametrize(
    ("way", "counts"),
    [
        pytest.param("SMOTE", {"no": 30, "yes": 15}, marks=pytest.mark.rehearsal),
        ("Random oversample", {"no": 30, "yes": 15}),
        ("Random undersample", {"no": 20, "yes": 10}),
    ],
)
def test_balances_to_the_ratio(way: str, counts: dict[str, int]) -> None:
    """The ratio is minority : majority; added rows come after the input rows."""
    result = balanced(way, 0.5)
    assert {str(k): int(v) for k, v in result["y"].value_counts().items()} == counts
    assert list(result.columns) == ["n", "s", "y"]
    if way != "Random undersample":
        assert [int(v) for v in result["n"][:40]] == [i % 7 for i in range(40)]


@pytest.mark.rehearsal
def test_synthetic_rows_lie_between_their_neighbours() -> None:
    """SMOTE creates numbers within the minority's range and labels that occur."""
    synthetic = balanced("SMOTE")[40:]
    assert synthetic["n"].between(0, 6).all()
    assert set(plain(synthetic)["s"]) <= {"a", "b", None}


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"ratio": 0.2}, r"ratio: got 0\.2; the data's ratio is 0\.3333 already"),
        ({"ratio": 2}, r"ratio: got 2; must be a finite number from 1e-09 to 1"),
        ({"smote_params": {"num_neighbors": 10}}, r"num_neighbors: got 10; the class yes has 10 rows"),
        ({"target_column": "n"}, r"target_column: column n has 7 labels"),
    ],
)
def test_wrong_balancing_is_refused(parameters: dict[str, Any], message: str) -> None:
    """The message names the node and the remedy."""
    with pytest.raises(FlowError, match=rf"node n1 \(sagemaker\.spark\.balance_data_0\.1\): .*{message}"):
        balanced("SMOTE", **parameters)


WRONG_PARAMETERS: dict[str, tuple[str, dict[str, Any], str]] = {
    "no number": (
        "format_string", {"operator": "Left pad", "left_pad_parameters": {"input_column": "x", "width": "wide"}},
        r"left_pad_parameters\.width: got wide; must be a finite number from 0 to 1000",
    ),
    "no column": (
        "manage_columns", {"operator": "Drop column", "drop_column_parameters": {}},
        r"drop_column_parameters\.column_to_drop: missing; must name a column",
    ),
    "no pattern": (
        "search_and_edit",
        {"operator": "Matches", "matches_parameters": {"input_column": "x", "pattern": "(", "case": True}},
        r"matches_parameters\.pattern: got \(; no regular expression",
    ),
    "a section that is no object": (
        "handle_missing", {"operator": "Impute", "impute_parameters": 3}, r"impute_parameters: got 3; must be an",
    ),
    "an encoding with Spark's hashes": (
        "encode_categorical", {"operator": "Similarity encode"}, r"Similarity encode .* not supported on this machine",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG_PARAMETERS)
def test_wrong_parameters_are_found_before_the_data(case: str) -> None:
    """The message names the parameter by its path in the node."""
    operator, parameters, message = WRONG_PARAMETERS[case]
    with pytest.raises(FlowError, match=rf"node n1 \(sagemaker\.spark\.{operator}_0\.1\): .*{message}"):
        make(operator, parameters)


def test_columns_are_case_sensitive() -> None:
    """The message names the missing column and the columns of the data."""
    with pytest.raises(
        FlowError, match=r"input_column: column X is not in the data, which has: x; choose one of these"
    ):
        apply("format_string", {"operator": "Upper case", "upper_case_parameters": {"input_column": "X"}}, table(x=T))
