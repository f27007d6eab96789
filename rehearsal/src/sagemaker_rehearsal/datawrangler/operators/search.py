"""Step 4: search_and_edit, the operators that search in texts.

Patterns are Python's here and Java's on AWS; they differ in details (possessive quantifiers, some character classes).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from ..parameters import Parameters, Transform
from ..table import Kind, map_text
from .multi import each

Find = Callable[[str], object]


def search_and_edit(p: Parameters) -> Transform:
    """Find, replace, split or extract matches, or convert them to null."""
    return p.dispatch("operator", {name: (_builder(make, to), key) for name, (make, to, key) in _OPERATIONS.items()})


def _builder(make: Callable[[Parameters], Find], to: Kind) -> Callable[[Parameters], Transform]:
    def build(p: Parameters) -> Transform:
        find = make(p)
        return each(p, lambda series: map_text(series, find, to))

    return build


def _java_replacement(text: str) -> str:
    """Convert Java's replacement syntax ($1, \\$) to Python's (\\g<1>, $)."""
    parts = re.split(r"(\\.|\$\d)", text)
    return "".join(
        f"\\g<{part[1:]}>" if part[:1] == "$" and part[1:].isdigit() else part[-1:].replace("\\", "\\\\")
        if part[:1] == "\\" else part for part in parts
    )  # fmt: skip


def _replace(p: Parameters) -> Find:
    pattern, new = p.pattern("pattern"), _java_replacement(p.text("replacement", "", empty=True))
    try:
        pattern.sub(new, "")
    except (re.error, IndexError) as error:
        raise p.problem("replacement", f"does not fit the pattern: {error}; correct it") from None
    return lambda text: pattern.sub(new, text)


def _split(p: Parameters) -> Find:
    delimiter = p.text("delimiter", "", empty=True)
    limit = p.integer("limit", 0)
    pattern = re.compile(re.escape(delimiter) if delimiter else r"\s+")
    return lambda text: as_array(pattern.split(text, maxsplit=max(limit - 1, 0)) if limit != 1 else [text])


def as_array(parts: list[str]) -> str:
    """Return an array as Spark writes it into a CSV file."""
    return "[" + ", ".join(parts) + "]"


def _bounds(p: Parameters) -> tuple[int | None, int | None]:
    start, end = (p.integer(k) if p.values.get(k) is not None else None for k in ("start_index", "end_index"))
    return start, end


def _find(p: Parameters) -> Find:
    needle, (start, end) = p.text("needle"), _bounds(p)
    return lambda text: float(text.find(needle, start, end))


def _rfind(p: Parameters) -> Find:
    needle, (start, end) = p.text("needle"), _bounds(p)
    return lambda text: float(text.rfind(needle, start, end))


def _matches(p: Parameters) -> Find:
    pattern = p.pattern("pattern", flags=0 if p.flag("case", True) else re.IGNORECASE)
    return lambda text: pattern.match(text) is not None


def _find_all(p: Parameters) -> Find:
    pattern = p.pattern("pattern")
    return lambda text: as_array([match.group(1 if pattern.groups else 0) or "" for match in pattern.finditer(text)])


def _extract(p: Parameters) -> Find:
    pattern = p.pattern("pattern")
    group = p.integer("index", 1 if pattern.groups else 0, low=0, high=pattern.groups)
    return lambda text: (match.group(group) or "") if (match := pattern.search(text)) else ""


def _between(p: Parameters) -> Find:
    left, right = re.escape(p.text("left_delimiter")), re.escape(p.text("right_delimiter"))
    pattern = re.compile(f"{left}(.*){right}")
    return lambda text: match.group(1) if (match := pattern.search(text)) else ""


def _replace_between(p: Parameters) -> Find:
    left, right = re.escape(p.text("left_delimiter")), re.escape(p.text("right_delimiter"))
    pattern, new = re.compile(f"(.*{left})(.*)({right}.*)"), p.text("replacement", empty=True)
    return lambda text: pattern.sub(lambda match: match.group(1) + new + match.group(3), text)


def _from_position(p: Parameters) -> Find:
    start, length = p.integer("start_position", low=1), p.integer("length", low=0)
    return lambda text: text[start - 1 : start - 1 + length]


def _replace_position(p: Parameters) -> Find:
    start, length = p.integer("start_position", low=1), p.integer("length", low=0)
    new = p.text("replacement", empty=True)
    return lambda text: text[: start - 1] + new + text[start - 1 + length :]


def _to_missing(p: Parameters) -> Find:
    pattern = p.pattern("pattern", "^{}$")
    return lambda text: None if pattern.search(text) else text


def _others_to_missing(p: Parameters) -> Find:
    pattern = p.pattern("pattern", "^{}$")
    return lambda text: text if pattern.search(text) else None


_OPERATIONS: dict[str, tuple[Callable[[Parameters], Find], Kind, str]] = {
    "Find and replace substring": (_replace, "string", "find_and_replace_substring_parameters"),
    "Split string by delimiter": (_split, "string", "split_string_by_delimiter_parameters"),
    "Find substring": (_find, "float", "find_substring_parameters"),
    "Find substring (from right)": (_rfind, "float", "find_substring_from_right_parameters"),
    "Matches": (_matches, "bool", "matches_parameters"),
    "Find all occurrences": (_find_all, "string", "find_all_occurrences_parameters"),
    "Extract using regex": (_extract, "string", "extract_using_regex_parameters"),
    "Extract between delimiters": (_between, "string", "extract_between_delimiters_parameters"),
    "Extract from position": (_from_position, "string", "extract_from_position_parameters"),
    "Replace between delimiters": (_replace_between, "string", "replace_between_delimiters_parameters"),
    "Replace from position": (_replace_position, "string", "replace_from_position_parameters"),
    "Convert regex to missing": (_to_missing, "string", "convert_regex_to_missing_parameters"),
    "Convert non-matches to missing": (_others_to_missing, "string", "convert_non_matches_to_missing_parameters"),
}
