"""Steps 3 and 4: `git clone`, `fetch` and `push` over HTTP, by Git's CGI program.

https://git-scm.com/docs/git-http-backend. CodeCommit's addresses have the same path: /v1/repos/NAME.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import IO, Any
from wsgiref.util import FileWrapper

from sagemaker_rehearsal.codecommit import access, pull_request_store
from sagemaker_rehearsal.codecommit.git import environment
from sagemaker_rehearsal.codecommit.repositories import Repositories, Repository, of
from sagemaker_rehearsal.server.errors import AwsError
from sagemaker_rehearsal.server.service import Host

PREFIX = "/v1/repos/"
REQUEST = re.compile(r"/v1/repos/([A-Za-z0-9_.-]+)(/info/refs|/git-upload-pack|/git-receive-pack)")
PASSED = ("CONTENT_TYPE", "HTTP_CONTENT_ENCODING", "HTTP_GIT_PROTOCOL", "QUERY_STRING",
          "REQUEST_METHOD", "REMOTE_ADDR")  # fmt: skip
CHUNK = 2**16
SECONDS = 600.0

Start = Callable[..., object]


class SmartHttp:
    """A WSGI application below /v1/repos/."""

    def __init__(self, cloud: Host, repositories: Repositories) -> None:
        self._cloud = cloud
        self._repositories = repositories

    def __call__(self, environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        """Answer one of the three requests of Git's protocol."""
        body = _body(environ)
        match = REQUEST.fullmatch(environ.get("PATH_INFO", ""))
        repository = self._repositories.find(match[1].removesuffix(".git")) if match else None
        if match is None or repository is None:
            body.close()
            return _plain(start_response, HTTPStatus.NOT_FOUND, "repository not found\n")
        try:
            access.check(self._cloud, environ, repository, match[2], body)
        except AwsError as error:
            body.close()
            return _plain(start_response, HTTPStatus.FORBIDDEN, f"{error.message}\n")
        if match[2] != "/git-receive-pack":
            return self._backend(environ, start_response, repository, match[2], body)
        with repository.lock:
            before = repository.git.refs()
            answer = self._backend(environ, start_response, repository, match[2], body)
            self._settle(repository, before)
            return answer

    def _settle(self, repository: Repository, before: Mapping[str, str]) -> None:
        pull_request_store.follow(self._cloud, repository, repository.settle(self._cloud, before))

    def _backend(
        self, environ: dict[str, Any], start_response: Start, repository: Repository, service: str, body: IO[bytes]
    ) -> Iterable[bytes]:
        folder = repository.git.folder
        variables = {
            **environment(folder),
            **{name: str(environ[name]) for name in PASSED if environ.get(name)},
            # The received length: with the declared length of a truncated body, Git would wait for the rest forever
            "CONTENT_LENGTH": str(body.seek(0, os.SEEK_END)),
            "GIT_PROJECT_ROOT": str(folder.parent),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_HTTP_MAX_REQUEST_BUFFER": "100M",
            "GIT_PROTOCOL": str(environ.get("HTTP_GIT_PROTOCOL", "")),
            "PATH_INFO": f"/{folder.name}{service}",
        }
        output = tempfile.TemporaryFile()  # noqa: SIM115 (the answer closes it)
        with body:
            os.lseek(
                body.fileno(), 0, os.SEEK_SET
            )  # Git reads from the descriptor's position, which differs from Python's buffered one
            _run(body, output, variables)
        length = output.seek(0, os.SEEK_END)
        output.seek(0)
        status, headers = _headers(output)
        start_response(status, [*headers, ("Content-Length", str(length - output.tell()))])
        return FileWrapper(output, CHUNK)


def _body(environ: Mapping[str, Any]) -> IO[bytes]:
    """Read the whole body into a file, with or without Content-Length (Git sends large packs in chunks)."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 (whoever takes it closes it)
    stream, length = environ["wsgi.input"], environ.get("CONTENT_LENGTH")
    if length:
        left = int(length)
        while left > 0 and (part := stream.read(min(CHUNK, left))):
            left -= file.write(part)
    elif environ.get("wsgi.input_terminated"):
        while part := stream.read(CHUNK):
            file.write(part)
    file.seek(0)
    return file


def _run(body: IO[bytes], output: IO[bytes], variables: Mapping[str, str]) -> None:
    """Run Git's CGI program; on a timeout its process group is killed."""
    process = subprocess.Popen(
        ["git", "http-backend"],  # noqa: S607
        stdin=body, stdout=output, stderr=subprocess.DEVNULL, env=variables, start_new_session=True,
    )  # fmt: skip
    try:
        process.wait(SECONDS)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _headers(written: IO[bytes]) -> tuple[str, list[tuple[str, str]]]:
    """Read a CGI program's headers."""
    status, headers = "200 OK", []
    while line := written.readline().decode("latin-1").strip():
        name, _, value = line.partition(":")
        if name.lower() == "status":
            status = value.strip()
        else:
            headers.append((name, value.strip()))
    if not headers:
        status = "500 Internal Server Error"
    return status, headers


def _plain(start_response: Start, status: HTTPStatus, text: str) -> Iterable[bytes]:
    headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(text)))]
    start_response(f"{status.value} {status.phrase}", headers)
    return [text.encode()]


def serve(cloud: Host, environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
    """Handle a request of Git (WSGI)."""
    return SmartHttp(cloud, of(cloud))(environ, start_response)
