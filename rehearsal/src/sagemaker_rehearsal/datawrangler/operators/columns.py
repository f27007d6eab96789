"""Step 4: the operators that drop, copy, rename, move and join columns."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from ..errors import shown
from ..parameters import Parameters, Transform
from ..table import as_text


def manage_columns(p: Parameters) -> Transform:
    """Drop, duplicate, rename, move or concatenate columns."""
    return p.dispatch(
        "operator",
        {
            "Drop column": (_drop, "drop_column_parameters"),
            "Duplicate column": (_duplicate, "duplicate_column_parameters"),
            "Rename column": (_rename, "rename_column_parameters"),
            "Move column": (_move, "move_column_parameters"),
            "Concatenate columns": (_concat, "concat_columns_parameters"),
        },
    )


def identity(_: Parameters) -> Transform:
    """Return the table unchanged (Data Wrangler adds such a node after each output of a split)."""
    return lambda table: table


def _drop(p: Parameters) -> Transform:
    names = p.columns("column_to_drop")

    def run(table: pd.DataFrame) -> pd.DataFrame:
        p.require(table, *names, key="column_to_drop")
        return table.drop(columns=list(names))

    return run


def _new_name(p: Parameters, table: pd.DataFrame, old: str, new: str) -> str:
    if not new.strip() or new == old:
        raise p.problem(
            "new_name", f"got {shown(new)}; must not be blank nor the old name {shown(old)}; choose another"
        )
    if new in table.columns:
        raise p.problem("new_name", f"column {shown(new)} is already in the data; names are unique; choose another")
    return new


def _duplicate(p: Parameters) -> Transform:
    name, new = p.column(), p.text("new_name")

    def run(table: pd.DataFrame) -> pd.DataFrame:
        p.require(table, name)
        return table.assign(**{_new_name(p, table, name, new): table[name]})

    return run


def _rename(p: Parameters) -> Transform:
    pairs = [(item.column(), item.text("new_name")) for item in _renamings(p)]

    def run(table: pd.DataFrame) -> pd.DataFrame:
        for old, new in pairs:
            p.require(table, old)
            table = table.rename(columns={old: _new_name(p, table, old, new)})
        return table

    return run


def _renamings(p: Parameters) -> list[Parameters]:
    """Return the renamings from both forms of the node: a list, then a single pair."""
    listed = p.values.get("columns_to_rename") or []
    if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        raise p.problem("columns_to_rename", f"got {shown(listed)}; must be a list of objects; correct the node")
    items = [Parameters(p.node, item, f"{p.path}columns_to_rename[{i}].") for i, item in enumerate(listed)]
    return items if items and not p.values.get("input_column") else [*items, p]


def _move(p: Parameters) -> Transform:
    return p.dispatch(
        "move_type",
        {
            "Move to start": (lambda q: _place(q, lambda rest: 0), "move_to_start_parameters"),
            "Move to end": (lambda q: _place(q, len), "move_to_end_parameters"),
            "Move to index": (_move_to_index, "move_to_index_parameters"),
            "Move after": (lambda q: _move_beside(q, 1), "move_after_parameters"),
            "Move before": (lambda q: _move_beside(q, 0), "move_before_parameters"),
        },
    )


def _place(p: Parameters, where: Callable[[list[str]], int]) -> Transform:
    names = p.columns("column_to_move")

    def run(table: pd.DataFrame) -> pd.DataFrame:
        p.require(table, *names, key="column_to_move")
        moved = [name for name in table.columns if name in names]
        rest = [name for name in table.columns if name not in names]
        index = where(rest)
        return table[rest[:index] + moved + rest[index:]]

    return run


def _move_to_index(p: Parameters) -> Transform:
    index = p.integer("index", low=0)

    def where(rest: list[str]) -> int:
        last = len(rest) + len(p.columns("column_to_move")) - 1
        if index > last:
            raise p.problem("index", f"got {index}; the table's last column has the index {last}; choose a smaller one")
        return index

    return _place(p, where)


def _move_beside(p: Parameters, offset: int) -> Transform:
    target = p.column("target_column")
    if target in p.columns("column_to_move"):
        raise p.problem("target_column", f"got {shown(target)}, which is moved itself; choose another column")

    def where(rest: list[str]) -> int:
        if target not in rest:
            raise p.problem("target_column", f"column {shown(target)} is not in the data; choose one that is")
        return rest.index(target) + offset

    return _place(p, where)


def _concat(p: Parameters) -> Transform:
    left, right = p.column("left_column"), p.column("right_column")
    delimiter, output = p.text("delimiter", "_"), p.text("output_column", f"{left}_{right}")

    def run(table: pd.DataFrame) -> pd.DataFrame:
        p.require(table, left, right, key="left_column")
        first, second = as_text(table[left]), as_text(table[right])
        between = pd.Series(delimiter, index=table.index, dtype=first.dtype).where(first.notna() & second.notna(), "")
        return table.assign(**{output: first.fillna("") + between + second.fillna("")})

    return run
