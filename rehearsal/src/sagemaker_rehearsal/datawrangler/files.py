"""Step 4: read a data set's files, and write the result atomically: complete or not at all."""

from __future__ import annotations

import csv
import io
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv
import pyarrow.parquet

from .errors import FlowError, shown
from .node import Node
from .table import as_text, cast, kind, typed

pc: Any = pyarrow.compute  # pyarrow has no types
pacsv: Any = pyarrow.csv
pq: Any = pyarrow.parquet

_BLOCK = 16 << 20
_BLANKS = "".join(map(chr, range(0x21)))
# A cell with one of these is quoted, and so is an empty text, to distinguish it from a null (an empty cell).
_QUOTED = r'[",\r\n]|^$'


def read_source(node: Node, folder: Path) -> pd.DataFrame:
    """Return a SOURCE node's table: CSV columns are text, as Spark reads them without a schema.

    Args:
        node: the SOURCE; its `s3ExecutionContext` has format, header and delimiter.
        folder: the job's input: a folder of files, or one file.

    Raises:
        FlowError: there is no file, or a file has another form than the node declares.
    """
    context = node.parameters["dataset_definition"].get("s3ExecutionContext", {})
    files = list(_files(folder, bool(context.get("s3DirIncludesNested"))))
    if not files:
        raise node.problem(f"no file in the input {shown(node.dataset_name)}; a job needs data; check the input's URI")
    reader = {"CSV": _read_csv, "PARQUET": _read_parquet}.get(str(context.get("s3ContentType", "csv")).upper())
    if reader is None:
        raise node.problem(
            f"s3ContentType: got {shown(context.get('s3ContentType'))}; read here: csv, parquet; convert the data"
        )
    tables = [reader(node, file, context) for file in files]
    if any(list(table.columns) != list(tables[0].columns) for table in tables):
        raise node.problem("the files of the input differ in their columns; all have one header; correct the files")
    return tables[0] if len(tables) == 1 else pd.concat(tables, ignore_index=True)


def _files(folder: Path, nested: bool) -> Iterator[Path]:
    """Yield data files in a fixed order; names with a leading _ or . are marks, not data (Spark's rule)."""
    if folder.is_file():
        yield folder
        return
    for path in sorted(folder.rglob("*") if nested else folder.glob("*")):
        if path.is_file() and path.stat().st_size and not path.name.startswith(("_", ".")):
            yield path


def _read_csv(node: Node, file: Path, context: Mapping[str, Any]) -> pd.DataFrame:
    delimiter = context.get("s3FieldDelimiter") or ","
    skip = context.get("s3SkipLines") if isinstance(context.get("s3SkipLines"), int) else 0
    encoding = str(context.get("s3CsvEncodingType") or "utf-8").replace("_", "-")
    read = pacsv.ReadOptions(block_size=_BLOCK, encoding=encoding, skip_rows=skip or 0, autogenerate_column_names=True)
    parse = pacsv.ParseOptions(delimiter=delimiter, newlines_in_values=bool(context.get("s3MultiLine")))
    try:
        names = _header(file, encoding, delimiter, skip or 0)
        if context.get("s3HasHeader"):
            read.skip_rows, read.column_names = (skip or 0) + 1, names
        else:
            names = read.column_names = [f"_c{i}" for i in range(len(names))]
        read.autogenerate_column_names = False
        convert = pacsv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), null_values=[""], strings_can_be_null=True
        )
        table = pacsv.read_csv(file, read_options=read, parse_options=parse, convert_options=convert)
    except (pa.ArrowException, LookupError, UnicodeDecodeError, csv.Error, ValueError, TypeError) as error:
        raise node.problem(f"{shown(file.name)}: {shown(str(error), 200)}; must be CSV as the node says") from None
    return _as_table(node, table)


def _header(file: Path, encoding: str, delimiter: str, skip: int) -> list[str]:
    with file.open(encoding="utf-8-sig" if encoding.lower() == "utf-8" else encoding, newline="") as lines:
        for _ in range(skip):
            next(lines, None)
        return next(csv.reader(lines, delimiter=delimiter), [])


def _as_table(node: Node, table: pa.Table) -> pd.DataFrame:
    names = table.column_names
    twice = [name for name in names if names.count(name) > 1]
    if twice or "" in names:
        raise node.problem(f"header: column {shown(twice[0] if twice else '')} is empty or twice; rename it")
    columns = {name: pd.Series(pd.array(table.column(name), dtype="string[pyarrow]")) for name in names}
    return pd.DataFrame(columns)


def _read_parquet(node: Node, file: Path, _: Mapping[str, Any]) -> pd.DataFrame:
    try:
        frame = pq.read_table(file).to_pandas(types_mapper=None)
    except (pa.ArrowException, OSError) as error:
        raise node.problem(f"{shown(file.name)}: {shown(str(error), 200)}; must be Parquet; correct it") from None
    from .operators.custom import from_plain

    return from_plain(frame)


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """Yield a temporary folder that is renamed to `out` on success and removed on failure.

    Raises:
        FlowError: `out` exists and is not empty.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise FlowError(f"output: {shown(out.name)} is not an empty folder; a run never overwrites; empty it")
    out.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        yield folder
        folder.chmod(0o755)
        if out.exists():
            out.rmdir()  # `out` is empty, as checked; some systems do not rename onto an existing folder
        os.replace(folder, out)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_parts(table: pd.DataFrame, folder: Path, content_type: str, delimiter: str, parts: int) -> None:
    """Write the table as part files, each with a header, named as Spark names them."""
    size = -(-len(table) // parts) or 1
    for number in range(parts):
        part = table.iloc[number * size : (number + 1) * size]
        file = folder / f"part-{number:05d}.{content_type.lower()}"
        if content_type == "PARQUET":
            pq.write_table(pa.Table.from_pandas(part, preserve_index=False), file)
        else:
            _write_csv(part, file, delimiter)


def _write_csv(table: pd.DataFrame, file: Path, delimiter: str) -> None:
    columns = [_cells(table[name]) for name in table.columns]
    pattern = _QUOTED.replace(",", "\\" + delimiter)
    quoted = any(pa.types.is_string(c.type) and pc.any(pc.match_substring_regex(c, pattern)).as_py() for c in columns)
    options = pacsv.WriteOptions(
        include_header=False, delimiter=delimiter, quoting_style="needed" if quoted else "none", batch_size=65536
    )
    with file.open("wb") as raw:
        head = io.StringIO()
        csv.writer(head, delimiter=delimiter, lineterminator="\n").writerow(table.columns)
        raw.write(head.getvalue().encode())
        pacsv.write_csv(pa.table(columns, names=[str(i) for i in range(len(columns))]), raw, options)


def _cells(series: pd.Series) -> pa.ChunkedArray:
    """Return a column as CSV cells; surrounding blanks are stripped, as Spark's writer does."""
    if kind(series) == "datetime":
        series = typed(series.dt.strftime("%Y-%m-%dT%H:%M:%S.%f").str[:-3] + "Z", "string")
    elif kind(series) == "date":
        series = as_text(series)
    array = pa.array(cast(series, kind(series)), from_pandas=True)
    chunked = array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])
    if not pa.types.is_string(chunked.type) and not pa.types.is_large_string(chunked.type):
        return chunked
    return pc.utf8_trim(chunked.cast(pa.string()), characters=_BLANKS)
