"""Step 7: HTTP on 127.0.0.1 around an instance: GET /ping and POST /invocations, with keep-alive."""

from __future__ import annotations

import io
import json
import re
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from sagemaker_rehearsal.serving import limits
from sagemaker_rehearsal.serving.container import Response, refusal
from sagemaker_rehearsal.serving.instance import Instance
from sagemaker_rehearsal.serving.limits import ServingError
from sagemaker_rehearsal.serving.media import JSON

PING, INVOCATIONS = "/ping", "/invocations"
_ALLOWED = {PING: "GET", INVOCATIONS: "POST"}
_LINGER_SECONDS = 2.0


class _Deadline(io.RawIOBase):
    """Reads from a socket until a moment in time, however slowly the bytes come."""

    def __init__(self, connection: socket.socket, clock: Callable[[], float] = time.monotonic) -> None:
        self._connection, self._clock = connection, clock
        self._until = 0.0

    def restart(self, seconds: float) -> None:
        self._until = self._clock() + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - any writable buffer
        left = self._until - self._clock()
        if left <= 0:
            raise TimeoutError("the request did not arrive in time")
        self._connection.settimeout(left)
        return self._connection.recv_into(buffer)


class Server(ThreadingHTTPServer):
    """One thread a connection; a backlog that holds 200 clients who come at once."""

    daemon_threads = True
    request_queue_size = 1024
    allow_reuse_address = True

    def __init__(self, instance: Instance, port: int = 0, request_seconds: float = limits.SECONDS) -> None:
        self.instance, self.request_seconds = instance, request_seconds
        super().__init__(("127.0.0.1", port), Handler)

    @property
    def port(self) -> int:
        """The port that the system gave."""
        return int(self.server_address[1])

    def serve(self) -> None:
        """Serve until shutdown() is called from another thread, and rest the instance when it is idle."""
        done = threading.Event()
        threading.Thread(target=self._rest, args=(done,), daemon=True).start()
        try:
            self.serve_forever(poll_interval=0.1)
        finally:
            done.set()
            self.server_close()

    def _rest(self, done: threading.Event) -> None:
        idle = self.instance.shape.idle_seconds
        while idle and not done.wait(min(1.0, idle / 4)):
            if self.instance.rest():
                print(f"scaled to zero after {idle:g} s without a request", file=sys.stderr, flush=True)

    def handle_error(self, request: object, client_address: object) -> None:
        """Log a broken connection in one line; the server goes on."""
        print(f"connection ended: {type(sys.exc_info()[1]).__name__}", file=sys.stderr, flush=True)


class Handler(BaseHTTPRequestHandler):
    """One connection; after an answer other than 200 it is closed, so that no left-over bytes become a request."""

    protocol_version = "HTTP/1.1"
    server_version = "rehearsal-endpoint"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = -1  # status, headers and body leave in one segment
    server: Server

    def setup(self) -> None:
        """Read through a deadline instead of a timeout for each byte."""
        super().setup()
        self._deadline = _Deadline(self.connection)
        self.rfile = io.BufferedReader(self._deadline)

    def handle_one_request(self) -> None:
        """Return each request, its waiting included, at most `request_seconds` to arrive."""
        self._deadline.restart(self.server.request_seconds)
        try:
            super().handle_one_request()
        except ConnectionError:
            self.close_connection = True

    def parse_request(self) -> bool:
        """Refuse what a page in a browser sends: another Host than the one that was bound, or any Origin."""
        if not super().parse_request():
            return False
        hosts, port = self.headers.get_all("Host") or [], self.server.port
        if len(hosts) != 1 or hosts[0].lower() not in (f"127.0.0.1:{port}", f"localhost:{port}"):
            error = ServingError(f"the Host header must be 127.0.0.1:{port}; send the request there", 403)
        elif self.headers.get_all("Origin"):
            error = ServingError("pages in browsers are not answered; send the request without Origin", 403)
        else:
            return True
        self._answer(refusal(error))
        return False

    def do_GET(self) -> None:
        """Answer GET /ping."""
        if self.path == PING:
            self._answer(Response(200, JSON, json.dumps(self.server.instance.state).encode()))
        else:
            self._refuse_method()

    def do_POST(self) -> None:
        """Answer POST /invocations."""
        if self.path != INVOCATIONS:
            return self._refuse_method()
        try:
            body = self._body(
                _content_length(self.headers.get_all("Content-Length"), self.headers["Transfer-Encoding"])
            )
        except TimeoutError:
            error = ServingError("the body did not arrive in time; send as many bytes as Content-Length says", 408)
            return self._answer(refusal(error))
        except ServingError as error:
            return self._answer(refusal(error))
        kind, accept = self.headers.get("Content-Type", ""), ",".join(self.headers.get_all("Accept") or [])
        return self._answer(self.server.instance.invoke(body, kind, accept))

    def _body(self, length: int) -> bytes:
        body = self.rfile.read(length)
        if len(body) < length:
            raise ServingError(
                f"the body ended after {len(body)} of {length} bytes; send as many as Content-Length says"
            )
        return body

    def _refuse_method(self) -> None:
        if self.path not in _ALLOWED:
            return self._answer(
                refusal(ServingError(f"there is only GET {PING} and POST {INVOCATIONS}; use these", 404))
            )
        error = ServingError(f"{self.path} takes {_ALLOWED[self.path]} only; use that", 405)
        return self._answer(refusal(error), Allow=_ALLOWED[self.path])

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Refuse every other method that a request may name."""
        if name.startswith("do_"):
            return self._refuse_method
        raise AttributeError(name)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer what is no HTTP as JSON, without repeating what was sent."""
        self.request_version = self.protocol_version  # what is no HTTP would be answered without status and headers
        phrase = self.responses.get(code, ("not understood", ""))[0]
        self._answer(refusal(ServingError(f"the request is not one this server takes: {phrase}", int(code))))

    def _answer(self, response: Response, **headers: str) -> None:
        keep = response.status == 200
        self.log_request(response.status, len(response.body))
        self.send_response_only(response.status)
        for name, value in {"Content-Type": response.content_type, **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        self.send_header("Connection", "keep-alive" if keep and not self.close_connection else "close")
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else response.body)
        self.connection.settimeout(self.server.request_seconds)
        self.wfile.flush()
        if not keep:
            self.close_connection = True
            self._linger()

    def _linger(self) -> None:
        """Let a client that is still sending read the answer: drop its bytes for a moment before the close."""
        self._deadline.restart(min(_LINGER_SECONDS, self.server.request_seconds))
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            while self.rfile.read1(65536):
                pass

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Log method, path, status and bytes of the answer; never a body, nor anything else that a client wrote."""
        command = self.command if self.command in ("GET", "POST") else "other"
        path = getattr(self, "path", "") if getattr(self, "path", "") in _ALLOWED else "other"
        print(f"{command} {path} {code} {size} bytes", file=sys.stderr, flush=True)


def _content_length(lengths: list[str] | None, encoding: str | None) -> int:
    """Read the one length that a request must have.

    Raises:
        ServingError: there is none (411), it is doubtful (400), or more than 4 MB (413).
    """
    if encoding:
        raise ServingError("Transfer-Encoding is not taken; send the body whole, with Content-Length", 411)
    if not lengths:
        raise ServingError("Content-Length is missing; send it", 411)
    if len(set(lengths)) > 1 or not re.fullmatch("[0-9]{1,18}", lengths[0]):
        raise ServingError("Content-Length must be one whole number of bytes; correct it")
    limits.check_payload(int(lengths[0]), "request")
    return int(lengths[0])
