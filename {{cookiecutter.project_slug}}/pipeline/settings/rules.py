"""Step 4: the rules of settings.yaml that need two keys; they look at raw values, so that all mistakes show at once."""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.settings.model import OBJECTIVES
from pipeline.steps.gate import BINARY, METRICS, metrics_for

Raw = Mapping[str, Any]
# Keys and values: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Tag.html
_TAG_KEY, _TAG_VALUE = re.compile(r"[\w\s.:/=+\-@]{1,128}"), re.compile(r"[\w\s.:/=+\-@]{0,256}")
# The service takes 50 tags; the project's own and the deploy step's take some of them.
MAX_TAGS = 40
# Settings that become container arguments, with the option before the value (pipeline/aws/requests.py).
ARGUMENTS = {
    ("target_column",): "--target=",
    ("positive_class",): "--positive-class=",
    ("data", "split_column"): "--split-column=",
}
# ContainerArgument in botocore's model. Pipelines refuses a longer one only when it starts the step, after training is
# paid for: https://github.com/aws/sagemaker-python-sdk/issues/5224
MAX_ARGUMENT = 256


@dataclass(frozen=True)
class Problem:
    """One mistake: where, which rule, what to do; `show_value`: whether the message quotes the value."""

    path: tuple[str, ...]
    rule: str
    remedy: str
    show_value: bool = True


def cross_problems(raw: Raw) -> Iterator[Problem]:
    """Find every mistake that no single field shows; values of a wrong type are passed over."""
    yield from _objective(raw)
    yield from _positive_class(raw)
    yield from _gate(raw)
    yield from _concurrency(raw)
    yield from _split(raw)
    yield from _arguments(raw)
    yield from _files(raw)
    yield from _security(raw)
    yield from _tags(raw)


def _section(raw: Raw, *path: str) -> Raw:
    value: Any = raw
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def _objective(raw: Raw) -> Iterator[Problem]:
    problem_type, metric = raw.get("problem_type"), raw.get("objective_metric")
    if isinstance(problem_type, str) and problem_type in OBJECTIVES and isinstance(metric, str):
        allowed = OBJECTIVES[problem_type]
        if metric not in allowed:
            rule = f"must fit problem_type {problem_type}: one of {', '.join(allowed)}"
            yield Problem(("objective_metric",), rule, nearest(metric, allowed) or f"write {allowed[0]}")


def _positive_class(raw: Raw) -> Iterator[Problem]:
    if isinstance(raw.get("positive_class"), str) and raw.get("problem_type") in set(OBJECTIVES) - {BINARY}:
        yield Problem(("positive_class",), "is for BinaryClassification only", "remove it")


def _arguments(raw: Raw) -> Iterator[Problem]:
    for path, option in ARGUMENTS.items():
        value, longest = _section(raw, *path[:-1]).get(path[-1]), MAX_ARGUMENT - len(option)
        if isinstance(value, str) and len(value) > longest:
            rule = f"must be at most {longest} characters, for it becomes an argument of a container"
            yield Problem(path, rule, "shorten it in the data, or rename the column in the flow", show_value=False)


def nearest(word: str, names: Iterable[str], cutoff: float = 0.6) -> str:
    """Return `did you mean NAME?` for the name that is nearest to a word, or an empty text."""
    folded = {name.strip().lower(): name for name in names}
    near = difflib.get_close_matches(word.strip().lower(), folded, n=1, cutoff=cutoff)
    return f"did you mean {folded[near[0]]}?" if near else ""


def _gate(raw: Raw) -> Iterator[Problem]:
    gate, problem_type = _section(raw, "gate"), raw.get("problem_type")
    known = isinstance(problem_type, str) and problem_type in OBJECTIVES
    allowed = metrics_for(problem_type) if known and isinstance(problem_type, str) else tuple(METRICS)
    own = (("gate", "metric"), gate.get("metric"), ("gate", "threshold"), gate.get("threshold"))
    paths = {name: ("gate", "minimums", name) for name in _section(gate, "minimums")}
    others = [(path, name, path, gate["minimums"][name]) for name, path in paths.items()]
    for path, metric, limit_path, limit in [own, *others]:
        if isinstance(metric, str) and metric not in allowed:
            fits = f" of problem_type {problem_type}" if known else ""
            rule = f"must be a metric{fits}: one of {', '.join(allowed)}"
            yield Problem(path, rule, nearest(metric, allowed) or "choose one")
        if isinstance(metric, str) and metric in METRICS:
            yield from _limit(metric, limit_path, _number(limit))


def _limit(metric: str, path: tuple[str, ...], limit: float | None) -> Iterator[Problem]:
    bounds = METRICS[metric]
    if limit is None or limit != limit or abs(limit) == float("inf") or bounds.low <= limit <= bounds.high:
        return
    rule, remedy = "from 0 to 1", "write a number such as 0.8"
    if bounds.high == float("inf"):
        rule, remedy = f"at least {bounds.low:g}", "write the largest error that you accept"
    elif bounds.low == -float("inf"):
        rule, remedy = f"at most {bounds.high:g}", "write a number such as 0.5"
    elif 1 < limit <= 100:
        remedy = f"if per cent was meant, write {limit / 100:g} for {limit:g} %"
    yield Problem(path, f"must be {rule} for {metric}", remedy)


def _concurrency(raw: Raw) -> Iterator[Problem]:
    base = _section(raw, "endpoint")
    yield from _ordered(base, "provisioned_concurrency", "max_concurrency", ("endpoint",))
    for stage in ("staging", "prod"):
        own = _section(raw, "stages", stage)
        own_sizes = {name: value for name, value in own.items() if value is not None}
        sizes, path = {**base, **own_sizes}, ("stages", stage)
        if own_sizes.keys() & {"provisioned_concurrency", "max_concurrency"}:
            yield from _ordered(sizes, "provisioned_concurrency", "max_concurrency", path)
        yield from _ordered(sizes, "max_provisioned_concurrency", "max_concurrency", path)
        yield from _ordered(sizes, "min_provisioned_concurrency", "max_provisioned_concurrency", path)
        yield from _scaling(sizes, path)


def _ordered(sizes: Raw, small: str, large: str, path: tuple[str, ...]) -> Iterator[Problem]:
    low, high = _number(sizes.get(small)), _number(sizes.get(large))
    if low is not None and high is not None and low > high:
        yield Problem((*path, small), f"must be at most {large} ({high:g})", f"lower it, or raise {large}")


def _scaling(sizes: Raw, path: tuple[str, ...]) -> Iterator[Problem]:
    needed = ("provisioned_concurrency", "min_provisioned_concurrency")
    if _number(sizes.get("max_provisioned_concurrency")) and not all(sizes.get(name) for name in needed):
        rule = f"needs {needed[0]} and {needed[1]} of at least 1: scaling starts from one and stops at the other"
        yield Problem((*path, "max_provisioned_concurrency"), rule, "give both")


def _split(raw: Raw) -> Iterator[Problem]:
    data = _section(raw, "data")
    test, validation = _number(data.get("test_fraction", 0.2)), _number(data.get("validation_fraction", 0.1))
    if test is not None and validation is not None and 0 < test < 1 and 0 < validation < 1 and test + validation >= 1:
        path = ("data", "test_fraction" if "test_fraction" in data else "validation_fraction")
        rule = f"leaves no rows for training: the two fractions make {test + validation:g}"
        yield Problem(path, rule, "keep their sum below 1")
    column = data.get("split_column")
    if isinstance(column, str) and column == raw.get("target_column"):
        rule, remedy = "must be another column than target_column", "name the column of train and test, or null"
        yield Problem(("data", "split_column"), rule, remedy)


def _files(raw: Raw) -> Iterator[Problem]:
    flow = _section(raw, "flow")
    for name in ("file", "balance"):
        if isinstance(flow.get(name), str) and ".." in flow[name].split("/"):
            yield Problem(("flow", name), "must stay inside the repository", "remove `..`")


def _security(raw: Raw) -> Iterator[Problem]:
    security = _section(raw, "security")
    pair = ("subnets", "security_groups")
    for name, other in (pair, pair[::-1]):
        if security.get(name) and not security.get(other):
            rule = f"needs {other} as well: a VPC configuration has both"
            yield Problem(("security", name), rule, f"give {other}, or remove {name}")


def _tags(raw: Raw) -> Iterator[Problem]:
    tags = _section(raw, "tags")
    if len(tags) > MAX_TAGS:
        yield Problem(("tags",), f"must be at most {MAX_TAGS} ({len(tags)} given)", "remove some")
    for key, value in tags.items():
        if not _TAG_KEY.fullmatch(key) or key.lower().startswith(("aws:", "sagemaker:")):
            rule = (
                "a tag's key is 1 to 128 letters, digits, blanks and . : / = + - @ _; aws: and sagemaker: are reserved"
            )
            yield Problem(("tags", key), rule, "rename it", show_value=False)
        elif isinstance(value, str) and not _TAG_VALUE.fullmatch(value):
            rule = "a tag's value is at most 256 letters, digits, blanks and . : / = + - @ _"
            yield Problem(("tags", key), rule, "shorten or rename it")
