"""Step 4: the input CSV is read once before any paid job, and every mistake has its file, line, column and rule."""

import time
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from pipeline.data.csv_check import Findings, check_csv
from pipeline.errors import DataError
from pipeline.settings.load import parse
from pipeline.settings.model import Settings

ROWS = [f"{20 + n},{'ab'[n % 2]},{n % 3 % 2}" for n in range(600)]
GOOD = "\n".join(["age,job,y", *ROWS]) + "\n"


def settings(problem_type: str = "BinaryClassification", target: str = "y", **data: object) -> Settings:
    """Settings for a CSV of three columns."""
    metric = "r2" if problem_type == "Regression" else "weighted_f1"
    lines = [f"{key}: {str(value).lower() if isinstance(value, bool) else value}" for key, value in data.items()]
    return parse(
        f"problem_type: {problem_type}\ntarget_column: {target!r}\ngate: {{metric: {metric}, threshold: 0.5}}\n"
        f"endpoint: {{memory_mb: 2048, max_concurrency: 5}}\ndata: {{{', '.join(lines)}}}\n"
    )


def check(folder: Path, content: str | bytes, chosen: Settings | None = None) -> Findings:
    """Write a CSV and check it."""
    path = folder / "data.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return check_csv(path, chosen or settings())


def table(*lines: str, header: str = "age,job,y", rows: list[str] = ROWS) -> str:
    """A CSV whose first rows are `lines`."""
    return "\n".join([header, *lines, *rows]) + "\n"


def without_y(line: str) -> str:
    return line.rsplit(",", 1)[0]


MULTICLASS, REGRESSION = settings("MulticlassClassification"), settings("Regression")

REFUSED = {
    "empty": ("", None, "data.csv:1: is empty; must have a header"),
    "header only": ("age,job,y\n", None, "data.csv:1: has 0 rows; Autopilot needs at least 500"),
    "one class": (table(rows=[f"{n},a,1" for n in range(600)]), None, "column y: holds a single class, '1'"),
    "target all missing": (table(rows=[f"{n},a," for n in range(600)]), None, "column y: holds no value"),
    "target absent": (GOOD, settings(target="label"), "column label: is not in the header"),
    "target in other case": (GOOD, settings(target="Y"), "did you mean y? the columns are age, job, y"),
    "ragged row": (table("1,a,0", "2,b,1,9"), None, "data.csv:3: has 4 fields; the header has 3 columns"),
    "short row": (table("1,a"), None, "data.csv:2: has 2 fields; the header has 3 columns"),
    "few rows": (table(rows=ROWS[:499]), None, "data.csv:1: has 499 rows; Autopilot needs at least 500"),
    "no feature": ("y\n" + "1\n0\n" * 300, None, "has no column beside y"),
    "column twice": (table(header="age,age,y"), None, "column age: stands 2 times in the header"),
    "column without name": (table(header="age,,y"), None, "column 2: has no name"),
    "latin-1": (
        GOOD.replace("job", "j\xf6b").encode("latin-1"),
        None,
        "data.csv: byte 5: is not UTF-8; convert the file",
    ),
    "utf-16": (GOOD.encode("utf-16"), None, "data.csv: is UTF-16 (byte order mark seen)"),
    "open quote": (table('1,"open,1'), None, "data.csv:2: a quote is opened here and never closed"),
    "text behind a quote": (table('1,"a"b,1'), None, "data.csv:2: is no CSV"),
    "missing target": (table("1,a,NaN"), None, "data.csv:2: column y: 1 rows have no target"),
    "long field": (table(f"1,{'x' * 200_000},1"), None, "data.csv:2: a field is longer than 131072 characters"),
    "text for regression": (table("1,a,high"), REGRESSION, "data.csv:2: column y: got 'high'; a regression needs"),
    "infinite for regression": (table("1,a,1e999"), REGRESSION, "data.csv:2: column y: got '1e999'"),
    "constant for regression": (
        table(rows=[f"{n},a,1" for n in range(600)]),
        REGRESSION,
        "is the same number in every",
    ),
    "a class a row": (table(rows=[f"{n},a,c{n}" for n in range(600)]), MULTICLASS, "holds 600 classes in 600 rows"),
    "three classes": (table("1,a,2"), None, "column y: holds 3 classes ('0', '1', '2'); two are needed"),
    "two classes": (GOOD, MULTICLASS, "column y: holds 2 classes ('0', '1'); set problem_type: BinaryClassification"),
    "semicolons": (GOOD.replace(",", ";"), None, "has one column, with semicolons in it; fields must be separated"),
    "tabs": (GOOD.replace(",", "\t"), None, "has one column, with tabs in it"),
    "too many columns": (",".join(f"c{n}" for n in range(1001)) + ",y\n", None, "has 1002 columns; at most 1000"),
    "split column absent": (GOOD, settings(split_column="part"), "column part: is not in the header"),
    "split of one side": (
        table(header="age,job,y,part", rows=[f"{row},train" for row in ROWS]),
        settings(split_column="part"),
        "column part: no row is 'test'; train and test rows are needed",
    ),
    "unknown side": (
        table(
            header="age,job,y,part", rows=[f"{row},{('train', 'test', 'holdout')[n % 3]}" for n, row in enumerate(ROWS)]
        ),
        settings(split_column="part"),
        "column part: got 'holdout'; must be train, validation or test",
    ),
}


@pytest.mark.parametrize(("content", "chosen", "sentence"), REFUSED.values(), ids=REFUSED)
def test_a_wrong_csv_is_refused_with_file_line_and_rule(
    content: str | bytes, chosen: Settings | None, sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError) as refused:
        check(tmp_path, content, chosen)
    assert sentence in str(refused.value)


ACCEPTED = {
    "plain": (GOOD, 600),
    "byte order mark": ("\ufeff" + GOOD, 600),
    "CRLF, no newline at the end": (GOOD.replace("\n", "\r\n").rstrip(), 600),
    "quotes, commas and line breaks in a field": (table('1,"a, ""b"", \nc",1'), 601),
    "missing features": (table(",a,1", "NaN,b,0"), 602),
    "blank lines": (table("", "1,a,1", ""), 601),
    "a formula is text": (table("1,=HYPERLINK(http://x),1"), 601),
}


@pytest.mark.parametrize(("content", "rows"), ACCEPTED.values(), ids=ACCEPTED)
def test_a_good_csv_is_taken_and_counted(content: str, rows: int, tmp_path: Path) -> None:
    findings = check(tmp_path, content)
    assert (findings.rows, findings.columns) == (rows, ("age", "job", "y"))


WARNED = {
    "text among numbers": (
        table("abc,a,1"),
        "column age: 1 of 601 values are no finite numbers (first on line 2: 'abc')",
    ),
    "overflow": (table("1e999,a,1"), "column age: 1 of 601 values are no finite numbers (first on line 2: '1e999')"),
    "missing": (table(",a,1", "NaN,b,0"), "column age: 2 of 602 values are missing"),
    "duplicates": (table(ROWS[0], ROWS[0]), "2 of 602 rows stand there more than once"),
    "imbalance": (table(rows=[f"{n},a,{int(n < 20)}" for n in range(600)]), "class '1' has 20 of 600 rows: imbalanced"),
}


@pytest.mark.parametrize(("content", "warning"), WARNED.values(), ids=WARNED)
def test_what_is_odd_is_said_and_taken(content: str, warning: str, tmp_path: Path) -> None:
    findings = check(tmp_path, content)
    assert [warning in sentence for sentence in findings.warnings].count(True) == 1


def test_rows_without_a_target_are_left_out_where_settings_say_so(tmp_path: Path) -> None:
    findings = check(tmp_path, table("1,a,"), settings(drop_missing_target=True))
    assert findings.warnings == ("column y: 1 rows without a target are left out",)


def test_every_mistake_is_listed_at_once(tmp_path: Path) -> None:
    with pytest.raises(DataError) as refused:
        check(tmp_path, table("1,a", "1,a,", "1,b,2", rows=ROWS[:20]))
    lines = [line.split(": ")[0] for line in str(refused.value).splitlines()]
    assert lines == ["data.csv:2", "data.csv:1", "data.csv:3", "data.csv:1"]


def test_a_byte_that_is_no_utf8_is_found_across_reading_pieces(tmp_path: Path) -> None:
    """The offset is right where a character is cut by the end of a piece (1 MiB)."""
    head = b"age,job,y\n"
    filler = b"x" * ((1 << 20) - len(head) - 1)
    with pytest.raises(DataError, match=f"byte {1 << 20}: is not UTF-8|byte {(1 << 20) - 1}: is not UTF-8"):
        check(tmp_path, head + filler + b"\xc3" + b"(")


def test_a_field_of_ten_megabytes_is_refused_in_bounded_memory(tmp_path: Path) -> None:
    tracemalloc.start()
    started = time.process_time()
    with pytest.raises(DataError, match="a field is longer than 131072 characters"):
        check(tmp_path, table(f"1,{'x' * 10_485_760},1"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (peak < 200e6, time.process_time() - started < 5) == (True, True)


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=400))
def test_whatever_the_bytes_are_the_answer_is_a_sentence(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(DataError, match=r"^data\.csv"):
        check(tmp_path, content)
