"""Step 4: format_string, the operators that format texts."""

from __future__ import annotations

import re
from collections.abc import Callable

from ..errors import shown
from ..parameters import Parameters, Transform
from ..table import map_text
from .multi import each

MAX_WIDTH = 1000
SYMBOLS = "!@#$%^&*()_+=-/\\`~{}|<>?"
Edit = Callable[[str], object]


def format_string(p: Parameters) -> Transform:
    """Change case, pad, strip, prefix, suffix, or remove symbols."""
    return p.dispatch("operator", {name: (_builder(make), key) for name, (make, key) in _OPERATIONS.items()})


def _builder(make: Callable[[Parameters], Edit]) -> Callable[[Parameters], Transform]:
    def build(p: Parameters) -> Transform:
        edit = make(p)
        return each(p, lambda series: map_text(series, edit))

    return build


def _width(p: Parameters) -> int:
    return p.integer("width", low=0, high=MAX_WIDTH)


def _fill(p: Parameters) -> str:
    fill = p.text("fill_character", " ")
    if len(fill) != 1:
        raise p.problem("fill_character", f"got {shown(fill)}; must be one character; correct it")
    return fill


def _pad_left(width: int, fill: str) -> Edit:
    return lambda text: text.rjust(width, fill)[:width]  # Spark's lpad also truncates


def _pad_right(width: int, fill: str) -> Edit:
    return lambda text: text.ljust(width, fill)[:width]


def _center(width: int, fill: str) -> Edit:
    return lambda text: text.center(width, fill)


def _strip(p: Parameters, strip: Callable[[str, str | None], str]) -> Edit:
    removed = p.text("characters_to_remove", "") or None
    return lambda text: strip(text, removed)


def _prefix(p: Parameters) -> Edit:
    prefix = p.text("prefix")
    return lambda text: prefix + text


def _suffix(p: Parameters) -> Edit:
    suffix = p.text("suffix")
    return lambda text: text + suffix


def _remove_symbols(p: Parameters) -> Edit:
    symbols = re.compile("[" + re.escape(p.text("symbols", "") or SYMBOLS) + "]")
    return lambda text: symbols.sub("", text)


_OPERATIONS: dict[str, tuple[Callable[[Parameters], Edit], str]] = {
    "Lower case": (lambda p: str.lower, "lower_case_parameters"),
    "Upper case": (lambda p: str.upper, "upper_case_parameters"),
    "Title case": (lambda p: str.title, "title_case_parameters"),
    "Capitalize": (lambda p: str.capitalize, "capitalize_parameters"),
    "Swap case": (lambda p: str.swapcase, "swap_case_parameters"),
    "Left pad": (lambda p: _pad_left(_width(p), _fill(p)), "left_pad_parameters"),
    "Right pad": (lambda p: _pad_right(_width(p), _fill(p)), "right_pad_parameters"),
    "Center (pad on either side)": (
        lambda p: _center(_width(p), _fill(p)),
        "center_pad_on_either_side_parameters",
    ),
    "Strip characters from left": (lambda p: _strip(p, str.lstrip), "strip_characters_from_left_parameters"),
    "Strip characters from right": (lambda p: _strip(p, str.rstrip), "strip_characters_from_right_parameters"),
    "Strip left and right": (lambda p: _strip(p, str.strip), "strip_left_and_right_parameters"),
    "Prepend zeros": (lambda p: _pad_left(_width(p), "0"), "prepend_zeros_parameters"),
    "Add prefix": (_prefix, "add_prefix_parameters"),
    "Add suffix": (_suffix, "add_suffix_parameters"),
    "Remove symbols": (_remove_symbols, "remove_symbols_parameters"),
}
