"""Step 3: the seed as a Lambda function: size of its zip, cold and warm seconds, memory, and calls of AWS.

The function runs in a fresh process from its unzipped bundle, sees nothing else but boto3, and talks over HTTP to
stand-ins of S3, CodeCommit and CloudFormation in this process. On AWS add the network; subtract nothing.
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
CHILD = """
import json, resource, sys, time
from catalog.hook.handler import handler
class Context:
    aws_request_id = "bench"
    def get_remaining_time_in_millis(self): return 600_000
for line in sys.stdin:
    began = time.perf_counter()
    handler(json.loads(line), Context())
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print("DONE", json.dumps([time.perf_counter() - began, memory]), flush=True)
"""


class Door(http.server.BaseHTTPRequestHandler):
    """Answers S3's GetObject, CodeCommit's operations, and CloudFormation's address."""

    protocol_version = "HTTP/1.1"
    outside: Outside

    def do_GET(self) -> None:
        """Give the template."""
        key, _, version = self.path.removeprefix(f"/{BUCKET}/").partition("?versionId=")
        found = self.outside.storage.get_object(Bucket=BUCKET, Key=key, VersionId=version)
        self.say(200, found["Body"].read(), "application/zip")

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


def unpack(data: bytes, folder: Path) -> dict[str, str]:
    """Unpack the function as Lambda does, and return its environment; boto3 is all that its runtime adds."""
    import boto3

    (folder / "hook.zip").write_bytes(data)
    shutil.unpack_archive(folder / "hook.zip", folder / "task")
    (folder / "runtime").mkdir()
    for name in ("boto3", "botocore", "s3transfer", "jmespath", "urllib3"):
        (folder / "runtime" / name).symlink_to(Path(boto3.__file__).parents[1] / name)
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(map(str, (folder / "task", folder / "runtime"))),
        "PYTHONDONTWRITEBYTECODE": "1",  # Lambda's folder is read-only
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "RESPONSE_HOSTS": "127.0.0.1",
    }


def run(environment: dict[str, str]) -> dict[str, float]:
    """Seed once in a fresh process, then replay the event twice, and return what was measured."""
    outside = Outside(bundle.tracked(TEMPLATE))
    door = type("OneDoor", (Door,), {"outside": outside})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), door)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    event = json.dumps({**outside.event(), "ResponseURL": f"{url}/answer"})
    began = time.perf_counter()
    child = subprocess.Popen(
        [sys.executable, "-S", "-c", CHILD],
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
    """Give an event to the function, and return its seconds and the process's peak memory in MB."""
    assert child.stdin is not None  # noqa: S101 - for the type checker
    assert child.stdout is not None  # noqa: S101
    child.stdin.write(event + "\n")
    child.stdin.flush()
    for line in child.stdout:
        if line.startswith("DONE "):
            seconds, memory = json.loads(line.removeprefix("DONE "))
            return seconds, memory
    raise RuntimeError("the function ended without an answer")


def main() -> None:
    """Print one row for each figure."""
    template, hook, _ = bundle.make(ROOT / "build" / "catalog" / "wheels")
    with tempfile.TemporaryDirectory() as scratch:
        environment = unpack(hook.data, Path(scratch))
        rounds = [run(environment) for _ in range(ROUNDS)]
    figures = {name: median(one[name] for one in rounds) for name in rounds[0]}
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


if __name__ == "__main__":
    main()
