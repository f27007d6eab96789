"""Step 7: MaxConcurrency, time, memory and scale to zero, with a container that waits when told to."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sagemaker_rehearsal.serving import batch
from sagemaker_rehearsal.serving.__main__ import main
from sagemaker_rehearsal.serving.container import Container, Response
from sagemaker_rehearsal.serving.instance import Instance, Shape
from sagemaker_rehearsal.serving.limits import ServingError
from tests.serving.conftest import ALL_KEYS, ENVIRONMENT, ROW


class Waiting:
    """Answers once `go` is set; fails on the body b"fail"."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.arrived = threading.Semaphore(0)

    def invoke(self, body: bytes, content_type: str, accept: str = "") -> Response:
        self.arrived.release()
        self.go.wait(10)
        if body == b"fail":
            raise KeyError("secret value")
        return Response(200, "text/csv", body * 2)


def ask(instance: Instance, body: bytes = b"x") -> tuple[int, bytes]:
    response = instance.invoke(body, "text/csv", "")
    return response.status, response.body


def test_exactly_max_concurrency_are_answered() -> None:
    """Of four at once with three slots one is throttled, and the slots are free again after."""
    waiting = Waiting()
    instance = Instance(lambda: waiting, Shape(3, 1024))
    with ThreadPoolExecutor(3) as clients:
        held = [clients.submit(ask, instance) for _ in range(3)]
        for _ in range(3):
            assert waiting.arrived.acquire(timeout=10)
        status, body = ask(instance)
        waiting.go.set()
        assert [future.result() for future in held] == [(200, b"xx")] * 3
    assert (status, json.loads(body)["message"]) == (429, "3 requests are in work, which is MaxConcurrency; try again")
    assert ask(instance) == (200, b"xx")


def test_a_request_over_the_time_limit_is_answered() -> None:
    """504 while the work goes on; its slot is free when it ends."""
    waiting = Waiting()
    instance = Instance(lambda: waiting, Shape(1, 1024, seconds=0.02))
    assert ask(instance)[0] == 504
    assert ask(instance)[0] == 429
    waiting.go.set()


def test_a_failing_model_is_a_500_without_its_values() -> None:
    """The next request is answered."""
    waiting = Waiting()
    waiting.go.set()
    instance = Instance(lambda: waiting, Shape(1, 1024))
    status, body = ask(instance, b"fail")
    assert (status, b"KeyError" in body, b"secret" in body) == (500, True, False)
    assert ask(instance) == (200, b"xx")


def test_an_answer_over_four_megabytes_is_refused() -> None:
    """The limit is the response's too."""
    waiting = Waiting()
    waiting.go.set()
    status, body = ask(Instance(lambda: waiting, Shape(1, 1024)), b"x" * 3_000_000)
    assert (status, b"the response has 6000000 bytes" in body) == (413, True)


def test_an_idle_instance_is_unloaded_and_starts_again() -> None:
    """Scale to zero after idle_seconds, a cold start on the next request; 0 seconds switch it off."""
    now = [0.0]
    waiting = Waiting()
    waiting.go.set()
    instance = Instance(lambda: waiting, Shape(1, 1024, idle_seconds=60), clock=lambda: now[0])
    instance.start()
    now[0] = 59.0
    assert instance.rest() is False
    assert (ask(instance)[0], instance.cold_starts) == (200, 0)
    now[0] = 119.0
    assert (instance.rest(), instance.state["status"]) == (True, "ScaledToZero")
    assert (ask(instance)[0], instance.cold_starts, instance.state["status"]) == (200, 1, "InService")
    always = Instance(lambda: waiting, Shape(1, 1024), clock=lambda: now[0])
    always.start()
    now[0] = 1e9
    assert always.rest() is False


def test_a_model_that_does_not_fit_is_refused() -> None:
    """At the start by a sentence; later as the platform does, by a 500 and a new start."""
    held = [1025.0]
    waiting = Waiting()
    waiting.go.set()
    instance = Instance(lambda: waiting, Shape(1, 1024), resident=lambda: held[0])
    with pytest.raises(ServingError, match="holds 1025 MB of memory and the endpoint has 1024 MB; choose a larger"):
        instance.start()
    assert ask(instance)[0] == 500
    held[0] = 400.0
    assert (ask(instance)[0], instance.cold_starts) == (200, 1)


BAD_ARGUMENTS = {
    "--memory-mb=1000": "endpoint.memory_mb: got 1000",
    "--max-concurrency=201": "endpoint.max_concurrency: got 201",
    "--idle-seconds=-1": "--idle-seconds: got -1.0",
    "--cold-start-seconds=nan": "--cold-start-seconds: got nan",
    "--environment=[]": "--environment: it is not a JSON object",
}


@pytest.mark.parametrize(("argument", "sentence"), BAD_ARGUMENTS.items())
def test_bad_arguments_end_with_2(capsys: pytest.CaptureFixture[str], argument: str, sentence: str) -> None:
    """One line on stderr names the argument."""
    assert main(["--model", "nowhere", argument]) == 2
    assert sentence in capsys.readouterr().err


def test_a_missing_model_ends_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The server does not start without a model."""
    assert main(["--model", str(tmp_path)]) == 1
    assert "give an AutoML job's output" in capsys.readouterr().err


def test_a_batch_keeps_the_order_of_lines(models: dict[str, Path], tmp_path: Path) -> None:
    """Requests of a few rows each give the lines that one request gives, in NAME.out, sub-folders kept."""
    rows = [ROW.replace("39", str(age)) for age in range(10, 60)]
    source = tmp_path / "in"
    (source / "day").mkdir(parents=True)
    (source / "day" / "features.csv").write_text("\n".join(rows))
    container = Container.load(models["income"], ALL_KEYS)
    batch.transform(container, source, tmp_path / "out", payload=3 * len(rows[0]) + 3)
    expected = container.invoke("\n".join(rows).encode(), "text/csv").body
    assert (tmp_path / "out" / "day" / "features.csv.out").read_bytes() == expected
    assert len(list(batch.batches(source / "day" / "features.csv", 3 * len(rows[0]) + 3))) == 17


def test_a_bad_line_fails_the_batch_and_is_named(
    models: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The row counts from the file's start, exit code 1, and no output is left behind."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "features.csv").write_text(f"{ROW}\n" * 9000 + "1,2\n")
    command = ["--model", str(models["pay"]), "--input", str(tmp_path / "in"), "--output", str(tmp_path / "out")]
    command += ["--environment", json.dumps(ENVIRONMENT)]
    assert batch.main([*command, "--max-payload-mb", "1"]) == 1
    assert "features.csv: expected 14 columns, got 2, row 9001" in capsys.readouterr().err
    assert list((tmp_path / "out").iterdir()) == []


def test_a_batch_without_files_is_refused(
    models: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An empty folder is a mistake, not an empty success; a payload size out of range is bad input."""
    command = ["--model", str(models["pay"]), "--input", str(tmp_path), "--output", str(tmp_path / "out")]
    command += ["--environment", json.dumps(ENVIRONMENT)]
    assert batch.main(command) == 1
    assert "it holds no file" in capsys.readouterr().err
    assert batch.main([*command, "--max-payload-mb", "0"]) == 2
