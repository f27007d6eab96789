"""Step 4: batch transform of CSV lines: `python -m sagemaker_rehearsal.serving.batch` writes NAME.out for each NAME."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from sagemaker_rehearsal.serving.__main__ import read_environment
from sagemaker_rehearsal.serving.container import Container
from sagemaker_rehearsal.serving.limits import ServingError
from sagemaker_rehearsal.serving.media import CSV

MEGABYTE = 1024 * 1024


def main(arguments: Sequence[str] | None = None) -> int:
    """Transform every file; 2 for bad arguments, 1 when a file cannot be transformed."""
    options = _parser().parse_args(arguments)
    try:
        environment = read_environment(options.environment)
        if not 1 <= options.max_payload_mb <= 100:  # MaxPayloadInMB: CreateTransformJob in botocore's model
            raise ServingError(f"--max-payload-mb: got {options.max_payload_mb}; it must be 1 to 100; correct it")
    except ServingError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    try:
        container = Container.load(options.model, environment)
        transform(container, options.input, options.output, options.accept, options.max_payload_mb * MEGABYTE)
    except (ServingError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sagemaker_rehearsal.serving.batch", description=__doc__)
    for name in ("model", "input", "output"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--environment", default="{}", help="the model's environment as a JSON object")
    parser.add_argument("--accept", default=CSV)
    parser.add_argument("--max-payload-mb", type=int, default=6)
    return parser


def transform(container: Container, source: Path, output: Path, accept: str = CSV, payload: int = 6 * MEGABYTE) -> None:
    """Transform each file below `source` into `output`/NAME.out, lines in order (SplitType and AssembleWith Line).

    Args:
        container: the loaded model.
        source: folder of text/csv files without header.
        output: folder to write to; a file appears there only when it is complete.
        accept: media type of the answers.
        payload: bytes of one request (MaxPayloadInMB); as on AWS, a line break inside a quoted cell splits the row.

    Raises:
        ServingError: there is no file, or a line cannot be answered; the file and the row are named.
    """
    files = sorted(path for path in source.rglob("*") if path.is_file())
    if not files:
        raise ServingError(f"--input {source}: it holds no file; give the folder of the CSV files to transform")
    for path in files:
        target = output / path.relative_to(source).with_name(path.name + ".out")
        target.parent.mkdir(parents=True, exist_ok=True)
        _transform_file(container, path, target, accept, payload)


def _transform_file(container: Container, path: Path, target: Path, accept: str, payload: int) -> None:
    partial = target.with_name(target.name + ".partial")
    with partial.open("wb") as answers:
        for first_row, body in batches(path, payload):
            response = container.invoke(body, CSV, accept, first_row)
            if response.status != 200:
                partial.unlink()
                raise ServingError(f"{path.name}: {json.loads(response.body)['message']}")
            answers.write(response.body if response.body.endswith(b"\n") else response.body + b"\n")
    partial.replace(target)


def batches(path: Path, payload: int) -> Iterator[tuple[int, bytes]]:
    """Group a file's lines into requests of at most `payload` bytes, each with the number of its first row."""
    first, row, size, lines = 1, 0, 0, list[bytes]()
    with path.open("rb") as content:
        for line in content:
            if lines and size + len(line) > payload:
                yield first, b"".join(lines)
                first, size, lines = row + 1, 0, []
            row += 1
            size += len(line)
            lines.append(line)
    if lines:
        yield first, b"".join(lines)


if __name__ == "__main__":
    sys.exit(main())
