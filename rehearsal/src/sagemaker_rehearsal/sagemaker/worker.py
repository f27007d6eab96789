"""Steps 7 and 10: the process behind an endpoint, which runs `sagemaker_rehearsal.serving` with the unpacked model."""

import hashlib
import http.client
import json
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sagemaker_rehearsal.pipelines.storage import Storage
from sagemaker_rehearsal.processes import environment, python, tail
from sagemaker_rehearsal.sagemaker.models import container
from sagemaker_rehearsal.server.service import Host

START_SECONDS = 120.0


class WorkerError(Exception):
    """The container did not start; the message is the endpoint's FailureReason."""


@dataclass
class Worker:
    """A serving process that has answered its first ping.

    Attributes:
        port: its port on 127.0.0.1.
        variant: the production variant that it serves.
        requests: the number of running requests, counted by the endpoint.
    """

    cloud: Host
    process: subprocess.Popen[bytes]
    port: int
    variant: str
    log: Path
    requests: int = 0

    @classmethod
    def start(cls, cloud: Host, endpoint: str, variant: Mapping[str, Any]) -> "Worker":
        """Unpack the variant's model, start the process and wait until it is healthy.

        Raises:
            WorkerError: when the process ends or does not pass the health check.
            AwsError: when model or artifact do not exist.
        """
        chosen = container(cloud, variant["ModelName"])
        with cloud.acting(cloud.role_keys(chosen.role_arn, "SageMaker", "sagemaker.amazonaws.com")):
            model = unpack(cloud, chosen.model_data_url)
        folder = Path(tempfile.mkdtemp(prefix=f"{endpoint}-", dir=_folder(cloud, "endpoints")))
        log, port_file = folder / "container.log", folder / "port"
        size = variant.get("ServerlessConfig", {})
        idle = 0 if size.get("ProvisionedConcurrency") else cloud.options.get("idle_seconds", 0)
        command = python(
            "-m", "sagemaker_rehearsal.serving", "--model", str(model), "--port", "0", "--port-file", str(port_file),
            "--max-concurrency", str(size.get("MaxConcurrency", 200)),
            "--memory-mb", str(size.get("MemorySizeInMB", 6144)),
            "--environment", json.dumps(dict(chosen.environment)),
        )  # fmt: skip
        cold = cloud.options.get("cold_start_seconds", 0)
        command += ["--idle-seconds", str(idle), "--cold-start-seconds", str(cold)] if idle else []
        process = cloud.processes.start(command, log, environment(), folder)
        worker = cls(cloud, process, 0, variant["VariantName"], log)
        try:
            worker.port = worker._await_health(port_file)
        except BaseException:
            worker.stop()
            raise
        return worker

    def _await_health(self, port_file: Path) -> int:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise WorkerError(
                    f"The container ended with exit code {self.process.returncode}: {tail(self.log, 600)}"
                )
            written = port_file.read_text(encoding="ascii").strip() if port_file.exists() else ""
            if written and self._pings(int(written)):
                return int(written)
            time.sleep(0.05)
        raise WorkerError(
            f"The primary container for production variant {self.variant} did not pass the ping health check "
            f"within {START_SECONDS:.0f} s. Its log is {self.log}"
        )

    def _pings(self, port: int) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.request("GET", "/ping")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def stop(self) -> None:
        """Stop the process."""
        self.cloud.processes.end(self.process)


def unpack(cloud: Host, url: str) -> Path:
    """Download a model.tar.gz and unpack it once; return the folder."""
    folder = _folder(cloud, "models") / hashlib.sha256(url.encode()).hexdigest()[:16]
    if folder.exists():
        return folder
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        archive = Path(temporary) / "model.tar.gz"
        Storage(cloud.client("s3")).download_file(url, archive)
        content = Path(temporary) / "content"
        with tarfile.open(archive) as tar:
            tar.extractall(content, filter="data")
        try:
            content.rename(folder)
        except OSError:  # another thread was quicker
            if not folder.exists():
                raise
    return folder


def _folder(cloud: Host, name: str) -> Path:
    folder = cloud.state / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder
