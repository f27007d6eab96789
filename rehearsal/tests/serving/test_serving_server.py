"""Step 7: the HTTP server on this machine survives every request, and answers or throttles each."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from sagemaker_rehearsal.serving.container import Container, Response
from sagemaker_rehearsal.serving.instance import Instance, Shape
from sagemaker_rehearsal.serving.server import Server
from tests.serving.conftest import ALL_KEYS, ENVIRONMENT, ROW

pytestmark = pytest.mark.rehearsal
HEADERS = {"Content-Type": "text/csv"}


@contextmanager
def serving(instance: Instance, request_seconds: float = 5.0) -> Iterator[int]:
    """Serve on a free port while the block runs."""
    server = Server(instance, request_seconds=request_seconds)
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server.port
    finally:
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def port(models: dict[str, Path]) -> Iterator[int]:
    """A server of the binary model; a request has half a second to arrive."""
    instance = Instance(lambda: Container.load(models["income"], ALL_KEYS), Shape(20, 6144))
    with serving(instance, request_seconds=0.5) as found:
        yield found


def ask(port: int, body: bytes | str = ROW, method: str = "POST", path: str = "/invocations") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body, HEADERS)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def raw(port: int, sent: bytes) -> bytes:
    """Send bytes as they are and read until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(sent.replace(b"PORT", str(port).encode()))
        return b"".join(iter(lambda: connection.recv(65536), b""))


def request(*headers: str, body: str = ROW, method: str = "POST", path: str = "/invocations") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1:PORT", "Content-Type: text/csv", *headers, "", body]
    return "\r\n".join(lines).encode()


LINES = "\r\n".join(f"X-{number}: y" for number in range(200))
WRONG = {
    "a length below zero": (request("Content-Length: -1"), 400, b"Content-Length must be one whole number"),
    "a length with a sign": (request("Content-Length: +5"), 400, b"Content-Length must be one whole number"),
    "two lengths": (request("Content-Length: 5", "Content-Length: 6"), 400, b"Content-Length must be one whole"),
    "no length": (request(), 411, b"Content-Length is missing"),
    "chunks": (request("Transfer-Encoding: chunked"), 411, b"Transfer-Encoding is not taken"),
    "a length and chunks": (request("Content-Length: 5", "Transfer-Encoding: chunked"), 411, b"Transfer-Encoding"),
    "a length below the body's": (request("Content-Length: 10"), 400, b"expected 14 columns, got 2, row 1"),
    "a length above the body's": (request("Content-Length: 999"), 408, b"did not arrive in time"),
    "a length above 4 MB": (request("Content-Length: 4194305"), 413, b"has 4194305 bytes"),
    "an absurd length": (request("Content-Length: " + "9" * 40), 400, b"Content-Length must be one whole number"),
    "no body": (request("Content-Length: 0", body=""), 400, b"the body is empty"),
    "GET": (request("Content-Length: 0", method="GET", body=""), 405, b"/invocations takes POST only"),
    "POST to ping": (request("Content-Length: 0", path="/ping", body=""), 405, b"/ping takes GET only"),
    "DELETE of ping": (request(method="DELETE", path="/ping", body=""), 405, b"/ping takes GET only"),
    "a method that is none": (request(method="BREW", body=""), 405, b"/invocations takes POST only"),
    "another path": (request(method="GET", path="/", body=""), 404, b"there is only GET /ping"),
    "no HTTP at all": (b"\x16\x03\x01\x02 hello\r\n\r\n", 400, b"not one this server takes"),
    "a path without end": (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", 414, b"not one this server takes"),
    "too many headers": (request(LINES, "Content-Length: 0"), 431, b"not one this server takes"),
}


@pytest.mark.parametrize(("sent", "status", "sentence"), WRONG.values(), ids=WRONG)
def test_a_wrong_request_is_refused_and_the_next_answered(port: int, sent: bytes, status: int, sentence: bytes) -> None:
    """One answer, the connection closed after it, and the server goes on."""
    answer = raw(port, sent)
    assert answer.split(b" ")[1] == str(status).encode()
    assert answer.count(b"HTTP/1.1 ") == 1
    assert sentence in answer
    assert ask(port)[0] == 200


FOREIGN = {
    "another host": ("Host: evil.example:PORT", b"the Host header must be 127.0.0.1"),
    "another port": ("Host: 127.0.0.1:1", b"the Host header must be 127.0.0.1"),
    "no host": ("X: y", b"the Host header must be 127.0.0.1"),
    "two hosts": ("Host: 127.0.0.1:PORT\r\nHost: evil.example", b"the Host header must be 127.0.0.1"),
    "a page": ("Host: localhost:PORT\r\nOrigin: https://evil.example", b"pages in browsers are not answered"),
    "a page without a name": ("Host: localhost:PORT\r\nOrigin: null", b"pages in browsers are not answered"),
}


@pytest.mark.parametrize(("headers", "sentence"), FOREIGN.values(), ids=FOREIGN)
@pytest.mark.parametrize("line", ["POST /invocations", "GET /ping", "OPTIONS /invocations"])
def test_a_page_in_a_browser_is_refused(port: int, headers: str, sentence: bytes, line: str) -> None:
    """By another name of this address (DNS rebinding), or from another origin; the rest is no second request."""
    sent = f"{line} HTTP/1.1\r\n{headers}\r\nContent-Length: {len(ROW)}\r\n\r\n{ROW}"
    answer = raw(port, sent.encode())
    assert (answer.split(b" ")[1], answer.count(b"HTTP/1.1 "), sentence in answer) == (b"403", 1, True)


def test_a_body_over_four_megabytes_is_refused_while_it_is_sent(port: int) -> None:
    """A client that goes on sending still reads the 413."""
    status, body = ask(port, f"{ROW}\n" * 45_000)
    assert (status, b"at most 4194304; send fewer rows" in body) == (413, True)


def test_bytes_that_come_one_by_one_hold_no_thread(port: int) -> None:
    """Each byte comes before a timeout of its own would end; the whole request does not."""
    started = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        threading.Thread(target=drip, args=(connection,), daemon=True).start()
        assert connection.recv(1000) == b""
    assert time.monotonic() - started < 4


def drip(connection: socket.socket) -> None:
    try:
        for _ in range(100):
            connection.sendall(b"P")
            time.sleep(0.05)
    except OSError:
        return


def test_a_connection_is_kept_for_the_next_request(port: int) -> None:
    """HTTP/1.1 keep-alive: ten requests over one socket."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    sockets = set()
    for _ in range(10):
        connection.request("POST", "/invocations", ROW, HEADERS)
        response = connection.getresponse()
        assert (response.status, len(response.read().splitlines())) == (200, 1)
        sockets.add(connection.sock)
    connection.close()
    assert len(sockets) == 1


def test_head_and_ping_tell_the_state(port: int) -> None:
    """Ping says what is loaded and held; HEAD is refused without a body."""
    state = json.loads(ask(port, b"", "GET", "/ping")[1])
    assert (state["status"], state["memory_mb"]) == ("InService", 6144)
    assert raw(port, request(method="HEAD", body="")).split(b"\r\n\r\n")[1:] == [b""]


class Slow:
    """Takes half a second for each request."""

    def invoke(self, body: bytes, content_type: str, accept: str = "") -> Response:
        time.sleep(0.5)
        return Response(200, "text/csv", body)


def at_once(port: int, clients: int) -> Counter[int]:
    together = threading.Barrier(clients)

    def client(_: int) -> int:
        together.wait()
        return ask(port)[0]

    with ThreadPoolExecutor(clients) as pool:
        return Counter(pool.map(client, range(clients)))


def test_of_21_clients_20_are_answered() -> None:
    """MaxConcurrency is exact, and the next request finds a free place."""
    with serving(Instance(Slow, Shape(20, 6144))) as port:
        assert at_once(port, 21) == {200: 20, 429: 1}
        assert ask(port)[0] == 200


def test_of_200_clients_none_is_lost(port: int) -> None:
    """Each is answered or throttled."""
    counts = at_once(port, 200)
    assert counts[200] + counts[429] == 200
    assert counts[200] >= 20


def test_it_scales_to_zero_and_starts_cold() -> None:
    """After the idle time the model is gone; the next request pays the cold start, and it is counted."""
    with serving(Instance(Slow, Shape(2, 6144, idle_seconds=0.2, cold_start_seconds=0.3))) as port:
        assert ask(port)[0] == 200
        until(lambda: json.loads(ask(port, b"", "GET", "/ping")[1])["status"] == "ScaledToZero")
        started = time.monotonic()
        assert ask(port)[0] == 200
        assert time.monotonic() - started >= 0.8
        assert json.loads(ask(port, b"", "GET", "/ping")[1])["cold_starts"] == 2


def until(met: Callable[[], bool], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def test_the_command_serves_and_logs_no_body(models: dict[str, Path], tmp_path: Path) -> None:
    """The port file appears when requests are taken; SIGTERM ends it with 0; the log has no value of a row."""
    command = [sys.executable, "-m", "sagemaker_rehearsal.serving", "--model", str(models["income"]), "--port", "0"]
    extra = ["--port-file", str(tmp_path / "port"), "--max-concurrency", "2", "--memory-mb", "1024"]
    extra += ["--environment", json.dumps(ENVIRONMENT)]
    with subprocess.Popen([*command, *extra], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        until(lambda: (tmp_path / "port").exists() or process.poll() is not None, 60)
        port = int((tmp_path / "port").read_text())
        statuses = [ask(port)[0], ask(port, ROW + ",secret")[0], ask(port, "secret", "GET", "/secret")[0]]
        process.send_signal(signal.SIGTERM)
        output, log = process.communicate(timeout=30)
    assert (statuses, process.returncode) == ([200, 400, 404], 0)
    assert f"serving on http://127.0.0.1:{port}" in output
    assert [line.split()[:3] for line in log.splitlines()] == [
        ["POST", "/invocations", "200"],
        ["POST", "/invocations", "400"],
        ["GET", "other", "404"],
    ]
