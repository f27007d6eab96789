"""Step 4: encode_categorical, after Spark's StringIndexer and OneHotEncoder.

The trained parameters in a flow file are binary objects of Spark; here the encoder is fitted again on the data.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..errors import shown
from ..parameters import Parameters, Transform
from ..table import as_text, map_text, typed
from .multi import output_names

_SKIP, _ERROR, _KEEP, _NAN = "Skip", "Error", "Keep", "Replace with NaN"
_STYLES = ("Columns", "Vector")


def encode_categorical(p: Parameters) -> Transform:
    """Encode labels as numbers, or as one column for each label."""
    return p.dispatch(
        "operator",
        {
            "Ordinal encode": (_ordinal, "ordinal_encode_parameters"),
            "One-hot encode": (_one_hot, "one_hot_encode_parameters"),
            "Similarity encode": (_similarity, "similarity_encode_parameters"),
        },
    )


def _similarity(p: Parameters) -> Transform:
    raise p.node.problem(
        "operator: Similarity encode hashes as Spark does and is not supported on this machine; use Ordinal encode or "
        "One-hot encode, or leave the column to Autopilot, which encodes it itself"
    )


def _labels(series: pd.Series) -> list[str]:
    """Return the distinct values, most frequent first, ties in alphabetical order (StringIndexer's frequencyDesc)."""
    counts = series.value_counts()
    return sorted(map(str, counts.index), key=lambda label: (-int(counts[label]), label))


def _indexed(p: Parameters, series: pd.Series, labels: list[str], handling: str) -> pd.Series:
    """Return each value's index in `labels`; for null it is null, or the next index for Keep."""
    places = {label: place for place, label in enumerate(labels)}
    codes = map_text(series, lambda text: float(places[text]), "float")
    if handling == _ERROR and codes.isna().any():
        raise p.problem(
            "invalid_handling_strategy",
            f"Error, and column {shown(series.name)} has {int(codes.isna().sum())} null; fill them first",
        )
    return codes.fillna(len(labels)) if handling == _KEEP else codes


def _ordinal(p: Parameters) -> Transform:
    outputs = output_names(p)
    handling = p.choice("invalid_handling_strategy", (_SKIP, _ERROR, _KEEP, _NAN), _ERROR)

    def run(table: pd.DataFrame) -> pd.DataFrame:
        p.require(table, *outputs)
        for name, output in outputs.items():
            text = as_text(table[name])
            table = table.assign(**{output: _indexed(p, text, _labels(text), handling)})
            if handling == _SKIP:
                table = table[text.notna()].reset_index(drop=True)
        return table

    return run


def _one_hot(p: Parameters) -> Transform:
    outputs = output_names(p)
    handling = p.choice("invalid_handling_strategy", (_SKIP, _ERROR, _KEEP), _ERROR)
    ordinal, drop_last = p.flag("input_already_ordinal_encoded", False), p.flag("drop_last", True)
    style = p.choice("output_style", _STYLES, "Vector")

    def run(table: pd.DataFrame) -> pd.DataFrame:
        p.require(table, *outputs)
        for name, output in outputs.items():
            text = map_text(table[name], lambda value: value or None)  # an empty text is no label in Spark
            labels = _numbers(p, text) if ordinal else _labels(text)
            if ordinal:
                text = map_text(text, lambda value: str(int(float(value))))
            places = _indexed(p, text, labels, handling)
            if handling == _SKIP:
                table, places = table[places.notna()].reset_index(drop=True), places.dropna().reset_index(drop=True)
            width = len(labels) + (handling == _KEEP and not ordinal) - drop_last
            encoded = _vector(places, width, output) if style == "Vector" else _columns(places, labels, width, output)
            table = _put(table, name, output, encoded)
        return table

    return run


def _numbers(p: Parameters, text: pd.Series) -> list[str]:
    numbers = pd.to_numeric(text.dropna(), errors="coerce")
    if numbers.isna().any() or (numbers < 0).any() or (numbers > 10_000).any():
        raise p.problem(
            "input_already_ordinal_encoded",
            f"true, but column {shown(text.name)} has other values than 0 to 10000; encode it first",
        )
    return [str(number) for number in range(int(numbers.max()) + 1)] if len(numbers) else []


def _columns(places: pd.Series, labels: list[str], width: int, output: str) -> pd.DataFrame:
    """Return one column for each label; a label beyond the vector's width has nulls, as in Spark."""
    codes = places.to_numpy()
    return pd.DataFrame(
        {
            f"{output}_{label}": (codes == place).astype(float) if place < width else np.full(len(codes), np.nan)
            for place, label in enumerate(labels)
        },
        index=places.index,
    )


def _vector(places: pd.Series, width: int, output: str) -> pd.DataFrame:
    """Return the sparse vectors as Spark writes them into a CSV file."""
    texts = [f"({width},[{int(i)}],[1.0])" if i < width else f"({width},[],[])" for i in places]
    return pd.DataFrame({output: typed(pd.Series(texts, index=places.index, dtype=object), "string")})


def _put(table: pd.DataFrame, name: str, output: str, encoded: pd.DataFrame) -> pd.DataFrame:
    if list(encoded.columns) == [output]:
        return table.assign(**{output: encoded[output]})
    rest = table.drop(columns=[name]) if output == name else table
    return pd.concat([rest.drop(columns=[c for c in encoded if c in rest.columns]), encoded], axis=1)
