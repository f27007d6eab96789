"""Step 7: measure the endpoint: `python bench/endpoint.py [--model DIR]`.

Prints the median time of one row in this process, over HTTP, their ratio, and what becomes of 200 clients at once.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from sagemaker_rehearsal.autopilot.__main__ import run
from sagemaker_rehearsal.serving.container import Container

HEADERS = {"Content-Type": "text/csv", "Accept": "text/csv"}


def main() -> int:
    """Measure and print; 1 when a request was lost or HTTP takes more than twice the prediction."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, help="an AutoML job's output; without it a small model is trained")
    parser.add_argument("--rows", type=int, default=300, help="single-row requests to measure")
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--requests", type=int, default=5, help="requests of each client, one after the other")
    parser.add_argument("--max-concurrency", type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        model = options.model or _trained(Path(scratch))
        environment = _environment(model)
        container = Container.load(model, environment)
        body = _row(container)
        server, port = _start(model, Path(scratch), options.max_concurrency, environment)
        try:
            inside, outside = _medians(container, body, port, options.rows)
            counts = _crowd(port, body, options.clients, options.requests)
        finally:
            server.terminate()
            server.wait()
    return _report(inside, outside, counts, options.clients * options.requests)


def _report(inside: float, outside: float, counts: Counter[str], sent: int) -> int:
    lost = sent - counts["200"] - counts["429"]
    print(f"one row in process   p50 {inside * 1000:7.2f} ms")
    print(f"one row over HTTP    p50 {outside * 1000:7.2f} ms  ({outside / inside:.2f} x, at most 2)")
    print(f"sent {sent}  answered {counts['200']}  throttled {counts['429']}  lost {lost}  {dict(counts)}")
    return int(lost > 0 or outside > 2 * inside)


def _trained(folder: Path) -> Path:
    """Train on synthetic rows of Adult's width; the figures are about time, not quality."""
    random = np.random.default_rng(0)
    texts = {f"text{i}": random.choice(list("abcdefgh"), 6000) for i in range(8)}
    rows = pd.DataFrame({f"number{i}": random.normal(size=6000).round(3) for i in range(6)} | texts)
    rows["target"] = np.where(rows.number0 + (rows.text0 == "a") + random.normal(size=6000) > 0.5, "yes", "no")
    for name, part in (("training", rows[:5000]), ("validation", rows[5000:])):
        (folder / name).mkdir()
        part.to_csv(folder / name / "rows.csv", index=False)
    request = {"InputDataConfig": [{"TargetAttributeName": "target"}], "ProblemType": "BinaryClassification"}
    run(request, folder / "training", folder / "validation", folder / "model")
    return folder / "model"


def _row(container: Container) -> bytes:
    return ",".join("1" if column.type == "number" else "a" for column in container.card.columns).encode()


def _environment(model: Path) -> dict[str, str]:
    """Read the environment that the job lists for its best candidate, and ask for all that it can answer."""
    candidate = json.loads((model / "candidates.json").read_text(encoding="utf-8"))[0]
    environment: dict[str, str] = candidate["InferenceContainers"][0]["Environment"]
    return environment | {"SAGEMAKER_INFERENCE_OUTPUT": environment["SAGEMAKER_INFERENCE_SUPPORTED"]}


def _start(
    model: Path, scratch: Path, concurrency: int, environment: dict[str, str]
) -> tuple[subprocess.Popen[bytes], int]:
    port_file = scratch / "port"
    arguments = ["--port-file", str(port_file), "--max-concurrency", str(concurrency)]
    arguments += ["--environment", json.dumps(environment)]
    command = [sys.executable, "-m", "sagemaker_rehearsal.serving", "--model", str(model), *arguments]
    with (scratch / "server.log").open("wb") as log:
        server = subprocess.Popen(command, stderr=log, env=os.environ)
    while not port_file.exists() and server.poll() is None:
        time.sleep(0.05)
    return server, int(port_file.read_text())


def _medians(container: Container, body: bytes, port: int, rows: int) -> tuple[float, float]:
    """Measure both in turns, so that other work on the machine hits them alike."""
    connection = http.client.HTTPConnection("127.0.0.1", port)

    def over_http() -> None:
        connection.request("POST", "/invocations", body, HEADERS)
        connection.getresponse().read()

    def in_process() -> None:
        container.invoke(body, "text/csv", "text/csv")

    pairs = [(_seconds(in_process), _seconds(over_http)) for _ in range(rows)]
    connection.close()
    return statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)


def _seconds(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _crowd(port: int, body: bytes, clients: int, requests: int) -> Counter[str]:
    """Let every client start at the same moment; a lost request is one with neither an answer nor a 429."""
    counts: Counter[str] = Counter()
    together, guard = threading.Barrier(clients), threading.Lock()

    def client() -> None:
        together.wait()
        for _ in range(requests):
            outcome = _once(port, body)
            with guard:
                counts[outcome] += 1

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return counts


def _once(port: int, body: bytes) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=70)
    try:
        connection.request("POST", "/invocations", body, HEADERS)
        response = connection.getresponse()
        response.read()
        return str(response.status)
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main())
