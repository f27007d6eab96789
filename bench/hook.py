"""Step 3: the seed as a Lambda function: size of its zip, cold and warm seconds, memory, and calls of AWS.

The function runs in a fresh process from its unzipped bundle, sees nothing else but boto3, and talks over HTTP to
stand-ins of S3, CodeCommit and CloudFormation in this process. On AWS add the network; subtract nothing. The Python is
the function's own version where there is one here (PYTHON=path names it), else the one that runs this.
"""

from __future__ import annotations

import base64
import http.server
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import median
from typing import Any

from botocore.exceptions import ClientError

from catalog import bundle
from catalog.bundle import ROOT, TEMPLATE
from tests.catalog.fakes.aws import operations
from tests.catalog.fakes.world import BUCKET, Outside

ROUNDS = 5
RUNTIME = ("boto3", "botocore", "s3transfer", "jmespath", "urllib3")
# Peak memory is the kernel's VmHWM: ru_maxrss would count what this process had before it became the child.
CHILD = """
import json, re, sys, sysconfig, time
from catalog.hook.handler import handler
class Context:
    aws_request_id = "bench"
    def get_remaining_time_in_millis(self): return 600_000
for line in sys.stdin:
    began = time.perf_counter()
    handler(json.loads(line), Context())
    seconds = time.perf_counter() - began
    memory = int(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1]) / 1024
    known = (*sys.argv[1:], sysconfig.get_path("stdlib"))
    files = [getattr(module, "__file__", None) or "" for module in list(sys.modules.values())]
    print("DONE", json.dumps([seconds, memory, [f for f in files if f and not f.startswith(known)]]), flush=True)
"""


class Door(http.server.BaseHTTPRequestHandler):
    """Answers S3's GetObject, CodeCommit's operations, and CloudFormation's address."""

    protocol_version = "HTTP/1.1"
    outside: Outside

    def do_GET(self) -> None:
        """Return the template."""
        key, _, version = self.path.removeprefix(f"/{BUCKET}/").partition("?versionId=")
        response = self.outside.storage.get_object(Bucket=BUCKET, Key=key, VersionId=version)
        self.say(200, response["Body"].read(), "application/zip")

    def do_PUT(self) -> None:
        """Take the answer to CloudFormation."""
        self.outside.sent.append(json.loads(self.body()))
        self.say(200, b"", "text/plain")

    def do_POST(self) -> None:
        """Carry out an operation of CodeCommit."""
        operation = self.headers["X-Amz-Target"].rpartition(".")[2]
        name = {value: key for key, value in operations("codecommit").items()}[operation]
        request = json.loads(self.body())
        for entry in request.get("putFiles", []):
            entry["fileContent"] = base64.b64decode(entry["fileContent"])
        try:
            self.say(200, json.dumps(getattr(self.outside.codecommit, name)(**request)).encode())
        except ClientError as error:
            self.say(400, json.dumps({"__type": error.response["Error"]["Code"], "message": ""}).encode())

    def body(self) -> bytes:
        """Return what was sent."""
        return self.rfile.read(int(self.headers["Content-Length"]))

    def say(self, status: int, body: bytes, kind: str = "application/x-amz-json-1.1") -> None:
        """Answer."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def interpreter() -> str:
    """Return a Python of the function's version, or the one that runs this."""
    for candidate in (os.environ.get("PYTHON"), f"python{bundle.RUNTIME}"):
        if candidate and subprocess.run([candidate, "-V"], capture_output=True, check=False).returncode == 0:
            return candidate
    return sys.executable


def unpack(data: bytes, folder: Path, python: str) -> dict[str, str]:
    """Unpack the function as Lambda does, and return its environment; boto3 is all that its runtime adds.

    The runtime is compiled beforehand; the bundle is not, and its folder is read-only.
    """
    import boto3

    (folder / "hook.zip").write_bytes(data)
    shutil.unpack_archive(folder / "hook.zip", folder / "task")
    (folder / "runtime").mkdir()
    for name in RUNTIME:
        (folder / "runtime" / name).symlink_to(Path(boto3.__file__).parents[1] / name)
    cache = {"PATH": os.environ["PATH"], "PYTHONPYCACHEPREFIX": str(folder / "compiled")}
    command = [python, "-m", "compileall", "-q", *(str(folder / "runtime" / name) for name in RUNTIME)]
    subprocess.run(command, env=cache, check=True)
    return {
        **cache,
        "PYTHONPATH": os.pathsep.join(map(str, (folder / "task", folder / "runtime"))),
        "PYTHONDONTWRITEBYTECODE": "1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "RESPONSE_HOSTS": "127.0.0.1",
    }


def run(environment: dict[str, str], python: str) -> dict[str, float]:
    """Seed once in a fresh process, then replay the event twice, and return what was measured."""
    outside = Outside(bundle.tracked(TEMPLATE))
    door = type("OneDoor", (Door,), {"outside": outside})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), door)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    event = json.dumps({**outside.event(), "ResponseURL": f"{url}/answer"})
    task, runtime = environment["PYTHONPATH"].split(os.pathsep)
    began = time.perf_counter()
    child = subprocess.Popen(
        [python, "-S", "-c", CHILD, task, runtime],
        cwd=task,  # as on Lambda; and this repository, which holds the same packages, is out of sight
        env={**environment, "AWS_ENDPOINT_URL": url},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    measured: dict[str, float] = {}
    for name in ("create", "replay", "replay"):
        outside.calls.made.clear()
        warm, memory = deliver(child, event)
        measured[f"calls: {name}"] = len(outside.calls.made)
        measured["cold" if name == "create" else "warm"] = time.perf_counter() - began if name == "create" else warm
        measured["memory"] = memory
    if ["SUCCESS"] * 3 != [answer["Status"] for answer in outside.sent]:
        raise RuntimeError(f"nothing was measured, because the seed failed: {outside.sent}")
    child.communicate()
    server.shutdown()
    server.server_close()
    return measured


def deliver(child: subprocess.Popen[str], event: str) -> tuple[float, float]:
    """Return an event to the function, and return its seconds and the process's peak memory in MB."""
    assert child.stdin is not None  # noqa: S101 - for the type checker
    assert child.stdout is not None  # noqa: S101
    child.stdin.write(event + "\n")
    child.stdin.flush()
    for line in child.stdout:
        if line.startswith("DONE "):
            seconds, memory, strangers = json.loads(line.removeprefix("DONE "))
            if strangers:
                raise RuntimeError(f"nothing was measured, because these are not of the bundle: {strangers}")
            return seconds, memory
    raise RuntimeError("the function ended without an answer")


def main() -> None:
    """Print one row for each figure."""
    template, hook, _ = bundle.make(ROOT / "build" / "catalog" / "wheels")
    with tempfile.TemporaryDirectory() as scratch:
        python = interpreter()
        environment = unpack(hook.data, Path(scratch), python)
        rounds = [run(environment, python) for _ in range(ROUNDS)]
    figures = {name: median(figure[name] for figure in rounds) for name in rounds[0]}
    rows: list[tuple[str, Any, str]] = [
        ("hook: zip (limit 3)", len(hook.data) / 1e6, "MB"),
        ("hook: zip of the template", len(template.data) / 1e6, "MB"),
        ("hook: cold Create, whole process (limit 2)", figures["cold"], "s"),
        ("hook: warm replay (limit 0.7)", figures["warm"], "s"),
        ("hook: peak memory (limit 128)", figures["memory"], "MB"),
        ("hook: calls of AWS, Create (limit 8)", figures["calls: create"], ""),
        ("hook: calls of AWS, replay (limit 3)", figures["calls: replay"], ""),
    ]
    for name, value, unit in rows:
        print(f"{name:<45} {value:>9.2f} {unit}")
    version = subprocess.run([python, "-V"], capture_output=True, text=True, check=True).stdout
    print(f"{'hook: run by':<45} {version.strip().removeprefix('Python '):>9} (the function: {bundle.RUNTIME})")


if __name__ == "__main__":
    main()
