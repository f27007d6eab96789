"""Step 4: validated access to a node's parameters, so that an invalid one fails before any data is read."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from .errors import FlowError, shown
from .node import Node

# A node's function: from its input tables, in their order, to its output tables by name.
Tables = Mapping[str, pd.DataFrame]
Transform = Callable[..., "pd.DataFrame | Tables"]


@dataclass(frozen=True)
class Parameters:
    """An object of parameters, with its path in the node for messages."""

    node: Node
    values: Mapping[str, Any]
    path: str = ""
    allow_custom_code: bool = False

    def problem(self, key: str, text: str) -> FlowError:
        """Return an error that names the parameter `key`."""
        return self.node.problem(f"{self.path}{key}: {text}")

    def section(self, key: str) -> Parameters:
        """Return the object under `key`; absent or null is an empty one, as in Data Wrangler."""
        value = self.values.get(key)
        if value is None:
            value = {}
        if not isinstance(value, Mapping):
            raise self.problem(key, f"got {shown(value)}; must be an object; correct the node")
        return Parameters(self.node, value, f"{self.path}{key}.", self.allow_custom_code)

    def dispatch(self, key: str, table: Mapping[str, tuple[Callable[[Parameters], Transform], str]]) -> Transform:
        """Build the transform that the text under `key` selects, with its section of parameters."""
        build, section = table[self.choice(key, table)]
        return build(self.section(section))

    def choice(self, key: str, allowed: Mapping[str, Any] | tuple[str, ...], default: str | None = None) -> str:
        """Return the text under `key`, which must be one of `allowed`."""
        value = self.values.get(key) if self.values.get(key) is not None else default
        if not isinstance(value, str) or value not in allowed:
            got = "missing" if value is None else f"got {shown(value)}"
            raise self.problem(key, f"{got}; must be one of: {', '.join(allowed)}; choose one in the flow editor")
        return value

    def text(self, key: str, default: str | None = None, *, empty: bool = False) -> str:
        """Return a text; without `default` it is required, and not empty unless `empty`."""
        value = self.values.get(key) if self.values.get(key) is not None else default
        if not isinstance(value, str) or (not value and not empty and default is None):
            raise self.problem(key, f"{_got(value)}; must be a text; fill it in in the flow editor")
        return value

    def number(self, key: str, default: float | None = None, low: float = -math.inf, high: float = math.inf) -> float:
        """Return a finite number in [low, high]."""
        value = self.values.get(key) if self.values.get(key) is not None else default
        number = _as_number(value)
        if number is None or not low <= number <= high:
            within = "" if math.isinf(low) and math.isinf(high) else f" from {low:g} to {high:g}"
            raise self.problem(key, f"{_got(value)}; must be a finite number{within}; correct it in the flow editor")
        return number

    def integer(self, key: str, default: int | None = None, low: float = -math.inf, high: float = math.inf) -> int:
        """Return an integer in [low, high]."""
        number = self.number(key, default, low, high)
        if number != int(number):
            raise self.problem(
                key, f"{_got(self.values.get(key))}; must be a whole number; correct it in the flow editor"
            )
        return int(number)

    def flag(self, key: str, default: bool) -> bool:
        """Return a boolean."""
        value = self.values.get(key) if self.values.get(key) is not None else default
        if not isinstance(value, bool):
            raise self.problem(key, f"{_got(value)}; must be true or false; correct it in the flow editor")
        return value

    def columns(self, key: str = "input_column", *, optional: bool = False) -> tuple[str, ...]:
        """Return the column names under `key`, where the file has one name or a list of names."""
        value = self.values.get(key)
        names = value if isinstance(value, list) else [] if value in (None, "") else [value]
        if not all(isinstance(name, str) and name for name in names) or len(set(map(str, names))) != len(names):
            raise self.problem(
                key, f"{_got(value)}; must be a column's name or a list of different names; choose columns"
            )
        if not names and not optional:
            raise self.problem(key, f"{_got(value)}; must name a column; choose one in the flow editor")
        return tuple(names)

    def column(self, key: str = "input_column") -> str:
        """Return exactly one column name."""
        names = self.columns(key)
        if len(names) != 1:
            raise self.problem(key, f"{_got(list(names))}; must be one column; use one node a column")
        return names[0]

    def pattern(self, key: str, wrap: str = "{}", flags: int = 0) -> re.Pattern[str]:
        """Return the compiled regular expression under `key`, inserted into `wrap`."""
        try:
            return re.compile(wrap.format(self.text(key)), flags)
        except (re.error, OverflowError, RecursionError) as error:
            raise self.problem(
                key, f"got {shown(self.text(key))}; no regular expression: {error}; correct it"
            ) from None

    def require(self, table: pd.DataFrame, *names: str, key: str = "input_column") -> None:
        """Raise FlowError at run time unless the table has the columns (names are case-sensitive)."""
        missing = [name for name in names if name not in table.columns]
        if missing:
            has = shown(", ".join(map(str, table.columns)), 300)
            raise self.problem(
                key,
                f"column {', '.join(map(shown, missing))} is not in the data, which has: {has}; choose one of these",
            )


def _got(value: object) -> str:
    return "missing" if value is None else f"got {shown(value)}"


def _as_number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
