"""Step 7: media types, limits and the forms of bodies, without a model."""

from __future__ import annotations

import csv
import io
import json
from contextlib import suppress

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagemaker_rehearsal.autopilot.table import Column
from sagemaker_rehearsal.serving import limits, payload
from sagemaker_rehearsal.serving.limits import ServingError
from sagemaker_rehearsal.serving.media import response_type

ACCEPTS = {
    "": "text/csv",
    "*/*": "text/csv",
    "text/*": "text/csv",
    "Application/JSON": "application/json",
    "application/json;q=0.5, text/csv": "text/csv",
    "text/html, application/json; indent=1": "application/json",
    "text/csv;q=0, application/json;q=0.1": "application/json",
}


@pytest.mark.parametrize(("accept", "expected"), ACCEPTS.items(), ids=repr)
def test_accept_chooses_the_answer(accept: str, expected: str) -> None:
    """Weights, wildcards and letter case count; without Accept the body's own type is answered."""
    assert response_type(accept, "text/csv") == expected


def test_an_answer_that_we_do_not_have_is_refused() -> None:
    """406, naming the two that there are."""
    with pytest.raises(ServingError, match=r"text/csv or application/json") as refusal:
        response_type("image/png", "text/csv")
    assert refusal.value.status == 406


def test_limits_are_those_of_the_api() -> None:
    """Memory and MaxConcurrency have the bounds that botocore's model gives."""
    service = botocore.session.get_session().get_service_model("sagemaker")
    memory, count = (service.shape_for(f"Serverless{name}").metadata for name in ("MemorySizeInMB", "MaxConcurrency"))
    assert (memory["min"], memory["max"]) == (min(limits.MEMORY_MB), max(limits.MEMORY_MB))
    assert (count["min"], count["max"]) == (min(limits.MAX_CONCURRENCY), max(limits.MAX_CONCURRENCY))


@pytest.mark.parametrize("megabytes", [0, 512, 1025, 2000, 7168, -1024])
def test_memory_that_serverless_does_not_offer_is_refused(megabytes: int) -> None:
    """The sentence lists what it offers."""
    with pytest.raises(ServingError, match="offers 1024, 2048, 3072, 4096, 5120, 6144"):
        limits.check_memory(megabytes)


@pytest.mark.parametrize("count", [0, 201, -1])
def test_a_concurrency_out_of_range_is_refused(count: int) -> None:
    """The sentence says the range."""
    with pytest.raises(ServingError, match="it must be 1 to 200"):
        limits.check_concurrency(count)


def test_four_megabytes_are_the_most() -> None:
    """The last byte counts."""
    limits.check_payload(4194304, "request")
    with pytest.raises(ServingError, match="has 4194305 bytes; a serverless endpoint takes at most 4194304") as refusal:
        limits.check_payload(4194305, "request")
    assert refusal.value.status == 413


CELLS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
COLUMNS = (Column("n", "number"), Column("t", "text"))
ROWS = st.lists(st.tuples(st.none() | FINITE, st.none() | CELLS.filter(bool)), min_size=1, max_size=5)


@given(ROWS)
def test_csv_and_json_of_the_same_rows_are_the_same_table(rows: list[tuple[float | None, str | None]]) -> None:
    """Whatever text a cell holds (quotes, commas, line breaks), both forms give back what was put in."""
    lines = io.StringIO(newline="")
    csv.writer(lines).writerows(rows)
    as_json = json.dumps({"instances": [{"features": row} for row in rows]})
    if not lines.getvalue().strip():
        return
    from_csv = payload.table(payload.csv_cells(lines.getvalue()), COLUMNS)
    from_json = payload.table(payload.json_cells(as_json), COLUMNS)
    back = [tuple(None if value != value else value for value in row) for row in from_csv.to_numpy(object).tolist()]
    assert back == rows
    assert from_csv.equals(from_json)


@given(st.lists(st.tuples(CELLS, FINITE, st.lists(FINITE, max_size=3), st.lists(CELLS, max_size=3)), min_size=1))
def test_csv_answers_can_be_read_back(answers: list[tuple[str, float, list[float], list[str]]]) -> None:
    """Every label survives: the cell of a list is one quoted field."""
    keys = ("predicted_label", "probability", "probabilities", "labels")
    body = payload.render([dict(zip(keys, answer, strict=True)) for answer in answers], "text/csv")
    read = list(csv.reader(io.StringIO(body.decode(), newline="")))
    assert read == [[label, repr(share), str(shares), str(labels)] for label, share, shares, labels in answers]


@given(st.binary(max_size=60))
def test_any_bytes_are_a_table_or_a_sentence(body: bytes) -> None:
    """No body brings anything but a ServingError."""
    for read in (payload.csv_cells, payload.json_cells):
        names = ["n", "t"]
        with suppress(ServingError):
            names = list(payload.table(read(payload.decode(body)), COLUMNS))
        assert names == ["n", "t"]


def test_an_empty_line_is_a_missing_cell_of_a_single_column() -> None:
    """With one feature only, a line without text is a row."""
    found = payload.table(payload.csv_cells("1\n\n3\n"), COLUMNS[:1])
    assert found["n"].isna().tolist() == [False, True, False]
