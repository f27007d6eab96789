"""Step 4: balance_data, for the training rows only (flows/README.md has the reason)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ..errors import shown
from ..parameters import Parameters, Transform
from ..table import kind, typed

SEED = 0  # Data Wrangler's


def balance_data(p: Parameters) -> Transform:
    """Raise minority : majority to `ratio` by SMOTE, oversampling or undersampling."""
    way = p.choice("operator", ("SMOTE", "Random oversample", "Random undersample"))
    target, ratio = p.column("target_column"), p.number("ratio", low=1e-9, high=1)
    neighbours = p.section("smote_params").integer("num_neighbors", 5, low=1)

    def run(table: pd.DataFrame) -> pd.DataFrame:
        p.require(table, target, key="target_column")
        few, many = _classes(p, table[target], ratio)
        if way == "Random undersample":
            return _undersample(table, table[target].to_numpy() == many.label, round(few.count / ratio))
        added_count = round(ratio * many.count - few.count)
        if way == "Random oversample":
            return _oversample(table, np.flatnonzero(table[target].to_numpy() == few.label), added_count)
        if few.count <= neighbours:
            raise p.problem(
                "smote_params.num_neighbors",
                f"got {neighbours}; the class {shown(few.label)} has {few.count} rows and needs more than its "
                "neighbours; choose fewer",
            )
        return _smote(p, table, target, _Class(few.label, few.count + added_count), neighbours)

    return run


class _Class:
    """A label of the target and its number of rows."""

    def __init__(self, label: object, count: int) -> None:
        self.label, self.count = label, count


def _classes(p: Parameters, labels: pd.Series, ratio: float) -> tuple[_Class, _Class]:
    counts = labels.value_counts(dropna=False).sort_index()
    if len(counts) != 2 or labels.isna().any():
        raise p.problem(
            "target_column",
            f"column {shown(labels.name)} has {len(counts)} labels (null counts); balancing needs exactly 2",
        )
    few, many = (_Class(counts.index[i], int(counts.iloc[i])) for i in np.argsort(counts.to_numpy(), kind="stable"))
    if ratio <= few.count / many.count or round(ratio * many.count - few.count) == 0:
        raise p.problem(
            "ratio", f"got {ratio:g}; the data's ratio is {few.count / many.count:.4g} already; choose a larger one"
        )
    return few, many


def _undersample(table: pd.DataFrame, is_many: np.ndarray, count: int) -> pd.DataFrame:
    chosen = np.random.default_rng(SEED).choice(np.flatnonzero(is_many), count, replace=False)
    return table.iloc[np.sort(np.concatenate([np.flatnonzero(~is_many), chosen]))].reset_index(drop=True)


def _oversample(table: pd.DataFrame, few: np.ndarray, count: int) -> pd.DataFrame:
    order = np.random.default_rng(SEED).permutation(few)
    return pd.concat([table, table.iloc[np.resize(order, count)]], ignore_index=True)


def _smote(p: Parameters, table: pd.DataFrame, target: str, minority: _Class, neighbours: int) -> pd.DataFrame:
    """Add synthetic minority rows by imbalanced-learn; the input rows stay unchanged, in their order.

    Numbers become floats, as on AWS. A null label is a label of its own; a null number counts as the median for
    distances and for new rows.
    """
    features = table.drop(columns=[target])
    is_number = [kind(features[name]) in ("long", "float") for name in features]
    if not any(is_number):
        raise p.node.problem("no column of numbers; SMOTE measures distances between numbers; cast a column first")
    codes = {str(name): _coded(features[name], number) for name, number in zip(features, is_number, strict=True)}
    matrix = np.column_stack([values for values, _ in codes.values()])
    rows = _synthetic(
        matrix, (table[target] == minority.label).to_numpy(dtype=int), is_number, minority.count, neighbours
    )
    new = {name: _decoded(features[name], rows[:, i], labels) for i, (name, (_, labels)) in enumerate(codes.items())}
    old = features.assign(
        **{str(n): features[n].astype(float) for n, number in zip(features, is_number, strict=True) if number}
    )
    added = pd.DataFrame(new).assign(**{target: pd.Series([minority.label] * len(rows), dtype=table[target].dtype)})
    return pd.concat([old.assign(**{target: table[target]}), added], ignore_index=True)[list(table.columns)]


def _synthetic(x: np.ndarray, y: np.ndarray, is_number: list[bool], count: int, neighbours: int) -> np.ndarray:
    from imblearn.over_sampling import SMOTE, SMOTENC  # the import takes 1 s, and few flows need it

    settings: dict[str, Any] = {"sampling_strategy": {1: count}, "k_neighbors": neighbours, "random_state": SEED}
    labels = [i for i, number in enumerate(is_number) if not number]
    sampler = SMOTENC(categorical_features=labels, **settings) if labels else SMOTE(**settings)
    resampled, _ = sampler.fit_resample(x, y)
    return np.asarray(resampled)[len(x) :]


def _coded(series: pd.Series, number: bool) -> tuple[np.ndarray, pd.Series | None]:
    if not number:
        codes, labels = pd.factorize(series, use_na_sentinel=True)
        known = pd.Series([*labels, None], dtype=object)
        return np.where(codes < 0, len(labels), codes).astype(float), known
    values = series.to_numpy(float, na_value=np.nan)
    return np.where(np.isnan(values), np.nanmedian(values) if not np.isnan(values).all() else 0.0, values), None


def _decoded(series: pd.Series, values: np.ndarray, labels: pd.Series | None) -> pd.Series:
    if labels is None:
        return pd.Series(values, name=series.name)
    return typed(labels, kind(series)).take(values.astype(int)).reset_index(drop=True)
