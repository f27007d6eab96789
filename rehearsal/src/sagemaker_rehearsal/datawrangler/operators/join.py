"""Step 4: the operators that combine two tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import pandas as pd

from ..errors import shown
from ..parameters import Parameters, Transform
from ..table import as_text, kind, typed

MAX_KEYS = 10
_HOW = {
    "inner": "inner", "cross": "cross", "left": "left", "leftouter": "left", "right": "right", "rightouter": "right",
    "outer": "outer", "full": "outer", "fullouter": "outer", "anti": "anti", "leftanti": "anti", "semi": "semi",
    "leftsemi": "semi",
}  # fmt: skip
_JOIN_TYPES = (*_HOW, "full_outer", "left_anti", "left_outer", "left_semi", "right_outer")


def join_tables(p: Parameters) -> Transform:
    """Join two tables on equal keys; null equals no key. Common column names get the suffixes _0 and _1."""
    how = _HOW[p.choice("join_type", _JOIN_TYPES).replace("_", "")]
    keys = _keys(p) if how != "cross" else {}

    def run(left: pd.DataFrame, right: pd.DataFrame) -> pd.DataFrame:
        p.require(left, *keys, key="left_column")
        p.require(right, *keys.values(), key="right_column")
        if how in ("anti", "semi"):
            return _filtered(left, right, keys, how)
        return _joined(left, right, keys, how)

    return run


def _keys(p: Parameters) -> dict[str, str]:
    listed = p.values.get("join_keys")
    if listed is None:
        return {p.column("left_column"): p.column("right_column")}
    if (
        not isinstance(listed, list)
        or not 1 <= len(listed) <= MAX_KEYS
        or not all(isinstance(k, Mapping) for k in listed)
    ):
        raise p.problem(
            "join_keys", f"got {shown(listed)}; must be a list of 1 to {MAX_KEYS} objects; correct the node"
        )
    items = [Parameters(p.node, item, f"{p.path}join_keys.") for item in listed]
    return {item.column("left"): item.column("right") for item in items}


def _matchable(table: pd.DataFrame, names: list[str], other: pd.DataFrame, others: list[str]) -> pd.DataFrame:
    """Return the keys without rows that have a null; as text where the two types differ (5 matches "5")."""
    keys = {}
    for i, (name, theirs) in enumerate(zip(names, others, strict=True)):
        same = kind(table[name]) == kind(other[theirs])
        both = {kind(table[name]), kind(other[theirs])} == {"long", "float"}
        keys[str(i)] = table[name] if same else table[name].astype(float) if both else as_text(table[name])
    return pd.DataFrame(keys).assign(row=range(len(table))).dropna()


def _rows(left: pd.DataFrame, right: pd.DataFrame, keys: dict[str, str], how: str) -> tuple[pd.Series, pd.Series]:
    """Return the positions of the matching rows on both sides; -1 where a side has none."""
    if how == "cross":
        pairs = pd.merge(
            pd.DataFrame({"row_x": range(len(left))}), pd.DataFrame({"row_y": range(len(right))}), how="cross"
        )
        return pairs["row_x"], pairs["row_y"]
    lefts, rights = list(keys), list(keys.values())
    pairs = _matchable(left, lefts, right, rights).merge(
        _matchable(right, rights, left, lefts), on=[str(i) for i in range(len(keys))], how="inner"
    )[["row_x", "row_y"]]
    parts = [pairs]
    if how in ("left", "outer"):
        parts.append(_unmatched(len(left), pairs["row_x"], "row_x", "row_y"))
    if how in ("right", "outer"):
        parts.append(_unmatched(len(right), pairs["row_y"], "row_y", "row_x"))
    rows = pd.concat(parts, ignore_index=True)
    return rows["row_x"], rows["row_y"]


def _unmatched(count: int, matched: pd.Series, own: str, other: str) -> pd.DataFrame:
    rest = sorted(set(range(count)) - set(matched))
    return pd.DataFrame({own: rest, other: -1}, columns=["row_x", "row_y"], dtype="int64")


def _joined(left: pd.DataFrame, right: pd.DataFrame, keys: dict[str, str], how: str) -> pd.DataFrame:
    at_left, at_right = _rows(left, right, keys, how)
    columns = [*_taken(left, at_left), *_taken(right, at_right)]
    names = deduplicated([str(name) for name in (*left.columns, *right.columns)])
    return pd.DataFrame(dict(zip(names, columns, strict=True)))


def _taken(table: pd.DataFrame, rows: pd.Series) -> list[pd.Series]:
    """Return each column's values at the row positions; null at -1."""
    lacking = (rows < 0).to_numpy()
    places = rows.where(rows >= 0, 0).to_numpy(dtype=int)
    columns = []
    for name in table.columns:
        if not len(table):
            columns.append(typed(pd.Series([None] * len(rows), dtype=object), kind(table[name])))
            continue
        values = table[name].iloc[places].reset_index(drop=True)
        columns.append(values.mask(lacking) if lacking.any() else values)
    return columns


def _filtered(left: pd.DataFrame, right: pd.DataFrame, keys: dict[str, str], how: str) -> pd.DataFrame:
    matched = set(_rows(left, right, keys, "inner")[0])
    return left[[(row in matched) == (how == "semi") for row in range(len(left))]].reset_index(drop=True)


def deduplicated(names: list[str]) -> list[str]:
    """Return the names with _0, _1, ... for duplicates, which are compared without case, as in Spark."""
    counts, seen = Counter(name.lower() for name in names), Counter[str]()
    result = []
    for name in names:
        if counts[name.lower()] > 1:
            ending = f"_{seen[name.lower()]}"
            while (name + ending).lower() in counts:
                ending += "_dup"
            seen[name.lower()] += 1
            name += ending
        result.append(name)
    return result


def concatenate_datasets(p: Parameters) -> Transform:
    """Concatenate two tables: by rows (columns matched by name) or by columns."""
    way = p.choice("concatenate_type", ("row_wise", "column_wise"))
    distinct, mark = p.flag("apply_dedupe", False), p.text("indicator_col_name", "")
    marks = [p.text(key, "") for key in ("df1_indicator", "df2_indicator")]

    def run(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
        if way == "column_wise":
            _check_beside(p, first, second)
            return pd.concat([first, second], axis=1)
        _check_under(p, first, second)
        parts = [first, second[list(first.columns)]]
        if mark:
            parts = [
                part.assign(**{mark: typed(pd.Series([label] * len(part), index=part.index), "string")})
                for part, label in zip(parts, marks, strict=True)
            ]
        table = pd.concat(parts, ignore_index=True)
        names = [name for name in table.columns if name != mark]
        return table.drop_duplicates(subset=names, ignore_index=True) if distinct else table

    return run


def _check_under(p: Parameters, first: pd.DataFrame, second: pd.DataFrame) -> None:
    if set(first.columns) != set(second.columns):
        differing = shown(", ".join(sorted(set(first.columns) ^ set(second.columns))), 200)
        raise p.node.problem(
            f"the tables differ in the columns {differing}; row_wise needs the same names; rename or drop"
        )
    for name in first.columns:
        if kind(first[name]) != kind(second[name]):
            raise p.node.problem(
                f"column {shown(name)} is {kind(first[name])} here and {kind(second[name])} there; cast one of them"
            )


def _check_beside(p: Parameters, first: pd.DataFrame, second: pd.DataFrame) -> None:
    both = [name for name in first.columns if name in second.columns]
    if both:
        raise p.node.problem(
            f"both tables have the columns {shown(', '.join(both), 200)}; names are unique; rename them"
        )
