"""Step 4: the operators and functions of custom_formula on columns; null in the input gives null, as in SQL."""

from __future__ import annotations

import operator
from collections.abc import Callable

import numpy as np
import pandas as pd

from ..table import Kind, as_text, cast, kind, map_text

Value = pd.Series
_MANY = 99


def plain(value: Value) -> Value:
    """Return a value as a column of a flow (Float64 is only used inside a formula)."""
    if value.dtype == "Float64":
        return pd.Series(value.to_numpy(float, na_value=np.nan), index=value.index)
    return value


def as_bool(value: Value) -> Value:
    """Return a truth value for each row."""
    return cast(plain(value), "bool")


def _number(value: Value) -> Value:
    if value.dtype in ("Int64", "Float64"):
        return value
    return cast(plain(value), "float").astype("Float64")


def _text(value: Value) -> Value:
    return as_text(plain(value))


def _finite(value: Value) -> Value:
    result = value.astype("Float64")
    return result.mask(~np.isfinite(result.to_numpy(float, na_value=np.nan)))


def _math(function: Callable[[Value, Value], Value]) -> Callable[[Value, Value], Value]:
    return lambda left, right: function(_number(left), _number(right))


def _divide(left: Value, right: Value) -> Value:
    return _number(left).astype("Float64") / _number(right).astype("Float64").mask(_number(right) == 0)


def _remainder(left: Value, right: Value) -> Value:
    """Return the remainder with the dividend's sign, as in Java; null for a division by 0."""
    a, b = _number(left), _number(right)
    both_long = a.dtype == b.dtype == "Int64"
    rest = np.fmod(a.to_numpy(float, na_value=np.nan), b.mask(b == 0).to_numpy(float, na_value=np.nan))
    result = _finite(pd.Series(rest, index=a.index))
    return result.astype("Int64") if both_long else result


def _compare(function: Callable[[Value, Value], Value]) -> Callable[[Value, Value], Value]:
    def compare(left: Value, right: Value) -> Value:
        kinds = {kind(plain(left)), kind(plain(right))}
        if kinds == {"string"}:
            return function(_text(left), _text(right)).astype("boolean")
        if kinds <= {"date", "datetime", "string"} and kinds & {"date", "datetime"}:
            first, second = (cast(plain(v), "datetime") for v in (left, right))
            return function(first, second).astype("boolean").mask(first.isna() | second.isna())
        return function(_number(left), _number(right)).astype("boolean")

    return compare


def _concat(*values: Value) -> Value:
    result = _text(values[0])
    for value in values[1:]:
        result = result + _text(value)
    return result


OPERATORS: dict[str, Callable[[Value, Value], Value]] = {
    "+": _math(operator.add), "-": _math(operator.sub), "*": _math(operator.mul), "/": _divide, "%": _remainder,
    "=": _compare(operator.eq), "==": _compare(operator.eq), "<>": _compare(operator.ne), "!=": _compare(operator.ne),
    "<": _compare(operator.lt), "<=": _compare(operator.le), ">": _compare(operator.gt), ">=": _compare(operator.ge),
    "||": _concat,
}  # fmt: skip


def _common(values: tuple[Value, ...]) -> list[Value]:
    """Return the values with a common type: text if any is text, else numbers or the type that all have."""
    filled = [value for value in values if not value.isna().all()] or list(values)
    kinds = {kind(plain(value)) for value in filled}
    if len(kinds) == 1:
        return [value if value.dtype == filled[0].dtype else cast(plain(value), kinds.copy().pop()) for value in values]
    if "string" in kinds:
        return [_text(value) for value in values]
    return [_number(value).astype("Float64") for value in values]


def choose(test: Value, yes: Value, no: Value) -> Value:
    """Return `yes` where the test is true, else `no`."""
    first, second = _common((yes, no))
    return first.where(as_bool(test).fillna(False).astype(bool), second)


def _coalesce(*values: Value) -> Value:
    common = _common(values)
    result = common[0]
    for value in common[1:]:
        result = result.where(result.notna(), value)
    return result


def _extreme(of: Callable[[pd.DataFrame], Value]) -> Callable[..., Value]:
    return lambda *values: of(pd.concat([_number(v).astype("Float64") for v in values], axis=1))


def _ufunc(function: Callable[[np.ndarray], np.ndarray]) -> Callable[[Value], Value]:
    def apply(value: Value) -> Value:
        with np.errstate(all="ignore"):
            return _finite(pd.Series(function(_number(value).to_numpy(float, na_value=np.nan)), index=value.index))

    return apply


def _whole(function: Callable[[np.ndarray], np.ndarray]) -> Callable[[Value], Value]:
    return lambda value: _ufunc(function)(value).astype("Int64")


def _round(value: Value, digits: Value | None = None) -> Value:
    """Round half away from zero, as Spark does."""
    scale = 10.0 ** (0 if digits is None or digits.empty else int(digits.iloc[0]))
    return _ufunc(lambda x: np.sign(x) * np.floor(np.abs(x) * scale + 0.5) / scale)(value)


def _power(left: Value, right: Value) -> Value:
    return _finite(_number(left).astype("Float64") ** _number(right).astype("Float64"))


def _substring(text: Value, start: Value, length: Value | None = None) -> Value:
    first = max(int(start.iloc[0]) - 1, 0) if len(start) else 0
    end = None if length is None or length.empty else first + int(length.iloc[0])
    return map_text(plain(text), lambda value: value[first:end])


FUNCTIONS: dict[str, tuple[Callable[..., Value], int, int]] = {
    "abs": (lambda v: _number(v).abs(), 1, 1), "sqrt": (_ufunc(np.sqrt), 1, 1), "exp": (_ufunc(np.exp), 1, 1),
    "ln": (_ufunc(np.log), 1, 1), "log": (_ufunc(np.log), 1, 1), "log10": (_ufunc(np.log10), 1, 1),
    "log2": (_ufunc(np.log2), 1, 1), "log1p": (_ufunc(np.log1p), 1, 1), "pow": (_power, 2, 2), "power": (_power, 2, 2),
    "round": (_round, 1, 2), "floor": (_whole(np.floor), 1, 1), "ceil": (_whole(np.ceil), 1, 1),
    "ceiling": (_whole(np.ceil), 1, 1), "upper": (lambda v: map_text(plain(v), str.upper), 1, 1),
    "lower": (lambda v: map_text(plain(v), str.lower), 1, 1),
    "trim": (lambda v: map_text(plain(v), lambda t: t.strip(" ")), 1, 1),
    "length": (lambda v: map_text(plain(v), len, "long"), 1, 1), "concat": (_concat, 1, _MANY),
    "substring": (_substring, 2, 3), "coalesce": (_coalesce, 1, _MANY), "if": (choose, 3, 3),
    "ifnull": (_coalesce, 2, 2), "nvl": (_coalesce, 2, 2), "isnull": (lambda v: v.isna().astype("boolean"), 1, 1),
    "isnotnull": (lambda v: v.notna().astype("boolean"), 1, 1),
    "greatest": (_extreme(lambda f: f.max(axis=1)), 2, _MANY), "least": (_extreme(lambda f: f.min(axis=1)), 2, _MANY),
}  # fmt: skip

_TYPES: dict[str, Kind] = {
    "int": "long", "integer": "long", "bigint": "long", "long": "long", "double": "float", "float": "float",
    "string": "string", "boolean": "bool", "date": "date", "timestamp": "datetime",
}  # fmt: skip


def to_type(name: str) -> Callable[[Value], Value] | None:
    """Return the cast to an SQL type; None for an unsupported type."""
    if name not in _TYPES:
        return None
    return lambda value: cast(plain(value), _TYPES[name])
