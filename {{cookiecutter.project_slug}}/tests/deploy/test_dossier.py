"""Step 9: the dossier shows what an approver needs, loads and runs nothing, and is the same for the same inputs."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy import charts, dossier
from deploy.evidence import Evidence, gather, importance
from deploy.storage import Storage
from tests.deploy.aws import AwsError, Registry
from tests.deploy.project import Project, registered
from tests.deploy.test_check import examine

VOID = {"meta", "br", "img", "link", "input"}


class Page(HTMLParser):
    """What a browser would make of the dossier: elements, attributes, and text by element."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: dict[str, list[str]] = {}
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
            self.texts.setdefault(tag, []).append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        if self.open:
            self.texts[self.open[-1]][-1] += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def dangers(page: Page) -> list[str]:
    """Elements that run or load something, and attributes that do."""
    risky = [tag for tag, _ in page.elements if tag in ("script", "img", "iframe", "object", "link", "foreignobject")]
    for _, attributes in page.elements:
        risky += [name for name in attributes if name.startswith("on") or name in ("src", "srcset", "action")]
        risky += [str(v) for n, v in attributes.items() if n.endswith("href") and not str(v).startswith("#")]
    return risky


Examined = tuple[Evidence, dict[str, Any]]


@pytest.fixture(scope="module")
def html(examined: Examined) -> str:
    """The dossier of a good endpoint."""
    return dossier.render(*examined)


@pytest.fixture(scope="module")
def examined() -> Examined:
    project = Project()
    project.registry.candidates = [candidate("XGBoost", 0.91), candidate("WeightedEnsemble_L2", 0.93)]
    results, evidence = examine(project)
    return evidence, results


def candidate(name: str, value: float | None, **more: str) -> dict[str, Any]:
    objective = {"FinalAutoMLJobObjectiveMetric": {"MetricName": "AUC", "Value": value, **more}} if value else {}
    return {"CandidateName": name, "CandidateStatus": "Completed", **objective}


def test_the_dossier_has_its_sections_figures_and_tables_in_order(html: str) -> None:
    page = Page(html)
    assert page.texts["h2"] == [
        "What was tested in staging",
        "Gate",
        "Quality on held-out rows",
        "Feature importance",
        "Leaderboard",
        "Latency and cost",
        "Where it comes from",
    ]
    assert page.texts["h3"] == ["Failed rows", "All metrics", "Confusion matrix"]
    assert page.texts["title"][1:] == [
        "Weighted F1 beside what it had to beat",
        "ROC curve",
        "Precision-recall curve",
        "Feature importance",
        "Latency of single-row calls",
    ]
    assert page.open == []


def test_every_figure_is_named_and_described_for_those_who_do_not_see_it(html: str) -> None:
    page = Page(html)
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for chart in page.all("svg"):
        assert chart["role"] == "img"
        assert set(str(chart["aria-labelledby"]).split()) <= set(ids)
    assert [a for a in page.all("th") if "scope" not in a] == []
    assert page.all("html") == [{"lang": "en"}]


def test_the_dossier_loads_and_runs_nothing(html: str) -> None:
    assert dangers(Page(html)) == []
    assert re.findall(r"@import|url\((?!#)[^)]*\)", html) == []


def test_the_same_inputs_give_the_same_bytes(html: str, examined: Examined) -> None:
    assert dossier.render(*examined) == html


def test_the_leaderboard_ranks_by_the_objective_and_its_direction() -> None:
    better = [candidate("a", 0.9), candidate("b", None), candidate("c", 0.95)]
    assert [line["name"] for line in dossier.leaderboard(better)["lines"]] == ["c", "a", "b"]
    errors = [candidate("a", 9.0, Type="Minimize"), candidate("c", 3.0, Type="Minimize")]
    assert [line["name"] for line in dossier.leaderboard(errors)["lines"]] == ["c", "a"]


HOSTILE = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'{{ 7*7 }}$\\frac{1}{2}$"


def test_hostile_names_are_shown_and_not_run_wherever_they_stand() -> None:
    """In features, classes, candidates, metadata, notes and the registry's fields."""
    project = Project()
    project.registry.packages = [registered(Commit=HOSTILE, DataOrigin=HOSTILE, AutoMLJobName=HOSTILE)]
    project.registry.candidates = [candidate(HOSTILE, 0.9)]
    project.runtime.poison = "61,"
    results, evidence = examine(project, rows=280)
    for row in results["failed_rows"]:
        row["features"][HOSTILE] = HOSTILE
    hostile = replace(
        evidence,
        package={**evidence.package, "ApprovalDescription": HOSTILE, "LastModifiedBy": {"UserProfileName": HOSTILE}},
        evaluation={**evidence.evaluation, "positive_class": HOSTILE},
        quality={"binary_classification_metrics": {"confusion_matrix": {HOSTILE: {HOSTILE: 1}}}},
        importance={HOSTILE: 0.5, "age": 0.1},
        notes={"quality": HOSTILE},
    )
    html = dossier.render(hostile, results)
    page = Page(html)
    assert dangers(page) == []
    assert HOSTILE in page.texts["code"]
    assert "{{ 7*7 }}" in html


@settings(max_examples=20, deadline=None)
@given(st.text(max_size=40), st.text(max_size=40))
def test_any_data_value_stays_text(name: str, value: str) -> None:
    """Failed rows contain the team's data; whatever it is, the page has the same elements."""
    row = {
        "number": 1,
        "reason": value,
        "actual": name,
        "registered": value,
        "answered": name,
        "features": {name: value},
    }
    plain = {**row, "reason": "a", "actual": "b", "registered": "c", "answered": "d", "features": {"e": "f"}}
    pages = [Page(dossier.render(BARE, {**RESULTS, "failed_rows": [failed]})) for failed in (row, plain)]
    assert pages[0].elements == pages[1].elements


BARE = Evidence({**registered(), "CustomerMetadataProperties": {}}, {"problem_type": "Regression", "rows": 1})
RESULTS: dict[str, Any] = {
    "passed": False,
    "stage": "staging",
    "checks": [{"name": "rows answered", "passed": False, "sentence": "0 of 1"}],
    "rows": {"held_out": 1, "sent": 1, "answered": 0, "failed": 1, "compared": 0},
    "metrics": {"basis": "", "registered": {}, "endpoint": {}},
    "latency": {"first_call_ms": None, "p50_ms": None, "p95_ms": None, "limit_ms": 1, "calls_ms": [], "throttled": 0},
    "answers": {"actual": [], "predicted": []},
    "failed_rows": [],
    "endpoint": {"name": "e", "memory_mb": 1024, "max_concurrency": 1, "model_package_arn": ""},
}


def test_what_is_absent_is_said() -> None:
    """A package whose reports are gone still gets a dossier; it names each gap."""
    project = Project()
    for uri in [uri for uri in project.bucket.objects if "quality" in uri or "explain" in uri]:
        del project.bucket.objects[uri]
    project.registry.candidates = None
    evidence = gather(project.registry.client(), Storage(project.bucket.client()), project.release().model_package_arn)
    assert sorted(evidence.notes) == ["candidates", "importance", "quality"]
    html = dossier.render(evidence, RESULTS)
    assert "AutoML job job: AutoML job job not found." in html
    assert html.count("cannot be read (NoSuchKey)") == 2


def test_regression_shows_predicted_values_and_residuals() -> None:
    answers = {"actual": ["1.0", "2.0", "3.5"], "predicted": ["1.1", "1.8", "3.6"]}
    page = Page(dossier.render(BARE, {**RESULTS, "answers": answers}))
    assert page.texts["title"][1:] == ["Predicted against true values", "Residuals"]


def test_many_points_are_thinned_evenly_and_the_ends_stay() -> None:
    (points,) = charts.thin([float(i) for i in range(16_281)])
    assert (len(points), points[0], points[-1]) == (charts.MAX_POINTS, 0.0, 16_280.0)


def test_the_importance_of_older_packages_is_clarifys_averaged_over_classes() -> None:
    labels = {name: {"global_shap_values": {"age": value}} for name, value in (("a", 0.2), ("b", -0.4))}
    assert importance({"explanations": {"kernel_shap": labels}}) == {"age": pytest.approx(0.3)}


def test_autopilots_own_report_is_a_link_where_it_made_one() -> None:
    """A job in an account without SageMaker Clarify has none, and nothing is missing then."""
    best = {"CandidateProperties": {"CandidateArtifactLocations": {"Explainability": "s3://b/explainability"}}}
    assert "own explainability report" not in dossier.render(BARE, RESULTS)
    html = dossier.render(replace(BARE, candidates=(best,)), RESULTS)
    assert "Autopilot's own explainability report: <code>s3://b/explainability</code>" in html


def test_the_fake_registry_refuses_as_the_service_does() -> None:
    with pytest.raises(AwsError, match="not found"):
        Registry([]).list_candidates({"AutoMLJobName": "x"})
