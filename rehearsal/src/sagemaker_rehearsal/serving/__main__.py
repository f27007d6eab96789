"""Step 7: serve a model as a serverless endpoint would: `python -m sagemaker_rehearsal.serving`."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from sagemaker_rehearsal.serving import limits
from sagemaker_rehearsal.serving.container import Container
from sagemaker_rehearsal.serving.instance import Instance, Shape
from sagemaker_rehearsal.serving.limits import ServingError
from sagemaker_rehearsal.serving.server import Server


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or Ctrl-C; 2 for bad arguments, 1 when the model cannot be served."""
    options = _parser().parse_args(arguments)
    try:
        shape = Shape(
            limits.check_concurrency(options.max_concurrency),
            limits.check_memory(options.memory_mb),
            _not_negative(options.idle_seconds, "--idle-seconds"),
            _not_negative(options.cold_start_seconds, "--cold-start-seconds"),
        )
        environment = read_environment(options.environment)
    except ServingError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    instance = Instance(lambda: Container.load(options.model, environment), shape)
    try:
        instance.start()
        server = Server(instance, options.port)
    except (ServingError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    _serve(server, options.port_file)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sagemaker_rehearsal.serving", description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="an unpacked model, its model.tar.gz or its folder")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--port-file", type=Path, help="file to write the port to once requests are taken")
    parser.add_argument("--max-concurrency", type=int, default=20)
    parser.add_argument("--memory-mb", type=int, default=2048)
    parser.add_argument("--idle-seconds", type=float, default=0.0, help="scale to zero after so long; 0: never")
    parser.add_argument("--cold-start-seconds", type=float, default=0.0, help="added to a start from zero; 0: off")
    parser.add_argument("--environment", default="{}", help="the model's environment as a JSON object")
    return parser


def read_environment(text: str) -> Mapping[str, str]:
    """Read a container's environment.

    Raises:
        ServingError: it is not a JSON object of texts.
    """
    try:
        content = json.loads(text)
    except ValueError:
        content = None
    if not isinstance(content, dict) or not all(isinstance(value, str) for value in content.values()):
        raise ServingError("--environment: it is not a JSON object of texts; give for example {}")
    return content


def _not_negative(seconds: float, name: str) -> float:
    if not 0 <= seconds < float("inf"):
        raise ServingError(f"{name}: got {seconds}; it must be 0 or more seconds; 0 switches it off")
    return seconds


def _serve(server: Server, port_file: Path | None) -> None:
    def stop(*_: object) -> None:
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    state = server.instance.state
    print(
        f"serving on http://127.0.0.1:{server.port}, {state['resident_mb']} of {state['memory_mb']} MB in use",
        flush=True,
    )
    if port_file:
        partial = port_file.with_name(port_file.name + ".partial")
        partial.write_text(f"{server.port}\n")
        partial.replace(port_file)
    server.serve()


if __name__ == "__main__":
    sys.exit(main())
