"""settings.yaml becomes frozen values, or every mistake at once with line, key, value, rule and remedy."""

import itertools
import time
from operator import attrgetter
from pathlib import Path

import pytest
from hypothesis import given, strategies
from pydantic import ValidationError

from pipeline.errors import SettingsError
from pipeline.settings.load import load, parse
from pipeline.settings.model import Settings
from tests.pipeline.project import LINES, MINIMAL, of, text

F1 = "must be from 0 to 1 for weighted_f1"
MEMORY = "must be one of 1024, 2048, 3072, 4096, 5120, 6144"
CONCURRENCY = "must be a whole number from 1 to 200"
REGRESSION = "problem_type: Regression\n"


def gate(metric: str, threshold: object, more: str = "", **changed: str) -> str:
    """Settings with this gate."""
    return text(more, gate=f"gate:\n  metric: {metric}\n  threshold: {threshold}\n", **changed)


def minimums(limits: str) -> str:
    """Settings whose gate has these minimums."""
    return text(gate=LINES["gate"] + f"  minimums: {limits}\n")


def endpoint(memory: object, concurrency: object) -> str:
    """Settings with an endpoint of this size."""
    return text(endpoint=f"endpoint:\n  memory_mb: {memory}\n  max_concurrency: {concurrency}\n")


def target(value: str) -> str:
    """Settings with this target column, as it is written."""
    return text(target_column=f"target_column: {value}\n")


def scaled(**sizes: int) -> str:
    """Settings whose production is scaled like this."""
    return text("stages:\n  prod:\n" + "".join(f"    {name}_concurrency: {size}\n" for name, size in sizes.items()))


# What is wrong, and parts of the one line that says so
REJECTED = {
    "a negative threshold": (gate("weighted_f1", -0.1), f"5: gate.threshold: got '-0.1'; {F1}"),
    "NaN": (gate("weighted_f1", ".nan"), "5: gate.threshold: got '.nan'; must be a finite number"),
    "infinity": (gate("log_loss", ".inf"), "5: gate.threshold: got '.inf'; must be a finite number"),
    "per cent": (gate("weighted_f1", 70), f"5: gate.threshold: got '70'; {F1}; ", "write 0.7 for 70 %"),
    "a threshold over 1": (gate("weighted_f1", 1.5), f"5: gate.threshold: got '1.5'; {F1}"),
    "a % sign": (gate("auc", "70%"), "5: gate.threshold: got '70%'", "write 0.7 for 70 %"),
    "text for a number": (gate("auc", "high"), "5: gate.threshold: got 'high'", "this is text"),
    "a quoted number": (gate("auc", "'0.7'"), "5: gate.threshold: got '0.7'", "without quotes"),
    "a boolean for a number": (gate("auc", "yes"), "5: gate.threshold: got 'yes'", "a boolean is none"),
    "null for a number": (gate("auc", ""), "5: gate.threshold: got ''", "null (nothing) is none"),
    "an unknown metric": (gate("f7", 0.7), "4: gate.metric: got 'f7'", "one of auc, weighted_f1"),
    "a metric of another problem type": (
        text(problem_type=REGRESSION),
        "4: gate.metric: got 'weighted_f1'; must be a metric of problem_type Regression: one of rmse, mae, r2",
    ),
    "an unknown minimum": (minimums("{acu: 0.9}"), "6: gate.minimums.acu", "did you mean auc?"),
    "a minimum over 1": (minimums("{auc: 90}"), "6: gate.minimums.auc: got '90'", "0.9 for 90 %"),
    "minimums of text": (minimums("{auc: x}"), "6: gate.minimums.auc: got 'x'"),
    "an r2 over 1": (gate("r2", 2, problem_type=REGRESSION), "5: gate.threshold: got '2'; must be at most 1 for r2"),
    "a target that is too long for a container's argument": (
        target("x" * 248),
        "target_column: must be at most 247 characters, for it becomes an argument of a container",
    ),
    "a class that is too long for a container's argument": (
        text(target_column=LINES["target_column"] + f"positive_class: {'x' * 240}\n"),
        "positive_class: must be at most 239 characters",
    ),
    "a misspelt problem type": (
        text(problem_type="problem_type: Regresion\n"),
        "1: problem_type: got 'Regresion'; must be one of BinaryClassification, ",
        "MulticlassClassification, Regression; did you mean Regression?",
    ),
    "an objective that does not fit": (
        gate("rmse", 3, "objective_metric: F1\n", problem_type=REGRESSION),
        "9: objective_metric: got 'F1'; must fit problem_type Regression: one of RMSE, MAE, MSE, R2",
    ),
    "a positive class of a regression": (
        gate("rmse", 3, "positive_class: a\n", problem_type=REGRESSION),
        "9: positive_class: got 'a'; is for BinaryClassification only",
    ),
    "a memory size that is not offered": (endpoint(1000, 20), f"7: endpoint.memory_mb: got '1000'; {MEMORY}"),
    "too much memory": (endpoint(8192, 20), f"7: endpoint.memory_mb: got '8192'; {MEMORY}"),
    "no concurrency": (endpoint(4096, 0), f"8: endpoint.max_concurrency: got '0'; {CONCURRENCY}"),
    "too much concurrency": (endpoint(4096, 201), f"8: endpoint.max_concurrency: got '201'; {CONCURRENCY}"),
    "an octal number": (endpoint(4096, "010"), "8: endpoint.max_concurrency: got '010'", "this is text"),
    "minutes and seconds": (endpoint(4096, "1:30"), "8: endpoint.max_concurrency: got '1:30'"),
    "half a request": (endpoint(4096, 1.5), f"8: endpoint.max_concurrency: got '1.5'; {CONCURRENCY}"),
    "more provisioned than at once": (
        text("  provisioned_concurrency: 21\n"),
        "9: endpoint.provisioned_concurrency: got '21'; must be at most max_concurrency (20)",
    ),
    "a stage whose numbers contradict endpoint's": (
        text("  provisioned_concurrency: 9\nstages:\n  staging:\n    max_concurrency: 5\n"),
        "11: stages.staging.provisioned_concurrency: must be at most max_concurrency (5)",
    ),
    "a stage that keeps more warm than it allows": (
        text("stages:\n  prod:\n    provisioned_concurrency: 21\n"),
        "11: stages.prod.provisioned_concurrency: got '21'; must be at most max_concurrency (20)",
    ),
    "scaling over the limit": (
        scaled(provisioned=1, min_provisioned=1, max_provisioned=21),
        "13: stages.prod.max_provisioned_concurrency: got '21'; must be at most max_concurrency (20)",
    ),
    "scaling between bounds that contradict each other": (
        scaled(provisioned=1, min_provisioned=3, max_provisioned=2),
        "12: stages.prod.min_provisioned_concurrency: got '3'; must be at most max_provisioned_concurrency (2)",
    ),
    "scaling without a start": (
        text("stages:\n  prod:\n    max_provisioned_concurrency: 4\n"),
        "11: stages.prod.max_provisioned_concurrency: got '4'; needs provisioned_concurrency and min_provisioned",
    ),
    "an unknown key": (text("thresold: 1\n"), "9: thresold: is no setting; did you mean gate.threshold?"),
    "an unknown nested key": (
        text("  memory: 1\n"),
        "9: endpoint.memory: is no setting; did you mean endpoint.memory_mb?",
    ),
    "a missing key": (text(target_column=""), "1: target_column: is missing and has no default; add target_column"),
    "a missing section": (text(gate=""), "1: gate: is missing and has no default"),
    "a key given twice": (text("target_column: other\n"), "2: target_column: is given twice, on line 2 and on line 9"),
    "a list for a section": (text(gate="gate: [1]\n"), "3: gate: must be a mapping of keys"),
    "a target that YAML reads as a boolean": (target("no"), "2: target_column: got 'no'", "quote it"),
    "a target that YAML reads as a date": (
        target("2024-01-31"),
        "2: target_column: got '2024-01-31'",
        "YAML reads this as a date: quote it",
    ),
    "a target that YAML reads as a number": (target("1"), "got '1'", "as a number: quote it"),
    "a positive class that YAML reads as a boolean": (
        text("positive_class: yes\n"),
        "9: positive_class: got 'yes'",
        "quote it",
    ),
    "a VPC of subnets alone": (
        text("security:\n  subnets: [subnet-1]\n"),
        "10: security.subnets: needs security_groups as well",
    ),
    "fractions that leave nothing": (
        text("data:\n  test_fraction: 0.6\n  validation_fraction: 0.4\n"),
        "10: data.test_fraction: got '0.6'; leaves no rows for training",
    ),
    "a target that is the split column": (
        text("data:\n  split_column: income\n"),
        "10: data.split_column: got 'income'",
    ),
    "a flow outside the repository": (text("flow:\n  file: ../other.flow\n"), "10: flow.file: got '../other.flow'"),
    "a reserved tag": (text("tags:\n  aws:x: y\n"), "10: tags.aws:x: a tag's key is"),
    "a tag that is a number": (text("tags:\n  cost: 1234\n"), "10: tags.cost: got '1234'", "quote it"),
    "nothing": ("", "1: top level must be a mapping"),
    "a list": ("- a\n", "1: top level must be a mapping"),
    "no YAML": ("a: [1\n", "2: is not YAML (line 2, column 1)"),
    "two documents": ("a: 1\n---\nb: 2\n", "is not YAML (line 2, column 1)"),
    "a tag that would run code": (
        text("x: !!python/object/apply:os.system ['touch pwned']\n"),
        "9: tag ",
        "is not allowed",
    ),
    "aliases": ("a: &a [x,x]\nb: [*a,*a]\n", "1: aliases and anchors", "are not allowed"),
    "an impossible date": (text("x: 2024-99-99\n"), "9: x: is no setting"),
    "deep nesting": ("a: " + "[" * 5000 + "\n", "1: is nested more than 20 deep"),
    "a control character": ("a: \x07\n", "1: is not YAML"),
}


@pytest.mark.parametrize("content", REJECTED.values(), ids=REJECTED)
def test_a_mistake_is_one_line_that_says_what_to_do(content: tuple[str, ...]) -> None:
    wrong, *parts = content
    with pytest.raises(SettingsError) as caught:
        parse(wrong)
    lines = str(caught.value).splitlines()
    assert (len(lines), all(line.startswith("settings.yaml:") for line in lines)) == (1, True), lines
    assert [part for part in parts if part not in lines[0]] == [], lines[0]


def test_every_mistake_is_said_at_once_in_the_order_of_the_lines() -> None:
    sizes = "endpoint:\n  memory_mb: 1\n  max_concurrency: 0\n"
    wrong = gate("f7", ".nan", "thresold: 1\nobjective_metric: R2\n", target_column="", endpoint=sizes)
    with pytest.raises(SettingsError) as caught:
        parse(wrong)
    heads = [line.split(": ")[:2] for line in str(caught.value).splitlines()]
    assert heads == [
        ["settings.yaml:1", "target_column"],
        ["settings.yaml:3", "gate.metric"],
        ["settings.yaml:4", "gate.threshold"],
        ["settings.yaml:6", "endpoint.memory_mb"],
        ["settings.yaml:7", "endpoint.max_concurrency"],
        ["settings.yaml:8", "thresold"],
        ["settings.yaml:9", "objective_metric"],
    ]


ACCEPTED = [
    ("CRLF", MINIMAL.replace("\n", "\r\n").encode(), "target_column", "income"),
    ("a byte order mark", b"\xef\xbb\xbf" + MINIMAL.encode(), "problem_type", "BinaryClassification"),
    ("a size with a decimal point", endpoint("4096.0", 20), "endpoint.memory_mb", 4096),
    ("a whole number as the bound", gate("auc", 1), "gate.threshold", 1.0),
    ("the largest sizes", endpoint(6144, 200), "endpoint.max_concurrency", 200),
    ("the smallest sizes", endpoint(1024, 1), "endpoint.memory_mb", 1024),
    ("a quoted number as text", target("'1'"), "target_column", "1"),
    ("a quoted no as text", target('"no"'), "target_column", "no"),
    ("a loss over 1", gate("log_loss", 3), "gate.threshold", 3),
    ("the default objective", MINIMAL, "objective_metric", "AUC"),
]


@pytest.mark.parametrize(("data", "path", "value"), [c[1:] for c in ACCEPTED], ids=[c[0] for c in ACCEPTED])
def test_what_is_right_is_taken(data: str | bytes, path: str, value: object) -> None:
    assert attrgetter(path)(parse(data)) == value


def test_settings_cannot_be_changed() -> None:
    settings = of("tags: {team: risk}\n")
    with pytest.raises(ValidationError, match="frozen"):
        settings.target_column = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        settings.tags["team"] = "other"  # type: ignore[index]


def test_a_billion_laughs_are_refused_at_once() -> None:
    letters = "abcdefghi"
    laughs = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n" for old, new in itertools.pairwise(letters)
    )
    started = time.process_time()
    with pytest.raises(SettingsError, match="aliases and anchors"):
        parse(laughs)
    assert time.process_time() - started < 1


def test_text_that_is_not_utf8_is_named_by_byte() -> None:
    with pytest.raises(SettingsError, match=r"settings\.yaml:2: is not UTF-8 \(byte 10\)"):
        parse("a: 1\nb: jäb".encode("latin-1").replace(b"b: j", b"b: jj"))


def test_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.yaml: cannot be read .*; restore it from the template"):
        load(tmp_path / "none.yaml")


@given(strategies.one_of(strategies.text(max_size=200), strategies.binary(max_size=200)))
def test_whatever_the_text_only_a_settings_error_comes_out(data: str | bytes) -> None:
    with pytest.raises(SettingsError, match=r"^settings\.yaml"):
        parse(data)


SCALARS = strategies.one_of(
    strategies.none(), strategies.booleans(), strategies.integers(), strategies.floats(), strategies.text(max_size=8)
)
KEYS = strategies.sampled_from(
    [*LINES, "data", "flow", "stages", "tags", "security", "metric", "threshold", "minimums", "x"]
)
VALUES = strategies.recursive(
    SCALARS,
    lambda inner: strategies.one_of(
        strategies.lists(inner, max_size=3), strategies.dictionaries(KEYS, inner, max_size=4)
    ),
)


@given(strategies.dictionaries(KEYS, VALUES, max_size=6))
def test_whatever_the_mapping_it_is_settings_or_a_settings_error(mapping: dict[str, object]) -> None:
    import yaml

    try:
        outcome: object = parse(yaml.safe_dump(mapping))
    except SettingsError as error:
        outcome = error
    assert isinstance(outcome, Settings | SettingsError)
