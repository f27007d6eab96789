"""Step 7: the container answers as Autopilot's does, and refuses in one sentence."""

from __future__ import annotations

import ast
import csv
import io
import json
from pathlib import Path

import pytest

from sagemaker_rehearsal.serving.container import Container
from sagemaker_rehearsal.serving.limits import ServingError
from tests.serving.conftest import ALL_KEYS, ENVIRONMENT, NAMES, ROW

CSV, JSON = "text/csv", "application/json"
FEATURES = [cell.strip() for cell in ROW.split(",")]


@pytest.fixture(scope="module")
def container(models: dict[str, Path]) -> Container:
    """A binary model that answers with every key."""
    return Container.load(models["income"], ALL_KEYS)


def instances(*rows: list[object]) -> bytes:
    return json.dumps({"instances": [{"features": row} for row in rows]}).encode()


def edited(column: str, value: object) -> list[object]:
    return [value if name == column else cell for name, cell in zip(NAMES, FEATURES, strict=True)]


ACCEPTED = {
    "one row": (ROW, CSV, 1),
    "a thousand rows and a last line break": ((ROW + "\n") * 1000, CSV, 1000),
    "Windows line ends": ((ROW + "\r\n") * 2, CSV, 2),
    "a byte order mark": ("\ufeff" + ROW, CSV, 1),
    "a charset after the media type": (ROW, "text/csv; charset=utf-8", 1),
    "letter case of the media type": (ROW, "Text/CSV;charset=UTF-8", 1),
    "a category never seen": (ROW.replace("State-gov", "Never-seen-before"), CSV, 1),
    "an empty number": (ROW.replace("77516", ""), CSV, 1),
    "a quoted cell with a comma and a line break": (ROW.replace(" State-gov", '"State, ""gov""\n"'), CSV, 1),
    "JSON": (instances(FEATURES, FEATURES).decode(), JSON, 2),
    "JSON numbers and null": (instances(edited("age", 39), edited("age", None)).decode(), JSON, 2),
    "text where JSON has a number": (instances(edited("race", 7)).decode(), JSON, 1),
}


@pytest.mark.parametrize(("body", "content_type", "rows"), ACCEPTED.values(), ids=ACCEPTED)
def test_good_rows_are_answered(container: Container, body: str, content_type: str, rows: int) -> None:
    """200, and one line a row."""
    response = container.invoke(body.encode(), content_type, CSV)
    assert (response.status, response.content_type) == (200, CSV)
    assert len(response.body.decode().splitlines()) == rows


REFUSED = {
    "no body": (b"", CSV, 400, "the body is empty"),
    "blanks only": (b" \r\n\n", CSV, 400, "the body is empty"),
    "XML": (ROW.encode(), "application/xml", 415, "the container takes text/csv or application/json"),
    "no media type": (ROW.encode(), "", 415, "Content-Type: got ''"),
    "another charset": (ROW.encode(), "text/csv; charset=latin-1", 415, "got charset 'latin-1'"),
    "JSON of another form": (b'{"a":1}', JSON, 400, 'no rows under "instances"'),
    "JSON without rows": (b'{"instances": []}', JSON, 400, 'no rows under "instances"'),
    "JSON without features": (b'{"instances": [{"x": 1}]}', JSON, 400, 'instance 1 has no list "features"'),
    "half a JSON": (b'{"instances": [', JSON, 400, "not JSON at line 1, column 16"),
    "JSON nested too deeply": (b"[" * 100_000, JSON, 400, "nested too deeply"),
    "JSON with NaN": (b'{"instances": [{"features": [NaN]}]}', JSON, 400, "holds NaN"),
    "a list in JSON": (instances(edited("race", [1])), JSON, 400, "row 1, column 'race': got a list"),
    "a truth value as a number": (instances(edited("age", True)), JSON, 400, "row 1, column 'age': got a value"),
    "a number too large": (
        instances(edited("age", 10**400)),
        JSON,
        400,
        "row 1, column 'age': got a number that is too",
    ),
    "half a surrogate pair": (instances(edited("race", "\ud800")), JSON, 400, "column 'race': got half a surrogate"),
    "one column more": (f"{ROW},1".encode(), CSV, 400, "expected 14 columns, got 15, row 1; is the target"),
    "one column less": (ROW.rsplit(",", 1)[0].encode(), CSV, 400, "expected 14 columns, got 13, row 1"),
    "a short second row": (f"{ROW}\n1,2\n".encode(), CSV, 400, "expected 14 columns, got 2, row 2"),
    "an empty line between": (f"{ROW}\n\n{ROW}\n".encode(), CSV, 400, "expected 14 columns, got 0, row 2"),
    "a header": (f"{','.join(NAMES)}\n{ROW}".encode(), CSV, 400, "row 1 is a header row (names, not values)"),
    "Spark's header": (f"{','.join(f'_c{i}' for i in range(14))}\n{ROW}".encode(), CSV, 400, "row 1 is a header row"),
    "bytes that are no UTF-8": (b"\xff\xfe39,a", CSV, 400, "not UTF-8 at byte offset 0"),
    "such bytes later": (ROW.encode() + b"\xe9", CSV, 400, f"not UTF-8 at byte offset {len(ROW)}"),
    "UTF-16": (ROW.encode("utf-16-le") + b"\xff", CSV, 400, "not UTF-8 at byte offset"),
    "text in a number": (ROW.replace("39", "abc").encode(), CSV, 400, "row 1, column 'age': got text"),
    "such in row 2": (f"{ROW}\n{ROW.replace('40', 'forty')}".encode(), CSV, 400, "row 2, column 'hours_per_week': got"),
    "NaN": (ROW.replace("39", "NaN").encode(), CSV, 400, "row 1, column 'age': got text, expected a finite number"),
    "infinity by size": (ROW.replace("39", "1e999").encode(), CSV, 400, "column 'age': got a number that is too large"),
    "a quote that does not end": (ROW.replace(" State", '"State').encode(), CSV, 400, "not CSV near line 1"),
    "a cell larger than CSV readers take": (b"a" * 200_000, CSV, 400, "not CSV near line 1 (field larger"),
}


@pytest.mark.parametrize(("body", "content_type", "status", "sentence"), REFUSED.values(), ids=REFUSED)
def test_bad_rows_are_refused(container: Container, body: bytes, content_type: str, status: int, sentence: str) -> None:
    """The status, and a sentence that names the place and repeats no value of the body."""
    response = container.invoke(body, content_type, CSV)
    message = json.loads(response.body)["message"]
    assert (response.status, response.content_type) == (status, JSON)
    assert sentence in message
    assert "State-gov" not in message
    assert container.invoke(ROW.encode(), CSV).status == 200


def test_csv_answers_hold_the_keys_in_order(container: Container) -> None:
    """Lists are one quoted cell each, in Python's notation, labels in the order of the probabilities."""
    [[label, probability, probabilities, labels]] = csv.reader(
        io.StringIO(container.invoke(ROW.encode(), CSV).body.decode())
    )
    shares = ast.literal_eval(probabilities)
    assert ast.literal_eval(labels) == [">50K", 'it\'s "less", or so']
    assert float(probability) == max(shares)
    assert label == ast.literal_eval(labels)[shares.index(max(shares))]


def test_json_answers_hold_the_same(container: Container) -> None:
    """CSV and JSON, asked and answered, agree."""
    as_json = json.loads(container.invoke(instances(FEATURES), JSON, JSON).body)["predictions"]
    from_csv = json.loads(container.invoke(",".join(FEATURES).encode(), CSV, JSON).body)["predictions"]
    assert as_json == from_csv
    assert list(as_json[0]) == ["predicted_label", "probability", "probabilities", "labels"]


def test_rows_together_are_answered_as_rows_alone(container: Container) -> None:
    """The order is kept, and no row changes another's answer."""
    rows = [",".join(map(str, edited("age", age))) for age in ("20", "45", "", "24.5")]
    alone = b"".join(container.invoke(row.encode(), CSV).body for row in rows)
    assert container.invoke("\n".join(rows).encode(), CSV).body == alone


def test_the_default_answer_is_the_label_alone(models: dict[str, Path]) -> None:
    """Without the environment only predicted_label is answered, which is why the pipeline sets it."""
    assert Container.load(models["grade"], ENVIRONMENT).invoke(ROW.encode(), CSV).body in (b"a\n", b"b\n", b"c\n")


def test_a_regression_answers_a_number(models: dict[str, Path]) -> None:
    """One value a line; in JSON it is predicted_label."""
    container = Container.load(models["pay"], ENVIRONMENT)
    value = float(container.invoke(ROW.encode(), CSV).body)
    assert json.loads(container.invoke(ROW.encode(), CSV, JSON).body) == {"predictions": [{"predicted_label": value}]}


@pytest.mark.parametrize(
    ("target", "environment", "sentence"),
    [
        ("pay", {"SAGEMAKER_INFERENCE_OUTPUT": "probability"}, "a Regression model answers predicted_label"),
        ("income", {"SAGEMAKER_INFERENCE_OUTPUT": "label"}, "got 'label'"),
        ("income", ALL_KEYS | {"SAGEMAKER_INFERENCE_SUPPORTED": "predicted_label"}, "got 'probability'"),
        ("income", {"SAGEMAKER_INFERENCE_OUTPUT": "labels,labels"}, "got 'labels'"),
    ],
)
def test_keys_that_a_model_cannot_answer_are_refused(
    models: dict[str, Path], target: str, environment: dict[str, str], sentence: str
) -> None:
    """The model does not start, and the sentence names the key."""
    with pytest.raises(ServingError) as refusal:
        Container.load(models[target], ENVIRONMENT | environment)
    assert sentence in str(refusal.value)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"SAGEMAKER_PROGRAM": ""}, "SAGEMAKER_PROGRAM: is missing; without it the container does not find"),
        ({"SAGEMAKER_SUBMIT_DIRECTORY": ""}, "SAGEMAKER_SUBMIT_DIRECTORY: is missing"),
        ({"SAGEMAKER_PROGRAM": "inference.py"}, "the artifact has no /opt/ml/model/code/inference.py"),
        ({"SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/code"}, "the artifact has no /opt/ml/code/sagemaker_serve.py"),
        ({"MODEL_NAME": ""}, "the artifact holds the model 'Candidate'"),
        ({"MODEL_NAME": "Other"}, "MODEL_NAME: got 'Other'"),
    ],
)
def test_a_model_without_autopilots_environment_does_not_start(
    models: dict[str, Path], changed: dict[str, str], sentence: str
) -> None:
    """As on AWS, where the container then finds no script, or asks the predictor for a model that it does not hold."""
    with pytest.raises(ServingError) as refusal:
        Container.load(models["income"], ENVIRONMENT | changed)
    assert sentence in str(refusal.value)
    assert "pass BestCandidate.InferenceContainers[0].Environment on to the model" in str(refusal.value)


@pytest.mark.parametrize(("default", "expected"), [("text/csv", "text/csv"), ("", "application/json")])
@pytest.mark.parametrize("accept", ["", "*/*"])
def test_a_request_without_accept_gets_the_environments_default(
    models: dict[str, Path], accept: str, default: str, expected: str
) -> None:
    """SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT decides, whatever the request's own type; JSON where it is not set."""
    container = Container.load(models["grade"], ENVIRONMENT | {"SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": default})
    assert container.invoke(ROW.encode(), CSV, accept).content_type.split(";")[0] == expected


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    """As is an archive that is none."""
    with pytest.raises(ServingError, match=r"no model\.json and no model\.tar\.gz"):
        Container.load(tmp_path, {})
    (tmp_path / "model.tar.gz").write_bytes(b"not a tar")
    with pytest.raises(ServingError, match="cannot be unpacked"):
        Container.load(tmp_path, {})
