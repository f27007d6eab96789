"""Step 4: a run reads a job's folder as the Data Wrangler container does, and writes atomically."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from flow_builders import destination, job, linear, source, text, transform

from sagemaker_rehearsal.datawrangler.__main__ import main
from sagemaker_rehearsal.datawrangler.graph import parse
from sagemaker_rehearsal.datawrangler.run import run_flow

DATA = "age,job\n 39, State-gov\n50,?\n39,State-gov\nold,\n"
CLEAN = "age,job\n39,State-gov\n50,?\n,\n"


def run(root: Path, *arguments: str, **environment: str) -> int:
    """Return the container's exit code."""
    return main(["--processing-root", str(root), *arguments], environment)


def written(root: Path) -> dict[str, str]:
    """Return the files of the output folder."""
    return {file.name: file.read_text(encoding="utf-8") for file in sorted((root / "output").iterdir())}


def test_writes_part_files_with_a_header(tmp_path: Path) -> None:
    """The whole flow: text read, types cast (a text that is no number is null), blanks trimmed, duplicates dropped."""
    root = job(tmp_path, linear(), data_csv=DATA)
    assert run(root) == 0
    assert written(root) == {"part-00000.csv": CLEAN}


def test_takes_arguments_as_data_wrangler_jobs_write_them(tmp_path: Path) -> None:
    """One argument contains the option and its quoted JSON; the output is named by the destination's id."""
    root = job(tmp_path, linear(), data_csv=DATA)
    config = json.dumps(
        {"end.default": {"content_type": "CSV", "delimiter": ";", "partition_config": {"num_partitions": 2}}}
    )
    refit = json.dumps({"refit": True, "output_flow": "new.flow"})
    assert run(root, f"--output-config '{config}'", f"--refit-trained-params '{refit}'") == 0
    assert written(root) == {"part-00000.csv": "age;job\n39;State-gov\n50;?\n", "part-00001.csv": "age;job\n;\n"}


def test_takes_arguments_apart_too(tmp_path: Path) -> None:
    """An option and its value may also be two arguments; the output folder may exist, as the executor creates it."""
    root = job(tmp_path, linear(), data_csv=DATA)
    (root / "output").mkdir()
    assert run(root, "--output-config", '{"trim.default": {"content_type": "CSV"}}') == 0
    assert written(root) == {"part-00000.csv": "age,job\n39,State-gov\n50,?\n39,State-gov\n,\n"}


def test_a_failure_leaves_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A column that is not in the schema fails when the data is read; no file is left."""
    root = job(tmp_path, linear(), data_csv="age,work\n1,a\n")
    assert run(root) == 2
    assert sorted(path.name for path in root.iterdir()) == ["data.csv", "flow"]
    assert capsys.readouterr().err.startswith(
        "error: node types (sagemaker.spark.infer_and_cast_type_0.1): trained_parameters.schema: not in the data: job; "
        "not in the schema: work;"
    )


WRONG_JOBS = {
    "no data": ({}, "no input named data.csv"),
    "an empty file": ({"data_csv": ""}, "no file in the input data.csv"),
    "a header twice": ({"data_csv": "age,age\n1,2\n"}, "header: column age is empty or twice"),
    "a short row": ({"data_csv": "age,job\n1\n"}, "rows.csv: CSV parse error: Expected 2 columns, got 1"),
}


@pytest.mark.parametrize("case", WRONG_JOBS)
def test_wrong_data_is_one_sentence(case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Data in another form than the source declares is rejected with the source's name."""
    data, message = WRONG_JOBS[case]
    root = job(tmp_path, linear(), **data)
    assert run(root) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: node source (sagemaker.s3_source_0.1): ")
    assert message in error
    assert not (root / "output").exists()


WRONG_ARGUMENTS = {
    "no JSON": ("{", "--output-config: got {; must be JSON"),
    "a list": ("[]", "--output-config: got []; must be a JSON object"),
    "two outputs": ('{"a": {}, "b": {}}', "a run writes one"),
    "an unknown node": ('{"x.default": {}}', "destination: got x.default; no node has that name or id"),
    "an unknown form": ('{"end.default": {"content_type": "XML"}}', "content_type: got XML; must be CSV or Parquet"),
    "a long delimiter": ('{"end.default": {"delimiter": "||"}}', "delimiter: got ||; must be one character"),
    "no parts": (
        '{"end.default": {"partition_config": {"num_partitions": 0}}}',
        "num_partitions: got 0; must be 1 to 9999",
    ),
}


@pytest.mark.parametrize("case", WRONG_ARGUMENTS)
def test_wrong_arguments_are_one_sentence(case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An invalid --output-config is rejected before anything is written."""
    config, message = WRONG_ARGUMENTS[case]
    root = job(tmp_path, linear(), data_csv=DATA)
    assert run(root, "--output-config", config) == 2
    assert message in capsys.readouterr().err
    assert not (root / "output").exists()


def test_never_overwrites(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A second run into the same folder is rejected and leaves the first result unchanged."""
    root = job(tmp_path, linear(), data_csv=DATA)
    assert [run(root), run(root)] == [0, 2]
    assert "output is not an empty folder" in capsys.readouterr().err
    assert written(root) == {"part-00000.csv": CLEAN}


def test_custom_pandas_runs_only_when_allowed(tmp_path: Path) -> None:
    """Code needs FLOW_ALLOW_CUSTOM_CODE=true; without it, the code does not run and writes no file."""
    trace = tmp_path / "trace"
    code = f"open({str(trace)!r}, 'w').close()\ndf['age'] = df['age'].fillna(0) + 1"
    document = linear()
    document["nodes"][3] = transform("distinct", "custom_pandas", {"code": code}, "trim")
    root = job(tmp_path / "job", document, data_csv=DATA)
    assert run(root) == 2
    assert not trace.exists()
    assert run(root, FLOW_ALLOW_CUSTOM_CODE="true") == 0
    assert trace.exists()
    assert written(root)["part-00000.csv"].splitlines()[1:] == ["40,State-gov", "51,?", "40,State-gov", "1,"]


def test_quotes_only_where_needed(tmp_path: Path) -> None:
    """Delimiters, quotes and empty texts survive a round trip; a null is an empty cell."""
    document = linear()
    document["nodes"][2] = transform(
        "trim", "search_and_edit",
        {
            "operator": "Extract using regex",
            "extract_using_regex_parameters": {"input_column": "job", "pattern": "[a-z,\"]+"},
        },
        "types",
    )  # fmt: skip
    root = job(tmp_path, document, data_csv='age,job\n1,"a,b"\n2,"q""q"\n3,9\n4,\n')
    assert run(root) == 0
    assert written(root)["part-00000.csv"].splitlines()[1:] == ['1,"a,b"', '2,"q""q"', '3,""', "4,"]


def test_reads_all_files_of_a_source_and_joins_two(tmp_path: Path) -> None:
    """A source's folder may have several files; markers (_SUCCESS) are no data."""
    document = {
        "metadata": {"version": 1},
        "nodes": [
            source("s1", "left.csv"), source("s2", "right.csv", s3FieldDelimiter=";"),
            transform("j", "join_tables", {"left_column": "k", "right_column": "k", "join_type": "inner"}, "s1", "s2"),
            destination("end", "S3: joined", "j"),
        ],
    }  # fmt: skip
    root = job(tmp_path, document, left_csv="k,a\n1,x\n", right_csv="k;b\n1;y\n2;z\n")
    (root / "left.csv" / "second.csv").write_text("k,a\n2,w\n")
    (root / "left.csv" / "_SUCCESS").write_text("not,data")
    assert run(root) == 0
    assert written(root) == {"part-00000.csv": "k_0,a,k_1,b\n1,x,1,y\n2,w,2,z\n"}


def test_without_a_header_columns_are_numbered(tmp_path: Path) -> None:
    """As in Spark: _c0, _c1, ..."""
    document = {"metadata": {"version": 1}, "nodes": [source(s3HasHeader=False), destination("end", "S3: x", "source")]}
    root = job(tmp_path, document, data_csv="1,a\n2,b\n")
    assert run(root) == 0
    assert written(root) == {"part-00000.csv": "_c0,_c1\n1,a\n2,b\n"}


def test_the_library_call_says_what_was_written(tmp_path: Path) -> None:
    """run_flow takes the parsed flow and the files' paths."""
    (tmp_path / "rows.csv").write_text(DATA)
    result = run_flow(parse(text(linear())), {"data.csv": tmp_path / "rows.csv"}, None, tmp_path / "out")
    assert (result.rows, result.columns) == (3, ("age", "job"))
