"""Steps 3, 4 and 6: the processes that functions run in: one invocation at a time each, kept warm for the next."""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sagemaker_rehearsal.lambda_ import runtime
from sagemaker_rehearsal.lambda_.function import Function
from sagemaker_rehearsal.server.service import Host

# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-ib
INIT_SECONDS = 10.0
IDLE_SECONDS = 120.0
KEPT = 3
CONCURRENCY = min(10, 2 * (os.cpu_count() or 2))
LOG_TAIL = 4096
SOON, LATER = 0.004, 0.02  # between two looks at a process, in its first second and later


@dataclass(frozen=True)
class Answer:
    """What a process answered.

    Attributes:
        ok: whether the handler returned.
        payload: its result or the error, as JSON.
        memory: the most that the process had, in MB.
        log: what it wrote.
        alive: whether the process can take another invocation.
    """

    ok: bool
    payload: str
    memory: int
    log: str
    alive: bool


class Sandbox:
    """One process, which is one of Lambda's execution environments."""

    def __init__(self, cloud: Host, function: Function) -> None:
        self.function = function
        self.stream = f"{datetime.now(UTC):%Y/%m/%d}/[$LATEST]{uuid.uuid4().hex}"
        self._cloud = cloud
        self._home = cloud.state / "lambda" / "sandboxes" / uuid.uuid4().hex
        (self._home / "tmp").mkdir(parents=True)
        self._log = self._home / "output.log"
        self._ready = self._home / "ready"
        env = runtime.environment(cloud, function, self.stream, self._home / "tmp")
        command = runtime.command(self._ready)
        self._process = cloud.processes.start(command, self._log, env, function.package.folder)

    def run(self, event: str, request_id: str) -> Answer:
        """Invoke the handler and wait for it, as long as the function's time-out says."""
        began = self._size()
        timeout = float(self.function.settings["Timeout"])
        if not self._await(self._ready, time.monotonic() + INIT_SECONDS):
            return self._failed(began, request_id, f"Runtime exited without providing a reason ({self._end()})")
        result = self._home / f"{request_id}.{uuid.uuid4().hex[:6]}.json"
        request = {"event": event, "request_id": request_id, "arn": self.function.arn, "result": str(result)}
        line = json.dumps({**request, "deadline": time.time() + timeout}) + "\n"
        try:
            assert self._process.stdin is not None  # noqa: S101 (Processes makes a pipe)
            self._process.stdin.write(line.encode())
            self._process.stdin.flush()
        except OSError:
            return self._failed(began, request_id, f"Runtime exited ({self._end()})")
        if self._await(result, time.monotonic() + timeout):
            return self._read(result, began)
        if self._process.poll() is None:
            self.end()
            message = f"RequestId: {request_id} Error: Task timed out after {timeout:.2f} seconds"
            return self._failed(began, request_id, message, "Sandbox.Timedout")
        message = f"RequestId: {request_id} Error: Runtime exited with error: {self._end()}"
        return self._failed(began, request_id, message)

    def end(self) -> None:
        """Stop the process."""
        self._cloud.processes.end(self._process)

    def discard(self) -> None:
        """Stop the process and remove its files."""
        self.end()
        shutil.rmtree(self._home, ignore_errors=True)

    def _await(self, file: Path, deadline: float) -> bool:
        """Wait until a file is there; tell whether it came before the deadline and the process's end."""
        began = time.monotonic()
        while not file.exists():
            now = time.monotonic()
            if now > deadline or self._process.poll() is not None:
                return file.exists()
            time.sleep(SOON if now - began < 1 else LATER)
        return True

    def _read(self, result: Path, began: int) -> Answer:
        answer = json.loads(result.read_text(encoding="utf-8"))
        result.unlink()
        memory = int(answer["memory"]) // 1024
        if memory <= int(self.function.settings["MemorySize"]):
            return Answer(answer["ok"], answer["payload"], memory, self._written(began), True)
        # Lambda ends a process at the moment that it needs more; here it is seen afterwards
        message = (
            f"Runtime exited with error: signal: killed ({memory} MB of {self.function.settings['MemorySize']} MB)"
        )
        return self._failed(began, "", message, "Runtime.OutOfMemory", memory)

    def _failed(
        self, began: int, request_id: str, message: str, kind: str = "Runtime.ExitError", memory: int = 0
    ) -> Answer:  # fmt: skip
        payload = {"errorType": kind, "errorMessage": message}
        return Answer(False, json.dumps(payload), memory, self._written(began), False)

    def _end(self) -> str:
        code = self._process.poll()
        if code is None:
            return "not ready in time"
        return f"exit status {code}" if code >= 0 else f"signal: {-code}"

    def _size(self) -> int:
        return self._log.stat().st_size if self._log.exists() else 0

    def _written(self, began: int) -> str:
        if not self._log.exists():
            return ""
        with self._log.open("rb") as file:
            file.seek(began)
            return file.read().decode("utf-8", "replace")


class Sandboxes:
    """The processes of all functions of a cloud."""

    def __init__(self, cloud: Host) -> None:
        self._cloud = cloud
        self._lock = threading.Lock()
        self._idle: dict[str, list[tuple[Sandbox, threading.Timer]]] = {}
        # Events wait their turn, as in Lambda's queue; a new account's functions run ten times at once in all
        self.turns = threading.Semaphore(int(cloud.options.get("function_concurrency", CONCURRENCY)))

    def take(self, function: Function) -> Sandbox:
        """Return a process that nobody uses: a warm one if there is one, else a new one."""
        with self._lock:
            waiting = self._idle.get(function.name)
            idle = waiting.pop() if waiting else None
        if idle is None:
            return Sandbox(self._cloud, function)
        sandbox, timer = idle
        timer.cancel()
        if sandbox.function.revision == function.revision:
            return sandbox
        sandbox.discard()
        return Sandbox(self._cloud, function)

    def give_back(self, sandbox: Sandbox) -> None:
        """Keep a process for the function's next invocation; some of each function are kept, for a while."""
        name = sandbox.function.name
        seconds = float(self._cloud.options.get("function_idle_seconds", IDLE_SECONDS))
        timer = threading.Timer(seconds, self._expire, [sandbox])
        timer.daemon = True
        with self._lock:
            waiting = self._idle.setdefault(name, [])
            reusable = len(waiting) < KEPT and not self._cloud.processes.stopped
            if reusable:
                waiting.append((sandbox, timer))
                timer.start()
        if not reusable:
            sandbox.discard()

    def retire(self, name: str) -> None:
        """End a function's waiting processes."""
        with self._lock:
            idle = self._idle.pop(name, [])
        for sandbox, timer in idle:
            timer.cancel()
            sandbox.discard()

    def _expire(self, sandbox: Sandbox) -> None:
        name = sandbox.function.name
        with self._lock:
            waiting = self._idle.get(name, [])
            expired = [entry for entry in waiting if entry[0] is sandbox]
            self._idle[name] = [entry for entry in waiting if entry[0] is not sandbox]
        if expired:
            sandbox.discard()
