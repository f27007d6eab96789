"""Step 4: check the header of the input CSV. Pure."""

import difflib
from collections import Counter
from collections.abc import Iterator, Sequence

from pipeline.settings import Settings

# This product's own limit: beyond it the report, the endpoint's payload and Autopilot's runtime need another design.
MAX_COLUMNS = 1000
SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
SHOWN = 20


def header_problems(header: Sequence[str], settings: Settings) -> list[str]:
    """Give a sentence for each mistake in the names of the columns."""
    if not header:
        return ["is empty; must have a header; write the columns' names on the first line"]
    if len(header) == 1:
        for separator, name in SEPARATORS.items():
            if separator in header[0]:
                return [f"has one column, with {name} in it; fields must be separated by commas; save it with commas"]
    if len(header) > MAX_COLUMNS:
        return [f"has {len(header)} columns; at most {MAX_COLUMNS} are taken; leave out what does not help to predict"]
    return [*_names(header), *_wanted(header, settings)]


def _names(header: Sequence[str]) -> Iterator[str]:
    for place, name in enumerate(header, start=1):
        if not name.strip():
            yield f"column {place}: has no name; every column needs one; name it in the header"
    for name, times in Counter(header).items():
        if times > 1 and name.strip():
            yield f"column {name}: stands {times} times in the header; names must differ; rename all but one"


def _wanted(header: Sequence[str], settings: Settings) -> Iterator[str]:
    target, split = settings.target_column, settings.data.split_column
    if target not in header:
        yield _absent(header, target, "target_column")
    if split and split not in header:
        yield _absent(header, split, "data.split_column")
    if not set(header) - {target, split}:
        yield f"has no column beside {target}; a model needs at least one feature; add columns"


def _absent(header: Sequence[str], name: str, key: str) -> str:
    folded = {other.strip().lower(): other for other in header}
    near = difflib.get_close_matches(name.strip().lower(), folded, n=1, cutoff=0.6)
    listed = ", ".join(header[:SHOWN]) + (", ..." if len(header) > SHOWN else "")
    hint = f"did you mean {folded[near[0]]}? " if near else ""
    return f"column {name}: is not in the header; settings.yaml's {key} names it; {hint}the columns are {listed}"
