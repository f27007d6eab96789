"""Step 8: the staging test passes a good endpoint, and fails the stage, with results and dossier written, otherwise."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from deploy import check, verdict
from deploy.endpoint import ATTEMPTS, Endpoint
from deploy.evidence import Evidence
from deploy.rows import Answer, HeldOut, Row, batches, read_answers
from deploy.storage import Storage
from pipeline.errors import DeployError
from tests.deploy.aws import ARN, BUCKET
from tests.deploy.project import RUN, Project, predict, settings

TEST, EVALUATION = f"{RUN}/split/test/test.csv", f"{RUN}/evaluation/evaluation.json"
PREFIX = f"s3://{BUCKET}/releases/3/staging"


def examine(project: Project, **limits: float) -> tuple[dict[str, Any], Evidence]:
    """Test the project's staging endpoint on a clock by which each call takes ten milliseconds."""
    ticks = iter(range(10**6))
    endpoint = Endpoint(
        project.runtime.client(), "adult-income-staging", sleep=project.slept.append, clock=lambda: next(ticks) / 100
    )
    clients = check.Clients(project.registry.client(), None, project.bucket.client())
    return check.examine(settings(**limits), clients, project.release(), "staging", endpoint)


def run(project: Project, **limits: float) -> dict[str, Any]:
    """Test, and return the results."""
    return examine(project, **limits)[0]


def run_and_write(project: Project, root: Path) -> dict[str, Any]:
    """Test, and write results and dossier."""
    results, evidence = examine(project)
    check.write(Storage(project.bucket.client()), BUCKET, project.release().prefix("staging"), results, evidence, root)
    return results


def verdicts(results: dict[str, Any]) -> dict[str, bool]:
    return {check["name"]: check["passed"] for check in results["checks"]}


MET = {"served model": True, "rows answered": True, "same predictions": True, "quality": True, "latency": True}


def test_a_good_endpoint_passes_every_check() -> None:
    results = run(Project())
    assert results["passed"] is True
    assert verdicts(results) == MET
    assert results["rows"] == {"held_out": 280, "sent": 100, "answered": 100, "failed": 0, "compared": 100}
    assert results["metrics"]["endpoint"] == results["metrics"]["registered"]
    assert results["latency"]["p95_ms"] == 10


def test_wrong_predictions_are_no_failures() -> None:
    """One row in seven is predicted wrongly, before registration and now; the metrics count it."""
    results = run(Project())
    wrong = sum(a != p for a, p in zip(*results["answers"].values(), strict=True))
    assert wrong > 0
    assert results["failed_rows"] == []


def test_results_failed_rows_and_dossier_are_written_to_the_bucket_and_to_build(tmp_path: Path) -> None:
    project = Project()
    results = run_and_write(project, tmp_path)
    names = ["dossier.html", "failed_rows.csv", "results.json"]
    assert sorted(uri for uri in project.bucket.objects if "/releases/" in uri) == [f"{PREFIX}/{n}" for n in names]
    assert sorted(path.name for path in (tmp_path / "build").iterdir()) == names
    assert project.bucket.json(f"{PREFIX}/results.json") == json.loads(json.dumps(results))


def test_the_same_rows_give_the_same_results() -> None:
    """Two runs over the same inputs decide the same; the dossier's own test compares its bytes."""
    assert run(Project()) == run(Project())


def test_a_worse_model_fails_and_everything_is_written_before(tmp_path: Path) -> None:
    project = Project()
    project.runtime.predict = lambda line: "<=50K,1.0,\"[1.0, 0.0]\",\"['<=50K', '>50K']\""
    results = run_and_write(project, tmp_path)
    assert results["passed"] is False
    assert verdicts(results) == {**MET, "same predictions": False, "quality": False}
    assert f"{PREFIX}/results.json" in project.bucket.objects
    assert "The staging test failed" in project.bucket.objects[f"{PREFIX}/dossier.html"]


def test_without_registered_predictions_quality_is_compared_with_the_registered_metrics() -> None:
    """The report names the comparison and the reason."""
    project = Project()
    project.forget("PredictionsUri")
    text = project.bucket.objects.pop(TEST)
    project.bucket.objects[f"s3://{BUCKET}/elsewhere/test.csv"] = text
    project.note("TestDataUri", f"s3://{BUCKET}/elsewhere/test.csv")
    results = run(project, max_quality_drop=0.1)
    assert verdicts(results) == {name: True for name in MET if name != "same predictions"}
    assert results["metrics"]["basis"] == "the registered metrics of all held-out rows"
    assert results["predictions_note"] == "the model package does not say where its predictions are"


def test_predictions_are_looked_for_beside_the_split_where_the_package_does_not_name_them() -> None:
    project = Project()
    project.forget("PredictionsUri")
    assert run(project)["rows"]["compared"] == 100


def test_predictions_of_other_rows_are_not_compared() -> None:
    project = Project()
    project.bucket.objects[f"{RUN}/predictions/features.csv.out"] = predict("30,Tech")
    results = run(project, max_quality_drop=0.1)
    assert results["predictions_note"] == "there are 1 registered predictions for 280 held-out rows"
    assert results["rows"]["compared"] == 0


def test_the_refused_row_is_found_and_the_others_of_its_batch_are_answered() -> None:
    project = Project()
    poisoned = HeldOut.read(project.bucket.objects[TEST], "income", TEST).sample(100)[40]
    project.runtime.poison = poisoned.line().strip()
    results = run(project)
    assert poisoned.number in [row["number"] for row in results["failed_rows"]]
    assert {tuple(row["features"].values()) for row in results["failed_rows"]} == {poisoned.features}
    assert verdicts(results) == {**MET, "rows answered": False}
    assert results["rows"]["answered"] == 100 - len(results["failed_rows"])
    assert results["failed_rows"][0]["reason"] == "ModelError: Received client error (400) from primary"


def test_throttled_calls_are_sent_again_after_growing_waits() -> None:
    project = Project()
    project.runtime.throttles = 3
    results = run(project)
    assert results["passed"] is True
    assert results["latency"]["throttled"] == 3
    assert project.slept == [0.25, 0.5, 1.0]


def test_an_endpoint_that_stays_throttled_fails_after_bounded_attempts() -> None:
    project = Project()
    project.runtime.throttles = 10**6
    results = run(project)
    assert verdicts(results) == {
        "served model": True,
        "rows answered": False,
        "same predictions": True,
        "quality": False,
        "latency": False,
    }
    assert len(project.runtime.calls) == 2 * ATTEMPTS
    assert len(results["failed_rows"]) == 100
    assert "ThrottlingException" in results["failed_rows"][0]["reason"]


def test_a_slow_endpoint_fails() -> None:
    assert verdicts(run(Project(), max_p95_ms=9.0)) == {**MET, "latency": False}


def test_an_endpoint_that_serves_another_package_fails() -> None:
    project = Project()
    project.registry.served = f"{ARN}/2"
    assert verdicts(run(project)) == {**MET, "served model": False}


def test_a_regression_model_is_tested_by_its_numbers() -> None:
    """No probabilities; the drop of an error in the target's unit is a share of the registered one."""
    project = Project()
    text = "age,occupation,income\n" + "".join(f"{age},Tech,{age + age % 3}\n" for age in range(20, 60))
    evaluation = {"problem_type": "Regression", "metrics": {"rmse": 1.3}, "gate": {"metric": "rmse"}}
    project.bucket.objects |= {TEST: text, EVALUATION: json.dumps(evaluation)}
    project.bucket.objects[f"{RUN}/predictions/features.csv.out"] = "".join(f"{age}\n" for age in range(20, 60))
    endpoints = {}
    for worse in (0, 1):
        project.runtime.predict = lambda line, worse=worse: str(int(line.split(",")[0]) - worse)  # type: ignore[misc]
        endpoint = Endpoint(project.runtime.client(), "e", classifies=False, sleep=project.slept.append)
        clients = check.Clients(project.registry.client(), None, project.bucket.client())
        endpoints[worse] = check.examine(settings(), clients, project.release(), "staging", endpoint)[0]
    assert verdicts(endpoints[0]) == MET
    assert verdicts(endpoints[1]) == {**MET, "same predictions": False, "quality": False}


STOPPED = [
    ("no endpoint", lambda p: setattr(p.registry, "status", ""), "deploy its stack first"),
    ("endpoint failed", lambda p: setattr(p.registry, "status", "Failed"), "is Failed, not InService; the image has"),
    ("no test data", lambda p: p.bucket.objects.pop(TEST), "holds 0 CSV files"),
    ("no evaluation", lambda p: p.bucket.objects.pop(EVALUATION), r"cannot be read \(NoSuchKey"),
    ("evaluation is no JSON", lambda p: p.bucket.objects.update({EVALUATION: "{"}), "is no JSON"),
    ("foreign package", lambda p: p.forget("TestDataUri"), "has no TestDataUri in its metadata"),
    ("other target", lambda p: p.bucket.objects.update({TEST: "a,b\n1,2\n"}), "has no column 'income'"),
    ("no rows", lambda p: p.bucket.objects.update({TEST: "age,income\n"}), "has no rows"),
]


@pytest.mark.parametrize(("change", "sentence"), [case[1:] for case in STOPPED], ids=[case[0] for case in STOPPED])
def test_what_cannot_be_tested_is_one_clear_error(change: Any, sentence: str) -> None:  # noqa: ANN401
    project = Project()
    change(project)
    with pytest.raises(DeployError, match=sentence):
        run(project)


@pytest.mark.parametrize("size", [1, 7, 280, 1000])
def test_the_sample_is_the_same_whatever_the_order_of_the_file(size: int) -> None:
    lines = Project().bucket.objects[f"{RUN}/split/test/test.csv"].splitlines()
    forward = HeldOut.read("\n".join(lines), "income", "x").sample(size)
    backward = HeldOut.read("\n".join([lines[0], *lines[:0:-1]]), "income", "x").sample(size)
    assert len(forward) == min(size, 280)
    assert sorted(row.features for row in forward) == sorted(row.features for row in backward)


TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0\r\n"), max_size=12)


@given(st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=30), st.integers(1, 60))
def test_batches_keep_every_row_in_order_and_stay_under_the_limit(values: list[tuple[str, str]], limit: int) -> None:
    rows = [Row(number, pair, "a") for number, pair in enumerate(values)]
    grouped = list(batches(rows, max_bytes=limit, max_rows=4))
    assert [row for batch in grouped for row in batch] == rows
    sizes = [sum(len(row.line().encode()) for row in batch) for batch in grouped if len(batch) > 1]
    assert all(size <= limit for size in sizes)


def test_a_row_that_is_over_the_payload_limit_is_a_failed_row_and_is_not_sent() -> None:
    project = Project()
    endpoint = Endpoint(project.runtime.client(), "e", sleep=project.slept.append)
    answers = check.ask(endpoint, [Row(0, ("30", "x" * 4_200_000), "<=50K")]).answers
    assert answers == {0: "is 4200004 bytes; a serverless endpoint takes at most 4194304"}
    assert project.runtime.calls == []


UNREADABLE = ["", "a,b", "1", "<=50K,0.9,[0.9],\"['a', 'b']\"", "<=50K,0.9,__import__('os'),x", "not a number"]


@pytest.mark.parametrize("text", UNREADABLE)
def test_an_answer_that_is_none_of_autopilots_is_a_failed_row(text: str) -> None:
    project = Project()
    project.runtime.predict = lambda line: text
    endpoint = Endpoint(project.runtime.client(), "e", sleep=project.slept.append)
    reason = check.ask(endpoint, [Row(0, ("30", "Tech"), "<=50K")]).answers[0]
    assert isinstance(reason, str)


def test_regression_answers_are_numbers() -> None:
    assert read_answers("1.5\n-2e3\n") == [Answer("1.5"), Answer("-2000.0")]


DIFFERENCES = [
    ("last bits", Answer("a", (0.9, 0.1), ("a", "b")), Answer("a", (0.90001, 0.09999), ("a", "b")), False),
    ("other probability", Answer("a", (0.9, 0.1), ("a", "b")), Answer("a", (0.8, 0.2), ("a", "b")), True),
    ("classes in another order", Answer("a", (0.9, 0.1), ("a", "b")), Answer("a", (0.1, 0.9), ("b", "a")), False),
    ("a tie told otherwise", Answer("a", (0.5, 0.5), ("a", "b")), Answer("b", (0.5, 0.5), ("a", "b")), False),
    ("another label", Answer("a", (0.51, 0.49), ("a", "b")), Answer("b", (0.49, 0.51), ("a", "b")), True),
    ("other classes", Answer("a", (1.0,), ("a",)), Answer("a", (1.0,), ("c",)), True),
    ("equal numbers", Answer("1000000.0"), Answer("1000000.5"), False),
    ("other numbers", Answer("1.0"), Answer("1.01"), True),
]


@pytest.mark.parametrize(("answer", "other", "differs"), [c[1:] for c in DIFFERENCES], ids=[c[0] for c in DIFFERENCES])
def test_answers_are_the_same_but_for_the_last_bits(answer: Answer, other: Answer, differs: bool) -> None:
    assert answer.differs_from(other, verdict.TOLERANCE) is differs


DROPS = [
    ("auc", 0.93, 0.91, 0.02),
    ("log_loss", 0.3, 0.35, 0.05),
    ("rmse", 10.0, 11.0, 0.1),
    ("accuracy", 0.8, 0.9, -0.1),
]


@pytest.mark.parametrize(("metric", "registered", "measured", "drop"), DROPS)
def test_a_drop_is_positive_when_the_endpoint_is_worse(
    metric: str, registered: float, measured: float, drop: float
) -> None:
    assert verdict.quality_drop(metric, registered, measured) == pytest.approx(drop)


@pytest.mark.parametrize(("registered", "measured"), [(float("nan"), 0.9), (0.9, float("nan"))])
def test_a_quality_that_has_no_value_never_passes(registered: float, measured: float) -> None:
    assert verdict.check_quality("auc", registered, measured, 1.0, "x").passed is False


CELLS = [("=1+1", "'=1+1"), ("+cmd", "'+cmd"), ("-2.5", "-2.5"), ("-2+3", "'-2+3"), ("@SUM(A1)", "'@SUM(A1)"),
         ("\t=1", "'\t=1"), ("plain", "plain"), ("", "")]  # fmt: skip


@pytest.mark.parametrize(("cell", "expected"), CELLS)
def test_a_spreadsheet_shows_exported_cells_and_runs_none(cell: str, expected: str) -> None:
    assert check.inert(cell) == expected


@given(TEXT, TEXT)
def test_no_exported_cell_starts_a_formula(reason: str, value: str) -> None:
    texts = {"reason": reason, "actual": value, "registered": "", "answered": ""}
    row = {"number": 1, **texts, "features": {value: reason}}
    cells = [cell for line in csv.reader(io.StringIO(check.export([row]))) for cell in line]
    assert [cell for cell in cells if cell != "" and cell[0] in "=@+-" and not check.NUMBER.fullmatch(cell)] == []


def test_the_fake_endpoint_throttles_as_the_service_does() -> None:
    """The fake raises what boto3 raises, so that the tests above mean something."""
    project = Project()
    project.runtime.throttles = 10
    with pytest.raises(ClientError, match="ThrottlingException"):
        project.runtime.client().invoke_endpoint(EndpointName="e", Body=b"1")
