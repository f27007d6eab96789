"""Step 4: the Data Wrangler container on this machine.

    python -m sagemaker_rehearsal.datawrangler --processing-root DIR [container arguments]

DIR replaces /opt/ml/processing: it has DIR/flow/*.flow, a folder for each data set (DIR/<dataset name>/), and
DIR/output for the result. The container's arguments have AWS's form, where one argument contains an option and its
quoted JSON:
`--output-config '{"<node id>.default": {"content_type": "CSV"}}'` and
`--refit-trained-params '{"refit": true, "output_flow": "new.flow"}'`. The exit code is 2 for an invalid flow or input.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .errors import FlowError, shown
from .graph import Flow, parse
from .run import Output, run_flow

MAX_PARTS = 9999


def main(arguments: Sequence[str] | None = None, environment: Mapping[str, str] = os.environ) -> int:
    """Run the job; return its exit code."""
    try:
        options = _options(_split(sys.argv[1:] if arguments is None else arguments))
        root: Path = options.processing_root
        flow = _read_flow(root / "flow")
        destination, output = _output(options.output_config)
        if _json("--refit-trained-params", options.refit_trained_params).get("refit"):
            print("trained parameters are always fitted again here; no output flow is written")
        sources = {node.dataset_name: root / node.dataset_name for node in flow.of_type("SOURCE")}
        allowed = environment.get("FLOW_ALLOW_CUSTOM_CODE", "").lower() == "true"
        written = run_flow(flow, sources, destination, root / "output", allowed, output)
    except FlowError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"wrote {written.rows} rows, {len(written.columns)} columns")
    return 0


def _split(arguments: Sequence[str]) -> list[str]:
    """Split each argument that contains an option and its value in one text, as in Data Wrangler's jobs."""
    words: list[str] = []
    for argument in arguments:
        try:
            words += shlex.split(argument) if argument.startswith("--") and " " in argument else [argument]
        except ValueError as error:
            raise FlowError(f"argument {shown(argument)}: {error}; quote its JSON; correct it") from None
    return words


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m sagemaker_rehearsal.datawrangler", description="Run a Data Wrangler flow."
    )
    parser.add_argument("--processing-root", type=Path, required=True, help="stands for /opt/ml/processing")
    parser.add_argument("--output-config", default="{}", help='JSON: {"<node id>.<output>": {"content_type": "CSV"}}')
    parser.add_argument("--refit-trained-params", default="{}", help='JSON: {"refit": true, "output_flow": "new.flow"}')
    return parser.parse_args(arguments)


def _read_flow(folder: Path) -> Flow:
    files = sorted(folder.glob("*.flow"))
    if len(files) != 1:
        names = ", ".join(file.name for file in files) or "none"
        raise FlowError(f"flow: found {shown(names, 200)}; the job's flow input holds one .flow file; put one there")
    try:
        text = files[0].read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise FlowError(f"{files[0].name}: {error}; must be a UTF-8 text; export the flow again") from None
    try:
        return parse(text)
    except FlowError as error:
        raise FlowError(f"{files[0].name}: {error}") from None


def _json(option: str, text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise FlowError(f"{option}: got {shown(text)}; must be JSON: {error}; correct it") from None
    if not isinstance(value, dict):
        raise FlowError(f"{option}: got {shown(text)}; must be a JSON object; correct it")
    return value


def _output(text: str) -> tuple[str | None, Output]:
    """Return the destination and its form; without an --output-config, the flow's only destination as CSV."""
    config = _json("--output-config", text)
    if len(config) > 1:
        raise FlowError(f"--output-config: got {len(config)} outputs; a run writes one; name one destination")
    destination, form = next(iter(config.items()), (None, {}))
    if not isinstance(form, dict):
        raise FlowError(f"--output-config: got {shown(form)}; must be an object with content_type; correct it")
    partition = form.get("partition_config") or {}
    return destination, Output(
        _content_type(form.get("content_type", "CSV")),
        _delimiter(form.get("delimiter") or ","),
        _parts(partition.get("num_partitions", 1) if isinstance(partition, dict) else partition),
    )


def _content_type(value: object) -> str:
    if str(value).upper() not in ("CSV", "PARQUET"):
        raise FlowError(f"--output-config: content_type: got {shown(value)}; must be CSV or Parquet; correct it")
    return str(value).upper()


def _delimiter(value: object) -> str:
    if not isinstance(value, str) or len(value) != 1 or value in "\"'\r\n" or not value.isascii():
        raise FlowError(f"--output-config: delimiter: got {shown(value)}; must be one character, no quote; correct it")
    return value


def _parts(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_PARTS:
        raise FlowError(f"--output-config: num_partitions: got {shown(value)}; must be 1 to {MAX_PARTS}; correct it")
    return value


if __name__ == "__main__":
    sys.exit(main())
