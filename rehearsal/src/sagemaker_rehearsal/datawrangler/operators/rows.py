"""Step 4: the operators that order, drop and split rows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ..errors import shown
from ..parameters import Parameters, Tables, Transform
from .missing import numeric

# Data Wrangler's own default seed for splits.
SEED = 838257247
MAX_STRATA = 1000


def manage_rows(p: Parameters) -> Transform:
    """Shuffle, sort, or drop duplicate or empty rows."""
    return p.dispatch(
        "operator",
        {
            "Shuffle": (lambda q: _shuffle, "shuffle_parameters"),
            "Sort": (_sort, "sort_parameters"),
            "Drop duplicates": (lambda q: _drop_duplicates, "drop_duplicates_parameters"),
            "Drop empty": (lambda q: lambda table: table.dropna(how="all", ignore_index=True), "drop_empty_parameters"),
        },
    )


def _drop_duplicates(table: pd.DataFrame) -> pd.DataFrame:
    """Keep the first of equal rows; nulls are equal. Compares category codes, which is faster than texts."""
    codes = {i: pd.factorize(table[name])[0] for i, name in enumerate(table.columns)}
    return table[~pd.DataFrame(codes).duplicated().to_numpy()].reset_index(drop=True)


def _shuffle(table: pd.DataFrame) -> pd.DataFrame:
    return table.sample(frac=1, random_state=0, ignore_index=True)


def _sort(p: Parameters) -> Transform:
    conditions = p.values.get("conditions") or [p.values]
    if not isinstance(conditions, list) or not all(isinstance(item, Mapping) for item in conditions):
        raise p.problem("conditions", f"got {shown(conditions)}; must be a list of objects; correct the node")
    items = [Parameters(p.node, item, p.path) for item in conditions]
    orders = {item.column("sort_by"): item.choice("order", ("Ascending", "Descending")) for item in items}
    if len(orders) != len(items):
        raise p.problem("conditions", "a column stands twice; each column orders once; remove one")

    def run(table: pd.DataFrame) -> pd.DataFrame:
        p.require(table, *orders, key="sort_by")
        for name, order in reversed(orders.items()):  # Spark sorts nulls as the smallest values
            up = order == "Ascending"
            table = table.sort_values(name, ascending=up, na_position="first" if up else "last", kind="stable")
        return table.reset_index(drop=True)

    return run


def split(p: Parameters) -> Transform:
    """Split the rows into two or three named outputs."""
    return p.dispatch(
        "operator",
        {
            "Randomized split": (_randomized, "randomized_split_parameters"),
            "Ordered split": (_ordered, "ordered_split_parameters"),
            "Stratified split": (_stratified, "stratified_split_parameters"),
        },
    )


def _shares(p: Parameters) -> dict[str, float]:
    splits = p.values.get("splits")
    if not isinstance(splits, list) or not 2 <= len(splits) <= 3 or not all(isinstance(s, Mapping) for s in splits):
        raise p.problem("splits", f"got {shown(splits)}; must be a list of two or three objects; correct the node")
    items = [Parameters(p.node, item, f"{p.path}splits.") for item in splits]
    shares = {item.text("name"): item.number("percentage", low=0, high=1) for item in items}
    if len(shares) != len(items) or abs(sum(shares.values()) - 1) > 1e-6:
        raise p.problem("splits", f"got {shown(shares)}; names differ and percentages add up to 1; correct them")
    return shares


def _divide(table: pd.DataFrame, rank: np.ndarray, shares: dict[str, float]) -> Tables:
    """Assign each row to an output by its rank in [0, 1)."""
    edges = np.cumsum(list(shares.values()))[:-1]
    side = np.searchsorted(edges, rank, side="right")
    parts = {name: table[side == i].reset_index(drop=True) for i, name in enumerate(shares)}
    return {"default": next(iter(parts.values())), **parts}


def _rank(keys: np.ndarray) -> np.ndarray:
    ranks = np.empty(len(keys))
    ranks[np.argsort(keys, kind="stable")] = np.arange(len(keys)) / max(len(keys), 1)
    return ranks


def _randomized(p: Parameters) -> Transform:
    shares, seed = _shares(p), p.integer("seed", SEED)
    return lambda table: _divide(table, _rank(np.random.default_rng(seed).random(len(table))), shares)


def _ordered(p: Parameters) -> Transform:
    shares, names = _shares(p), p.columns(optional=True)

    def run(table: pd.DataFrame) -> Tables:
        p.require(table, *names)
        if not names:
            return _divide(table, _rank(np.arange(len(table))), shares)
        return _divide(table, _rank(numeric(p, table[names[0]]).to_numpy(float, na_value=np.nan)), shares)

    return run


def _stratified(p: Parameters) -> Transform:
    shares, name, seed = _shares(p), p.column(), p.integer("seed", SEED)

    def run(table: pd.DataFrame) -> Tables:
        p.require(table, name)
        strata, labels = pd.factorize(table[name])
        if len(labels) > MAX_STRATA:
            raise p.problem("input_column", f"{len(labels)} strata; at most {MAX_STRATA}; choose another column")
        draws, rank = np.random.default_rng(seed).random(len(table)), np.ones(len(table))
        for stratum in range(len(labels)):
            rank[strata == stratum] = _rank(draws[strata == stratum])
        known = strata >= 0  # Data Wrangler's comparison loses rows whose stratum is null
        return _divide(table[known], rank[known], shares)

    return run
